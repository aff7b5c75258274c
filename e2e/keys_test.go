package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/time/rate"

	"github.com/portico-iam/portico/internal/config"
)

// keysState is as much of the API's answer as the tests need.
type keysState struct {
	Values []struct{ KID, State string }
}

func (b *browser) keys() (k keysState) {
	b.t.Helper()
	mustStatus(b.t, b.call("GET", "/api/sts/key/v1", nil, &k), http.StatusOK)
	return k
}

func (k keysState) in(state string) string {
	for _, v := range k.Values {
		if v.State == state {
			return v.KID
		}
	}
	return ""
}

// knows tells whether every verifier has fetched the active and the next key.
func (b *browser) knows(names ...string) bool {
	var list struct {
		Verifiers []struct{ Name, Knowledge string }
	}
	mustStatus(b.t, b.call("GET", "/api/sts/key/v1", nil, &list), http.StatusOK)
	known := map[string]bool{}
	for _, v := range list.Verifiers {
		known[v.Name] = known[v.Name] || v.Knowledge == "knows"
	}
	for _, name := range names {
		if !known[name] {
			return false
		}
	}
	return true
}

// load sends requests that Core checks a token for, until it is stopped, and counts those that Core refuses to know.
type load struct {
	done           chan struct{}
	workers        sync.WaitGroup
	served, denied atomic.Int64
	first          atomic.Pointer[string]
	token          atomic.Pointer[string]
}

func startLoad(t *testing.T, p *portico, workers int) *load {
	t.Helper()
	l := &load{done: make(chan struct{})}
	l.renew(t, p)
	pace := rate.NewLimiter(200, workers) // a second: what is tested needs the rest of the processor
	for range workers {
		l.workers.Go(func() {
			client := &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{}}
			defer client.CloseIdleConnections()
			for i := 0; ; i++ {
				select {
				case <-l.done:
					return
				default:
				}
				if pace.Wait(t.Context()) != nil {
					return
				}
				path := [...]string{"/api/organisation/v1", "/api/history/v1?showSystemHistory=true&pageSize=1"}[i%2]
				req, _ := http.NewRequest("GET", p.Info.PublicURL+path, nil)
				req.Header.Set("Authorization", "Bearer "+*l.token.Load())
				resp, err := client.Do(req)
				if err != nil {
					l.deny(err.Error())
					continue
				}
				var body struct{ Code string }
				_ = json.NewDecoder(resp.Body).Decode(&body)
				resp.Body.Close()
				switch {
				case resp.StatusCode == http.StatusOK:
					l.served.Add(1)
				case resp.StatusCode == http.StatusUnauthorized && body.Code == "PT_0001": // ours: its IAM token ended while the clock leapt
				default: // Core's 401 has no body
					l.deny(fmt.Sprint(resp.StatusCode, " ", resp.Header))
				}
			}
		})
	}
	t.Cleanup(l.stop)
	return l
}

func (l *load) deny(what string) {
	l.denied.Add(1)
	l.first.CompareAndSwap(nil, &what)
}

// renew brings an IAM token that lives by the clock of now.
func (l *load) renew(t *testing.T, p *portico) {
	token := serviceToken(t, p, 0)
	l.token.Store(&token)
}

func (l *load) stop() {
	select {
	case <-l.done:
	default:
		close(l.done)
		l.workers.Wait()
	}
}

// mustBeServed reads in Core's log why it refused: a token that was under way while the clock leapt may have ended.
func (l *load) mustBeServed(t *testing.T, log string) {
	t.Helper()
	l.stop()
	if n := strings.Count(log, "NoMatchingKey"); n > 0 {
		t.Errorf("%d tokens came whose key Core did not find", n)
	}
	ended := int64(strings.Count(log, "ExpiredToken"))
	if l.denied.Load() > ended {
		t.Errorf("%d requests were refused beside %d served, %d for a token that ended; the first: %s", l.denied.Load(), l.served.Load(), ended, *l.first.Load())
	}
	if l.served.Load() < 200 {
		t.Errorf("only %d requests were served: no load", l.served.Load())
	}
	t.Logf("%d requests served, %d of tokens that ended", l.served.Load(), ended)
}

