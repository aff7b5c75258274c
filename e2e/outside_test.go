package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/portico-iam/portico/internal/config"
	"github.com/portico-iam/portico/internal/devokta"
	"github.com/portico-iam/portico/internal/store"
	"github.com/portico-iam/portico/internal/testdb"
)

const (
	hookSecret    = "the-secret-of-the-event-hook-0123456789"
	signalsStream = "https://portico.acme.test/signals"
)

// outside is a Portico that listens to whoever may tell that a sign-in is over.
type outside struct {
	*portico
	clientID string
}

func newOutside(t *testing.T, start starter) *outside {
	t.Helper()
	p := start(t, func(c *config.Config) {
		org, _, _ := strings.Cut(c.IAM.DiscoveryURL, "/oauth2/")
		c.Signals.GlobalTokenRevocation.Enabled = true
		c.Signals.SharedSignals = config.SharedSignals{Issuer: org, JWKSURI: org + "/oauth2/v1/keys", Audience: signalsStream, Poll: c.Signals.SharedSignals.Poll}
		c.Signals.EventHook.Secret = hookSecret
	})
	return &outside{p, p.Info.WebClient.ClientID}
}

func (o *outside) at(path string) string { return o.Info.PublicURL + path }

// wantAnswer checks how what was told was answered.
func wantAnswer(t *testing.T, what string, want int) func(devokta.Answer, error) {
	return func(a devokta.Answer, err error) {
		t.Helper()
		if err != nil || a.Status != want {
			t.Errorf("%s: expected %d, got %d %s, %v", what, want, a.Status, a.Body, err)
		}
	}
}

func (b *browser) in200() bool {
	return b.call("GET", "/api/user/v1/me", nil, nil).status == http.StatusOK
}

// TestSessionsEndedFromOutside tells Portico in each of the ways that Ivan's sign-in is over: his browser is out, nobody else's, and
// the history says who told.
func TestSessionsEndedFromOutside(t *testing.T) {
	onBoth(t, func(t *testing.T, start starter) {
		o := newOutside(t, start)
		ada := o.browser()
		ada.signIn("/", "ada@acme.test")
		const login = "ivan@acme.test"
		sub, err := o.Okta.UserID(login)
		if err != nil {
			t.Fatal(err)
		}
		sid := func() string {
			ids, err := o.Okta.SessionIDs(login)
			if err != nil || len(ids) == 0 {
				t.Fatal(ids, err)
			}
			return ids[len(ids)-1]
		}
		const caep, risc = "https://schemas.openid.net/secevent/caep/event-type/", "https://schemas.openid.net/secevent/risc/event-type/"
		byMail := map[string]any{"format": "email", "email": "Ivan@ACME.test"}
		event := func(name string, subject, payload map[string]any) func() (devokta.Answer, error) {
			return func() (devokta.Answer, error) {
				return o.Okta.SendEvent(t.Context(), o.at("/api/sts/ssf/v1"), signalsStream, name, subject, payload)
			}
		}
		hook := func(name string) func() (devokta.Answer, error) {
			return func() (devokta.Answer, error) {
				return o.Okta.SendEventHook(t.Context(), o.at("/api/sts/okta-event-hook/v1"), hookSecret, name, login)
			}
		}
		for _, c := range []struct {
			how    string
			want   int
			person bool // all that he holds, his access token too
			tell   func() (devokta.Answer, error)
		}{
			{"back-channel logout by sid", http.StatusOK, false, func() (devokta.Answer, error) {
				return o.Okta.SendLogoutToken(t.Context(), o.at("/logout/backchannel"), o.clientID, "", sid())
			}},
			{"back-channel logout by sub", http.StatusOK, false, func() (devokta.Answer, error) {
				return o.Okta.SendLogoutToken(t.Context(), o.at("/logout/backchannel"), o.clientID, sub, "")
			}},
			{"front-channel logout", http.StatusOK, false, func() (devokta.Answer, error) {
				resp, err := http.Get(o.at("/logout/frontchannel?" + url.Values{"iss": {o.Info.Issuer}, "sid": {sid()}}.Encode()))
				if err != nil {
					return devokta.Answer{}, err
				}
				return devokta.Answer{Status: resp.StatusCode}, resp.Body.Close()
			}},
			{"Universal Logout by e-mail", http.StatusNoContent, true, func() (devokta.Answer, error) {
				return o.Okta.SendUniversalLogout(t.Context(), o.at("/api/sts/global-token-revocation/v1"), o.clientID, login, "email")
			}},
			{"Universal Logout by iss_sub", http.StatusNoContent, true, func() (devokta.Answer, error) {
				return o.Okta.SendUniversalLogout(t.Context(), o.at("/api/sts/global-token-revocation/v1"), o.clientID, login, "iss_sub")
			}},
			{"session-revoked", http.StatusAccepted, false, func() (devokta.Answer, error) {
				return event(caep+"session-revoked", map[string]any{
					"format": "complex", "user": byMail, "session": map[string]any{"format": "opaque", "id": sid()},
				}, map[string]any{"event_timestamp": o.now().Unix()})()
			}},
			{"credential-change", http.StatusAccepted, true, event(caep+"credential-change", byMail, map[string]any{"credential_type": "password", "change_type": "update"})},
			{"device-compliance-change", http.StatusAccepted, true, event(caep+"device-compliance-change",
				map[string]any{"format": "complex", "user": byMail, "device": map[string]any{"format": "opaque", "id": "d"}},
				map[string]any{"previous_status": "compliant", "current_status": "not-compliant"})},
			{"account-disabled", http.StatusAccepted, true, event(risc+"account-disabled", byMail, map[string]any{"reason": "hijacking"})},
			{"account-purged", http.StatusAccepted, true, event(risc+"account-purged", map[string]any{"format": "iss_sub", "iss": o.Info.Issuer, "sub": sub}, map[string]any{})},
			{"sessions-revoked", http.StatusAccepted, true, event(risc+"sessions-revoked", byMail, map[string]any{})},
			{"user.lifecycle.deactivate", http.StatusNoContent, true, hook("user.lifecycle.deactivate")},
			{"user.lifecycle.suspend", http.StatusNoContent, true, hook("user.lifecycle.suspend")},
			{"user.session.clear", http.StatusNoContent, true, hook("user.session.clear")},
		} {
			o.advance(3 * time.Minute) // what was issued before a cut of the row before is refused for a while
			ivan := o.browser()
			ivan.signIn("/", login)
			token := ""
			if c.person {
				token = (&exchangeWorld{portico: o.portico}).userToken(login)
			}
			if !ivan.in200() {
				t.Fatalf("%s: he is not signed in", c.how)
			}
			wantAnswer(t, c.how, c.want)(c.tell())
			if ivan.in200() {
				t.Errorf("%s: he is still signed in", c.how)
			}
			if c.person && o.bearer("GET", "/api/user/v1/me", token).status == http.StatusOK {
				t.Errorf("%s: his access token counts", c.how)
			}
			if !ada.in200() {
				t.Errorf("%s: Ada is signed out", c.how)
			}
		}
		ada.open("/history?type=STS_SESSION&action=REVOKED").mustContain(t, "ivan@acme.test", "portico: back-channel logout", "portico: shared signals", "portico: Okta event hook")
	})
}

