package management

import (
	"net/http"

	"github.com/portico-iam/portico/internal/devokta/world"
)

// collection is a resource collection: an address for the list and, with item, one for each of its items. What is nil is
// not offered.
type collection[T any] struct {
	path string // of the list
	item string // the path variable of an item; "" = a list alone
	area string

	id   func(T) string
	show func(*call, T) any

	list    func(*call) ([]T, error)
	pages   pages
	find    func(*call) (T, error)
	create  func(*call) (T, error)
	created int // 0 = 200
	replace func(*call, T) error
	update  func(*call, T) error // by POST, of what the client names
	remove  func(*call, T) error

	// lifecycle maps the last part of an address to the state it leads to.
	lifecycle map[string]world.Status
	set       func(*call, T, world.Status) error
	// moved answers a change of state; nil is 204.
	moved func(*call, T) answer
}

// usual are the life-cycle operations of most resources.
var usual = map[string]world.Status{"activate": world.Active, "deactivate": world.Inactive}

func (c collection[T]) mount(h *Handler, mux *http.ServeMux) {
	list := methods{}
	if c.list != nil {
		list[http.MethodGet] = c.serveList
	}
	if c.create != nil {
		list[http.MethodPost] = c.serveCreate
	}
	h.on(mux, c.path, c.area, list)
	if c.item == "" {
		return
	}
	one := methods{http.MethodGet: c.withItem(func(call *call, item T) (answer, error) {
		return answer{status: http.StatusOK, body: c.show(call, item)}, nil
	})}
	for method, write := range map[string]func(*call, T) error{http.MethodPut: c.replace, http.MethodPost: c.update} {
		if write != nil {
			one[method] = c.withItem(func(call *call, item T) (answer, error) {
				if err := write(call, item); err != nil {
					return answer{}, err
				}
				return answer{status: http.StatusOK, body: c.show(call, item)}, nil
			})
		}
	}
	if c.remove != nil {
		one[http.MethodDelete] = c.withItem(func(call *call, item T) (answer, error) { return nothing, c.remove(call, item) })
	}
	path := c.path + "/{" + c.item + "}"
	h.on(mux, path, c.area, one)
	for name, to := range c.lifecycle {
		h.on(mux, path+"/lifecycle/"+name, c.area, methods{http.MethodPost: c.withItem(func(call *call, item T) (answer, error) {
			if err := c.set(call, item, to); err != nil {
				return answer{}, err
			}
			if c.moved == nil {
				return nothing, nil
			}
			return c.moved(call, item), nil
		})})
	}
}

func (c collection[T]) withItem(do func(*call, T) (answer, error)) operation {
	return func(call *call) (answer, error) {
		item, err := c.find(call)
		if err != nil {
			return answer{}, err
		}
		return do(call, item)
	}
}

func (c collection[T]) serveList(call *call) (answer, error) {
	all, err := c.list(call)
	if err != nil {
		return answer{}, err
	}
	page, next, err := paged(call, c.pages, all, c.id)
	if err != nil {
		return answer{}, err
	}
	shown := make([]any, 0, len(page))
	for _, item := range page {
		shown = append(shown, c.show(call, item))
	}
	return answer{status: http.StatusOK, body: shown, next: next, list: true}, nil
}

func (c collection[T]) serveCreate(call *call) (answer, error) {
	item, err := c.create(call)
	if err != nil {
		return answer{}, err
	}
	status := c.created
	if status == 0 {
		status = http.StatusOK
	}
	return answer{status: status, body: c.show(call, item)}, nil
}
