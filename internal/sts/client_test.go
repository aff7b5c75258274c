package sts_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/portico-iam/portico/internal/access"
	"github.com/portico-iam/portico/internal/config"
	"github.com/portico-iam/portico/internal/sts"
)

func TestAClientWithASecretAuthenticates(t *testing.T) {
	w := newDelegationWorld(t)
	const secret = "wrpr's secret: 24 characters"
	w.clients[0].Secret = config.Secret(secret)
	w.restart()
	form := exchange(map[string]string{"subject_token": "ivan for wrpr", "actor_token": "wrpr", "actor_token_type": sts.TypeAccessToken, "organisation_id": string(acme)}).Encode()
	basic := func(id, secret string) func(*http.Request) {
		return func(r *http.Request) { r.SetBasicAuth(id, secret) }
	}
	for rule, c := range map[string]struct {
		body   string
		change func(*http.Request)
		status int
	}{
		"by its secret":                       {form, basic("wrpr", strings.NewReplacer(" ", "+", "'", "%27", ":", "%3A").Replace(secret)), 200},
		"without":                             {form, nil, 401},
		"by a wrong one":                      {form, basic("wrpr", secret+"x"), 401},
		"by an empty one":                     {form, basic("wrpr", ""), 401},
		"as a client that has none":           {form, basic("bridge", ""), 401},
		"twice":                               {form, func(r *http.Request) { r.SetBasicAuth("wrpr", "x"); r.Header.Add("Authorization", "Bearer y") }, 401},
		"another's token":                     {exchange(map[string]string{"subject_token": "ivan"}).Encode(), basic("wrpr", "wrpr%27s+secret%3A+24+characters"), 401},
		"a user's token by it, alone":         {exchange(map[string]string{"subject_token": "ivan for wrpr"}).Encode(), nil, 401},
		"a client without one needs none":     {exchange(map[string]string{"subject_token": "ivan"}).Encode(), nil, 200},
		"an app token that was issued to it ": {exchange(map[string]string{"subject_token": "ivan may bridge", "actor_token": "bridge", "actor_token_type": sts.TypeAccessToken, "organisation_id": string(acme)}).Encode(), nil, 200},
	} {
		got := serve(w.Exchange, c.body, c.change)
		if got.Code != c.status || c.status == 401 && !strings.Contains(got.Body.String(), `"invalid_client"`) {
			t.Errorf("%s: got %d %s", rule, got.Code, got.Body)
		}
		if strings.Contains(got.Body.String(), "24 characters") {
			t.Errorf("%s: NT51 the secret is told", rule)
		}
	}
}

func TestAnIDTokenIsExchangedWhereItMay(t *testing.T) {
	b := newBench(t)
	x := &sts.Exchange{Service: b.Service, IDTokens: true, IAM: idTokens{}, History: silentHistory(b)}
	body := exchange(map[string]string{"subject_token": "an ID token", "subject_token_type": sts.TypeIDToken}).Encode()
	if got := serve(x, body, nil); got.Code != 200 {
		t.Errorf("got %d %s", got.Code, got.Body)
	}
	for name, value := range map[string]string{"an access token called one": "an access token", "an ID token called an access token": ""} {
		changes := map[string]string{"subject_token": "an ID token"}
		if value != "" {
			changes = map[string]string{"subject_token": value, "subject_token_type": sts.TypeIDToken}
		}
		if got := serve(x, exchange(changes).Encode(), nil); got.Code != 400 {
			t.Errorf("%s: got %d %s", name, got.Code, got.Body)
		}
	}
	// It names nobody who may act, and comes from the sign-in: only our own client, which is no service, could be the actor.
	form := exchange(map[string]string{"subject_token": "an ID token", "subject_token_type": sts.TypeIDToken, "actor_token": "an access token", "actor_token_type": sts.TypeAccessToken})
	if got := serve(x, form.Encode(), nil); got.Code != 400 {
		t.Errorf("delegated: got %d %s", got.Code, got.Body)
	}
}

