package iam

import (
	"bytes"
	"encoding/json"
	"io"
	"strings"
	"time"
	"unicode"

	"github.com/go-jose/go-jose/v4"
)

// MaxToken bounds a token's length, in bytes.
const MaxToken = 64 << 10

// parsed is a token whose form is right and whose signature nobody has looked at.
type parsed struct {
	jws    *jose.JSONWebSignature
	alg    jose.SignatureAlgorithm
	kid    string
	typ    string // lower case, without application/; empty: none
	claims map[string]any
}

// anyAlgorithm lists what may be parsed at all; the issuer's own list is checked with the signature. None and the
// symmetric ones are not in it.
var anyAlgorithm = []jose.SignatureAlgorithm{
	jose.RS256, jose.RS384, jose.RS512, jose.PS256, jose.PS384, jose.PS512, jose.ES256, jose.ES384, jose.ES512, jose.EdDSA,
}

// parse reads an access or ID token.
func parse(raw string) (*parsed, error) { return parseOf(raw, checkType) }

// parseOf reads a token of one of the types that check accepts.
func parseOf(raw string, check func(typ any) (string, error)) (*parsed, error) {
	switch {
	case raw == "":
		return nil, refuse("it is empty")
	case len(raw) > MaxToken:
		return nil, refuse("expected at most %d bytes, got %d", MaxToken, len(raw))
	case strings.Count(raw, ".") == 4:
		return nil, refuse("it is encrypted (JWE); switch the encryption of access tokens off at the authorization server")
	case strings.Count(raw, ".") != 2:
		return nil, refuse("expected a JWT in three parts")
	}
	if strings.ContainsAny(raw, "\r\n") { // which Go's base64 would skip: one token, many spellings
		return nil, refuse("it is malformed: it holds a line end")
	}
	jws, err := jose.ParseSignedCompact(raw, anyAlgorithm)
	if err != nil {
		return nil, refuse("it is malformed, or its algorithm is not an asymmetric one")
	}
	header := jws.Signatures[0].Protected
	p := &parsed{jws: jws, alg: jose.SignatureAlgorithm(header.Algorithm), kid: header.KeyID}
	if p.kid == "" {
		return nil, refuse("it names no key (kid)")
	}
	if _, has := header.ExtraHeaders["crit"]; has {
		return nil, refuse("it demands extensions (crit) that are not understood")
	}
	if p.typ, err = check(header.ExtraHeaders[jose.HeaderType]); err != nil {
		return nil, err
	}
	d := json.NewDecoder(bytes.NewReader(jws.UnsafePayloadWithoutVerification()))
	d.UseNumber()
	if err := d.Decode(&p.claims); err != nil || p.claims == nil {
		return nil, refuse("its claims are not a JSON object")
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, refuse("its claims are not one JSON object: there is more behind it")
	}
	return p, nil
}

// checkType accepts no typ, JWT, and RFC 9068's at+jwt; every other type says that the token is meant for something else.
func checkType(typ any) (string, error) {
	if typ == nil {
		return "", nil
	}
	text, _ := typ.(string)
	switch short := strings.TrimPrefix(strings.ToLower(text), "application/"); short {
	case "jwt", "at+jwt":
		return short, nil
	case "okta-internal-at+jwt":
		return "", refuse("it is of Okta's org authorization server, whose tokens are for Okta alone; use a custom authorization server, e.g. /oauth2/default")
	}
	return "", refuse("expected the type JWT or at+jwt, got %q", clip(text))
}

func (p *parsed) text(name string) string {
	s, _ := p.claims[name].(string)
	return s
}

func (p *parsed) issuer() string { return p.text("iss") }

// audiences returns aud, which is a string or an array of strings (RFC 7519 section 4.1.3).
func (p *parsed) audiences() []string {
	switch aud := p.claims["aud"].(type) {
	case string:
		return []string{aud}
	case []any:
		var all []string
		for _, a := range aud {
			if s, ok := a.(string); ok {
				all = append(all, s)
			}
		}
		return all
	}
	return nil
}

// time returns a NumericDate (RFC 7519 section 2).
func (p *parsed) time(name string) (at time.Time, has bool, err error) {
	value, has := p.claims[name]
	if !has {
		return time.Time{}, false, nil
	}
	number, ok := value.(json.Number)
	if !ok {
		return time.Time{}, false, refuse("expected %s as a number", name)
	}
	seconds, err := number.Float64()
	if err != nil || seconds < 0 || seconds > 253402300799 { // the year 9999
		return time.Time{}, false, refuse("expected %s as seconds since 1970", name)
	}
	return time.Unix(int64(seconds), 0), true, nil
}

// clip bounds what is quoted of a token's claims.
func clip(s string) string {
	const most = 200
	if len(s) > most {
		s = s[:most] + "…"
	}
	return strings.ToValidUTF8(strings.Map(func(r rune) rune {
		if unicode.IsControl(r) { // a terminal acts upon U+009B as upon ESC [
			return -1
		}
		return r
	}, s), "\uFFFD")
}
