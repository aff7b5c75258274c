package doctor

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/portico-iam/portico/internal/iam"
)

// Kind is what sort of token somebody has.
type Kind string

// The kinds of token that Okta gives.
const (
	AccessToken Kind = "access token"
	IDToken     Kind = "ID token"
	OrgToken    Kind = "access token of the organisation's own server"
	Encrypted   Kind = "encrypted token (JWE)"
	Opaque      Kind = "opaque token"
)

// Token is a token taken apart without trust. Neither it nor its signature is ever shown.
type Token struct {
	raw     string
	Size    int
	Kind    Kind
	KID     string
	Typ     string
	Claims  map[string]any
	ID      *Token // of a token endpoint's whole answer, the ID token
	Verdict error  // our verifier's; nil: accepted, or not asked
	Judged  bool
}

// readToken finds the token in what was pasted: the token itself, a header's value, or the token endpoint's answer.
func readToken(text string) *Token {
	text = strings.TrimSpace(text)
	if text == "" {
		return nil
	}
	var answer struct {
		Access string `json:"access_token"`
		ID     string `json:"id_token"`
	}
	if json.Unmarshal([]byte(text), &answer) == nil && answer.Access+answer.ID != "" {
		if answer.Access == "" {
			return readToken(answer.ID)
		}
		t := readToken(answer.Access)
		t.ID = readToken(answer.ID)
		return t
	}
	if name, value, header := strings.Cut(text, ":"); header && !strings.Contains(name, ".") {
		text = strings.TrimSpace(value)
	}
	if scheme, value, has := strings.Cut(text, " "); has && (strings.EqualFold(scheme, "Bearer") || strings.EqualFold(scheme, "DPoP")) {
		text = strings.TrimSpace(value)
	}
	text = strings.Trim(text, `"'`)
	t := &Token{raw: text, Size: len(text), Kind: Opaque}
	parts := strings.Split(text, ".")
	header := decodePart(parts[0])
	if header == nil || len(text) > iam.MaxToken {
		return t
	}
	t.KID, _ = header["kid"].(string)
	t.Typ, _ = header["typ"].(string)
	switch len(parts) {
	case 5:
		t.Kind = Encrypted
	case 3:
		if t.Claims = decodePart(parts[1]); t.Claims != nil {
			t.Kind = t.kind()
		}
	}
	return t
}

// decodePart reads header or claims; nil when they are no JSON object.
func decodePart(part string) map[string]any {
	raw, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(part, "="))
	if err != nil {
		return nil
	}
	var out map[string]any
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	if d.Decode(&out) != nil {
		return nil
	}
	return out
}

// kind follows the marks that Okta leaves (okta.md 2): the prefix of jti, the header's type, the issuer.
func (t *Token) kind() Kind {
	_, nonce := t.Claims["nonce"]
	_, hash := t.Claims["at_hash"]
	_, scopes := t.Claims["scp"]
	switch {
	case strings.HasPrefix(t.text("jti"), "ID.") || (nonce || hash) && !scopes:
		return IDToken
	case strings.EqualFold(strings.TrimPrefix(strings.ToLower(t.Typ), "application/"), "okta-internal-at+jwt") || isBare(t.text("iss")):
		return OrgToken
	}
	return AccessToken
}

func (t *Token) text(name string) string {
	s, _ := t.Claims[name].(string)
	return s
}

// list returns a claim that is a string or an array of strings.
func (t *Token) list(name string) (all []string) {
	switch v := t.Claims[name].(type) {
	case string:
		return []string{v}
	case []any:
		for _, item := range v {
			if s, ok := item.(string); ok {
				all = append(all, s)
			}
		}
	}
	return all
}

// time returns a NumericDate.
func (t *Token) time(name string) (time.Time, bool) {
	n, ok := t.Claims[name].(json.Number)
	if !ok {
		return time.Time{}, false
	}
	seconds, err := n.Float64()
	return time.Unix(int64(seconds), 0), err == nil
}

// login is who the token is about, as Okta's users are looked up.
func (t *Token) login() string {
	switch {
	case t == nil:
		return ""
	case t.text("uid") != "":
		return t.text("uid")
	case strings.HasPrefix(t.text("sub"), "00u") || strings.Contains(t.text("sub"), "@"):
		return t.text("sub")
	}
	return ""
}

// ofMachine tells of a token that no person is behind: its subject is the client (okta.md 2, client_credentials).
func (t *Token) ofMachine() bool { return t.text("uid") == "" && t.text("sub") == t.text("cid") }

// idToken is the ID token among what was pasted; nil when there is none.
func (t *Token) idToken() *Token {
	if t == nil || t.Kind == IDToken {
		return t
	}
	return t.ID
}

// subject is the token that the roles are read from, of what was given: nil when it was not.
func (e *Evidence) subject() *Token {
	if e.idTokens() {
		return e.Token.idToken()
	}
	return e.Token
}

var errOffline = errors.New("offline")

// judge asks our own verifier, the one that every request meets. Without a network it gets as far as the keys.
func (e *Evidence) judge(ctx context.Context, p *prober) {
	if e.Token == nil || e.Config == nil {
		return
	}
	c, err := iam.Connect(e.Config, func() time.Time { return e.Now }, slog.New(slog.DiscardHandler))
	if err != nil || e.Config.STS.IAM.TokenValidation.Iss == "" {
		return // config check has said so
	}
	defer c.Close()
	places := []string{e.Config.STS.IAM.TokenValidation.JWKSURI}
	if places[0] == "" && e.Probes != nil {
		places[0] = e.Probes.JWKSURI
	}
	for _, a := range e.Config.STS.IAM.Additional {
		places = append(places, a.TokenValidation.JWKSURI)
	}
	for i, issuer := range c.Verifier.Issuers {
		issuer.Keys.URL = func(context.Context) (string, error) {
			if p == nil || !p.allowed(places[i]) {
				return "", errOffline
			}
			return places[i], nil
		}
		if p != nil {
			issuer.Keys.HTTP = p.http
		}
	}
	if id := e.Token.idToken(); id != nil && e.idTokens() {
		access := ""
		if id != e.Token {
			access = e.Token.raw
		}
		_, id.Verdict = c.Verifier.VerifyIDToken(ctx, id.raw, e.Config.IAM.ClientID, "", access)
		id.Judged = true
		return
	}
	_, e.Token.Verdict = c.Verifier.Verify(ctx, e.Token.raw)
	e.Token.Judged = true
}

// describe says what a token is, without anything that would be worth keeping secret.
func (t *Token) describe() string {
	if t.Claims == nil {
		return fmt.Sprintf("%s of %d bytes", t.Kind, t.Size)
	}
	return fmt.Sprintf("%s, iss %s, aud %s", t.Kind, clip(t.text("iss")), clip(strings.Join(t.list("aud"), " ")))
}
