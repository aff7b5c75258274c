package e2e

import (
	"bytes"
	"net"
	"net/url"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/portico-iam/portico/internal/store"
	"github.com/portico-iam/portico/internal/testdb"
)

// wire is the network between Portico and a PostgreSQL server, and what can go wrong on it.
type wire struct {
	listener net.Listener
	socket   string
	database store.Config // through the wire
	direct   store.Config // the same one, around it

	loseCommit atomic.Pointer[string] // the COMMIT of a change that mentions this arrives, its answer does not
	held       atomic.Pointer[chan struct{}]
	mu         sync.Mutex
	open       map[net.Conn]bool
	pumps      sync.WaitGroup
}

// newWire lays a wire to a fresh database of the server.
func newWire(t *testing.T, server *testdb.Server) *wire {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	direct := server.Config()
	address, err := url.Parse(direct.DSN)
	if err != nil {
		t.Fatal(err)
	}
	address.Host, address.RawQuery = listener.Addr().String(), "sslmode=disable"
	w := &wire{
		listener: listener, socket: server.Socket(), direct: direct, open: map[net.Conn]bool{},
		database: store.Config{Driver: store.Postgres, DSN: address.String()},
	}
	w.pumps.Go(w.serve)
	t.Cleanup(func() {
		_ = listener.Close()
		w.mend()
		w.cut()
		w.pumps.Wait()
	})
	return w
}

func (w *wire) serve() {
	for {
		client, err := w.listener.Accept()
		if err != nil {
			return
		}
		server, err := net.Dial("unix", w.socket)
		if err != nil {
			_ = client.Close()
			continue
		}
		w.mu.Lock()
		w.open[client], w.open[server] = true, true
		w.mu.Unlock()
		silenced := &atomic.Bool{}
		w.pumps.Go(func() {
			mentioned := false
			w.pump(server, client, func(sent []byte) bool {
				of := w.loseCommit.Load()
				mentioned = mentioned || of != nil && bytes.Contains(sent, []byte(*of))
				if !bytes.Contains(bytes.ToLower(sent), []byte("commit\x00")) {
					return true
				}
				if mentioned && w.loseCommit.CompareAndSwap(of, nil) {
					silenced.Store(true)
				}
				mentioned = false
				return true
			})
		})
		w.pumps.Go(func() { w.pump(client, server, func([]byte) bool { return !silenced.Load() }) })
	}
}

// pump passes on what pass admits, until one end hangs up.
func (w *wire) pump(to, from net.Conn, pass func([]byte) bool) {
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
		if !pass(buffer[:n]) {
			return
		}
		if _, err := to.Write(buffer[:n]); err != nil {
			return
		}
	}
}

func (w *wire) hangUp(conns ...net.Conn) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, c := range conns {
		_ = c.Close()
		delete(w.open, c)
	}
}

// cut ends every connection.
func (w *wire) cut() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for c := range w.open {
		_ = c.Close()
	}
}

// hold lets nothing pass, and hangs up on nobody.
func (w *wire) hold() {
	held := make(chan struct{})
	w.held.Store(&held)
}

// mend ends hold; what was held is lost.
func (w *wire) mend() {
	if held := w.held.Swap(nil); held != nil {
		close(*held)
	}
}