func quickKeys(c *config.Config) {
	c.STS.Token.KeyRotation, c.STS.Token.KeyOverlap = time.Hour, time.Minute
	c.STS.Token.Verifiers = []config.Verifier{{Name: "core", JWKSCache: time.Minute}}
}

// keysTurnUnderLoad has keys activated by schedule, by hand and by a cut, and retired ones removed, by an accelerated
// clock, while requests that Core checks go on.
func keysTurnUnderLoad(t *testing.T, p *portico, core *lockedBuffer) {
	t.Helper()
	ada := p.browser()
	ada.signIn("/", "ada@acme.test")
	service(t, p, ada)
	l := startLoad(t, p, 8)
	active := ada.keys().in("active")
	fetched := func() {
		t.Helper()
		tries := 0
		eventually(t, "the verifier has fetched", func() bool {
			if tries++; tries%50 == 0 { // a fetch during the leap got the keys of before it, and counts as one after it
				p.pass(noPause)
				l.renew(t, p)
			}
			return ada.knows("core")
		})
	}
	leap := func(d time.Duration) {
		for passed := time.Duration(0); passed < d; passed += noPause {
			if passed < 12*time.Minute { // until the next key was published long enough
				p.pass(noPause)
			} else {
				p.advance(noPause)
			}
			l.renew(t, p)
			fetched()
		}
	}
	turned := func(how string) {
		t.Helper()
		eventually(t, "another key signs: "+how, func() bool {
			now := ada.keys().in("active")
			return now != "" && now != active
		})
		active = ada.keys().in("active")
		p.pass(noPause) // the embedded Core's keys age by this clock
		fetched()
		before := l.served.Load()
		eventually(t, "requests go on", func() bool { return l.served.Load() > before+50 || l.denied.Load() > 0 })
	}
	leap(time.Hour)
	turned("by schedule")
	leap(11 * time.Minute) // ten minutes after its retirement a key goes
	eventually(t, "the retired key goes", func() bool { return ada.keys().in("retired") == "" })
	mustStatus(t, ada.call("POST", "/api/sts/key/v1/rotation", map[string]any{}, nil), http.StatusNoContent)
	turned("by hand")
	if got := ada.call("POST", "/api/sts/key/v1/rotation", map[string]any{}, nil); got.status != http.StatusConflict || !strings.Contains(got.body, "PT_0020") {
		t.Errorf("a key that is published for moments: expected 409 PT_0020, got %d %s", got.status, got.body)
	}
	leap(20 * time.Minute)
	l.mustBeServed(t, core.String())

	// A cut is for emergencies: it refuses what is on its way by the key that was cut, and nothing after.
	l = startLoad(t, p, 8)
	mustStatus(t, ada.call("DELETE", "/api/sts/key/v1/"+active, nil, nil), http.StatusNoContent)
	turned("cut off")
	refused, before := l.denied.Load(), l.served.Load()
	eventually(t, "requests go on", func() bool { return l.served.Load() > before+50 })
	if l.stop(); l.denied.Load() > refused || refused > 8 {
		t.Errorf("%d requests of 8 clients were refused at the cut, and %d after", refused, l.denied.Load()-refused)
	}
}

func TestNoVerifierMissesAKey(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, start starter) {
		p := start(t, quickKeys)
		keysTurnUnderLoad(t, p, p.logs)
	})
}

// The other Core is a process of its own, whose clock does not leap, and which fetches every second.
func TestNoOtherCoreMissesAKey(t *testing.T) {
	t.Parallel()
	coreAt, _ := freePorts(t)
	p := start(t, func(c *config.Config) {
		quickKeys(c)
		c.Core.API.URL = "http://" + coreAt
	})
	other := launch(t, "Core is ready", "core", "--listen", coreAt, "--issuer", p.Info.PublicURL, "--jwks-refresh-after", "1s",
		"--jwks-uri", p.Info.PublicURL+"/.well-known/jwks.json?verifier=core", "--data", t.TempDir())
	keysTurnUnderLoad(t, p, other.errors)
}

