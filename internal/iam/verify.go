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
	Issuers  []*Issuer
	Now      func() time.Time
	Verified *Verified   // nil: every token is verified anew
	Revoked  Revocations // nil: nobody is revoked
	// Admit refuses somebody whom the directory says is deactivated; nil: it admits everybody.
	Admit func(ctx context.Context, p *access.Principal) error
	// Looked is told whether a token was remembered, Judged what came of verifying one that was not; nil: nobody is.
	Looked func(found bool)
	Judged func(err error, took time.Duration)
}

// Revocations tell whose tokens count no more though they have not expired.
type Revocations interface {
	EndedFor(issuer, subject string, issuedAt time.Time) bool
}

// checkRevoked refuses a token that somebody brings who was revoked since it was issued. What our own sign-in gets from the
// token endpoint is of now, whatever the provider's clock says, and is not asked for here.
func (v *Verifier) checkRevoked(ctx context.Context, p *access.Principal) error {
	if v.Admit != nil {
		if err := v.Admit(ctx, p); err != nil {
			return err
		}
	}
	if v.Revoked != nil && v.Revoked.EndedFor(p.Issuer, p.Subject, p.IssuedAt) {
		return refuse("it was issued before access was revoked; sign in anew")
	}
	return nil
}

// Token is a validated token.
type Token struct {
	Principal *access.Principal
	ExpiresAt time.Time
	claims    map[string]any
	proof
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

// errUntimely is why a token was refused that may count at another time, or by another clock.
var errUntimely = errors.New("not at this time")

func untimely(format string, args ...any) error {
	return fault.Unauthenticated.New("the identity provider's token was refused: "+format, args...).Because(errUntimely)
}

// verify validates an access token that has none of those claims.
func (v *Verifier) verify(ctx context.Context, raw string, without ...string) (_ *Token, err error) {
	if v.Judged != nil {
		began := time.Now()
		defer func() { v.Judged(err, time.Since(began)) }()
	}
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
	for _, name := range without {
		if _, has := p.claims[name]; has {
			return nil, refuse("it carries %s: a delegated token is not accepted here", name)
		}
	}
	life, err := v.checkTimes(p, issuer.Leeway)
	if err != nil {
		return nil, err
	}
	key, err := issuer.checkSignature(ctx, p)
	if err != nil {
		return nil, err
	}
	principal, err := issuer.principal(p.claims)
	if err != nil {
		return nil, err
	}
	principal.IssuedAt, principal.NotAfter = life.issuedBefore(issuer.Leeway), life.expires
	return &Token{Principal: principal, ExpiresAt: life.expires, claims: p.claims, proof: proof{issuer: issuer, key: key, life: life}}, nil
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
	life, err := v.checkTimes(p, issuer.Leeway)
	if err != nil {
		return nil, err
	}
	if _, has := p.claims["iat"]; !has {
		return nil, refuse("the ID token has no iat")
	}
	if _, err := issuer.checkSignature(ctx, p); err != nil {
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
	return &Token{ExpiresAt: life.expires, claims: p.claims, proof: proof{life: life}}, nil
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

// life is when a token counts. What it does not say is zero.
type life struct{ expires, notBefore, issuedAt time.Time }

func (v *Verifier) checkTimes(p *parsed, leeway time.Duration) (l life, err error) {
	for _, c := range []struct {
		name string
		at   *time.Time
	}{{"exp", &l.expires}, {"nbf", &l.notBefore}, {"iat", &l.issuedAt}} {
		if *c.at, _, err = p.time(c.name); err != nil {
			return life{}, err
		}
	}
	return l, l.check(v.Now(), leeway)
}

// issuedBefore is the earliest by our own clock at which the token can have been issued: the provider's may be ahead. What
// is revoked by our clock must not escape by theirs. Zero: it does not say.
func (l life) issuedBefore(leeway time.Duration) time.Time {
	if l.issuedAt.IsZero() {
		return time.Time{}
	}
	return l.issuedAt.Add(-leeway)
}

func (l life) check(now time.Time, leeway time.Duration) error {
	switch {
	case l.expires.IsZero():
		return refuse("it has no exp")
	case !now.Before(l.expires.Add(leeway)):
		return untimely("it expired %s ago", now.Sub(l.expires).Round(time.Second))
	case l.notBefore.After(now.Add(leeway)):
		return untimely("its nbf is %s ahead of this machine's clock: check both clocks", l.notBefore.Sub(now).Round(time.Second))
	case l.issuedAt.After(now.Add(leeway)):
		return untimely("its iat is %s ahead of this machine's clock: check both clocks", l.issuedAt.Sub(now).Round(time.Second))
	}
	return nil
}

// checkSignature returns the key by which the signature verifies.
func (i *Issuer) checkSignature(ctx context.Context, p *parsed) (*jose.JSONWebKey, error) {
	if !slices.Contains(i.Algorithms, string(p.alg)) {
		return nil, refuse("expected one of the algorithms %s, got %s", strings.Join(i.Algorithms, ", "), p.alg)
	}
	key, err := i.key(ctx, p.kid)
	switch {
	case err != nil:
		return nil, err
	case !fitsKey(p.alg, key):
		return nil, refuse("its algorithm %s is not of the key's type", p.alg)
	}
	if _, err := p.jws.Verify(key); err == nil {
		return key, nil
	}
	if key, replaced := i.Keys.Replaced(ctx, key); replaced && fitsKey(p.alg, key) {
		if _, err := p.jws.Verify(key); err == nil {
			return key, nil
		}
	}
	return nil, refuse("its signature does not verify")
}

func (i *Issuer) key(ctx context.Context, kid string) (*jose.JSONWebKey, error) {
	key, err := i.Keys.Key(ctx, kid)
	switch {
	case errors.Is(err, errUnknownKey):
		return nil, refuse("the issuer publishes no key %q", clip(kid))
	case err != nil:
		return nil, fault.Unavailable.New("the identity provider's keys can't be had; try again in a moment").Because(err)
	}
	return key, nil
}

func (i *Issuer) principal(claims map[string]any) (*access.Principal, error) {
	value, _ := i.SubjectPath.Find(claims)
	subject, _ := value.(string)
	if subject == "" || len(subject) > 255 || strings.ContainsFunc(subject, func(r rune) bool { return r < 0x20 || r == 0x7f }) {
		return nil, refuse("expected a subject of 1 to 255 plain characters at %q", i.SubjectPath)
	}
	if access.ReservedSubject(subject) {
		return nil, refuse("the subject %q at %q could be taken for one of Portico's own in the history", clip(subject), i.SubjectPath)
	}
	p := &access.Principal{Issuer: i.Issuer, Subject: subject, SignIn: signIn(claims)}
	p.IAMRoles, p.Odd = i.RolePath.Roles(claims, i.RoleSeparator)
	p.GivenName, p.FamilyName, p.Login = names(claims)
	if p.Login == "" && strings.Contains(subject, "@") {
		p.Login = subject
	}
	for _, name := range []string{"cid", "client_id", "azp"} {
		if s, _ := claims[name].(string); s != "" {
			if s == clip(s) { // an identity is never mended: of an odd one nothing is known
				p.ClientID = s
			}
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