func TestRefusedExchangesAreRecordedOnceAMinute(t *testing.T) {
	for rule, c := range map[string]struct {
		subject, actor string
		fields         []string
	}{
		"spliced":     {"ivan", "wrpr", nil},
		"for oneself": {"wrpr", "wrpr", nil},
		"may_act":     {"ivan may bridge", "wrpr", nil},
		"by an alias": {"ivan", "", []string{"client_id", "wrpr"}},
		"a target":    {"nora for wrpr", "wrpr", []string{"audience", "evil"}},
	} {
		w := newDelegationWorld(t)
		fields := append([]string{"organisation_id", string(acme)}, c.fields...)
		first, again := w.ask(t, c.subject, c.actor, fields...), w.ask(t, c.subject, c.actor, fields...)
		if len(w.record.entries) != 1 || first.reason != again.reason || first.status == 200 {
			t.Errorf("%s: got %+v, %d entries", rule, first, len(w.record.entries))
			continue
		}
		e := w.record.entries[0]
		user := w.iam[c.subject].principal
		if e.Action != "REJECTED" || e.User != user.Subject || !strings.Contains(first.reason, "(reference "+e.ID+")") ||
			!strings.Contains(string(e.Metadata), okta) || c.actor != "" && !strings.Contains(string(e.Metadata), `"actor":"wrpr"`) {
			t.Errorf("%s: recorded %+v %s, told %s", rule, e, e.Metadata, first.reason)
		}
	}
	w := newDelegationWorld(t)
	got := w.ask(t, "junk", "wrpr")
	if len(w.record.entries) != 1 || w.record.entries[0].User != "wrpr" || !strings.Contains(got.reason, "(reference "+w.record.entries[0].ID+")") {
		t.Errorf("a service that tries tokens: got %+v, %d entries", got, len(w.record.entries))
	}
	w = newDelegationWorld(t)
	w.ask(t, "junk", "")
	if len(w.record.entries) > 0 {
		t.Error("recorded what nobody knows whose it is")
	}
}

func TestAnEqualExchangeIsNotRecordedTwice(t *testing.T) {
	w := newDelegationWorld(t)
	first, again := w.ask(t, "ivan", "", "organisation_id", string(acme)), w.ask(t, "ivan", "", "organisation_id", string(acme))
	if first.token != again.token || len(w.record.entries) != 1 {
		t.Errorf("got %d entries", len(w.record.entries))
	}
}

// An app token that is exchanged while the mappings change rests on those of before, and says so.
func TestNT28_RightsKeepTheirVersion(t *testing.T) {
	b := newBench(t)
	x := &sts.Exchange{Service: b.Service, IAM: idTokens{}, History: silentHistory(b)}
	old := tokenOf(t, serve(x, exchange(map[string]string{"subject_token": "an access token", "organisation_id": string(acme)}).Encode(), nil))
	b.policy.changing = true // with every look
	got := serve(x, exchange(map[string]string{"subject_token": old}).Encode(), nil)
	if got.Code != 200 {
		return
	}
	if _, claims := verified(t, b.ring, tokenOf(t, got)); claims["mapping"] != 7.0 {
		t.Errorf("the rights of version 7 are told as those of %v", claims["mapping"])
	}
}

func TestDescriptionsHoldWhatRFC6749Admits(t *testing.T) {
	w := newDelegationWorld(t)
	for _, audience := range []string{"é", "\x1b[31m", `"`, `\`, "“x”", strings.Repeat("a", 300)} {
		got := w.ask(t, "ivan", "", "audience", audience)
		if got.code != "invalid_target" || strings.ContainsFunc(got.reason, func(r rune) bool { return r < 0x20 || r > 0x7e || r == '"' || r == '\\' }) {
			t.Errorf("%q: got %q", audience, got.reason)
		}
	}
}

func TestATokenAboutToEnd(t *testing.T) {
	w := newDelegationWorld(t)
	w.now = begin.Add(time.Hour - time.Millisecond)
	if got := w.ask(t, "ivan", ""); got.code != "invalid_request" || !strings.Contains(got.reason, "expired") {
		t.Errorf("expires_in 0 counts as never in some libraries: got %+v", got)
	}
}

func TestAWholeSignInFitsIntoATokenThatOpens(t *testing.T) {
	w := newDelegationWorld(t)
	rich := w.iam["ivan"]
	rich.principal.SignIn = access.SignIn{At: 1, Class: strings.Repeat("a", 128)}
	for range 16 {
		rich.principal.SignIn.Methods = append(rich.principal.SignIn.Methods, strings.Repeat("&", 128))
	}
	w.iam["ivan"] = rich
	token := w.ask(t, "ivan", "", "organisation_id", string(acme)).token
	if !w.isActive(token) {
		t.Errorf("a token of %d bytes does not open", len(token))
	}
}
