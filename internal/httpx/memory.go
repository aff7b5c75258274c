package httpx

import (
	"context"
	"errors"
	"net"
	"net/http"
	"sync"
	"time"
)

// Memory is a listener without a port: who holds it can call the server behind it, nobody else can.
type Memory struct {
	conns chan net.Conn
	done  chan struct{}
	once  sync.Once
}

var _ net.Listener = (*Memory)(nil)

// NewMemory returns a listener that is ready to accept.
func NewMemory() *Memory {
	return &Memory{conns: make(chan net.Conn), done: make(chan struct{})}
}

// Accept waits for a call of Transport's.
func (m *Memory) Accept() (net.Conn, error) {
	select {
	case c := <-m.conns:
		select {
		case <-m.done: // closed at the same moment: a server that stops would leave this one open
			c.Close()
			return nil, net.ErrClosed
		default:
			return c, nil
		}
	case <-m.done:
		return nil, net.ErrClosed
	}
}

// Close ends the listener.
func (m *Memory) Close() error {
	m.once.Do(func() { close(m.done) })
	return nil
}

// Addr names the listener; there is nothing to dial.
func (m *Memory) Addr() net.Addr { return memoryAddr{} }

// Transport reaches the server behind the listener, whatever host the URL names.
func (m *Memory) Transport() *http.Transport {
	return &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			ours, theirs := net.Pipe()
			select {
			case m.conns <- theirs:
				return ours, nil
			case <-m.done:
				return nil, errors.New("the server in memory is closed")
			case <-ctx.Done():
				return nil, ctx.Err()
			}
		},
		MaxIdleConnsPerHost: 64,
		IdleConnTimeout:     time.Minute,
	}
}

type memoryAddr struct{}

func (memoryAddr) Network() string { return "memory" }
func (memoryAddr) String() string  { return "memory" }
