package login

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/portico-iam/portico/internal/access"
	"github.com/portico-iam/portico/internal/httpx"
	"github.com/portico-iam/portico/internal/seal"
)

const (
	flowLives   = time.Hour // a person may take a while over a second factor
	maxState    = 4096      // bytes
	statePlace  = "login state"
	cookiePlace = "login cookie"
	loopWindow  = time.Minute
	loopLimit   = 3 // completed sign-ins within the window that did not help
)

// state is what travels through the identity provider, sealed.
type state struct {
	Flow   string  `json:"f"` // 256 random bits
	Key    string  `json:"k"` // names the root key of what is derived: another replica may seal by another one
	Return string  `json:"r"`
	At     int64   `json:"t"`
	StepUp *stepUp `json:"u,omitempty"` // nil: any sign-in will do
}

// browser is the content of the login cookie, sealed: it binds flows to the browser, and notices a loop.
type browser struct {
	Key       string `json:"k"` // 256 random bits
	Completed int    `json:"n"` // sign-ins completed since Since
	Since     int64  `json:"s"`
}

// looping tells whether sign-ins are completed without leading to a session.
func (b *browser) looping(now time.Time) bool {
	return b.Completed >= loopLimit && now.Sub(time.Unix(b.Since, 0)) < loopWindow
}

// completed counts a sign-in.
func (b *browser) completed(now time.Time) {
	if now.Sub(time.Unix(b.Since, 0)) >= loopWindow {
		b.Completed, b.Since = 0, now.Unix()
	}
	b.Completed++
}

// flows makes and reads what a sign-in under way consists of.
type flows struct {
	keys   *seal.Keys
	box    *seal.Box
	secure bool
	now    func() time.Time
}

func newFlows(keys *seal.Keys, secure bool, now func() time.Time) *flows {
	return &flows{keys: keys, box: keys.Box("login"), secure: secure, now: now}
}

func (f *flows) newState(returnTo string, up *stepUp) (sealed string, s state) {
	s = state{Flow: random(), Key: f.keys.Sealing().ID(), Return: returnTo, At: f.now().Unix(), StepUp: up}
	return f.encode(s, statePlace), s
}

// newStepUp is newState for a sign-in that must be p's, and meet something.
func (f *flows) newStepUp(returnTo string, up *stepUp, p *access.Principal) (sealed string, s state) {
	_, s = f.newState(returnTo, up)
	up.Who = f.who(s, p)
	return f.encode(s, statePlace), s
}

// openState returns the state, and false for anything that we did not seal.
func (f *flows) openState(sealed string) (s state, ok bool) {
	if len(sealed) > maxState || !f.decode(sealed, statePlace, &s) || s.Flow == "" {
		return state{}, false
	}
	_, ok = f.keys.Find(s.Key)
	return s, ok
}

func (f *flows) expired(s state) bool { return f.now().Sub(time.Unix(s.At, 0)) > flowLives }

// verifier is the PKCE code verifier: 43 characters (RFC 7636 section 4.1).
func (f *flows) verifier(s state, b browser) string { return f.derive("pkce", s, b) }

func (f *flows) nonce(s state, b browser) string { return f.derive("nonce", s, b) }

func (f *flows) derive(what string, s state, b browser) string {
	key, _ := f.keys.Find(s.Key) // as newState and openState saw to
	return base64.RawURLEncoding.EncodeToString(seal.MAC(key.Derive("login flow"), what, s.Flow, b.Key))
}

func (f *flows) cookieName() string {
	if f.secure {
		return "__Host-portico-login"
	}
	return "portico_login"
}

// browserOf reads the login cookie; a missing, altered or doubled one makes a new browser of it.
func (f *flows) browserOf(r *http.Request) (b browser, known bool) {
	cookies := r.CookiesNamed(f.cookieName())
	if len(cookies) == 1 && len(cookies[0].Value) <= 512 && f.decode(cookies[0].Value, cookiePlace, &b) && b.Key != "" {
		return b, true
	}
	return browser{Key: random()}, false
}

func (f *flows) setCookie(w http.ResponseWriter, b browser) {
	http.SetCookie(w, &http.Cookie{
		Name: f.cookieName(), Value: f.encode(b, cookiePlace), Path: "/", MaxAge: int(flowLives / time.Second),
		HttpOnly: true, Secure: f.secure, SameSite: http.SameSiteLaxMode,
	})
}

func (f *flows) encode(v any, place string) string {
	plain, _ := json.Marshal(v) // strings and numbers always marshal
	return base64.RawURLEncoding.EncodeToString(f.box.Seal(plain, place))
}

func (f *flows) decode(text, place string, v any) bool {
	sealed, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil {
		return false
	}
	plain, err := f.box.Open(sealed, place)
	return err == nil && json.Unmarshal(plain, v) == nil
}

func random() string {
	b := make([]byte, 32)
	rand.Read(b) // never fails
	return base64.RawURLEncoding.EncodeToString(b)
}

// safeReturn returns the address if one can come back to it: a page of ours, and not one of the sign-in itself.
func safeReturn(address string, never ...string) string {
	address = httpx.LocalPath(address)
	path, _, _ := strings.Cut(address, "?")
	if plain, err := url.PathUnescape(path); err != nil || slices.Contains(never, plain) { // as the mux reads it
		return "/"
	}
	return address
}
