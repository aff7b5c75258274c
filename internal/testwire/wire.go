// Package testwire is a network between two programs of a test, and what can go wrong on it. Tests alone import it.
package testwire

import (
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// Wire passes on what comes to Address. It is made by New.
type Wire struct {
	Address string

	listener net.Listener
	dial     func() (net.Conn, error)
	filter   func() Filter
	held     atomic.Pointer[chan struct{}]
	delay    atomic.Int64
	down     atomic.Bool
	mu       sync.Mutex
	open     map[net.Conn]bool
	pumps    sync.WaitGroup
}

// Filter looks at what one connection carries, each way; false ends the connection without a word to the other end.
type Filter struct{ Up, Down func([]byte) bool }

// New lays a wire to where dial leads, until the test ends. filter makes one for each connection; nil: nobody looks.
func New(t testing.TB, dial func() (net.Conn, error), filter func() Filter) *Wire {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if filter == nil {
		filter = func() Filter { return Filter{} }
	}
	w := &Wire{Address: listener.Addr().String(), listener: listener, dial: dial, filter: filter, open: map[net.Conn]bool{}}
	w.pumps.Go(w.serve)
	t.Cleanup(func() {
		_ = listener.Close()
		w.Mend()
		w.Cut()
		w.pumps.Wait()
	})
	return w
}

func (w *Wire) serve() {
	for {
		client, err := w.listener.Accept()
		if err != nil {
			return
		}
		server, err := w.dial()
		if err == nil && w.down.Load() {
			_ = server.Close()
			err = net.ErrClosed
		}
		if err != nil {
			_ = client.Close()
			continue
		}
		w.mu.Lock()
		w.open[client], w.open[server] = true, true
		w.mu.Unlock()
		f := w.filter()
		w.pumps.Go(func() { w.pump(server, client, f.Up) })
		w.pumps.Go(func() { w.pump(client, server, f.Down) })
	}
}

// pump passes on what pass admits, until one end hangs up.
func (w *Wire) pump(to, from net.Conn, pass func([]byte) bool) {
	defer w.hangUp(to, from)
	buffer := make([]byte, 64<<10)
	for {
		n, err := from.Read(buffer)
		if err != nil {
			return
		}
		if held := w.held.Load(); held != nil {
			<-*held
			return
		}
		if delay := w.delay.Load(); delay > 0 {
			time.Sleep(time.Duration(delay))
		}
		if pass != nil && !pass(buffer[:n]) {
			return
		}
		if _, err := to.Write(buffer[:n]); err != nil {
			return
		}
	}
}

func (w *Wire) hangUp(conns ...net.Conn) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, c := range conns {
		_ = c.Close()
		delete(w.open, c)
	}
}

// Cut ends every connection.
func (w *Wire) Cut() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for c := range w.open {
		_ = c.Close()
	}
}

// Down ends every connection, and those that are made from now on.
func (w *Wire) Down() {
	w.down.Store(true)
	w.Cut()
}

// Hold lets nothing pass, and hangs up on nobody.
func (w *Wire) Hold() {
	held := make(chan struct{})
	w.held.Store(&held)
}

// Slow has everything take so much longer, each way.
func (w *Wire) Slow(delay time.Duration) { w.delay.Store(int64(delay)) }

// Mend ends Down, Hold and Slow; what was held is lost.
func (w *Wire) Mend() {
	w.delay.Store(0)
	w.down.Store(false)
	if held := w.held.Swap(nil); held != nil {
		close(*held)
	}
}