// TestEndedFromOutsideAtAnotherReplica: what one replica is told counts at the other, and a token that one has heard is used up at both.
func TestEndedFromOutsideAtAnotherReplica(t *testing.T) {
	s := serve(t, testdb.Config(t, store.Postgres), fmt.Sprintf("signals: { globalTokenRevocation: { enabled: true }, eventHook: { secret: %q } }", hookSecret))
	other, own := s.beside(t)
	there := func(path string) string { return "http://" + own + path }
	const login = "ivan@acme.test"
	okta, client := s.okta.Server, s.okta.world.WebClient.ID
	sub, err := okta.UserID(login)
	if err != nil {
		t.Fatal(err)
	}
	for how, tell := range map[string]func() (devokta.Answer, error){
		"back-channel logout": func() (devokta.Answer, error) {
			return okta.SendLogoutToken(t.Context(), s.publicURL+"/logout/backchannel", client, sub, "")
		},
		"event hook": func() (devokta.Answer, error) {
			return okta.SendEventHook(t.Context(), s.publicURL+"/api/sts/okta-event-hook/v1", hookSecret, "user.lifecycle.suspend", login)
		},
		"Universal Logout": func() (devokta.Answer, error) {
			return okta.SendUniversalLogout(t.Context(), s.publicURL+"/api/sts/global-token-revocation/v1", client, login, "iss_sub")
		},
	} {
		ivan := browserAt(t, s.publicURL)
		ivan.signIn("/", login)
		alive := func() bool { return ivan.call("GET", there("/api/user/v1/me"), nil, nil).status == http.StatusOK }
		if !alive() {
			t.Fatalf("%s: he is not signed in there", how)
		}
		if a, err := tell(); err != nil || a.Status >= 300 {
			t.Fatalf("%s: %d %s, %v", how, a.Status, a.Body, err)
		}
		eventually(t, how, func() bool { return !alive() })
	}
	token, err := okta.Sign(devokta.Statement{Type: "logout+jwt", Claims: map[string]any{
		"aud": client, "sub": sub, "exp": time.Now().Add(time.Minute).Unix(), "events": map[string]any{"http://schemas.openid.net/event/backchannel-logout": map[string]any{}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	for i, c := range []struct {
		address string
		want    int
	}{{s.publicURL, http.StatusOK}, {"http://" + own, http.StatusBadRequest}} {
		got := browserAt(t, c.address).post("/logout/backchannel", "application/x-www-form-urlencoded", url.Values{"logout_token": {token}}.Encode())
		if got.status != c.want || got.header.Get("Cache-Control") != "no-store" {
			t.Errorf("use %d: got %d %s", i+1, got.status, got.body)
		}
	}
	other.interrupt(t)
	s.interrupt(t)
}

// TestAGroupChangeIsFelt: Okta tells that somebody is in a group no more, and their next request knows.
func TestAGroupChangeIsFelt(t *testing.T) {
	o := newOutside(t, start)
	ada, ivan := o.browser(), o.browser()
	ada.signIn("/", "ada@acme.test")
	role := ada.create("/api/sts/role/v1", map[string]any{"name": "Readers", "permissions": []string{"STS_ROLE_LIST"}})
	ada.create("/api/sts/iam-role/v1", map[string]any{"name": "Acme Issuance", "systemRoles": []string{role}})
	ivan.signIn("/", "ivan@acme.test")
	mustStatus(t, ivan.call("GET", "/api/sts/role/v1", nil, nil), http.StatusOK)
	if err := o.Okta.SetUserGroups("ivan@acme.test"); err != nil {
		t.Fatal(err)
	}
	mustStatus(t, ivan.call("GET", "/api/sts/role/v1", nil, nil), http.StatusOK) // nobody said so yet
	wantAnswer(t, "the hook", http.StatusNoContent)(o.Okta.SendEventHook(t.Context(), o.at("/api/sts/okta-event-hook/v1"), hookSecret, "group.user_membership.remove", "ivan@acme.test"))
	mustStatus(t, ivan.call("GET", "/api/sts/role/v1", nil, nil), http.StatusForbidden)
	mustStatus(t, ivan.call("GET", "/api/user/v1/me", nil, nil), http.StatusOK) // he is signed in still
	wantAnswer(t, "the question", http.StatusOK)(o.Okta.VerifyEventHook(t.Context(), o.at("/api/sts/okta-event-hook/v1"), "what-okta-asks"))
	wantAnswer(t, "another secret", http.StatusUnauthorized)(o.Okta.SendEventHook(t.Context(), o.at("/api/sts/okta-event-hook/v1"), hookSecret+"x", "user.session.clear", "ada@acme.test"))
	mustStatus(t, ada.call("GET", "/api/user/v1/me", nil, nil), http.StatusOK)
}

// TestTheFrameOfFrontChannelLogout: of all pages it alone may be framed, by the identity provider alone; everything that is not switched on
// is not there.
func TestTheFrameOfFrontChannelLogout(t *testing.T) {
	p := start(t, nil)
	b := p.browser()
	frame := b.steps().open("/logout/frontchannel?" + url.Values{"iss": {p.Info.Issuer}, "sid": {"unknown"}}.Encode())
	mustStatus(t, frame, http.StatusOK)
	issuer, err := url.Parse(p.Info.Issuer)
	if err != nil {
		t.Fatal(err)
	}
	if got := frame.header.Get("Content-Security-Policy"); !strings.Contains(got, "frame-ancestors "+issuer.Scheme+"://"+issuer.Host+";") {
		t.Errorf("got %s", got)
	}
	if got := b.steps().open("/login").header.Get("Content-Security-Policy"); !strings.Contains(got, "frame-ancestors 'none'") {
		t.Errorf("another page: %s", got)
	}
	for _, path := range []string{"/api/sts/global-token-revocation/v1", "/api/sts/ssf/v1", "/api/sts/okta-event-hook/v1"} {
		if got := b.post(path, "application/json", "{}"); got.status != http.StatusNotFound && got.status != http.StatusUnauthorized {
			t.Errorf("%s: got %d", path, got.status)
		}
	}
}

// TestPolledFromOutside: events that wait at their transmitter are fetched, acted upon and acknowledged.
func TestPolledFromOutside(t *testing.T) {
	var mu sync.Mutex
	sets, acknowledged := map[string]string{}, []string{}
	transmitter := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		var ask struct{ Ack []string }
		if r.Header.Get("Authorization") != "Bearer the-poll-token" || json.NewDecoder(r.Body).Decode(&ask) != nil {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		for _, name := range ask.Ack {
			delete(sets, name)
			acknowledged = append(acknowledged, name)
		}
		json.NewEncoder(w).Encode(map[string]any{"sets": sets})
	}))
	defer transmitter.Close()
	p := start(t, func(c *config.Config) {
		org, _, _ := strings.Cut(c.IAM.DiscoveryURL, "/oauth2/")
		c.Signals.SharedSignals = config.SharedSignals{
			Issuer: org, JWKSURI: org + "/oauth2/v1/keys", Audience: signalsStream,
			Poll: config.SignalPoll{Endpoint: transmitter.URL, Token: "the-poll-token", Interval: 5 * time.Second},
		}
	})
	ivan := p.browser()
	ivan.signIn("/", "ivan@acme.test")
	token, err := p.Okta.Sign(devokta.Statement{Org: true, Type: "secevent+jwt", Claims: map[string]any{
		"aud": signalsStream, "jti": "polled", "sub_id": map[string]any{"format": "email", "email": "ivan@acme.test"},
		"events": map[string]any{"https://schemas.openid.net/secevent/risc/event-type/account-disabled": map[string]any{}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	mu.Lock()
	sets["polled"] = token
	mu.Unlock()
	eventually(t, "it is fetched", func() bool { return !ivan.in200() })
	eventually(t, "it is acknowledged", func() bool {
		mu.Lock()
		defer mu.Unlock()
		return slices.Equal(acknowledged, []string{"polled"})
	})
}
