package chaos

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/portico-iam/portico/internal/devokta"
	"github.com/portico-iam/portico/internal/seal"
	"github.com/portico-iam/portico/internal/testdb"
	"github.com/portico-iam/portico/internal/testwire"
)

const (
	replicas     = 3
	maxStaleness = 5 * time.Second
	// tokenLife has sessions refreshed all the time: that begins a minute before the token's end.
	tokenLife = 90 * time.Second
)

// cluster is everything that runs.
type cluster struct {
	t        *testing.T
	database *testdb.Server
	okta     *devokta.Server
	oktaWire *testwire.Wire
	replicas []*replica
	balancer *balancer
	public   string
	dsn      string // of the database itself, around the wires
}

// replica is one process, and its wire to the database.
type replica struct {
	t       *testing.T
	binary  string
	config  string
	clock   string
	address string
	admin   string
	wire    *testwire.Wire
	log     *os.File

	mu     sync.Mutex
	cmd    *exec.Cmd
	exited chan struct{}
}

// build makes the product, with a clock that can be set (cmd/portico/clock_chaos.go).
func build(t *testing.T, folder string) string {
	t.Helper()
	path := filepath.Join(folder, "portico")
	if out, err := exec.Command("go", "build", "-tags", "chaos", "-o", path, "../../cmd/portico").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return path
}

func startCluster(t *testing.T) *cluster {
	t.Helper()
	c := &cluster{t: t, database: testdb.NewServer(t)}
	c.balancer = newBalancer(t)
	c.public = "http://" + c.balancer.address
	c.startOkta()
	folder := t.TempDir()
	binary := build(t, folder)
	write(t, filepath.Join(folder, "key"), seal.RandomKey().Encode())
	world := c.okta.World()
	write(t, filepath.Join(folder, "secret"), world.WebClient.Secret+"\n")
	c.dsn = c.database.Config().DSN
	dsn, err := url.Parse(c.dsn)
	if err != nil {
		t.Fatal(err)
	}
	for i := range replicas {
		r := &replica{t: t, binary: binary, clock: filepath.Join(folder, fmt.Sprint("clock", i)), address: free(t), admin: free(t)}
		r.wire = testwire.New(t, func() (net.Conn, error) { return net.Dial("unix", c.database.Socket()) }, nil)
		through := *dsn
		through.Host, through.RawQuery = r.wire.Address, "sslmode=disable"
		r.config = filepath.Join(folder, fmt.Sprintf("portico%d.yaml", i))
		write(t, r.clock, "0s")
		write(t, r.config, fmt.Sprintf(`
server: { listen: %q, publicUrl: %q, adminListen: %q }
iam: { discoveryUrl: %q, clientId: %q, clientSecretFile: %q }
sts: { iam: { tokenValidation: { aud: %q } }, token: { keyEncryptionKeyFile: %q } }
store: { driver: postgres, dsn: %q, maxStaleness: %s }
observability: { accessLog: false }
limits: { requestsPerPrincipal: 0 } # a few people are the whole load
`, r.address, c.public, r.admin, world.DiscoveryURL, world.WebClient.ID, filepath.Join(folder, "secret"), world.Audience,
			filepath.Join(folder, "key"), through.String(), maxStaleness))
		if r.log, err = os.Create(filepath.Join(folder, fmt.Sprintf("log%d", i))); err != nil {
			t.Fatal(err)
		}
		c.replicas = append(c.replicas, r)
		r.start()
		t.Cleanup(r.close)
	}
	c.balancer.watch(t, c.replicas)
	eventually(t, "all replicas are ready", func() bool { return c.balancer.ready() == replicas })
	return c
}

// startOkta runs the development Okta behind a wire.
func (c *cluster) startOkta() {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		c.t.Fatal(err)
	}
	c.oktaWire = testwire.New(c.t, func() (net.Conn, error) { return net.Dial("tcp", listener.Addr().String()) }, nil)
	_, port, _ := net.SplitHostPort(c.oktaWire.Address)
	c.okta, err = devokta.New(devokta.Config{
		PublicURL: "http://localhost:" + port, WebRedirectURIs: []string{c.public + "/.apisix/redirect"}, WebLogoutURIs: []string{c.public + "/"},
		Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		c.t.Fatal(err)
	}
	c.okta.SetAccessTokenLifetime(tokenLife)
	if err := c.okta.AddUser(devokta.User{Login: "gerd@acme.test", Given: "Gerd", Family: "Guest", Groups: []string{"Acme Audit"}}); err != nil {
		c.t.Fatal(err)
	}
	server := &http.Server{Handler: c.okta.Handler(), ReadHeaderTimeout: 10 * time.Second}
	done := make(chan error, 1)
	go func() { done <- server.Serve(listener) }()
	c.t.Cleanup(func() { server.Close(); <-done; c.okta.Close() })
}

