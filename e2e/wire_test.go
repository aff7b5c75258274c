package e2e

import (
	"bytes"
	"net"
	"net/url"
	"sync/atomic"
	"testing"

	"github.com/portico-iam/portico/internal/store"
	"github.com/portico-iam/portico/internal/testdb"
	"github.com/portico-iam/portico/internal/testwire"
)

// wire is the network between Portico and a PostgreSQL server.
type wire struct {
	*testwire.Wire
	database store.Config // through the wire
	direct   store.Config // the same one, around it

	loseCommit atomic.Pointer[string] // the COMMIT of a change that mentions this arrives, its answer does not
}

// newWire lays a wire to a fresh database of the server.
func newWire(t *testing.T, server *testdb.Server) *wire {
	t.Helper()
	w := &wire{direct: server.Config()}
	w.Wire = testwire.New(t, func() (net.Conn, error) { return net.Dial("unix", server.Socket()) }, w.filter)
	address, err := url.Parse(w.direct.DSN)
	if err != nil {
		t.Fatal(err)
	}
	address.Host, address.RawQuery = w.Address, "sslmode=disable"
	w.database = store.Config{Driver: store.Postgres, DSN: address.String()}
	return w
}

// filter watches one connection for the commit that is to be lost.
func (w *wire) filter() testwire.Filter {
	silenced, mentioned := &atomic.Bool{}, false
	return testwire.Filter{
		Up: func(sent []byte) bool {
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
		},
		Down: func([]byte) bool { return !silenced.Load() },
	}
}
