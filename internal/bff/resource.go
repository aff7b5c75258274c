package bff

import (
	"cmp"
	"context"
	"net/http"
	"slices"
	"strings"

	"github.com/portico-iam/portico/internal/access"
	"github.com/portico-iam/portico/internal/authn"
	"github.com/portico-iam/portico/internal/coreapi"
	"github.com/portico-iam/portico/internal/httpx"
	"github.com/portico-iam/portico/internal/policy"
)

// body is a T as written. In a PATCH what is absent stays.
type body[T any] interface{ apply(*T) error }

// resource serves one kind of the admin API's rows, stored as T and shown as V.
type resource[ID ~string, T, V any] struct {
	list   func(context.Context, *access.Principal) ([]*T, error)
	get    func(context.Context, *access.Principal, ID) (*T, error)
	create func(context.Context, *access.Principal, T, policy.Seen) (*T, error)
	update func(ctx context.Context, by *access.Principal, id ID, seen policy.Seen, edit func(*T) error) (*T, error)
	remove func(ctx context.Context, by *access.Principal, id ID, seen policy.Seen) error

	body func() body[T] // an empty one, to be read into
	row  func(*T) row[ID]
	view func(*T) V
	made func(http.ResponseWriter, *authn.Caller) // before the answer to a change is written
}

// row is what every kind has in common.
type row[ID ~string] struct {
	id      ID
	name    string
	changed access.Changed
}

// mount puts the resource's addresses on mux, below path.
func (s resource[ID, T, V]) mount(mux *http.ServeMux, h *Handler, path string) {
	s.made = h.onProbation
	mux.Handle("GET "+path, h.called(s.serveList))
	mux.Handle("POST "+path, h.called(s.serveCreate))
	mux.Handle("GET "+path+"/{id}", h.called(s.serveGet))
	mux.Handle("PATCH "+path+"/{id}", h.called(s.servePatch))
	mux.Handle("DELETE "+path+"/{id}", h.called(s.serveDelete))
}

func (s resource[ID, T, V]) serveList(w http.ResponseWriter, r *http.Request, caller *authn.Caller) error {
	q := httpx.NewQuery(r.URL.RawQuery)
	page := q.Page("name", "createdDate", "lastModified")
	match := q.Text("name")
	if err := q.Err(); err != nil {
		return err
	}
	all, err := s.list(r.Context(), caller.Principal)
	if err != nil {
		return err
	}
	all = slices.DeleteFunc(slices.Clone(all), func(t *T) bool { return !match(s.row(t).name) })
	s.sort(all, page)
	values := []V{}
	for _, t := range httpx.Slice(all, page) {
		values = append(values, s.view(t))
	}
	httpx.WriteJSON(w, http.StatusOK, httpx.NewList(values, len(all), page.Size))
	return nil
}

// sort puts equal rows in the order of their ids, so that pages never overlap.
func (s resource[ID, T, V]) sort(all []*T, page httpx.Page) {
	slices.SortFunc(all, func(x, y *T) int {
		a, b := s.row(x), s.row(y)
		var order int
		switch page.Sort {
		case "name":
			order = cmp.Or(cmp.Compare(strings.ToLower(a.name), strings.ToLower(b.name)), cmp.Compare(a.name, b.name))
		case "lastModified":
			order = a.changed.ModifiedAt.Compare(b.changed.ModifiedAt)
		default:
			order = a.changed.CreatedAt.Compare(b.changed.CreatedAt)
		}
		order = cmp.Or(order, cmp.Compare(a.id, b.id))
		if page.Descending {
			return -order
		}
		return order
	})
}

func (s resource[ID, T, V]) serveCreate(w http.ResponseWriter, r *http.Request, caller *authn.Caller) error {
	written := s.body()
	if err := readBody(w, r, written); err != nil {
		return err
	}
	var t T
	if err := written.apply(&t); err != nil {
		return err
	}
	seen, err := seenPreview(r)
	if err != nil {
		return err
	}
	created, err := s.create(r.Context(), caller.Principal, t, seen)
	if err != nil {
		return err
	}
	s.made(w, caller)
	row := s.row(created)
	setRevision(w, row.changed.Revision)
	httpx.WriteJSON(w, http.StatusCreated, coreapi.Created{ID: string(row.id)})
	return nil
}

func (s resource[ID, T, V]) serveGet(w http.ResponseWriter, r *http.Request, caller *authn.Caller) error {
	id, err := pathID[ID](r)
	if err != nil {
		return err
	}
	if err := noQuery(r); err != nil {
		return err
	}
	t, err := s.get(r.Context(), caller.Principal, id)
	if err != nil {
		return err
	}
	setRevision(w, s.row(t).changed.Revision)
	httpx.WriteJSON(w, http.StatusOK, s.view(t))
	return nil
}

func (s resource[ID, T, V]) servePatch(w http.ResponseWriter, r *http.Request, caller *authn.Caller) error {
	id, err := pathID[ID](r)
	if err != nil {
		return err
	}
	seen, err := seenBy(r)
	if err != nil {
		return err
	}
	written := s.body()
	if err := readBody(w, r, written); err != nil {
		return err
	}
	if _, err := s.update(r.Context(), caller.Principal, id, seen, written.apply); err != nil {
		return err
	}
	s.made(w, caller)
	w.WriteHeader(http.StatusNoContent)
	return nil
}

func (s resource[ID, T, V]) serveDelete(w http.ResponseWriter, r *http.Request, caller *authn.Caller) error {
	id, err := pathID[ID](r)
	if err != nil {
		return err
	}
	seen, err := seenBy(r)
	if err != nil {
		return err
	}
	if err := noQuery(r); err != nil {
		return err
	}
	if err := s.remove(r.Context(), caller.Principal, id, seen); err != nil {
		return err
	}
	s.made(w, caller)
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// readBody reads a JSON body; a query has no place beside it.
func readBody(w http.ResponseWriter, r *http.Request, v any) error {
	if err := noQuery(r); err != nil {
		return err
	}
	return httpx.ReadJSON(w, r, v)
}
