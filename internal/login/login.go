package login

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"golang.org/x/time/rate"

	"github.com/portico-iam/portico/internal/access"
	"github.com/portico-iam/portico/internal/breakglass"
	"github.com/portico-iam/portico/internal/fault"
	"github.com/portico-iam/portico/internal/history"
	"github.com/portico-iam/portico/internal/httpx"
	"github.com/portico-iam/portico/internal/iam"
	"github.com/portico-iam/portico/internal/limit"
	"github.com/portico-iam/portico/internal/seal"
	"github.com/portico-iam/portico/internal/session"
)

// Client is the identity provider, as far as signing in needs it.
type Client interface {
	AuthorizationURL(ctx context.Context, state, nonce, verifier string, ask iam.Ask) (string, error)
	Exchange(ctx context.Context, code, verifier, nonce string) (*iam.Grant, error)
	EndSessionURL(ctx context.Context, idToken string) (string, error)
	// NamesItself tells whether answers to the browser bear the provider's name (RFC 9207).
	NamesItself(ctx context.Context) (bool, error)
}

// Config is what the gateway needs.
type Config struct {
	Client         Client
	Issuer         string
	PublicURL      string
	Sessions       *session.Manager
	History        *history.Recorder
	Pages          httpx.MessageRenderer
	Keys           *seal.Keys
	CallbackPath   string
	PostLogoutPath string
	Secure         bool // the public address is https
	BreakGlass     *breakglass.Service
	SignIns        *limit.Limiter[netip.Addr] // of one address; nil: no limit
	TrustedProxies []netip.Prefix
	// Admit refuses somebody whom the directory says is deactivated; nil: it admits everybody.
	Admit func(ctx context.Context, p *access.Principal) error
	// SignedIn is told of how each sign-in ended; nil: nobody is.
	SignedIn func(result string)
	Now      func() time.Time
	Logger   *slog.Logger
}

// Handler is the sign-in edge.
type Handler struct {
	Config
	flows    *flows
	recorded *rate.Limiter // refused sign-ins that reach the history
}

// Refused sign-ins are recorded at this rate at the most, in bursts of so many.
const (
	refusalsPerSecond = 1
	refusalsAtOnce    = 60
)

// New returns the edge.
func New(cfg Config) *Handler {
	return &Handler{Config: cfg, flows: newFlows(cfg.Keys, cfg.Secure, cfg.Now), recorded: rate.NewLimiter(refusalsPerSecond, refusalsAtOnce)}
}

// Mount puts the edge's addresses on mux.
func (h *Handler) Mount(mux *http.ServeMux) {
	mux.HandleFunc("GET /login", h.login)
	mux.HandleFunc("GET "+h.CallbackPath, h.callback)
	mux.HandleFunc("GET /logout", h.logout)
	mux.HandleFunc("POST /logout", h.logout)
	h.mountBreakGlass(mux)
}

func (h *Handler) login(w http.ResponseWriter, r *http.Request) {
	h.begin(w, r, r.URL.Query().Get("return"), r.URL.Query().Get("as") == "somebody-else")
}

// SignIn sends somebody without a session to the identity provider, to come back to the page asked for. Anything but a
// navigation of the top-level page is answered 401 instead: it could not follow.
func (h *Handler) SignIn(w http.ResponseWriter, r *http.Request) {
	if h.justSignedOut(w, r) {
		return
	}
	h.begin(w, r, r.URL.RequestURI(), false)
}

func (h *Handler) begin(w http.ResponseWriter, r *http.Request, returnTo string, anew bool) {
	if !navigates(r) {
		httpx.WriteError(w, r, fault.Unauthenticated.New("sign in first: open the page in a browser"))
		return
	}
	if own := h.ownLoopback(r); own != "" {
		http.Redirect(w, r, own, http.StatusSeeOther)
		return
	}
	if address, counted := httpx.LimitedAddress(r, h.TrustedProxies); counted {
		if wait, ok := h.SignIns.Take(address); !ok {
			httpx.RetryAfter(w, wait)
			h.ended("limited")
			h.problem(w, r, fault.TooMany, "Too many sign-ins", "Too many sign-ins were begun from your network at once. Try again in a minute.", safeReturn(returnTo))
			return
		}
	}
	b, _ := h.flows.browserOf(r)
	if b.looping(h.Now()) {
		h.ended("looping")
		h.Pages.RenderMessage(w, r, httpx.Message{
			Status: fault.SignInLoop.Status, Code: fault.SignInLoop.ID, Title: "You are signed in, but your browser forgets it",
			Text: "The sign-in succeeded several times in a row, and each time the browser came back without the session cookie. " +
				"Allow cookies for this site, and open it under its own address: %s.",
			Args:      []any{h.PublicURL},
			Reference: httpx.RequestID(r.Context()), ActionURL: "/", Action: "Try again in a minute",
		})
		return
	}
	sealed, s := h.flows.newState(safeReturn(returnTo, "/login", "/logout", h.CallbackPath), nil)
	target, err := h.Client.AuthorizationURL(r.Context(), sealed, h.flows.nonce(s, b), h.flows.verifier(s, b), iam.Ask{Anew: anew})
	if err != nil {
		h.ended("unavailable")
		h.Logger.ErrorContext(r.Context(), "sign-in can't begin", "error", err)
		h.problem(w, r, fault.IdentityProvider, "The sign-in page can't be reached",
			"Your company's sign-in does not answer at the moment. Try again in a minute; if that does not help, tell your administrator.", s.Return)
		return
	}
	h.flows.setCookie(w, b)
	http.Redirect(w, r, target, http.StatusSeeOther)
}