// A key that signs before the verifier knows it is refused there: the load test can fail.
func TestAForcedRotationIsWhatItSays(t *testing.T) {
	t.Parallel()
	coreAt, _ := freePorts(t)
	p := start(t, func(c *config.Config) {
		quickKeys(c)
		c.Core.API.URL = "http://" + coreAt
	})
	other := launch(t, "Core is ready", "core", "--listen", coreAt, "--issuer", p.Info.PublicURL, "--jwks-refresh-after", "1h",
		"--jwks-uri", p.Info.PublicURL+"/.well-known/jwks.json?verifier=core", "--data", t.TempDir())
	ada := p.browser()
	ada.signIn("/", "ada@acme.test")
	mustStatus(t, ada.call("GET", "/api/organisation/v1", nil, nil), http.StatusOK)
	for range 2 { // the first key is known, the second is not
		mustStatus(t, ada.call("POST", "/api/sts/key/v1/rotation", map[string]any{"force": true, "kid": ada.keys().in("next")}, nil), http.StatusNoContent)
	}
	if got := ada.call("GET", "/api/organisation/v1", nil, nil); got.status != http.StatusUnauthorized || got.body != "" {
		t.Errorf("expected Core's bare 401, got %d %s", got.status, got.body)
	}
	eventually(t, "Core's log says why", func() bool { return strings.Contains(other.errors.String(), "NoMatchingKey") })
}

func TestKeysPage(t *testing.T) {
	t.Parallel()
	p := start(t, quickKeys)
	ada := p.browser()
	ada.signIn("/", "ada@acme.test")
	k := ada.keys()
	ada.open("/keys").mustContain(t, "Keys", k.in("active"), k.in("next"), "core", "Rotate now", "Cut off")
	ada.open("/keys/rotation").mustContain(t, "It is too early", k.in("next"))
	early := url.Values{"version": {k.in("next")}, "do": {"confirm"}}
	if got := ada.submit("/keys/rotation", early); got.status != http.StatusUnprocessableEntity || ada.keys().in("active") != k.in("active") {
		t.Errorf("too early, and not typed: got %d", got.status)
	}
	p.pass(12 * time.Minute)
	if got := ada.submit("/keys/rotation", url.Values{"version": {"another"}}); got.status != http.StatusConflict {
		t.Errorf("what was confirmed is another key: got %d", got.status)
	}
	ada.submit("/keys/rotation", early).mustContain(t, "The next key signs from now on.")
	now := ada.keys()
	if now.in("active") != k.in("next") || now.in("retired") != k.in("active") {
		t.Fatalf("got %+v", now)
	}
	cut := "/keys/" + now.in("active") + "/cut"
	ada.open(cut).mustContain(t, "for good", "as soon as it fetches")
	ada.submit(cut, url.Values{"version": {"active"}, "confirm": {now.in("active")[:8]}}).mustContain(t, "The key is cut off")
	eventually(t, "the embedded Core is told, and fetches long before its keys have aged", func() bool { return ada.knows("core") })
	if got := ada.keys(); got.in("active") != now.in("next") || strings.Contains(fmt.Sprint(got), now.in("active")) {
		t.Errorf("got %+v", got)
	}
	mustStatus(t, ada.open(cut), http.StatusNotFound)
	page := ada.open("/history?type=KEY")
	page.mustContain(t, "ada@acme.test", "Key activated", "Key revoked", k.in("next"))

	ivan := p.browser()
	ivan.signIn("/", "ivan@acme.test")
	for _, got := range []answer{ivan.open("/keys"), ivan.open("/keys/rotation"), ivan.submit("/keys/rotation", early)} {
		if got.status != http.StatusForbidden || !strings.Contains(got.body, "STS_KEY_") {
			t.Errorf("%s: expected 403 and what is missing, got %d", got.url, got.status)
		}
	}
	for _, c := range [][2]string{{"GET", ""}, {"POST", "/rotation"}, {"DELETE", "/" + ada.keys().in("active")}} {
		before := ada.keys().in("active")
		if got := ivan.call(c[0], "/api/sts/key/v1"+c[1], map[string]any{}, nil); got.status != http.StatusForbidden || ada.keys().in("active") != before {
			t.Errorf("%v: expected 403, got %d", c, got.status)
		}
	}
	if strings.Contains(ivan.open("/").body, `href="/keys"`) {
		t.Error("the section is offered to who may not see it")
	}
}
