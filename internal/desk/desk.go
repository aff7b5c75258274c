package desk

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"github.com/a-h/templ"

	"github.com/portico-iam/portico/internal/access"
	"github.com/portico-iam/portico/internal/authn"
	"github.com/portico-iam/portico/internal/breakglass"
	"github.com/portico-iam/portico/internal/corecall"
	"github.com/portico-iam/portico/internal/desk/assets"
	"github.com/portico-iam/portico/internal/desk/kept"
	"github.com/portico-iam/portico/internal/desk/view"
	"github.com/portico-iam/portico/internal/desk/wording"
	"github.com/portico-iam/portico/internal/explain"
	"github.com/portico-iam/portico/internal/fault"
	"github.com/portico-iam/portico/internal/history"
	"github.com/portico-iam/portico/internal/httpx"
	"github.com/portico-iam/portico/internal/integration"
	"github.com/portico-iam/portico/internal/policy"
	"github.com/portico-iam/portico/internal/revocation"
	"github.com/portico-iam/portico/internal/session"
	"github.com/portico-iam/portico/internal/sts"
)

// Config is what the Desk needs.
type Config struct {
	Authn         *authn.Authenticator
	Policy        *policy.Service
	Organisations *corecall.Organisations
	History       *history.Recorder
	Export        history.ExportStore
	Tallies       *history.Tallies
	Reads         *history.Gatherer // records who reads in the history; nil: nothing does
	Integration   *integration.Service
	RolePath      string // where roles are looked for in the token, as configured
	IssuerOrigin  string // scheme://host of the identity provider: signing out leads there
	Secure        bool   // the public address is https
	Now           func() time.Time
	Logger        *slog.Logger
}

// Handler is the Desk.
type Handler struct {
	Config
	// Sessions, SignIn, StepUp and Kept belong to the built-in gateway; behind another one they are nil.
	Sessions   *session.Manager
	SignIn     http.HandlerFunc
	StepUp     StepUp
	BreakGlass *breakglass.Service
	Keys       *sts.KeyAdministration
	Kept       *kept.Forms
	// Revocations knows who is signed in.
	Revocations *revocation.Service
	Explainer   *explain.Service
	// Posting posts the history to an external Core; nil where it stays here.
	Posting *corecall.Posting

	mux     *http.ServeMux
	exports atomic.Int32 // under way
	tails   tails
}

// Mount puts the Desk's addresses on mux.
func (h *Handler) Mount(mux *http.ServeMux) {
	h.mux = mux
	mux.Handle("GET "+assets.Prefix, assets.Handler())
	mux.Handle("GET /{$}", h.page(h.overview))
	mux.Handle("POST "+view.SwitchOrganisationPath, h.page(h.switchOrganisation))
	mux.Handle("POST "+view.SwitchThemePath, h.page(h.switchTheme))
	mux.Handle("POST "+view.SwitchLanguagePath, h.page(h.switchLanguage))
	mux.Handle("GET "+view.SearchPath, h.page(h.search))
	mux.Handle("POST "+view.UndoProbationPath, h.page(h.undoProbation))
	h.mountRoles(mux)
	h.mountAccess(mux)
	h.mountOrganisations(mux)
	h.mountIntegration(mux)
	h.mountKeys(mux)
	h.mountPeople(mux)
	h.mountExplain(mux)
	mux.Handle("GET "+view.HistoryPath, h.page(h.historyList))
	mux.Handle("GET "+view.TimelinePath, h.page(h.historyList))
	mux.Handle("GET "+view.HistoryExportPath, h.page(h.historyExport))
	h.mountTail(mux)
	mux.Handle("GET "+view.HistoryPath+"/{id}", h.page(h.historyDetail))
	mux.Handle("/", h.known(h.elsewhere(mux)))
}

// pageHandler shows a page to somebody, or fails.
type pageHandler func(w http.ResponseWriter, r *http.Request, c *authn.Caller) error

const maxForm = 1 << 20 // bytes

// page shows something to somebody we know, after reading what they sent.
func (h *Handler) page(next pageHandler) http.Handler {
	return h.known(func(w http.ResponseWriter, r *http.Request, c *authn.Caller) error {
		if r.Method == http.MethodPost {
			if err := readForm(r); err != nil {
				return err
			}
		}
		return next(w, r, c)
	})
}

