package iam_test

import (
	"crypto"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/portico-iam/portico/internal/fault"
	"github.com/portico-iam/portico/internal/iam"
)

func refused(t *testing.T, b *bench, rule, token, because string) {
	t.Helper()
	got, err := b.Verify(t.Context(), token)
	if got != nil || !fault.Unauthenticated.Is(err) {
		t.Errorf("%s: got %v, %v", rule, got, err)
		return
	}
	detail := fault.Of(err).Detail
	if !strings.Contains(detail, because) {
		t.Errorf("%s: refused because %q, want %q", rule, detail, because)
	}
	if token != "" && len(token) > 40 && strings.Contains(detail, token[:40]) {
		t.Errorf("%s: the reason quotes the token", rule)
	}
}

func TestAnAccessTokenBecomesAPrincipal(t *testing.T) {
	b := newBench(t)
	for _, c := range []struct{ rule, token string }{
		{"Okta's, without typ", good(nil)},
		{"typ JWT", sign(header(object{"typ": "JWT"}), claims(nil), keys().rsa)},
		{"typ at+jwt (RFC 9068)", sign(header(object{"typ": "at+jwt"}), claims(nil), keys().rsa)},
		{"typ application/at+jwt", sign(header(object{"typ": "application/AT+JWT"}), claims(nil), keys().rsa)},
		{"ES256", sign(header(object{"alg": "ES256", "kid": "ec"}), claims(nil), keys().p256)},
		{"EdDSA", sign(header(object{"alg": "EdDSA", "kid": "ed"}), claims(nil), keys().ed)},
		{"a key that names no algorithm", sign(header(object{"kid": "any-rsa"}), claims(nil), keys().other)},
		{"among several audiences", good(object{"aud": []string{"api://other", audience}})},
		{"a fractional exp", good(object{"exp": float64(begin.Add(time.Hour).Unix()) + 0.5})},
	} {
		got, err := b.Verify(t.Context(), c.token)
		if err != nil {
			t.Errorf("%s: %v", c.rule, err)
			continue
		}
		p := got.Principal
		if p.Issuer != issuer || p.Subject != "ada@acme.test" || p.Login != "ada@acme.test" || p.ClientID != clientID ||
			!slices.Equal(p.IAMRoles, []string{"ONE_STS_ADMIN"}) || !p.NotAfter.Equal(begin.Add(time.Hour)) || len(p.Odd) > 0 {
			t.Errorf("%s: got %+v", c.rule, p)
		}
	}
}

// mac signs with HMAC whatever secret an attacker knows.
func mac(header object, payload any, secret []byte) string {
	input := encode(header) + "." + encode(payload)
	h := hmac.New(sha256.New, secret)
	h.Write([]byte(input))
	return input + "." + b64(h.Sum(nil))
}

