package bff

import (
	"net/http/httputil"
	"sync"
)

const bufferSize = 32 << 10

// buffers lends the copy buffers of the proxy.
type buffers struct{ pool sync.Pool }

var _ httputil.BufferPool = (*buffers)(nil)

func newBuffers() *buffers {
	return &buffers{pool: sync.Pool{New: func() any { return new([bufferSize]byte) }}}
}

func (b *buffers) Get() []byte { return b.pool.Get().(*[bufferSize]byte)[:] }

func (b *buffers) Put(s []byte) { b.pool.Put((*[bufferSize]byte)(s)) }
