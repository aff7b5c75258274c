package desk

import (
	"net/http"
	"net/url"

	"github.com/portico-iam/portico/internal/access"
	"github.com/portico-iam/portico/internal/authn"
	"github.com/portico-iam/portico/internal/desk/kept"
	"github.com/portico-iam/portico/internal/desk/view"
	"github.com/portico-iam/portico/internal/fault"
	"github.com/portico-iam/portico/internal/httpx"
)

// StepUp returns where somebody signs in anew, as a role requires, to come back to a page. It may set a cookie.
type StepUp func(w http.ResponseWriter, r *http.Request, p *access.Principal, requires *access.Requirement, returnTo string) (string, error)

// stepUp answers somebody whose sign-in is not what a role requires (RFC 9470). Whoever opens a page goes through the right
// sign-in and comes back to it; whoever sent a form is told first, and finds it filled in when they come back.
func (h *Handler) stepUp(w http.ResponseWriter, r *http.Request, c *authn.Caller, f *fault.Fault) {
	switch {
	case !wantsPage(r):
		httpx.WriteError(w, r, f)
	case h.StepUp == nil || c.Session == nil: // another gateway signs people in: it must be told to
		h.message(w, r, f.Code.Status, view.Message{
			Title: sayKey(r.Context(), f.Code.Message), Text: nothingChanged(r.Context(), f), Reference: f.Reference,
			Actions: []view.Link{{Label: say(r.Context(), "Go to the overview"), Href: view.OverviewPath}},
		})
	case r.Method == http.MethodGet:
		target, err := h.StepUp(w, r, c.Principal, f.SignIn, r.URL.RequestURI())
		if err != nil {
			h.fail(w, r, c, err)
			return
		}
		http.Redirect(w, r, target, http.StatusSeeOther)
	default:
		h.stepUpForm(w, r, c, f)
	}
}

// stepUpForm keeps what was sent, as for somebody whose session has ended.
func (h *Handler) stepUpForm(w http.ResponseWriter, r *http.Request, c *authn.Caller, f *fault.Fault) {
	ctx := r.Context()
	m := view.Message{Title: sayKey(ctx, f.Code.Message), Reference: f.Reference, Details: []string{sayFault(ctx, f)}}
	back, form, keeps := url.URL{Path: r.URL.Path}, kept.Form{}, false
	if h.Kept != nil && r.PostForm.Get(kept.BoxField) == "" {
		form, keeps = h.Kept.Keep(w, r)
	}
	switch {
	case keeps && form.Box == "":
		back.RawQuery = url.Values{kept.NameField: {form.Name}}.Encode()
	case !h.hasPage(r):
		back.Path = view.OverviewPath
	}
	target, err := h.StepUp(w, r, c.Principal, f.SignIn, back.String())
	if err != nil {
		h.fail(w, r, c, err)
		return
	}
	signIn := []view.Link{{Label: say(ctx, "Sign in and go on"), Href: target}}
	switch {
	case keeps && form.Box != "":
		m.Text = say(ctx, "Nothing is saved, and nothing is lost as long as this page stays open.")
		m.Again = &view.Again{Path: r.URL.Path, Field: kept.BoxField, Box: form.Box, SignIn: target}
	case keeps:
		m.Text, m.Actions = say(ctx, "Nothing is saved, and nothing is lost: your form is shown again, filled in, as soon as you have signed in."), signIn
	default: // only a button, or the form had been shown again before
		m.Text, m.Actions = say(ctx, "What you sent was not saved. Sign in, and send it again."), signIn
	}
	h.message(w, r, f.Code.Status, m)
}