func TestNT01_TheAlgorithmIsThatOfTheKey(t *testing.T) {
	b := newBench(t)
	public := keys().rsa.Public()
	pkix, _ := x509.MarshalPKIXPublicKey(public)
	pkcs1 := x509.MarshalPKCS1PublicKey(&keys().rsa.PublicKey)
	asJWK, _ := json.Marshal(jwk("rsa", "RS256", public))
	set, _ := json.Marshal(ownKeys())
	for rule, secret := range map[string][]byte{
		"PEM, PKIX":                     pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: pkix}),
		"PEM without the last line end": []byte(strings.TrimSpace(string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: pkix})))),
		"PEM, PKCS #1":                  pem.EncodeToMemory(&pem.Block{Type: "RSA PUBLIC KEY", Bytes: pkcs1}),
		"DER, PKIX":                     pkix, "DER, PKCS #1": pkcs1, "JWK": asJWK, "the whole set": set,
		"the modulus": keys().rsa.N.Bytes(), "nothing": nil, "the kid": []byte("rsa"),
	} {
		for _, alg := range []string{"HS256", "HS384", "HS512", "hs256"} {
			refused(t, b, rule+" as a secret of "+alg, mac(header(object{"alg": alg}), claims(nil), secret), "algorithm is not an asymmetric one")
		}
		for _, alg := range []string{"RS256", "EdDSA"} { // the name of a right algorithm over a wrong signature
			refused(t, b, rule+" with alg "+alg, mac(header(object{"alg": alg}), claims(nil), secret), "")
		}
	}
	for rule, c := range map[string]struct {
		header object
		key    crypto.Signer
		why    string
	}{
		"ES256 under an RSA key":      {header(object{"alg": "ES256"}), keys().p256, "not of the key's type"},
		"RS256 under an EC key":       {header(object{"kid": "ec"}), keys().rsa, "not of the key's type"},
		"RS256 under an Ed25519 key":  {header(object{"kid": "ed"}), keys().rsa, "not of the key's type"},
		"EdDSA under an RSA key":      {header(object{"alg": "EdDSA"}), keys().ed, "not of the key's type"},
		"RS384 under a key for RS256": {header(object{"alg": "RS384"}), keys().rsa, "not of the key's type"},
		"PS256 under a key for RS256": {header(object{"alg": "PS256"}), keys().rsa, "not of the key's type"},
		"ES384 under a P-256 key":     {header(object{"alg": "ES384", "kid": "ec"}), keys().p256, "not of the key's type"},
		"ES512, which is not listed":  {header(object{"alg": "ES512", "kid": "ec"}), keys().p256, "expected one of the algorithms"},
		"a weak RSA key":              {header(object{"kid": "weak"}), keys().weak, `publishes no key "weak"`},
		"the id of another key":       {header(object{"kid": "any-rsa"}), keys().rsa, "signature does not verify"},
		"an id that is not published": {header(object{"kid": "new"}), keys().rsa, `publishes no key "new"`},
		"no kid":                      {header(object{"kid": absent{}}), keys().rsa, "names no key"},
		"an empty kid":                {header(object{"kid": ""}), keys().rsa, "names no key"},
		"a kid that is a number":      {header(object{"kid": 1}), keys().rsa, ""},
		"a kid that is a path":        {header(object{"kid": "../../dev/null"}), keys().rsa, "publishes no key"},
	} {
		refused(t, b, rule, sign(c.header, claims(nil), c.key), c.why)
	}
}

func TestNT02_UnsignedTokens(t *testing.T) {
	b := newBench(t)
	signature := strings.Split(good(nil), ".")[2]
	for _, alg := range []any{"none", "None", "NONE", "nOnE", "none ", "", nil, 0, []string{"none"}} {
		for _, s := range []string{"", signature, "AA"} {
			refused(t, b, fmt.Sprintf("alg %v", alg), encode(header(object{"alg": alg}))+"."+encode(claims(nil))+"."+s, "")
		}
	}
	parts := strings.Split(good(nil), ".")
	for rule, token := range map[string]string{
		"an empty signature":        parts[0] + "." + parts[1] + ".",
		"a cut signature":           parts[0] + "." + parts[1] + "." + parts[2][:100],
		"zeros":                     parts[0] + "." + parts[1] + "." + strings.Repeat("A", len(parts[2])),
		"more behind the signature": good(nil) + "AAAA",
		"two signatures":            parts[0] + "." + parts[1] + "." + parts[2] + parts[2],
		"no alg":                    encode(object{"kid": "rsa"}) + "." + parts[1] + "." + parts[2],
		"ES256 of zeros (psychic)":  encode(header(object{"alg": "ES256", "kid": "ec"})) + "." + parts[1] + "." + strings.Repeat("A", 86),
		"EdDSA of zeros":            encode(header(object{"alg": "EdDSA", "kid": "ed"})) + "." + parts[1] + "." + strings.Repeat("A", 86),
	} {
		refused(t, b, rule, token, "")
	}
}

