package sts_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/portico-iam/portico/internal/access"
	"github.com/portico-iam/portico/internal/fault"
	"github.com/portico-iam/portico/internal/sts"
)

func TestAppTokens(t *testing.T) {
	b := newBench(t)
	token, err := b.Issue(t.Context(), sts.Request{Principal: ivan(), Organisation: acme})
	if err != nil {
		t.Fatal(err)
	}
	header, claims := verified(t, b.ring, token.Value)
	if len(header) != 3 || header["alg"] != "EdDSA" || header["typ"] != "at+jwt" {
		t.Errorf("got the header %v", header)
	}
	if jti, _ := claims["jti"].(string); len(jti) != 36 {
		t.Errorf("jti %v", claims["jti"])
	}
	delete(claims, "jti")
	want := map[string]any{
		"iss": self, "aud": []any{"one-core"}, "sub": "ivan@acme.test", "subjectIssuer": "https://acme.okta.test", "client_id": "0oa1", "iat": float64(begin.Unix()),
		"exp": float64(begin.Add(5 * time.Minute).Unix()), "organisationId": string(acme), "mapping": 7.0,
		"permissions": []any{"CREDENTIAL_ISSUE", "CREDENTIAL_LIST"},
	}
	if fmt.Sprint(claims) != fmt.Sprint(want) {
		t.Errorf("got  %v\nwant %v", claims, want)
	}
	token, err = b.Issue(t.Context(), sts.Request{Principal: ivan()})
	if err != nil {
		t.Fatal(err)
	}
	if _, claims := verified(t, b.ring, token.Value); claims["organisationId"] != nil || fmt.Sprint(claims["permissions"]) != "[STS_ROLE_LIST]" {
		t.Errorf("a system token: got %v", claims)
	}
	b.policy.in[access.System] = access.PermissionSet{}
	token, _ = b.Issue(t.Context(), sts.Request{Principal: ivan()})
	if parts := strings.Split(token.Value, "."); !strings.Contains(string(mustDecode(parts[1])), `"permissions":[]`) {
		t.Error("no permissions are an empty list, not null")
	}
	if s := fmt.Sprintf("%v %+v %s", token, token, token); strings.Contains(s, token.Value) {
		t.Error("NT51: a token prints itself")
	}
}

func TestATokenNeverOutlivesTheMappingBehindIt(t *testing.T) {
	b := newBench(t)
	b.policy.until = begin.Add(time.Minute)
	token, err := b.Issue(t.Context(), sts.Request{Principal: ivan(), Organisation: acme})
	if err != nil || !token.ExpiresAt.Equal(b.policy.until) {
		t.Errorf("until %s, %v", token.ExpiresAt, err)
	}
	b.policy.until = begin.Add(time.Hour)
	token, err = b.Issue(t.Context(), sts.Request{Principal: &access.Principal{Issuer: "https://acme.okta.test", Subject: "else", NotAfter: begin.Add(time.Hour)}, Organisation: acme})
	if err != nil || !token.ExpiresAt.Equal(begin.Add(5*time.Minute)) {
		t.Errorf("a far end shortens it: until %s, %v", token.ExpiresAt, err)
	}
}

func TestATokenNeverOutlivesTheIAMTokenBehindIt(t *testing.T) {
	b := newBench(t)
	p := ivan()
	p.NotAfter = begin.Add(90*time.Second + 700*time.Millisecond)
	token, err := b.Issue(t.Context(), sts.Request{Principal: p, Organisation: acme})
	if err != nil {
		t.Fatal(err)
	}
	if _, claims := verified(t, b.ring, token.Value); claims["exp"] != float64(begin.Add(90*time.Second).Unix()) {
		t.Errorf("got exp %v", claims["exp"])
	}
	b.now = p.NotAfter
	if _, err := b.Issue(t.Context(), sts.Request{Principal: p, Organisation: acme}); !fault.Unauthenticated.Is(err) {
		t.Errorf("from an expired one: %v", err)
	}
}

