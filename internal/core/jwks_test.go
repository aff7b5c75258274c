package core

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// settle waits for a fetch in the background.
func (w *world) settle() { w.core.keys.tasks.Wait() }

func TestStartRetries(t *testing.T) {
	down := reply{err: errors.New("connection refused")}
	for name, tt := range map[string]struct {
		script []reply
		waits  string
		fails  bool
	}{
		"at once":           {nil, "[0s]", false},
		"on the second":     {[]reply{{status: 500}}, "[0s 1s]", false},
		"on the last":       {[]reply{{status: 503}, down, {status: 404}}, "[0s 1s 2s 5s]", false},
		"never":             {[]reply{down, down, down, down}, "[0s 1s 2s 5s]", true},
		"redirected":        {[]reply{{status: 302, header: http.Header{"Location": {"https://elsewhere.test"}}}}, "[0s 1s]", false},
		"not JSON at first": {[]reply{{status: 200, body: "<html>"}}, "[0s 1s]", false},
		"a key that is not Ed25519 is not retried": {[]reply{{status: 200, body: jwks(`{"kty":"RSA","kid":"r","n":"AQ","e":"AQAB"}`)}}, "[0s]", true},
	} {
		w := newWorld(t)
		w.jwks.next(w.jwks.keys, tt.script...)
		err := w.core.Start(t.Context())
		var waits []string
		for _, d := range w.waits {
			waits = append(waits, d.String())
		}
		if got := "[" + strings.Join(waits, " ") + "]"; (err != nil) != tt.fails || got != tt.waits || w.jwks.fetched() != len(waits) {
			t.Errorf("%s: got %v after %s and %d fetches", name, err, got, w.jwks.fetched())
		}
		status := 200
		if tt.fails {
			status = 401
		}
		w.expect(w.token(), "GET", probe, "", status, "")
	}
}

func TestStartEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := newWorld(t).core.Start(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

// The pauses of the start and the bound of a fetch, by the real timers in the bubble's time.
func TestStartInRealTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, func(c *Config) {
			c.Wait, c.Now = nil, nil
			c.HTTP = &http.Client{Transport: silent{}}
		})
		at := time.Now()
		err := w.core.Start(t.Context())
		if took := time.Since(at); !errors.Is(err, context.DeadlineExceeded) || took != 4*fetchTimeout+8*time.Second {
			t.Errorf("got %v after %v", err, took)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		if err := pause(ctx, time.Hour); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("pause: got %v", err)
		}
	})
}

// silent accepts the connection, sends a header and then nothing.
type silent struct{}

func (silent) RoundTrip(r *http.Request) (*http.Response, error) {
	body, theirs := io.Pipe()
	context.AfterFunc(r.Context(), func() { theirs.CloseWithError(r.Context().Err()) })
	return &http.Response{StatusCode: 200, Body: body, Request: r}, nil
}

func TestRefreshHappensBehindTheRequest(t *testing.T) {
	w := start(t)
	old, rotated := w.token(), seeded(3)
	fresh := w.token(header("kid", "k2"), signedBy(rotated))
	w.jwks.next(jwks(jwk("k2", rotated)))

	w.clock.advance(599 * time.Second)
	w.expect(fresh, "GET", probe, "", 401, "") // an unknown kid fetches nothing
	w.settle()
	if w.jwks.fetched() != 1 {
		t.Fatalf("fetched %d times before the set had aged", w.jwks.fetched())
	}
	w.clock.advance(time.Second)
	w.expect(old, "GET", probe, "", 200, "") // this one still goes by the old set
	w.settle()
	w.expect(fresh, "GET", probe, "", 200, "")
	w.expect(old, "GET", probe, "", 401, "") // its key is gone
	if w.jwks.fetched() != 2 {
		t.Errorf("expected 2 fetches, got %d", w.jwks.fetched())
	}
}