func TestNT03_UnknownAlgorithmsAreRefused(t *testing.T) {
	b := newBench(t)
	for _, alg := range []string{"RS1", "RSA1_5", "ES256K", "HS256", "rs256", "RS256 ", "dir", "RSA-OAEP", "PS512", "x"} {
		refused(t, b, alg, sign(header(object{"alg": alg}), claims(nil), keys().rsa), "")
	}
	b.Issuers[0].Algorithms = []string{"ES256"}
	refused(t, b, "an algorithm that the operator did not list", good(nil), "expected one of the algorithms ES256, got RS256")
}

func TestNT04_EncryptedAndOtherForms(t *testing.T) {
	b := newBench(t)
	parts := strings.Split(good(nil), ".")
	flat, _ := json.Marshal(object{"protected": parts[0], "payload": parts[1], "signature": parts[2]})
	general, _ := json.Marshal(object{"payload": parts[1], "signatures": []object{{"protected": parts[0], "signature": parts[2]}}})
	for rule, c := range map[string]struct{ token, why string }{
		"five parts":               {encode(object{"alg": "RSA-OAEP-256", "enc": "A256GCM", "kid": "rsa"}) + ".AA.AA.AA.AA", "encrypted (JWE)"},
		"five parts, of a JWS":     {good(nil) + ".AA.AA", "encrypted (JWE)"},
		"four parts":               {good(nil) + ".", "three parts"},
		"two parts":                {parts[0] + "." + parts[1], "three parts"},
		"one part":                 {"junk", "three parts"},
		"nothing":                  {"", "empty"},
		"JWS JSON, flattened":      {string(flat), "three parts"},
		"JWS JSON, general":        {string(general), "three parts"},
		"JSON with two dots":       {`{"a":"x.y.z"}`, "malformed"},
		"blanks in front":          {" " + good(nil), "malformed"},
		"a line end behind":        {good(nil) + "\n", "malformed"},
		"a line end within":        {parts[0] + ".\n" + parts[1] + "." + parts[2], "malformed"},
		"padding":                  {parts[0] + "=." + parts[1] + "." + parts[2], "malformed"},
		"standard base64":          {"++//." + parts[1] + "." + parts[2], "malformed"},
		"a detached payload":       {parts[0] + ".." + parts[2], ""},
		"only dots":                {"..", ""},
		"b64 false":                {sign(header(object{"b64": false, "crit": []string{"b64"}}), claims(nil), keys().rsa), "crit"},
		"crit":                     {sign(header(object{"crit": []string{"exp"}, "exp": 1}), claims(nil), keys().rsa), "crit"},
		"an empty crit":            {sign(header(object{"crit": []string{}}), claims(nil), keys().rsa), "crit"},
		"64 KiB and one byte":      {parts[0] + "." + strings.Repeat("A", iam.MaxToken+1-len(parts[0])-len(parts[2])-2) + "." + parts[2], "at most 65536 bytes"},
		"claims that are an array": {sign(header(nil), []any{claims(nil)}, keys().rsa), "claims are not a JSON object"},
		"claims that are a string": {sign(header(nil), `"x"`, keys().rsa), "claims are not a JSON object"},
		"claims null":              {sign(header(nil), "null", keys().rsa), "claims are not a JSON object"},
		"claims cut short":         {sign(header(nil), `{"iss":"`, keys().rsa), "claims are not a JSON object"},
		"two objects":              {sign(header(nil), "{}{}", keys().rsa), "more behind it"},
		"a brace behind":           {sign(header(nil), "{}}", keys().rsa), "more behind it"},
		"a bracket behind":         {sign(header(nil), "{}]", keys().rsa), "more behind it"},
		"a header that is no JSON": {"eA." + parts[1] + "." + parts[2], "malformed"},
		"a header with alg twice":  {b64([]byte(`{"alg":"RS256","alg":"none","kid":"rsa"}`)) + "." + parts[1] + "." + parts[2], "malformed"},
	} {
		refused(t, b, rule, c.token, c.why)
	}
}

