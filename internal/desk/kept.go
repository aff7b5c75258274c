package desk

import (
	"context"
	"net/http"
	"net/url"

	"github.com/portico-iam/portico/internal/authn"
	"github.com/portico-iam/portico/internal/desk/kept"
	"github.com/portico-iam/portico/internal/desk/view"
	"github.com/portico-iam/portico/internal/fault"
	"github.com/portico-iam/portico/internal/httpx"
)

// mountForm puts a form at a path. When its sender's session had ended, it is shown again after the sign-in: submit is then
// called with what was sent, on a GET, and must do nothing but show it.
func (h *Handler) mountForm(mux *http.ServeMux, path string, show, submit pageHandler) {
	page := h.page(func(w http.ResponseWriter, r *http.Request, c *authn.Caller) error {
		posted := r.Method == http.MethodPost
		switch {
		case h.Kept == nil, !posted && r.URL.Query().Get(kept.NameField) == "":
		case posted && h.Kept.SomebodyElses(r, owner(c)):
			return fault.InvalidInput.New("somebody else had opened this form, and you have signed in since; open it anew")
		case posted && r.PostForm.Get(kept.BoxField) == "":
			h.Kept.Sent(w, r)
		default:
			return h.showAgain(w, r, c, show, submit)
		}
		if posted {
			return submit(w, r, c)
		}
		return show(w, r, c)
	})
	mux.Handle("GET "+path, page)
	mux.Handle("POST "+path, page)
}

func owner(c *authn.Caller) kept.Person {
	return kept.Person{Issuer: c.Principal.Issuer, Subject: c.Principal.Subject}
}

type keptKey struct{}

// showAgain shows a kept form, or an empty one that says that none is kept.
func (h *Handler) showAgain(w http.ResponseWriter, r *http.Request, c *authn.Caller, show, submit pageHandler) error {
	values, ok := h.Kept.Take(r, owner(c))
	r = r.WithContext(context.WithValue(r.Context(), keptKey{}, ok))
	r.Method = http.MethodGet // a page that carries its form posts it
	if !ok {
		return show(w, r, c)
	}
	r.PostForm, r.Form = values, values
	return submit(w, r, c)
}

// markForms tells a page how its forms are kept, and what became of the one that was.
func (h *Handler) markForms(r *http.Request, c *authn.Caller, page *view.Page) {
	if h.Kept == nil {
		return
	}
	page.FormMark = h.Kept.Mark(owner(c), r.URL.Path)
	found, asked := r.Context().Value(keptKey{}).(bool)
	switch {
	case asked && found:
		page.FormName = r.URL.Query().Get(kept.NameField)
		page.Notices = append(page.Notices, view.Notice{Kind: view.Info, Text: say(r.Context(), "You are signed in again. This is what you had filled in; nothing of it is saved yet.")})
	case asked:
		page.Notices = append(page.Notices, view.Notice{Kind: view.Warning, Text: say(r.Context(), "What was sent here is not kept any more: it is for half an hour, in one browser, for the person who sent it.")})
	case r.Method == http.MethodPost:
		page.FormName = r.PostForm.Get(kept.NameField)
	}
}

// endedMeanwhile answers a form whose sender is no longer signed in.
func (h *Handler) endedMeanwhile(w http.ResponseWriter, r *http.Request) {
	ctx := r.Context()
	m := view.Message{Title: say(ctx, "You are no longer signed in")}
	back, form, keeps := url.URL{Path: r.URL.Path}, kept.Form{}, false
	if h.Kept != nil && r.Method == http.MethodPost && httpx.FromOrigin(r, h.Authn.PublicOrigin) && readForm(r) == nil {
		form, keeps = h.Kept.Keep(w, r)
	}
	switch {
	case keeps && form.Box != "":
		m.Text, m.Again = say(ctx, "Nothing is saved, and nothing is lost as long as this page stays open."), &view.Again{Path: r.URL.Path, Field: kept.BoxField, Box: form.Box, SignIn: view.SignInPath(r.URL.Path)}
	case keeps:
		back.RawQuery = url.Values{kept.NameField: {form.Name}}.Encode()
		m.Text = say(ctx, "Nothing is saved, and nothing is lost: your form is shown again, filled in, as soon as you have signed in.")
		m.Actions = []view.Link{{Label: say(ctx, "Sign in and go on"), Href: view.SignInPath(back.String())}}
	default:
		if !h.hasPage(r) {
			back.Path = view.OverviewPath
		}
		m.Text = say(ctx, "What you sent was not saved. Sign in, and send it again.")
		m.Actions = []view.Link{{Label: say(ctx, "Sign in"), Href: view.SignInPath(back.String())}}
	}
	h.message(w, r, http.StatusUnauthorized, m)
}

// hasPage tells whether an address that something was posted to can be opened too.
func (h *Handler) hasPage(r *http.Request) bool {
	other := r.Clone(r.Context())
	other.Method = http.MethodGet
	_, pattern := h.mux.Handler(other)
	return pattern != "/"
}