// start begins the process, and waits for nothing.
func (r *replica) start() {
	r.mu.Lock()
	defer r.mu.Unlock()
	cmd := exec.Command(r.binary, "serve", "--config", r.config)
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	cmd.Env = append(os.Environ(), "CHAOS_CLOCK="+r.clock)
	cmd.Stdout, cmd.Stderr = r.log, r.log
	if err := cmd.Start(); err != nil {
		r.t.Error(err)
		return
	}
	exited := make(chan struct{})
	r.cmd, r.exited = cmd, exited
	go func() { _ = cmd.Wait(); close(exited) }()
}

// end ends the process by a signal, and waits until it is gone.
func (r *replica) end(signal os.Signal) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.cmd == nil {
		return
	}
	if err := r.cmd.Process.Signal(signal); err != nil && !errors.Is(err, os.ErrProcessDone) {
		r.t.Error(err)
	}
	<-r.exited
	r.cmd = nil
}

// revive starts the process again if it has ended by itself, as a supervisor does.
func (r *replica) revive() {
	r.mu.Lock()
	ended := r.cmd == nil
	if !ended {
		select {
		case <-r.exited:
			ended = true
		default:
		}
	}
	r.mu.Unlock()
	if ended {
		r.start()
	}
}

// close ends it; what it said last is shown when the test has failed.
func (r *replica) close() {
	r.end(syscall.SIGKILL)
	r.log.Close()
	if text, err := os.ReadFile(r.log.Name()); err == nil && r.t.Failed() {
		r.t.Logf("%s: … %s", filepath.Base(r.config), text[max(0, len(text)-4000):])
	}
}

func (r *replica) setClock(off time.Duration) { write(r.t, r.clock, off.String()) }

// balancer sends each request to a replica that says it is ready, as a cluster's does.
type balancer struct {
	address string
	targets atomic.Pointer[[]*replica]
	next    atomic.Uint64
}

func newBalancer(t *testing.T) *balancer {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	b := &balancer{address: listener.Addr().String()}
	b.targets.Store(&[]*replica{})
	proxy := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.Out.URL.Scheme, r.Out.URL.Host, r.Out.Host = "http", "replica", r.In.Host
		},
		Transport:    &http.Transport{DialContext: b.dial, DisableKeepAlives: true},
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, _ error) { w.WriteHeader(http.StatusBadGateway) },
		ErrorLog:     slog.NewLogLogger(slog.DiscardHandler, slog.LevelError),
	}
	server := &http.Server{Handler: proxy, ReadHeaderTimeout: 10 * time.Second}
	done := make(chan error, 1)
	go func() { done <- server.Serve(listener) }()
	t.Cleanup(func() { server.Close(); <-done })
	return b
}

// dial connects to the next replica that is ready; to one that does not take it, it goes on to another.
func (b *balancer) dial(ctx context.Context, network, _ string) (conn net.Conn, err error) {
	targets := *b.targets.Load()
	err = errors.New("no replica is ready")
	at := int(b.next.Add(1))
	for i := range targets {
		dialer := net.Dialer{Timeout: time.Second}
		if conn, err = dialer.DialContext(ctx, network, targets[(at+i)%len(targets)].address); err == nil {
			return conn, nil
		}
	}
	return nil, err
}

func (b *balancer) ready() int { return len(*b.targets.Load()) }

// watch asks each replica four times a second whether it is ready.
func (b *balancer) watch(t *testing.T, all []*replica) {
	ctx, stop := context.WithCancel(context.Background())
	var watching sync.WaitGroup
	t.Cleanup(func() { stop(); watching.Wait() })
	watching.Go(func() {
		for ctx.Err() == nil {
			is := make([]bool, len(all))
			var asking sync.WaitGroup
			for i, r := range all {
				asking.Go(func() { is[i] = healthy(ctx, r) })
			}
			asking.Wait()
			var ready []*replica
			for i, r := range all {
				if is[i] {
					ready = append(ready, r)
				}
			}
			b.targets.Store(&ready)
			select {
			case <-ctx.Done():
			case <-time.After(250 * time.Millisecond):
			}
		}
	})
}

func healthy(ctx context.Context, r *replica) bool {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+r.admin+"/health/ready", http.NoBody)
	if err != nil {
		return false
	}
	resp, err := transport.RoundTrip(req)
	if err != nil {
		return false
	}
	_, _ = io.Copy(io.Discard, resp.Body)
	resp.Body.Close()
	return resp.StatusCode == http.StatusNoContent
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func free(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !is(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("a minute later it is still not so: %s", what)
		}
	}
}
