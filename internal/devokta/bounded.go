package devokta

import "container/list"

// bounded is a map that forgets its oldest entry rather than grow past max. Guarded by Server.mu.
type bounded[V any] struct {
	max   int
	items map[string]*list.Element
	order *list.List // oldest first
}

type boundedItem[V any] struct {
	key   string
	value V
}

func newBounded[V any](max int) *bounded[V] {
	return &bounded[V]{max: max, items: map[string]*list.Element{}, order: list.New()}
}

func (b *bounded[V]) put(key string, value V) {
	if e, ok := b.items[key]; ok {
		e.Value = boundedItem[V]{key, value}
		return
	}
	if b.order.Len() >= b.max {
		b.removeElement(b.order.Front())
	}
	b.items[key] = b.order.PushBack(boundedItem[V]{key, value})
}

func (b *bounded[V]) get(key string) (V, bool) {
	e, ok := b.items[key]
	if !ok {
		var zero V
		return zero, false
	}
	return e.Value.(boundedItem[V]).value, true
}

func (b *bounded[V]) remove(key string) {
	if e, ok := b.items[key]; ok {
		b.removeElement(e)
	}
}

func (b *bounded[V]) removeElement(e *list.Element) {
	delete(b.items, e.Value.(boundedItem[V]).key)
	b.order.Remove(e)
}

func (b *bounded[V]) len() int { return b.order.Len() }

func (b *bounded[V]) clear() {
	clear(b.items)
	b.order.Init()
}

// all iterates oldest first; the entry in hand may be removed.
func (b *bounded[V]) all(yield func(string, V) bool) {
	for e := b.order.Front(); e != nil; {
		next := e.Next()
		item := e.Value.(boundedItem[V])
		if !yield(item.key, item.value) {
			return
		}
		e = next
	}
}