func TestNT01_KeysThatComeWithTheTokenAreIgnored(t *testing.T) {
	b := newBench(t)
	evil := publish(t, object{"keys": []object{jwk("evil", "RS256", keys().other.Public())}})
	own := jwk("evil", "RS256", keys().other.Public())
	for rule, h := range map[string]object{
		"jwk":                    {"kid": "evil", "jwk": own},
		"jwk with the known kid": {"kid": "rsa", "jwk": own},
		"jku":                    {"kid": "evil", "jku": evil.URL},
		"jku with the known kid": {"kid": "rsa", "jku": evil.URL},
		"x5u":                    {"kid": "evil", "x5u": evil.URL},
		"jwk, symmetric":         {"kid": "rsa", "jwk": object{"kty": "oct", "k": "AA"}},
	} {
		refused(t, b, rule, sign(header(h), claims(nil), keys().other), "")
	}
	if n := evil.fetches.Load(); n > 0 {
		t.Errorf("%d fetches from an address that the token named (SSRF)", n)
	}
}

func TestTypesOfOtherTokensAreRefused(t *testing.T) {
	b := newBench(t)
	for typ, why := range map[any]string{
		"application/okta-internal-at+jwt": "org authorization server", "okta-internal-at+jwt": "org authorization server",
		"logout+jwt": "expected the type", "dpop+jwt": "expected the type", "secevent+jwt": "expected the type",
		"id_token+jwt": "expected the type", "at+jwt ": "expected the type", "": "expected the type", "JOSE": "expected the type",
		"oauth-authz-req+jwt": "expected the type", 7: "expected the type", "token-introspection+jwt": "expected the type",
	} {
		refused(t, b, fmt.Sprintf("typ %v", typ), sign(header(object{"typ": typ}), claims(nil), keys().rsa), why)
	}
}

func TestNT05_Audiences(t *testing.T) {
	b := newBench(t)
	for rule, aud := range map[string]any{
		"missing": absent{}, "null": nil, "empty": "", "another": "api://default", "in other case": "API://procivis-one",
		"with a slash": audience + "/", "a prefix": audience[:len(audience)-1], "with a blank": audience + " ", "a number": 1,
		"an object": object{audience: true}, "an empty array": []any{}, "an array of another": []string{"api://default"},
		"a nested array": []any{[]string{audience}}, "the client": clientID, "joined": "api://default " + audience,
	} {
		refused(t, b, rule, good(object{"aud": aud}), "expected the audience "+audience)
	}
	refused(t, b, "an ID token by its jti", good(object{"aud": clientID, "jti": "ID.1"}), "it is an ID token")
	refused(t, b, "an ID token by its nonce", good(object{"aud": clientID, "nonce": "n"}), "it is an ID token")
	b.Issuers[0].Audience = ""
	for _, aud := range []any{"", absent{}, []string{""}} {
		refused(t, b, "nothing is expected, nothing is accepted", good(object{"aud": aud}), "expected the audience")
	}
}