// ownLoopback returns the same page under our public address when both are names of this machine: cookies set for
// localhost are not sent to 127.0.0.1. Elsewhere the proxy in front decides which names lead here.
func (h *Handler) ownLoopback(r *http.Request) string {
	public, err := url.Parse(h.PublicURL)
	if err != nil || r.Host == public.Host {
		return ""
	}
	for _, host := range []string{public.Host, r.Host} {
		name, _, err := net.SplitHostPort(host)
		ip := net.ParseIP(name)
		if err != nil || name != "localhost" && (ip == nil || !ip.IsLoopback()) {
			return ""
		}
	}
	return h.PublicURL + r.URL.RequestURI()
}

// navigates tells whether the request is one by which a browser opens a page.
func navigates(r *http.Request) bool {
	if r.Method != http.MethodGet {
		return false
	}
	if mode := r.Header.Get("Sec-Fetch-Mode"); mode != "" {
		dest := r.Header.Get("Sec-Fetch-Dest")
		return mode == "navigate" && (dest == "" || dest == "document")
	}
	return strings.Contains(r.Header.Get("Accept"), "text/html")
}

// ended tells how a sign-in ended.
func (h *Handler) ended(result string) {
	if h.SignedIn != nil {
		h.SignedIn(result)
	}
}

// problem shows why a sign-in did not work, with the reference under which the log has more.
func (h *Handler) problem(w http.ResponseWriter, r *http.Request, code *fault.Code, title, text, returnTo string) {
	h.Pages.RenderMessage(w, r, httpx.Message{
		Status: code.Status, Code: code.ID, Title: title, Text: text, Reference: httpx.RequestID(r.Context()),
		ActionURL: "/login?return=" + url.QueryEscape(returnTo), Action: "Sign in again",
	})
}

// failed shows that a sign-in could not be kept.
func (h *Handler) failed(w http.ResponseWriter, r *http.Request, err error, returnTo string) {
	h.ended("unavailable")
	h.Logger.ErrorContext(r.Context(), "sign-in not stored", "error", err)
	h.problem(w, r, fault.Unavailable, "The sign-in can't be stored at the moment",
		"You are not signed in. Try again in a minute; if that does not help, tell your administrator.", returnTo)
}

// callback completes a sign-in (RFC 6749 section 4.1.2).
func (h *Handler) callback(w http.ResponseWriter, r *http.Request) {
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil || repeated(query) {
		h.ended("not_ours")
		h.problem(w, r, fault.SignInExpired, "This address is not complete", "The answer of the sign-in page was damaged on its way.", "/")
		return
	}
	s, ok := h.flows.openState(query.Get("state"))
	if !ok {
		h.ended("not_ours")
		h.problem(w, r, fault.SignInExpired, "This sign-in is not known here", "It was begun elsewhere, or the address was altered.", "/")
		return
	}
	b, known := h.flows.browserOf(r)
	switch {
	case h.flows.expired(s):
		http.Redirect(w, r, s.Return, http.StatusSeeOther)
	case !known:
		h.ended("not_ours")
		h.problem(w, r, fault.SignInExpired, "This sign-in was begun in another browser",
			"The cookie that ties the sign-in to this browser is missing. Sign in again, here, and allow cookies for this site.", s.Return)
	case !h.fromOurProvider(r.Context(), query):
		h.ended("not_ours")
		h.problem(w, r, fault.SignInExpired, "This answer came from another identity provider", "It was refused.", s.Return)
	case query.Get("error") != "":
		h.refused(w, r, &iam.RefusedError{Code: clip(query.Get("error")), Description: clip(query.Get("error_description"))}, s)
	case query.Get("code") == "" || len(query.Get("code")) > 2048:
		h.ended("not_ours")
		h.problem(w, r, fault.SignInExpired, "This address is not complete", "The answer of the sign-in page holds no code.", s.Return)
	default:
		h.complete(w, r, query.Get("code"), s, b)
	}
}