// known finds out who is there, and renders whatever goes wrong.
func (h *Handler) known(next pageHandler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h.setPolicy(w)
		r = spoken(w, r)
		r.Body = httpx.Body(w, r, maxForm)
		c, err := h.Authn.Authenticate(w, r)
		if err != nil {
			h.notIn(w, r, err)
			return
		}
		if err := next(w, r, c); err != nil {
			h.fail(w, r, c, err)
		}
	})
}

// elsewhere answers what no page takes: an address that takes another method says which, any other does not exist.
func (h *Handler) elsewhere(mux *http.ServeMux) pageHandler {
	return func(w http.ResponseWriter, r *http.Request, c *authn.Caller) error {
		var allowed []string
		for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete} {
			other := r.Clone(r.Context())
			other.Method = method
			if _, pattern := mux.Handler(other); pattern != "/" {
				allowed = append(allowed, method)
			}
		}
		if len(allowed) == 0 {
			return fault.NotFound.New("there is no page %s", r.URL.Path)
		}
		w.Header().Set("Allow", strings.Join(allowed, ", "))
		return fault.MethodNotAllowed.New("%s accepts %s, not %s", r.URL.Path, strings.Join(allowed, " or "), r.Method)
	}
}

// readForm reads a form of at most maxForm bytes of UTF-8.
func readForm(r *http.Request) error {
	var tooLarge *http.MaxBytesError
	switch err := r.ParseForm(); {
	case errors.As(err, &tooLarge):
		return fault.TooLarge.New("a form may hold 1 MiB at most")
	case err != nil:
		return fault.InvalidInput.New("the form could not be read").Because(err)
	}
	for _, values := range r.PostForm {
		for _, value := range values {
			if !utf8.ValidString(value) {
				return fault.InvalidInput.New("the form holds text that is not UTF-8")
			}
		}
	}
	return nil
}

// setPolicy admits our own files, forms and answers, and the identity provider as the place where signing out leads: browsers
// apply form-action to what a form is redirected to as well.
func (h *Handler) setPolicy(w http.ResponseWriter) {
	w.Header().Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "+
		"form-action 'self' "+h.IssuerOrigin+"; frame-ancestors 'none'; base-uri 'none'")
}

// notIn answers somebody whom we can't place.
func (h *Handler) notIn(w http.ResponseWriter, r *http.Request, err error) {
	ctx := r.Context()
	note(ctx, fault.Of(err))
	switch {
	case fault.Unauthenticated.Is(err) && h.SignIn != nil && r.Method == http.MethodGet && r.Header.Get("Authorization") == "":
		h.SignIn(w, r)
	case !wantsPage(r):
		httpx.WriteError(w, r, err)
	case fault.Unauthenticated.Is(err) && h.SignIn != nil:
		h.endedMeanwhile(w, r)
	case fault.Unauthenticated.Is(err):
		h.message(w, r, http.StatusUnauthorized, view.Message{
			Title: say(ctx, "You are not signed in"), Text: say(ctx, "The gateway in front of Portico sent no usable sign-in."),
			Details: []string{sayFault(ctx, fault.Of(err))}, Reference: httpx.RequestID(r.Context()),
		})
	case fault.CrossOrigin.Is(err):
		h.message(w, r, http.StatusForbidden, view.Message{
			Title: say(ctx, "This came from another site"), Text: say(ctx, "Nothing was changed. A form counts only when it is sent from a page of Portico itself."),
			Actions: []view.Link{{Label: say(ctx, "Go to the overview"), Href: view.OverviewPath}},
		})
	default:
		f := fault.Of(err)
		if f.Code.Status >= http.StatusInternalServerError {
			h.Logger.ErrorContext(r.Context(), "page failed", "error", err)
		}
		h.message(w, r, f.Code.Status, view.Message{
			Title: sayKey(ctx, f.Code.Message), Text: sayFault(ctx, f), Reference: httpx.RequestID(ctx),
			Actions: []view.Link{{Label: say(ctx, "Try again"), Href: view.OverviewPath}},
		})
	}
}

// note is for who observes the requests.
func note(ctx context.Context, f *fault.Fault) { httpx.NoteRefusal(ctx, f.Code.ID, f.Reference) }

func wantsPage(r *http.Request) bool {
	return strings.Contains(r.Header.Get("Accept"), "text/html") || r.Header.Get("Sec-Fetch-Mode") == "navigate"
}

