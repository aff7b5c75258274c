package core

import (
	"crypto/ed25519"
	"errors"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/portico-iam/portico/internal/access"
)

func (w *world) validate(token string) (caller, error) {
	return (&validator{issuer: "bff", audience: "core", now: w.clock.now, keys: w.core.keys}).validate(token)
}

// What Core accepts beside the plain token.
func TestTokensThatAreRight(t *testing.T) {
	w := start(t)
	now := began.Unix()
	for name, changes := range map[string][]func(*parts){
		"plain":                  {},
		"aud string":             {claim("aud", "core")},
		"aud among others":       {claim("aud", []string{"x", "core"})},
		"exp fractional":         {claim("exp", float64(now)+10.75)},
		"exp in exponent form":   {func(p *parts) { p.claims["exp"] = rawJSON("1.9e9") }},
		"iat nonsense value":     {claim("iat", now+999999)},
		"nbf in the past":        {claim("nbf", now-1)},
		"no iat":                 {without("iat")},
		"no typ":                 {func(p *parts) { delete(p.header, "typ") }},
		"other typ":              {header("typ", "at+jwt")},
		"organisation null":      {claim("organisationId", nil)},
		"no permissions":         {without("permissions")},
		"unknown permissions":    {claim("permissions", []string{"NO_SUCH", "", "CREDENTIAL_list", "CREDENTIAL_LIST"})},
		"act null":               {claim("act", nil)},
		"act nested":             {claim("act", map[string]any{"sub": "a", "act": map[string]any{"sub": "b"}})},
		"jti, cnf, more":         {claim("jti", "j"), claim("cnf", map[string]any{"jwk": map[string]any{}}), claim("mapping", 7), claim("client_id", "c")},
		"header extras, ignored": {header("jwk", map[string]any{"kty": "EC"}), header("x5c", []string{"a"}), header("jwt", "j"), header("key_attestation", "k"), header("jku", "https://evil.test")},
	} {
		who, err := w.validate(w.token(changes...))
		if err != nil || who.session == nil || who.session.user != "user-1" || who.everything {
			t.Errorf("%s: got %+v, %v", name, who, err)
		}
	}
}

type rawJSON string

func (r rawJSON) MarshalJSON() ([]byte, error) { return []byte(r), nil }

func TestWhatATokenGrants(t *testing.T) {
	w := start(t)
	who, err := w.validate(w.token(claim("organisationId", strings.ToUpper(beta)), claim("act", map[string]string{"sub": "svc"}),
		claim("permissions", []string{"CREDENTIAL_LIST", "UNKNOWN", "DID_LIST", "credential_issue"})))
	if err != nil {
		t.Fatal(err)
	}
	if who.permissions != access.SetOf(access.CredentialList, access.DIDList) {
		t.Errorf("permissions: %v", who.permissions.Names())
	}
	if who.organisation() != beta || who.session.actor != "svc" {
		t.Errorf("session: %+v", who.session)
	}
}

