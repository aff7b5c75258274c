package bff_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"
)

// appTokenFor exchanges the IAM token of somebody with that IAM role.
func (b *bench) appTokenFor(role string) string {
	b.t.Helper()
	got := b.call("", "POST", "/api/sts/token/v1", "grant_type=urn:ietf:params:oauth:grant-type:token-exchange"+
		"&subject_token_type=urn:ietf:params:oauth:token-type:access_token&organisation_id="+string(acme)+"&subject_token="+b.token(role), "Content-Type", formType)
	token, _ := got.object(b.t)["access_token"].(string)
	if token == "" {
		b.t.Fatalf("got %d %s", got.status, got.body)
	}
	return token
}

func TestNT36_OnlyServicesInTheAudienceLearnWhatATokenIsWorth(t *testing.T) {
	b := newBench(t, options{})
	b.maps("all", everything())
	token := b.appTokenFor("all")
	for client, active := range map[string]bool{"core": true, "stranger": false} {
		got := b.as(client, "POST", "/api/sts/token/v1/introspect", "token="+token+"&token_type_hint=access_token")
		if got.status != 200 || got.object(t)["active"] != active || got.header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s: got %d %s", client, got.status, got.body)
		}
		if !active && strings.TrimSpace(got.body) != `{"active":false}` {
			t.Errorf("%s learns %s", client, got.body)
		}
	}
	got := b.as("core", "POST", "/api/sts/token/v1/introspect", "token="+token).object(t)
	if got["sub"] != "who-all" || fmt.Sprint(got["aud"]) != "[one-core]" || got["organisationId"] != string(acme) || !strings.Contains(got["scope"].(string), "CREDENTIAL_ISSUE") {
		t.Errorf("got %v", got)
	}
	for _, junk := range []string{"junk", token + "x", strings.ToUpper(token), b.token("all")} {
		if got := b.as("core", "POST", "/api/sts/token/v1/introspect", "token="+junk); got.object(t)["active"] != false {
			t.Errorf("%.20s: got %s", junk, got.body)
		}
	}
	if got := b.as("", "POST", "/api/sts/token/v1/introspect", "token="+token); got.status != 401 {
		t.Errorf("nobody in particular: got %d %s", got.status, got.body)
	}
	if got := b.as("core", "POST", "/api/sts/token/v1/introspect?token="+token, ""); got.status != 400 {
		t.Errorf("in the address: got %d", got.status)
	}
}

func TestNT29_ARevokedTokenIsOver(t *testing.T) {
	b := newBench(t, options{})
	b.maps("all", everything())
	token := b.appTokenFor("all")
	active := func() any {
		return b.as("core", "POST", "/api/sts/token/v1/introspect", "token="+token).object(t)["active"]
	}
	if got := b.as("stranger", "POST", "/api/sts/token/v1/revoke", "token="+token); got.status != 400 || got.object(t)["error"] != "unauthorized_client" || active() != true {
		t.Errorf("a stranger: got %d %s", got.status, got.body)
	}
	if again := b.appTokenFor("all"); again != token {
		t.Log("tokens are not reused: the test below says less")
	}
	for range 2 { // RFC 7009 section 2.2: what is over already is no error
		if got := b.as("core", "POST", "/api/sts/token/v1/revoke", "token="+token); got.status != 200 || got.body != "" {
			t.Errorf("got %d %s", got.status, got.body)
		}
	}
	if active() != false {
		t.Error("it is still active")
	}
	if b.appTokenFor("all") == token {
		t.Error("it is handed out again")
	}
	got := b.call("", "POST", "/api/sts/token/v1", "grant_type=urn:ietf:params:oauth:grant-type:token-exchange"+
		"&subject_token_type=urn:ietf:params:oauth:token-type:access_token&subject_token="+token, "Content-Type", formType)
	if got.status != 400 || !strings.Contains(got.body, "revoked") {
		t.Errorf("it is exchanged: %d %s", got.status, got.body)
	}
}

// RFC 9728: who is not authenticated learns where tokens come from.
func TestAChallengeLeadsToTheAuthorizationServer(t *testing.T) {
	b := newBench(t, options{})
	metadata := b.call("", "GET", "/.well-known/oauth-protected-resource", "").object(t)
	if metadata["resource"] != public || fmt.Sprint(metadata["authorization_servers"]) != "["+issuer+"]" {
		t.Errorf("got %v", metadata)
	}
	where := `resource_metadata="` + public + `/.well-known/oauth-protected-resource"`
	for rule, c := range map[string]struct {
		got  answer
		want string
	}{
		"no token":      {b.call("", "GET", "/api/user/v1/me", ""), `Bearer realm="portico", ` + where},
		"a bad one":     {b.call("", "GET", "/api/user/v1/me", "", "Authorization", "Bearer x"), `Bearer realm="portico", error="invalid_token", ` + where},
		"Core's routes": {b.call("", "GET", "/api/credential/v1", ""), `Bearer realm="portico", ` + where},
		"introspection": {b.as("", "POST", "/api/sts/token/v1/introspect", "token=x"), `Bearer realm="portico", ` + where},
	} {
		if got := c.got.header.Get("WWW-Authenticate"); c.got.status != 401 || got != c.want {
			t.Errorf("%s: got %d %s", rule, c.got.status, got)
		}
	}
}

// RFC 9068 section 2.2: what the identity provider tells of the sign-in goes along.
func TestTheSignInIsPassedOn(t *testing.T) {
	b := newBench(t, options{})
	b.maps("all", everything())
	at := time.Now().Add(-time.Minute).Unix()
	b.claims = map[string]any{"auth_time": at, "acr": "urn:loa:2", "amr": []any{"pwd", 7, "otp"}}
	got := b.as("core", "POST", "/api/sts/token/v1/introspect", "token="+b.appTokenFor("all")).object(t)
	if text, _ := json.Marshal([]any{got["auth_time"], got["acr"], got["amr"]}); string(text) != fmt.Sprintf(`[%d,"urn:loa:2",["pwd","otp"]]`, at) {
		t.Errorf("got %s", text)
	}
}

func TestAClientWithASecretIsNotBelievedByItsTokenAlone(t *testing.T) {
	b := newBench(t, options{secret: "a secret of core: 24 characters"})
	b.maps("all", everything())
	token := b.appTokenFor("all")
	for _, path := range []string{"introspect", "revoke"} {
		if got := b.as("core", "POST", "/api/sts/token/v1/"+path, "token="+token); got.status != 401 || got.object(t)["error"] != "invalid_client" {
			t.Errorf("%s: got %d %s", path, got.status, got.body)
		}
	}
	basic := "Basic " + base64.StdEncoding.EncodeToString([]byte("core:a+secret+of+core%3A+24+characters"))
	got := b.call("", "POST", "/api/sts/token/v1/introspect", "token="+token, "Content-Type", formType, "Authorization", basic)
	if got.status != 200 || got.object(t)["active"] != true {
		t.Errorf("by its secret: got %d %s", got.status, got.body)
	}
}