// RenderMessage shows a message of the sign-in.
func (h *Handler) RenderMessage(w http.ResponseWriter, r *http.Request, p httpx.Message) {
	h.setPolicy(w)
	r = spoken(w, r)
	ctx := r.Context()
	if p.Status >= http.StatusBadRequest {
		httpx.NoteRefusal(ctx, p.Code, p.Reference)
	}
	m := view.Message{
		Title: sayKey(ctx, p.Title), Text: wording.SayPhrase(ctx, wording.Phrase{Format: p.Text, Args: p.Args}), Reference: p.Reference,
		Actions: []view.Link{{Label: sayKey(ctx, p.Action), Href: p.ActionURL}},
	}
	if f := p.Form; f != nil {
		m.Form = &view.Form{Path: f.Path, Field: f.Field, Label: sayKey(ctx, f.Label), Help: sayKey(ctx, f.Help), Submit: sayKey(ctx, f.Submit)}
		if f.Refused != nil {
			m.Form.Error = sayFault(ctx, f.Refused)
		}
	}
	h.message(w, r, p.Status, m)
}

func (h *Handler) message(w http.ResponseWriter, r *http.Request, status int, m view.Message) {
	m.Theme = theme(r)
	h.render(w, r, status, view.MessagePage(m))
}

// fail renders what went wrong for somebody who is signed in.
func (h *Handler) fail(w http.ResponseWriter, r *http.Request, c *authn.Caller, err error) {
	ctx, f := r.Context(), fault.Of(err)
	note(ctx, f)
	switch f.Code {
	case fault.Forbidden:
		h.refused(w, r, c, f)
	case fault.StepUp:
		h.stepUp(w, r, c, f)
	case fault.NotFound, fault.OrganisationMissing, fault.HistoryEntryMissing:
		h.render(w, r, http.StatusNotFound, view.NotFoundPage(view.NotFound{Page: h.frame(r, c)}))
	default:
		v := view.Failure{Page: h.frame(r, c), Again: view.Link{Label: say(ctx, "Try again"), Href: r.URL.Path}}
		if r.Method == http.MethodGet {
			v.Again.Href = r.URL.RequestURI()
		}
		switch {
		case f.Code == fault.MethodNotAllowed:
			v.Title, v.Text, v.Again = say(ctx, "This can’t be done here"), nothingChanged(ctx, f), view.Link{}
		case f.Code.Status < http.StatusInternalServerError:
			v.Title, v.Text = sayKey(ctx, f.Code.Message), nothingChanged(ctx, f)
		default:
			h.Logger.ErrorContext(r.Context(), "page failed", "error", err)
			v.Reference = httpx.RequestID(r.Context())
			switch {
			case f.Code == fault.Internal:
			case f.Code == fault.Unavailable: // it knows whether something may have been done all the same
				v.Title, v.Text = sayKey(ctx, f.Code.Message), sayFault(ctx, f)
			case r.Method == http.MethodGet:
				v.Title, v.Text = sayKey(ctx, f.Code.Message), say(ctx, "Try again in a moment.")
			default:
				v.Title, v.Text = sayKey(ctx, f.Code.Message), say(ctx, "It may have been done all the same: look before you try again.")
			}
		}
		h.render(w, r, f.Code.Status, view.FailurePage(v))
	}
}

func nothingChanged(ctx context.Context, f *fault.Fault) string {
	return sayFault(ctx, f) + " " + say(ctx, "Nothing was changed.")
}

func (h *Handler) render(w http.ResponseWriter, r *http.Request, status int, c templ.Component) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Language", wording.Of(r.Context()).Code)
	w.WriteHeader(status)
	if err := c.Render(r.Context(), w); err != nil {
		h.Logger.DebugContext(r.Context(), "page not sent whole", "error", err)
	}
}

// done leads to a page, which says what was done: the one that the person came from to do it, else the one at path, or
// the overview for who may not see that.
func (h *Handler) done(w http.ResponseWriter, r *http.Request, c *authn.Caller, what outcome, path string, needs access.Permission) error {
	if !h.may(c, needs) {
		path = view.OverviewPath
	}
	next := url.URL{Path: path}
	if wizard := wizardOf(r); wizard != nil {
		next = *wizard
	}
	leadTo(w, r, next, what)
	return nil
}

// leadTo leads to a page, which says what was done.
func leadTo(w http.ResponseWriter, r *http.Request, next url.URL, what outcome) {
	query := next.Query()
	query.Set("done", string(what))
	next.RawQuery = query.Encode()
	http.Redirect(w, r, next.String(), http.StatusSeeOther)
}