// defects are tokens with one thing wrong, and why each is refused.
var defects = map[string]struct {
	why    reason
	change func(*parts)
}{
	"kid absent":               {missingKid, func(p *parts) { delete(p.header, "kid") }},
	"kid null":                 {missingKid, header("kid", nil)},
	"kid a number":             {failedToDecodeJWT, header("kid", 1)},
	"kid empty":                {noMatchingKey, header("kid", "")},
	"kid other case":           {noMatchingKey, header("kid", "K1")},
	"alg absent":               {failedToDecodeJWT, func(p *parts) { delete(p.header, "alg") }},
	"alg null":                 {failedToDecodeJWT, header("alg", nil)},
	"alg Ed25519":              {unsupportedAlgorithm, header("alg", "Ed25519")},
	"alg other case":           {unsupportedAlgorithm, header("alg", "eddsa")},
	"crit":                     {failedToDecodeJWT, header("crit", []string{"b64"})},
	"jwk no object":            {failedToDecodeJWT, header("jwk", "x")},
	"x5c no array":             {failedToDecodeJWT, header("x5c", "x")},
	"iss absent":               {missingIssuer, without("iss")},
	"iss null":                 {missingIssuer, claim("iss", nil)},
	"iss array":                {failedToDecodeJWT, claim("iss", []string{"bff"})},
	"iss only in capitals":     {missingIssuer, func(p *parts) { delete(p.claims, "iss"); p.claims["ISS"] = "bff" }},
	"aud absent":               {missingAudience, without("aud")},
	"aud null":                 {missingAudience, claim("aud", nil)},
	"aud empty array":          {incorrectAudience, claim("aud", []string{})},
	"aud empty string":         {incorrectAudience, claim("aud", "")},
	"aud number":               {failedToDecodeJWT, claim("aud", 1)},
	"aud array with null":      {failedToDecodeJWT, claim("aud", []any{"core", nil})},
	"aud prefix":               {incorrectAudience, claim("aud", "core2")},
	"exp absent":               {missingExpirationDate, without("exp")},
	"exp null":                 {missingExpirationDate, claim("exp", nil)},
	"exp string":               {failedToDecodeJWT, claim("exp", "1900000000")},
	"exp beyond all years":     {failedToDecodeJWT, func(p *parts) { p.claims["exp"] = rawJSON("1e300") }},
	"exp zero":                 {expiredToken, claim("exp", 0)},
	"exp negative":             {expiredToken, claim("exp", -1)},
	"nbf string":               {failedToDecodeJWT, claim("nbf", "0")},
	"nbf future":               {notBeforeToken, claim("nbf", began.Unix()+1)},
	"iat string":               {failedToDecodeJWT, claim("iat", "0")},
	"sub absent":               {missingSubject, without("sub")},
	"sub null":                 {missingSubject, claim("sub", nil)},
	"sub empty":                {missingSubject, claim("sub", "")},
	"sub number":               {failedToDecodeJWT, claim("sub", 7)},
	"organisation no UUID":     {failedToDecodeJWT, claim("organisationId", "acme")},
	"organisation empty":       {failedToDecodeJWT, claim("organisationId", "")},
	"organisation number":      {failedToDecodeJWT, claim("organisationId", 1)},
	"organisation urn":         {failedToDecodeJWT, claim("organisationId", "urn:uuid:"+acme)},
	"permissions null":         {failedToDecodeJWT, claim("permissions", nil)},
	"permissions string":       {failedToDecodeJWT, claim("permissions", "CREDENTIAL_LIST")},
	"permissions with number":  {failedToDecodeJWT, claim("permissions", []any{1})},
	"permissions with null":    {failedToDecodeJWT, claim("permissions", []any{nil})},
	"permissions object":       {failedToDecodeJWT, claim("permissions", map[string]any{"A": true})},
	"act without sub":          {failedToDecodeJWT, claim("act", map[string]any{"iss": "x"})},
	"act sub null":             {failedToDecodeJWT, claim("act", map[string]any{"sub": nil})},
	"act string":               {failedToDecodeJWT, claim("act", "wrpr")},
	"act sub number":           {failedToDecodeJWT, claim("act", map[string]any{"sub": 1})},
	"jti number":               {failedToDecodeJWT, claim("jti", 1)},
	"cnf string":               {failedToDecodeJWT, claim("cnf", "x")},
	"signature by another key": {failedToVerifySignature, signedBy(seeded(5))},
	"signature empty":          {failedToVerifySignature, func(p *parts) { p.sign = func([]byte) []byte { return nil } }},
	"signature zero":           {failedToVerifySignature, func(p *parts) { p.sign = func([]byte) []byte { return make([]byte, 64) } }},
	"signature too long":       {failedToVerifySignature, longer},
}

func longer(p *parts) {
	sign := p.sign
	p.sign = func(b []byte) []byte { return append(sign(b), 0) }
}

func TestEachDefectHasItsReason(t *testing.T) {
	w := start(t)
	for name, d := range defects {
		if who, err := w.validate(w.token(d.change)); !errors.Is(err, d.why) || who.session != nil || who.everything {
			t.Errorf("%s: expected %s, got %v, %+v", name, d.why, err, who)
		}
	}
	if _, err := w.validate(""); !errors.Is(err, emptyToken) {
		t.Errorf("empty: got %v", err)
	}
}

// Of several defects, the one that is checked first is the reason.
func TestOrderOfChecks(t *testing.T) {
	w := start(t)
	inOrder := []string{"organisation no UUID", "alg other case", "kid absent", "iss absent", "aud absent", "exp absent", "nbf future", "sub absent"}
	order := append(inOrder[:len(inOrder)-1:len(inOrder)-1], "signature zero", "sub absent")
	for i := range order {
		var changes []func(*parts)
		for _, name := range order[i:] {
			changes = append(changes, defects[name].change)
		}
		if _, err := w.validate(w.token(changes...)); !errors.Is(err, defects[order[i]].why) {
			t.Errorf("from %q on: expected %s, got %v", order[i], defects[order[i]].why, err)
		}
	}
	if _, err := w.validate(w.token(header("kid", "k9"), signedBy(seeded(5)), without("sub"))); !errors.Is(err, noMatchingKey) {
		t.Errorf("the key comes before the signature: got %v", err)
	}
}