func TestFailedRefreshKeepsTheKeysUntilTheyExpire(t *testing.T) {
	w := start(t, func(c *Config) { c.Auth.STS.JWKSExpireAfter = 1200 * time.Second })
	long := w.token(claim("exp", began.Unix()+1e6))
	down := reply{status: 500}
	w.jwks.next(w.jwks.keys, down, down, down)

	w.clock.advance(600 * time.Second)
	for range 3 { // the failure keeps the next attempt away for a while
		w.expect(long, "GET", probe, "", 200, "")
		w.settle()
	}
	if w.jwks.fetched() != 2 || !strings.Contains(w.log.String(), "key set not refreshed") {
		t.Errorf("expected one refresh and its warning, got %d fetches: %s", w.jwks.fetched(), w.log)
	}
	w.clock.advance(refreshPause)
	w.expect(long, "GET", probe, "", 200, "")
	w.settle()
	if w.jwks.fetched() != 3 {
		t.Errorf("expected another refresh, got %d fetches", w.jwks.fetched())
	}
	w.clock.advance(600*time.Second - refreshPause)
	w.expect(long, "GET", probe, "", 401, "") // 1200 s old
	w.settle()
	w.clock.advance(refreshPause)
	w.expect(long, "GET", probe, "", 401, "") // it still stands for expired, and has the keys fetched
	w.settle()
	w.expect(long, "GET", probe, "", 200, "")
}

func TestWithoutExpiryOldKeysStay(t *testing.T) {
	w := start(t, func(c *Config) { c.Auth.STS.JWKSExpireAfter = 0 })
	long := w.token(claim("exp", began.AddDate(2, 0, 0).Unix()))
	w.jwks.next("<html>")
	w.clock.advance(365 * 24 * time.Hour)
	w.expect(long, "GET", probe, "", 200, "")
	w.settle()
	w.expect(long, "GET", probe, "", 200, "")
}

// Many requests find the set aged at once: one fetch.
func TestRefreshIsSingleFlight(t *testing.T) {
	w := start(t)
	held := &gate{inner: w.jwks, open: make(chan struct{})}
	w.core.keys.client.Transport = held
	w.clock.advance(601 * time.Second)
	token := w.token()
	var wg sync.WaitGroup
	for range 50 {
		wg.Go(func() { w.expect(token, "GET", probe, "", 200, "") })
	}
	wg.Wait()
	close(held.open)
	w.settle()
	if w.jwks.fetched() != 2 {
		t.Errorf("expected one refresh, got %d fetches", w.jwks.fetched())
	}
}

// gate holds every call until it is opened, or given up.
type gate struct {
	inner http.RoundTripper
	open  chan struct{}
}

func (g *gate) RoundTrip(r *http.Request) (*http.Response, error) {
	select {
	case <-g.open:
		return g.inner.RoundTrip(r)
	case <-r.Context().Done():
		return nil, r.Context().Err()
	}
}

// TestRefreshKeysFetchesAtOnce, whatever the age of the set, and once more where a fetch was under way: that may have got
// what was published before.
func TestRefreshKeysFetchesAtOnce(t *testing.T) {
	w := start(t)
	token := w.token()
	w.expect(token, "GET", probe, "", 200, "")
	w.jwks.next(jwks())
	w.core.RefreshKeys()
	w.settle()
	w.expect(token, "GET", probe, "", 401, "")
	if n := w.jwks.fetched(); n != 2 {
		t.Errorf("%d fetches, want 2", n)
	}

	w = start(t)
	token = w.token()
	held := &gate{inner: w.jwks, open: make(chan struct{})}
	w.core.keys.client.Transport = held
	w.jwks.next(jwks(), reply{status: 200, body: w.jwks.keys}) // what is under way has the key still
	w.core.RefreshKeys()
	w.core.RefreshKeys()
	close(held.open)
	w.settle()
	w.expect(token, "GET", probe, "", 200, "") // and this request has it fetched anew
	w.settle()
	w.expect(token, "GET", probe, "", 401, "")
}