// fromOurProvider checks who answered (RFC 9207 section 2.4): a wrong name is refused, and so is none where the provider
// says that it gives its name.
func (h *Handler) fromOurProvider(ctx context.Context, query url.Values) bool {
	if query.Has("iss") {
		return query.Get("iss") == h.Issuer
	}
	named, err := h.Client.NamesItself(ctx)
	return err == nil && !named || err != nil && query.Get("code") == "" // without its metadata no code can be redeemed anyway
}

func (h *Handler) complete(w http.ResponseWriter, r *http.Request, code string, s state, b browser) {
	ref := session.NewRef()
	fresh, first, err := h.Sessions.ClaimFlow(r.Context(), s.Flow, ref, h.Now().Add(2*flowLives))
	if err != nil {
		h.failed(w, r, err, s.Return)
		return
	}
	if !fresh {
		h.replayed(w, r, first, s)
		return
	}
	grant, err := h.Client.Exchange(r.Context(), code, h.flows.verifier(s, b), h.flows.nonce(s, b))
	if err != nil {
		h.refused(w, r, err, s)
		return
	}
	if h.Admit != nil {
		if err := h.Admit(r.Context(), grant.Principal); err != nil {
			h.deactivated(w, r, err, s)
			return
		}
	}
	if s.StepUp != nil && !h.stepsUp(w, r, grant, s) {
		return
	}
	if _, err := h.Sessions.Begin(w, r, ref, grant); err != nil {
		h.failed(w, r, err, s.Return)
		return
	}
	b.completed(h.Now())
	h.ended("completed")
	h.flows.setCookie(w, b)
	http.Redirect(w, r, s.Return, http.StatusSeeOther)
}

// replayed answers a second use of one sign-in. The browser that holds the session it began pressed "back": it goes on.
// Anybody else has somebody's address: that session ends (RFC 6749 section 10.5).
func (h *Handler) replayed(w http.ResponseWriter, r *http.Request, first string, s state) {
	if own, err := h.Sessions.Find(w, r); err == nil && own.Ref == first {
		http.Redirect(w, r, s.Return, http.StatusSeeOther)
		return
	}
	if err := h.Sessions.RevokeRef(r.Context(), first, "its sign-in was used a second time"); err != nil {
		h.failed(w, r, err, s.Return)
		return
	}
	h.ended("replayed")
	h.problem(w, r, fault.SignInExpired, "This sign-in was used already", "It counts once. Sign in again.", s.Return)
}

// refused records why the identity provider, or our validation of what it sent, ended a sign-in.
func (h *Handler) refused(w http.ResponseWriter, r *http.Request, err error, s state) {
	h.ended("refused")
	h.Logger.WarnContext(r.Context(), "sign-in refused", "error", reasonOf(err))
	// Anybody can come with an error and a state of ours, so the record is bounded; the log has the rest under the
	// request's id.
	reference := httpx.RequestID(r.Context())
	if h.recorded.AllowN(h.Now(), 1) {
		reference = h.History.Record(r.Context(), history.Entry{
			Action: history.Rejected, EntityType: history.STSSession, Name: "sign-in", Source: history.SourceSTS,
			Metadata: history.Details(h.Sessions.From(r).Details(map[string]any{"sentence": "The sign-in was refused.", "reason": reasonOf(err)})),
		}).ID
	}
	status, title, text := explain(err)
	action, address := "Sign in again", "/login?return="+url.QueryEscape(s.Return)
	if status == http.StatusForbidden { // still signed in there: going again would end here again
		action, address = "Sign in as somebody else", address+"&as=somebody-else"
	}
	h.Pages.RenderMessage(w, r, httpx.Message{
		Status: status, Code: fault.IdentityProvider.ID, Title: title, Text: text, Reference: reference, ActionURL: address, Action: action,
	})
}

// deactivated tells somebody whom their company's directory has deactivated. It is recorded already; they are still signed in
// there, so going again would end here again.
func (h *Handler) deactivated(w http.ResponseWriter, r *http.Request, err error, s state) {
	refused := fault.Of(err)
	reference := refused.Reference
	if reference == "" {
		reference = httpx.RequestID(r.Context())
	}
	h.ended("deactivated")
	h.Logger.WarnContext(r.Context(), "sign-in refused", "error", err)
	h.Pages.RenderMessage(w, r, httpx.Message{
		Status: refused.Code.Status, Code: refused.Code.ID, Title: "Your account is deactivated",
		Text:      "Your company's directory says that you may not work here any more. If that is a mistake, tell your administrator the reference below.",
		Reference: reference, ActionURL: "/login?return=" + url.QueryEscape(s.Return) + "&as=somebody-else", Action: "Sign in as somebody else",
	})
}

func repeated(query url.Values) bool {
	for _, values := range query {
		if len(values) > 1 {
			return true
		}
	}
	return false
}

func clip(s string) string { return fault.Clip(s, 500) }