func TestMalformedTokens(t *testing.T) {
	w := start(t)
	good := w.token()
	h, rest, _ := strings.Cut(good, ".")
	c, s, _ := strings.Cut(rest, ".")
	twice := b64([]byte(`{"alg":"EdDSA","kid":"k1","kid":"k1"}`))
	for name, token := range map[string]string{
		"one part": h, "two parts": h + "." + c, "four parts": good + ".x", "five parts": good + ".x.y", "dots": "..", "blank": " ",
		"padding": h + "=." + c + "." + s, "line break": h + "\n." + c + "." + s, "standard base64": h + "." + c + "." + s[:10] + "+/" + s[12:],
		"trailing bits": h + "." + c + "." + s[:85] + otherTail(s[85]), "not base64": "!." + c + "." + s,
		"header no object": b64([]byte(`[]`)) + "." + c + "." + s, "header null": b64([]byte(`null`)) + "." + c + "." + s,
		"header not UTF-8": b64([]byte("{\"alg\":\"EdDSA\",\"kid\":\"\xff\"}")) + "." + c + "." + s,
		"header cut":       b64([]byte(`{"alg":"EdDSA"`)) + "." + c + "." + s, "header twice": twice + "." + c + "." + s,
		"more behind header": b64([]byte(`{"alg":"EdDSA","kid":"k1"}{}`)) + "." + c + "." + s,
		"payload empty":      h + ".." + s, "payload deep": h + "." + b64([]byte(strings.Repeat(`{"a":`, 3000))) + "." + s,
		"too long": h + "." + strings.Repeat("A", maxToken) + "." + s,
	} {
		if _, err := w.validate(token); !errors.Is(err, failedToDecodeJWT) {
			t.Errorf("%s: expected %s, got %v", name, failedToDecodeJWT, err)
		}
	}
	if _, err := w.validate(good); err != nil {
		t.Error(err)
	}
}

// otherTail is another spelling of a last base64url character that holds two bits of content and four of nothing.
func otherTail(c byte) string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	return string(alphabet[strings.IndexByte(alphabet, c)|1])
}

// Property: whatever the token, one thing wrong with it means 401, and nothing wrong means it passes.
func TestOneDefectIsAlwaysRefused(t *testing.T) {
	w := start(t)
	names := make([]string, 0, len(defects))
	for name := range defects {
		names = append(names, name)
	}
	rapid.Check(t, func(rt *rapid.T) {
		var changes []func(*parts)
		changes = append(changes, in(rapid.SampledFrom([]string{"", acme, beta}).Draw(rt, "organisation"),
			rapid.SliceOf(rapid.SampledFrom(everyPermission())).Draw(rt, "permissions")...))
		changes = append(changes, claim("sub", rapid.StringN(1, 40, -1).Draw(rt, "sub")), claim("exp", began.Unix()+rapid.Int64Range(0, 1e6).Draw(rt, "exp")),
			claim("x-"+rapid.String().Draw(rt, "name"), rapid.String().Draw(rt, "value")))
		token := w.token(changes...)
		if rec := w.call(token, "GET", probe, ""); rec.Code != 200 {
			rt.Fatalf("a right token: got %d", rec.Code)
		}
		switch rapid.IntRange(0, 1).Draw(rt, "kind") {
		case 0:
			token = w.token(append(changes, defects[rapid.SampledFrom(names).Draw(rt, "defect")].change)...)
		case 1: // any other byte anywhere
			at := rapid.IntRange(0, len(token)-1).Draw(rt, "at")
			with := rapid.SampledFrom([]byte("AZaz09-_.")).Filter(func(b byte) bool { return b != token[at] }).Draw(rt, "byte")
			token = token[:at] + string(with) + token[at+1:]
		}
		if rec := w.call(token, "GET", probe, ""); rec.Code != 401 {
			rt.Fatalf("got %d for %s", rec.Code, token)
		}
	})
}

func FuzzParseToken(f *testing.F) {
	w := &world{clock: &clock{at: began}, key: seeded(0)}
	f.Add(w.token())
	f.Add(w.token(in("", everyPermission()...), claim("aud", "core"), claim("act", map[string]any{"sub": "s"})))
	for _, d := range defects {
		f.Add(w.token(d.change))
	}
	f.Add("..")
	f.Add("a.b.c.d.e")
	keys := fixedKeys{"k1": w.key.Public().(ed25519.PublicKey)}
	v := &validator{issuer: "bff", audience: "core", now: w.clock.now, keys: keys}
	f.Fuzz(func(t *testing.T, token string) {
		parsed, err := parseToken(token)
		if err == nil {
			if parsed.signed+"."+b64(parsed.signature) != token {
				t.Errorf("the token has another spelling: %q", token)
			}
			if n := len(parsed.organisation); n != 0 && n != 36 {
				t.Errorf("organisation %q", parsed.organisation)
			}
		}
		if who, err := v.validate(token); err == nil {
			// Only who has the key can make one, so it is one of the seeds.
			if parsed == nil || who.session == nil || who.session.user == "" || !ed25519.Verify(keys["k1"], []byte(parsed.signed), parsed.signature) {
				t.Errorf("accepted: %q", token)
			}
		}
	})
}

type fixedKeys map[string]ed25519.PublicKey

func (k fixedKeys) key(kid string) (ed25519.PublicKey, bool) { key, ok := k[kid]; return key, ok }
