package iam

import (
	"context"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/portico-iam/portico/internal/access"
	"github.com/portico-iam/portico/internal/claim"
	"github.com/portico-iam/portico/internal/fault"
)

// Issuer is what a token of one authorization server must satisfy, and where its roles are.
type Issuer struct {
	Issuer        string
	Audience      string // must be among the token's audiences; never empty
	Algorithms    []string
	Leeway        time.Duration
	Keys          *KeySet
	RolePath      claim.Path
	SubjectPath   claim.Path
	RoleSeparator string
	// SignInOnly: its tokens count for our own sign-in and nowhere else. Its ID tokens name the roles then, and have our
	// client as audience, so no audience could tell them from tokens that are meant for the API.
	SignInOnly bool
}

// Verifier validates tokens of the configured issuers. The first is the one that people sign in with.
type Verifier struct {
	Issuers []*Issuer
	Now     func() time.Time
}

// Token is a validated token.
type Token struct {
	Principal *access.Principal
	ExpiresAt time.Time
	claims    map[string]any
}

// claim returns a claim that is a string.
func (t *Token) claim(name string) string {
	s, _ := t.claims[name].(string)
	return s
}

// refuse makes the one answer of every refusal: 401 with a reason that an administrator can act on.
func refuse(format string, args ...any) error {
	return fault.Unauthenticated.New("the identity provider's token was refused: "+format, args...)
}

// Verify validates an access token and reads the principal from it. Every refusal is fault.Unauthenticated; keys that
// can't be had are fault.Unavailable.
func (v *Verifier) Verify(ctx context.Context, raw string) (*Token, error) {
	p, err := parse(raw)
	if err != nil {
		return nil, err
	}
	issuer, err := v.issuerOf(p)
	if err != nil {
		return nil, err
	}
	if issuer.SignInOnly {
		return nil, refuse("tokens of %s count for the sign-in alone (iam.tokenSource: id_token); send an access token of an issuer in sts.iam.additional", issuer.Issuer)
	}
	if err := v.checkAudience(p, issuer.Audience); err != nil {
		return nil, err
	}
	if _, isLogout := p.claims["events"]; isLogout {
		return nil, refuse("it is a logout or security event token, not an access token")
	}
	// A token in which somebody acts for another, or may, is for delegation alone (RFC 8693 section 4).
	for _, name := range []string{"act", "may_act"} {
		if _, has := p.claims[name]; has {
			return nil, refuse("it carries %s: a delegated token is not accepted here", name)
		}
	}
	expires, err := v.checkTimes(p, issuer.Leeway)
	if err != nil {
		return nil, err
	}
	if err := issuer.checkSignature(ctx, p); err != nil {
		return nil, err
	}
	principal, err := issuer.principal(p.claims)
	if err != nil {
		return nil, err
	}
	principal.NotAfter = expires
	return &Token{Principal: principal, ExpiresAt: expires, claims: p.claims}, nil
}

// VerifyIDToken validates the ID token of a sign-in (OpenID Connect Core 1.0 section 3.1.3.7).
func (v *Verifier) VerifyIDToken(ctx context.Context, raw, clientID, nonce, accessToken string) (*Token, error) {
	p, err := parse(raw)
	if err != nil {
		return nil, err
	}
	issuer := v.Issuers[0]
	if _, isLogout := p.claims["events"]; isLogout || p.typ == "at+jwt" {
		return nil, refuse("it is of another kind than an ID token")
	}
	if p.issuer() != issuer.Issuer {
		return nil, refuse("expected the issuer %s, got %s", issuer.Issuer, clip(p.issuer()))
	}
	if !slices.Equal(p.audiences(), []string{clientID}) {
		return nil, refuse("expected an ID token for the client %s alone, got the audience %s", clientID, clip(strings.Join(p.audiences(), " ")))
	}
	if azp, has := p.claims["azp"]; has && azp != clientID {
		return nil, refuse("the ID token was issued to another client")
	}
	expires, err := v.checkTimes(p, issuer.Leeway)
	if err != nil {
		return nil, err
	}
	if _, has := p.claims["iat"]; !has {
		return nil, refuse("the ID token has no iat")
	}
	if err := issuer.checkSignature(ctx, p); err != nil {
		return nil, err
	}
	// A refreshed ID token need not carry the nonce again (section 12.2), so then none is expected.
	if nonce != "" && subtle.ConstantTimeCompare([]byte(p.text("nonce")), []byte(nonce)) != 1 {
		return nil, refuse("the nonce of the ID token is not that of this sign-in")
	}
	if hash := p.text("at_hash"); hash != "" && accessToken != "" && hash != leftHash(p.alg, accessToken) {
		return nil, refuse("the ID token belongs to another access token")
	}
	if p.text("sub") == "" {
		return nil, refuse("the ID token has no sub")
	}
	return &Token{ExpiresAt: expires, claims: p.claims}, nil
}

// Subject returns the token's own sub.
func (t *Token) Subject() string { return t.claim("sub") }

// has tells whether something stands at the path. No token has nothing.
func (t *Token) has(path claim.Path) bool {
	if t == nil {
		return false
	}
	value, found := path.Find(t.claims)
	return found && value != nil
}