func TestCloseEndsARefreshAndStartsNoOther(t *testing.T) {
	w := start(t)
	w.core.keys.client.Transport = &gate{open: make(chan struct{})}
	w.clock.advance(601 * time.Second)
	token := w.token()
	w.expect(token, "GET", probe, "", 200, "")
	w.core.Close() // returns only once the fetch has ended
	w.clock.advance(refreshPause)
	w.expect(token, "GET", probe, "", 200, "")
	w.core.keys.client.Transport = w.jwks
	w.clock.advance(refreshPause)
	w.core.keys.refreshBehind(w.core.keys.set.Load(), w.clock.now())
	w.core.Close()
	if w.jwks.fetched() != 1 {
		t.Errorf("got %d fetches", w.jwks.fetched())
	}
}

// A request that was slow to find its set aged does not have the new one fetched again.
func TestAReplacedSetIsNotRefreshed(t *testing.T) {
	w := start(t)
	keys := w.core.keys
	old := keys.set.Load()
	w.clock.advance(601 * time.Second)
	keys.refreshBehind(old, w.clock.now())
	w.settle()
	keys.refreshBehind(old, w.clock.now())
	w.settle()
	if w.jwks.fetched() != 2 {
		t.Errorf("expected one refresh, got %d fetches", w.jwks.fetched())
	}
}

func TestParseKeys(t *testing.T) {
	good := jwk("k1", seeded(0))
	for name, tt := range map[string]struct {
		body string
		keys int
		bad  bool
	}{
		"one":                         {jwks(good), 1, false},
		"none":                        {jwks(), 0, false},
		"two":                         {jwks(good, jwk("k2", seeded(1))), 2, false},
		"without kid is skipped":      {jwks(`{"kty":"RSA","n":"AQ","e":"AQAB"}`, good), 1, false},
		"kid null is skipped":         {jwks(`{"kty":"EC","kid":null}`, good), 1, false},
		"members beside keys":         {`{"x":1,"keys":[` + good + `]}`, 1, false},
		"RSA with kid":                {jwks(good, `{"kty":"RSA","kid":"r","n":"AQ","e":"AQAB"}`), 0, true},
		"EC with kid":                 {jwks(good, `{"kty":"EC","kid":"e","crv":"P-256","x":"AQ","y":"AQ"}`), 0, true},
		"X25519":                      {jwks(strings.Replace(good, "Ed25519", "X25519", 1)), 0, true},
		"Ed448":                       {jwks(strings.Replace(good, "Ed25519", "Ed448", 1)), 0, true},
		"oct":                         {jwks(`{"kty":"oct","kid":"o","k":"AQ"}`), 0, true},
		"x short":                     {jwks(`{"kty":"OKP","crv":"Ed25519","kid":"s","x":"AQ"}`), 0, true},
		"x padded":                    {jwks(strings.Replace(good, `"}`, `="}`, 1)), 0, true},
		"x absent":                    {jwks(`{"kty":"OKP","crv":"Ed25519","kid":"s"}`), 0, true},
		"kid a number":                {jwks(`{"kty":"OKP","crv":"Ed25519","kid":1}`), 0, true},
		"kid twice":                   {jwks(good, jwk("k1", seeded(1))), 0, true},
		"key no object":               {`{"keys":["x"]}`, 0, true},
		"crv only in other case":      {jwks(strings.Replace(good, `"crv"`, `"CRV"`, 1)), 0, true},
		"keys absent":                 {`{}`, 0, true},
		"keys null":                   {`{"keys":null}`, 0, true},
		"keys twice":                  {`{"keys":[],"keys":[]}`, 0, true},
		"array":                       {`[]`, 0, true},
		"empty":                       {``, 0, true},
		"more behind":                 {jwks() + jwks(), 0, true},
		"deeply nested in another":    {`{"x":` + strings.Repeat("[", 20000), 0, true},
		"one bad key spoils them all": {jwks(good, `{"kid":"x"}`, jwk("k2", seeded(1))), 0, true},
	} {
		keys, err := parseKeys([]byte(tt.body))
		if (err != nil) != tt.bad || len(keys) != tt.keys {
			t.Errorf("%s: got %d keys, %v", name, len(keys), err)
		}
	}
}