func TestNT06_IssuersAreEqualOrRefused(t *testing.T) {
	b := newBench(t)
	second := publish(t, object{"keys": []object{jwk("rsa", "RS256", keys().other.Public()), jwk("second", "RS256", keys().other.Public())}})
	const two = "https://other.okta.test/oauth2/default"
	b.Issuers = append(b.Issuers, &iam.Issuer{
		Issuer: two, Audience: audience, Algorithms: algorithms, Keys: keySet(t, second, b.clock),
		RolePath: path(t, "groups"), SubjectPath: path(t, "sub"),
	})
	for rule, iss := range map[string]any{
		"missing": absent{}, "null": nil, "empty": "", "an array": []string{issuer}, "a suffix": issuer + "2", "a path": issuer + "/x",
		"a prefix": issuer[:len(issuer)-1], "userinfo": "https://acme.okta.test@evil.test/oauth2/default", "at the end": issuer + "@evil.test",
		"host in other case": strings.Replace(issuer, "acme", "ACME", 1), "http": strings.Replace(issuer, "https", "http", 1),
		"the org server": "https://acme.okta.test", "port": strings.Replace(issuer, ".test", ".test:443", 1), "a blank": issuer + " ",
		"a fragment": issuer + "#", "evil": "https://evil.test",
	} {
		refused(t, b, rule, good(object{"iss": iss}), "expected the issuer "+issuer)
	}
	refused(t, b, "a slash", good(object{"iss": issuer + "/"}), "they differ in the slash at the end")

	refused(t, b, "the first's key for the second", sign(header(object{"kid": "ec", "alg": "ES256"}), claims(object{"iss": two}), keys().p256), "publishes no key")
	refused(t, b, "the first's key for the second, same kid", good(object{"iss": two}), "signature does not verify")
	refused(t, b, "the second's key for the first", sign(header(object{"kid": "second"}), claims(nil), keys().other), "publishes no key")
	refused(t, b, "the second's key for the first, same kid", sign(header(nil), claims(nil), keys().other), "signature does not verify")
	got, err := b.Verify(t.Context(), sign(header(nil), claims(object{"iss": two, "groups": []string{"Batch"}}), keys().other))
	if err != nil || got.Principal.Issuer != two || !slices.Equal(got.Principal.IAMRoles, []string{"Batch"}) {
		t.Errorf("the second issuer's own: got %+v, %v: its role path is its own", got, err)
	}
}

func TestTimes(t *testing.T) {
	const leeway = 30 * time.Second
	at := func(d time.Duration) int64 { return begin.Add(d).Unix() }
	for _, c := range []struct {
		rule    string
		changes object
		why     string // empty: accepted
	}{
		{"exp just over, within the leeway", object{"exp": at(-leeway + time.Second)}, ""},
		{"exp over by the leeway", object{"exp": at(-leeway)}, "it expired 30s ago"},
		{"exp long over", object{"exp": at(-time.Hour)}, "it expired 1h0m0s ago"},
		{"no exp", object{"exp": absent{}}, "it has no exp"},
		{"exp null", object{"exp": nil}, "expected exp as a number"},
		{"exp a string", object{"exp": fmt.Sprint(at(time.Hour))}, "expected exp as a number"},
		{"exp true", object{"exp": true}, "expected exp as a number"},
		{"exp negative", object{"exp": -1}, "expected exp as seconds"},
		{"exp zero", object{"exp": 0}, "it expired"},
		{"exp in milliseconds", object{"exp": json.Number("1e15")}, "expected exp as seconds"},
		{"exp beyond any float", object{"exp": json.Number("1e999")}, "expected exp as seconds"},
		{"exp beyond int64", object{"exp": json.Number("9223372036854775808")}, "expected exp as seconds"},
		{"exp fractional, over", object{"exp": json.Number(fmt.Sprintf("%d.9", at(-leeway-time.Second)))}, "it expired"},
		{"nbf now", object{"nbf": at(0)}, ""},
		{"nbf ahead within the leeway", object{"nbf": at(leeway)}, ""},
		{"nbf ahead", object{"nbf": at(leeway + time.Second)}, "its nbf is 31s ahead of this machine's clock"},
		{"nbf a string", object{"nbf": "now"}, "expected nbf as a number"},
		{"iat ahead within the leeway", object{"iat": at(leeway)}, ""},
		{"iat ahead", object{"iat": at(time.Minute)}, "its iat is 1m0s ahead"},
		{"iat a string", object{"iat": "x"}, "expected iat as a number"},
		{"no iat", object{"iat": absent{}}, ""},
	} {
		b := newBench(t)
		if c.why != "" {
			refused(t, b, c.rule, good(c.changes), c.why)
		} else if _, err := b.Verify(t.Context(), good(c.changes)); err != nil {
			t.Errorf("%s: %v", c.rule, err)
		}
	}
}