// Names returns given and family name, and the login, as far as the token has them.
func (t *Token) Names() (given, family, login string) { return names(t.claims) }

func names(claims map[string]any) (given, family, login string) {
	text := func(name string) string {
		s, _ := claims[name].(string)
		return clip(strings.TrimSpace(s))
	}
	login = text("preferred_username")
	if login == "" {
		login = text("email")
	}
	return text("given_name"), text("family_name"), login
}

func (v *Verifier) issuerOf(p *parsed) (*Issuer, error) {
	iss := p.issuer()
	for _, issuer := range v.Issuers {
		if iss == issuer.Issuer {
			return issuer, nil
		}
	}
	if strings.TrimSuffix(iss, "/") == strings.TrimSuffix(v.Issuers[0].Issuer, "/") {
		return nil, refuse("expected the issuer %s, got %s: they differ in the slash at the end", v.Issuers[0].Issuer, clip(iss))
	}
	return nil, refuse("expected the issuer %s, got %s", v.Issuers[0].Issuer, clip(iss))
}

func (v *Verifier) checkAudience(p *parsed, audience string) error {
	if audience != "" && slices.Contains(p.audiences(), audience) {
		return nil
	}
	hint := ""
	if strings.HasPrefix(p.text("jti"), "ID.") || p.claims["nonce"] != nil {
		hint = ": it is an ID token; send the access token"
	}
	return refuse("expected the audience %s, got %s%s", audience, clip(strings.Join(p.audiences(), " ")), hint)
}

// checkTimes returns the expiry.
func (v *Verifier) checkTimes(p *parsed, leeway time.Duration) (time.Time, error) {
	now := v.Now()
	expires, has, err := p.time("exp")
	switch {
	case err != nil:
		return time.Time{}, err
	case !has:
		return time.Time{}, refuse("it has no exp")
	case !now.Before(expires.Add(leeway)):
		return time.Time{}, refuse("it expired %s ago", now.Sub(expires).Round(time.Second))
	}
	for _, name := range []string{"nbf", "iat"} {
		at, has, err := p.time(name)
		if err != nil {
			return time.Time{}, err
		}
		if has && at.After(now.Add(leeway)) {
			return time.Time{}, refuse("its %s is %s ahead of this machine's clock: check both clocks", name, at.Sub(now).Round(time.Second))
		}
	}
	return expires, nil
}

func (i *Issuer) checkSignature(ctx context.Context, p *parsed) error {
	if !slices.Contains(i.Algorithms, string(p.alg)) {
		return refuse("expected one of the algorithms %s, got %s", strings.Join(i.Algorithms, ", "), p.alg)
	}
	key, err := i.Keys.Key(ctx, p.kid)
	switch {
	case errors.Is(err, errUnknownKey):
		return refuse("the issuer publishes no key %q", clip(p.kid))
	case err != nil:
		return fault.Unavailable.New("the identity provider's keys can't be had; try again in a moment").Because(err)
	case !fitsKey(p.alg, key):
		return refuse("its algorithm %s is not of the key's type", p.alg)
	}
	if _, err := p.jws.Verify(key); err == nil {
		return nil
	}
	if key, replaced := i.Keys.Replaced(ctx, key); replaced && fitsKey(p.alg, key) {
		if _, err := p.jws.Verify(key); err == nil {
			return nil
		}
	}
	return refuse("its signature does not verify")
}

func (i *Issuer) principal(claims map[string]any) (*access.Principal, error) {
	value, _ := i.SubjectPath.Find(claims)
	subject, _ := value.(string)
	if subject == "" || len(subject) > 255 || strings.ContainsFunc(subject, func(r rune) bool { return r < 0x20 || r == 0x7f }) {
		return nil, refuse("expected a subject of 1 to 255 plain characters at %q", i.SubjectPath)
	}
	p := &access.Principal{Issuer: i.Issuer, Subject: subject}
	p.IAMRoles, p.Odd = i.RolePath.Roles(claims, i.RoleSeparator)
	p.GivenName, p.FamilyName, p.Login = names(claims)
	if p.Login == "" && strings.Contains(subject, "@") {
		p.Login = subject
	}
	for _, name := range []string{"cid", "client_id", "azp"} {
		if s, _ := claims[name].(string); s != "" {
			p.ClientID = clip(s)
			break
		}
	}
	return p, nil
}

// leftHash is the at_hash of an access token (OpenID Connect Core 1.0 section 3.1.3.6).
func leftHash(alg jose.SignatureAlgorithm, token string) string {
	var sum []byte
	switch {
	case strings.HasSuffix(string(alg), "384"):
		h := sha512.Sum384([]byte(token))
		sum = h[:]
	case strings.HasSuffix(string(alg), "512") || alg == jose.EdDSA:
		h := sha512.Sum512([]byte(token))
		sum = h[:]
	default:
		h := sha256.Sum256([]byte(token))
		sum = h[:]
	}
	return base64.RawURLEncoding.EncodeToString(sum[:len(sum)/2])
}

// Close waits for the work of every issuer's key set.
func (v *Verifier) Close() {
	for _, issuer := range v.Issuers {
		issuer.Keys.Close()
	}
}