func TestNT28_AFreshTokenIsReusedForAnEqualRequestOnly(t *testing.T) {
	request := func() sts.Request { return sts.Request{Principal: ivan(), Organisation: acme} }
	limit := access.SetOf(access.CredentialList)
	for rule, c := range map[string]struct {
		change func(b *bench, r *sts.Request)
		same   bool
	}{
		"nothing":                       {func(*bench, *sts.Request) {}, true},
		"a name, which decides nothing": {func(_ *bench, r *sts.Request) { r.Principal.GivenName = "X" }, true},
		"another subject":               {func(_ *bench, r *sts.Request) { r.Principal.Subject = "eve" }, false},
		"another issuer":                {func(_ *bench, r *sts.Request) { r.Principal.Issuer = "https://evil" }, false},
		"another client":                {func(_ *bench, r *sts.Request) { r.Principal.ClientID = "x" }, false},
		"other IAM roles":               {func(_ *bench, r *sts.Request) { r.Principal.IAMRoles = []string{"Acme", "Issuance"} }, false},
		"another expiry":                {func(_ *bench, r *sts.Request) { r.Principal.NotAfter = begin.Add(2 * time.Hour) }, false},
		"no organisation":               {func(_ *bench, r *sts.Request) { r.Organisation = access.System }, false},
		"another audience":              {func(_ *bench, r *sts.Request) { r.Audiences = []string{"bridge"} }, false},
		"fewer permissions asked for":   {func(_ *bench, r *sts.Request) { r.Limit = &limit }, false},
		"fewer permissions":             {func(b *bench, _ *sts.Request) { b.policy.in[acme] = limit }, false},
		"a changed mapping":             {func(b *bench, _ *sts.Request) { b.policy.version++ }, false},
		"four minutes later":            {func(b *bench, _ *sts.Request) { b.now = begin.Add(4 * time.Minute) }, false},
		"the clock is set back":         {func(b *bench, _ *sts.Request) { b.now = begin.Add(-time.Second) }, false},
		"a moment before":               {func(b *bench, _ *sts.Request) { b.now = begin.Add(4*time.Minute - 1) }, true},
	} {
		b := newBench(t)
		first, err := b.Issue(t.Context(), request())
		if err != nil {
			t.Fatal(err)
		}
		r := request()
		c.change(b, &r)
		second, err := b.Issue(t.Context(), r)
		if err != nil {
			t.Fatal(rule, err)
		}
		if (first.Value == second.Value) != c.same {
			t.Errorf("%s: the same token: %v", rule, !c.same)
		}
		if _, claims := verified(t, b.ring, second.Value); claims["mapping"] != float64(b.policy.version) || claims["sub"] != r.Principal.Subject {
			t.Errorf("%s: got %v", rule, claims)
		}
	}
	b := newBench(t)
	_, err := b.Issue(t.Context(), request())
	b.policy.in[acme] = access.PermissionSet{}
	if _, again := b.Issue(t.Context(), request()); err != nil || !fault.Forbidden.Is(again) {
		t.Errorf("NT28: after the mapping went: %v, %v", err, again)
	}
}

func TestIssueOwnActsForNobody(t *testing.T) {
	b := newBench(t)
	_, claims := verified(t, b.ring, own(t, b.Service))
	if claims["organisationId"] != nil || claims["sub"] != "portico" || fmt.Sprint(claims["permissions"]) != "[STS_ORGANISATION_LIST]" {
		t.Errorf("got %v", claims)
	}
}

// TestOneSignatureForAll: of many who ask for the same at once, one has it signed.
func TestOneSignatureForAll(t *testing.T) {
	b := newBench(t)
	const many = 50
	var tokens [many]sts.Token
	var ready, all sync.WaitGroup
	ready.Add(many)
	for i := range many {
		all.Go(func() {
			ready.Done()
			ready.Wait()
			tokens[i], _ = b.Issue(t.Context(), sts.Request{Principal: ivan(), Organisation: acme})
		})
	}
	all.Wait()
	signed := 0
	for _, token := range tokens {
		if token.Value == "" || token.Value != tokens[0].Value {
			t.Fatal("the tokens differ")
		}
		if !token.Reused {
			signed++
		}
	}
	if signed != 1 {
		t.Errorf("%d say that they were signed for themselves", signed)
	}
}