// wizardOf is the access wizard, as it was left to make something that it needs; nil when that is not why we are here.
// No other address is taken from a form or an address.
func wizardOf(r *http.Request) *url.URL {
	u, err := url.Parse(httpx.LocalPath(cmp.Or(r.PostFormValue("then"), r.URL.Query().Get("then"))))
	if err != nil {
		return nil
	}
	id, edits := strings.CutSuffix(strings.TrimPrefix(u.Path, view.AccessPath+"/"), "/edit")
	if _, err := httpx.ParseUUID(id); u.Path != view.AccessNewPath && (!edits || err != nil || u.Path != view.AccessEditPath(id)) {
		return nil
	}
	return u
}

// then is wizardOf as forms carry it on.
func then(r *http.Request) string {
	if u := wizardOf(r); u != nil {
		return u.String()
	}
	return ""
}

// outcome names what was done. Only these are ever shown: an address must not put words into our mouth.
type outcome string

const (
	roleCreated             outcome = "role-created"
	roleSaved               outcome = "role-saved"
	roleDeleted             outcome = "role-deleted"
	accessCreated           outcome = "access-created"
	accessSaved             outcome = "access-saved"
	accessDeleted           outcome = "access-deleted"
	organisationCreated     outcome = "organisation-created"
	organisationSaved       outcome = "organisation-saved"
	organisationDeactivated outcome = "organisation-deactivated"
	organisationReactivated outcome = "organisation-reactivated"
	keysRotated             outcome = "keys-rotated"
	keyCutOff               outcome = "key-cut-off"
	accessEnded             outcome = "access-ended"
	changeUndone            outcome = "change-undone"
	signedInAgain           outcome = "signed-in-again"
	requestMade             outcome = "request-made"
	requestApproved         outcome = "request-approved"
	requestRefused          outcome = "request-refused"
	requestWithdrawn        outcome = "request-withdrawn"
	requestClosed           outcome = "request-closed"
	fourEyesDemanded        outcome = "four-eyes-demanded"
	fourEyesReleased        outcome = "four-eyes-released"
)

var outcomes = map[outcome]string{
	roleCreated:             key("The role is created. Map it to an IAM role under Access control to give it to people."),
	roleSaved:               key("The role is saved. It counts from now on."),
	roleDeleted:             key("The role is deleted."),
	accessCreated:           key("The access is saved. It counts from now on."),
	accessSaved:             key("The access is saved. It counts from now on."),
	accessDeleted:           key("The access is deleted. It no longer counts."),
	organisationCreated:     key("The organisation is created."),
	organisationSaved:       key("The organisation is saved."),
	organisationDeactivated: key("The organisation is deactivated. Nobody can work in it."),
	organisationReactivated: key("The organisation is active again."),
	keysRotated:             key("The next key signs from now on."),
	accessEnded:             key("Done. What is already with Core expires within minutes; whoever may still sign in can do so again."),
	keyCutOff:               key("The key is cut off: it signs no more and is no longer published."),
	changeUndone:            key("The change is undone. All is as it was before it."),
	requestMade:             key("You asked for approval. Nothing is changed until a second administrator approves it here."),
	requestApproved:         key("The request is approved, and its change made. It counts from now on."),
	requestRefused:          key("The request is refused. Nothing was changed."),
	requestWithdrawn:        key("The request is withdrawn. Nothing was changed."),
	requestClosed:           key("The request was no longer open: you see what became of it."),
	fourEyesDemanded:        key("From now on a second administrator must approve changes of access in this organisation."),
	fourEyesReleased:        key("Each administrator alone can change access in this organisation again."),
	signedInAgain:           key("You signed in again. Your change stays."),
}

// may tells whether the caller holds a permission of the system, to offer or hide what needs it. It enforces nothing.
func (h *Handler) may(c *authn.Caller, p access.Permission) bool {
	return h.Policy.Snapshot().Decide(c.Principal, access.System, p).Allowed
}

// offers tells whether the caller holds a permission of the system, or would after another sign-in: to show the way to what needs
// it, which leads there through that sign-in. It enforces nothing, and nothing that is only for who may see it hangs on it.
func (h *Handler) offers(c *authn.Caller, p access.Permission) bool {
	return h.Policy.Snapshot().Decide(c.Principal, access.System, p).Reachable()
}

// enforce refuses a page. wanted is what the person wanted, in words.
func (h *Handler) enforce(ctx context.Context, c *authn.Caller, wanted string, p access.Permission) error {
	return h.Policy.Enforce(ctx, c.Principal, access.System, wanted, p)
}
