package login

import (
	"net/http"

	"github.com/portico-iam/portico/internal/fault"
	"github.com/portico-iam/portico/internal/httpx"
)

// logout ends our session first, so that it is over whatever happens to the browser on its way, and then sends the
// browser to end the identity provider's. A link on another site must not sign anybody out: it only leads to a question.
func (h *Handler) logout(w http.ResponseWriter, r *http.Request) {
	if askedByAnotherSite(r) {
		h.Pages.RenderMessage(w, r, signOutQuestion)
		return
	}
	idToken, err := h.Sessions.End(w, r)
	if err != nil {
		h.Logger.ErrorContext(r.Context(), "session not ended", "error", err)
		h.Pages.RenderMessage(w, r, httpx.Message{
			Status: fault.Unavailable.Status, Title: "You are still signed in", Text: "The session can't be ended at the moment. Try again in a minute.",
			Reference: httpx.RequestID(r.Context()), ActionURL: "/logout", Action: "Sign out",
		})
		return
	}
	if b, known := h.flows.browserOf(r); known && idToken != "" {
		b.Completed = 0 // there was a session, so the browser keeps cookies: signing in again soon is no loop
		h.flows.setCookie(w, b)
	}
	target, err := h.Client.EndSessionURL(r.Context(), idToken)
	if err != nil {
		h.Logger.WarnContext(r.Context(), "signed out here only: the identity provider can't be reached", "error", err)
	}
	ended := endedEverywhere
	if target == "" { // the provider has no such address, or can't be reached
		target, ended = h.PostLogoutPath, endedHere
	}
	h.setSignedOut(w, ended, 300)
	http.Redirect(w, r, target, http.StatusSeeOther)
}

func askedByAnotherSite(r *http.Request) bool {
	site := r.Header.Get("Sec-Fetch-Site")
	return site == "cross-site" || site == "same-site"
}

var signOutQuestion = httpx.Message{
	Status: http.StatusOK, Title: "Sign out?", Text: "Another site asked to sign you out.",
	ActionURL: "/logout", Action: "Sign out", // followed from our own page, it is no longer another site's
}

// The signed-out cookie lets the page after a sign-out say so once, instead of starting a sign-in. It holds what ended:
// who is still signed in at the provider must know, most of all where others use the same machine.
const (
	endedEverywhere = "1"
	endedHere       = "here"
)

func (h *Handler) signedOutName() string {
	if h.Secure {
		return "__Host-portico-out"
	}
	return "portico_out"
}

func (h *Handler) setSignedOut(w http.ResponseWriter, ended string, maxAge int) {
	http.SetCookie(w, &http.Cookie{
		Name: h.signedOutName(), Value: ended, Path: "/", MaxAge: maxAge,
		HttpOnly: true, Secure: h.Secure, SameSite: http.SameSiteLaxMode,
	})
}

func (h *Handler) justSignedOut(w http.ResponseWriter, r *http.Request) bool {
	c, err := r.Cookie(h.signedOutName())
	if err != nil || r.URL.Path != h.PostLogoutPath || !navigates(r) {
		return false
	}
	h.setSignedOut(w, "", -1)
	text := "Your session here and at your company's sign-in has ended."
	if c.Value == endedHere {
		text = "Your session here has ended. At your company's sign-in you may still be signed in: sign out there too where others use this browser."
	}
	h.Pages.RenderMessage(w, r, httpx.Message{
		Status: http.StatusOK, Title: "You are signed out", Text: text,
		ActionURL: "/login", Action: "Sign in",
	})
	return true
}