func TestNT34_DelegatedTokensAndEventsAreNoAccessTokens(t *testing.T) {
	b := newBench(t)
	for _, name := range []string{"act", "may_act"} {
		for rule, value := range map[string]any{"an actor": object{"sub": "svc"}, "null": nil, "empty": object{}, "text": "svc"} {
			refused(t, b, name+" "+rule, good(object{name: value}), "it carries "+name)
		}
	}
	refused(t, b, "a logout token", good(object{"events": object{"http://schemas.openid.net/event/backchannel-logout": object{}}}), "logout or security event")
	refused(t, b, "events null", good(object{"events": nil}), "logout or security event")
}

func TestSubjects(t *testing.T) {
	b := newBench(t)
	for rule, sub := range map[string]any{
		"missing": absent{}, "null": nil, "empty": "", "a number": 7, "an object": object{}, "256 bytes": strings.Repeat("x", 256),
		"a line end": "ada\nadmin", "NUL": "ada\x00", "DEL": "ada\x7f",
	} {
		refused(t, b, rule, good(object{"sub": sub}), "expected a subject")
	}
	b.Issuers[0].SubjectPath = path(t, "uid")
	if got, err := b.Verify(t.Context(), good(nil)); err != nil || got.Principal.Subject != "00u1" {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestEveryByteOfATokenCounts(t *testing.T) {
	b := newBench(t)
	token := good(nil)
	for i := range token {
		altered := []byte(token)
		altered[i] ^= 1
		if got, err := b.Verify(t.Context(), string(altered)); err == nil {
			t.Fatalf("byte %d: accepted as %+v", i, got.Principal)
		}
	}
	for i := range token {
		if _, err := b.Verify(t.Context(), token[:i]); err == nil {
			t.Fatalf("cut to %d bytes: accepted", i)
		}
	}
}

func idClaims(changes object) object {
	return with(object{
		"ver": 1, "jti": "ID.1", "iss": issuer, "aud": clientID, "iat": begin.Unix(), "exp": begin.Add(time.Hour).Unix(),
		"sub": "00u1", "nonce": "nonce-1", "given_name": "Ada", "family_name": "Admin",
	}, changes)
}

func TestIDTokens(t *testing.T) {
	const access = "the.access.token"
	sum := sha256.Sum256([]byte(access))
	atHash := b64(sum[:16])
	for _, c := range []struct {
		rule    string
		changes object
		header  object
		why     string
	}{
		{"good", nil, nil, ""},
		{"with azp", object{"azp": clientID}, nil, ""},
		{"an array of the one audience", object{"aud": []string{clientID}}, nil, ""},
		{"with at_hash", object{"at_hash": atHash}, nil, ""},
		{"at_hash of another access token", object{"at_hash": b64(sum[16:])}, nil, "another access token"},
		{"no nonce", object{"nonce": absent{}}, nil, "the nonce of the ID token"},
		{"another nonce", object{"nonce": "nonce-2"}, nil, "the nonce of the ID token"},
		{"a nonce that begins so", object{"nonce": "nonce-1x"}, nil, "the nonce of the ID token"},
		{"a nonce in an array", object{"nonce": []string{"nonce-1"}}, nil, "the nonce of the ID token"},
		{"for another client", object{"aud": "other"}, nil, "alone"},
		{"for two clients", object{"aud": []string{clientID, "other"}}, nil, "alone"},
		{"for two clients, azp ours", object{"aud": []string{clientID, "other"}, "azp": clientID}, nil, "alone"},
		{"without an audience", object{"aud": absent{}}, nil, "alone"},
		{"an access token's audience", object{"aud": audience}, nil, "alone"},
		{"issued to another", object{"azp": "other"}, nil, "issued to another client"},
		{"azp null", object{"azp": nil}, nil, "issued to another client"},
		{"of another issuer", object{"iss": "https://evil.test"}, nil, "expected the issuer"},
		{"expired", object{"exp": begin.Add(-time.Minute).Unix()}, nil, "expired"},
		{"no exp", object{"exp": absent{}}, nil, "no exp"},
		{"no iat", object{"iat": absent{}}, nil, "no iat"},
		{"issued in the future", object{"iat": begin.Add(time.Minute).Unix()}, nil, "ahead"},
		{"no sub", object{"sub": absent{}}, nil, "no sub"},
		{"an access token by its type", nil, object{"typ": "at+jwt"}, "another kind"},
		{"a logout token by its type", nil, object{"typ": "logout+jwt"}, "expected the type"},
		{"a logout token by its events", object{"events": object{}}, nil, "another kind"},
		{"NT02 unsigned", nil, object{"alg": "none"}, "asymmetric"},
		{"NT01 symmetric", nil, object{"alg": "HS256"}, "asymmetric"},
	} {
		b := newBench(t)
		got, err := b.VerifyIDToken(t.Context(), sign(header(c.header), idClaims(c.changes), keys().rsa), clientID, "nonce-1", access)
		switch {
		case c.why == "" && err != nil:
			t.Errorf("%s: %v", c.rule, err)
		case c.why == "":
			if given, family, _ := got.Names(); given != "Ada" || family != "Admin" || got.Subject() != "00u1" || got.Principal != nil {
				t.Errorf("%s: got %+v: an ID token makes no principal", c.rule, got)
			}
		case !fault.Unauthenticated.Is(err) || !strings.Contains(fault.Of(err).Detail, c.why):
			t.Errorf("%s: got %v, want %q", c.rule, err, c.why)
		}
	}
	b := newBench(t)
	if _, err := b.VerifyIDToken(t.Context(), sign(header(nil), idClaims(nil), keys().other), clientID, "nonce-1", access); err == nil {
		t.Error("signed by another key: accepted")
	}
	if _, err := b.VerifyIDToken(t.Context(), sign(header(nil), idClaims(object{"nonce": absent{}}), keys().rsa), clientID, "", access); err != nil {
		t.Errorf("a refreshed one needs no nonce: %v", err)
	}
	refused(t, b, "an ID token is no access token", sign(header(nil), idClaims(nil), keys().rsa), "it is an ID token; send the access token")
}

func FuzzVerify(f *testing.F) {
	b := newBench(f)
	token := good(nil)
	f.Add(token)
	f.Add(sign(header(object{"alg": "ES256", "kid": "ec"}), claims(object{"roles": object{"a": true}}), keys().p256))
	f.Add("..")
	f.Add("e30.e30.AA")
	f.Add(strings.Repeat(".", 4))
	f.Fuzz(func(t *testing.T, raw string) {
		got, err := b.Verify(t.Context(), raw)
		switch {
		case err == nil && !strings.HasPrefix(raw, strings.Join(strings.Split(raw, ".")[:2], ".")):
			t.Fatal("accepted what has no two parts")
		case err == nil && (got.Principal.Subject == "" || got.Principal.Issuer != issuer):
			t.Fatalf("a principal without an identity: %+v", got.Principal)
		case err != nil && !fault.Unauthenticated.Is(err):
			t.Fatalf("refused as %v", err)
		case err != nil && len(fault.Of(err).Detail) > 2000:
			t.Fatal("the reason quotes too much")
		}
	})
}

func TestNobodyIsTakenForWhoOnlyPorticoNames(t *testing.T) {
	b := newBench(t)
	for subject, want := range map[string]bool{
		"break-glass:7d0f4f2e-0000-4000-8000-000000000001": false,
		"Break-Glass:x":               false,
		"command line: root":          false,
		"command line:root":           false,
		"portico: probation is over":  false,
		"PORTICO:x":                   false,
		"portico":                     true,
		"portico@acme.test":           true,
		"break-glass":                 true,
		"the command line: an artist": true,
	} {
		if _, err := b.Verify(t.Context(), good(object{"sub": subject})); (err == nil) != want {
			t.Errorf("%s: got %v", subject, err)
		}
	}
}
