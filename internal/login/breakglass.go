package login

import (
	"crypto/rand"
	"net/http"

	"github.com/portico-iam/portico/internal/breakglass"
	"github.com/portico-iam/portico/internal/fault"
	"github.com/portico-iam/portico/internal/httpx"
	"github.com/portico-iam/portico/internal/iam"
	"github.com/portico-iam/portico/internal/session"
)

const maxTicketForm = 4 << 10 // bytes

func (h *Handler) mountBreakGlass(mux *http.ServeMux) {
	mux.HandleFunc("POST "+breakglass.UsePath, h.useBreakGlass)
	mux.HandleFunc("GET "+breakglass.Page, func(w http.ResponseWriter, r *http.Request) { h.askForTicket(w, r, nil) })
	mux.HandleFunc("POST "+breakglass.Page, h.redeemBreakGlass)
}

// useBreakGlass spends a file that the command unlocked.
func (h *Handler) useBreakGlass(w http.ResponseWriter, r *http.Request) {
	var use breakglass.Use
	var used breakglass.Used
	err := httpx.ReadJSON(w, r, &use)
	if err == nil {
		used.Until, err = h.BreakGlass.Use(r.Context(), use, httpx.ClientAddress(r, h.TrustedProxies))
	}
	if err != nil {
		httpx.WriteError(w, r, err)
		return
	}
	w.Header().Set("Cache-Control", "no-store")
	httpx.WriteJSON(w, http.StatusOK, used)
}

// browserCookie names the cookie that tells one browser from another: a ticket that was redeemed may be typed again only where it
// was, for the answer may have been lost.
func (h *Handler) browserCookie() string {
	if h.Secure {
		return "__Host-portico-break-glass"
	}
	return "portico_break_glass"
}

func (h *Handler) askForTicket(w http.ResponseWriter, r *http.Request, refused *fault.Fault) {
	status := http.StatusOK
	if refused != nil {
		status = refused.Code.Status
	}
	if _, err := r.Cookie(h.browserCookie()); err != nil {
		http.SetCookie(w, &http.Cookie{
			Name: h.browserCookie(), Value: rand.Text(), Path: "/", MaxAge: int(breakglass.TicketTime.Seconds()) * 4,
			HttpOnly: true, Secure: h.Secure, SameSite: http.SameSiteStrictMode,
		})
	}
	h.Pages.RenderMessage(w, r, httpx.Message{
		Status: status, Title: "Break-glass",
		Text:      "This lets somebody administer while the sign-in of your company is out of order. Every use is recorded, and shown to every administrator.",
		ActionURL: "/", Action: "Sign in as usual",
		Form: &httpx.Form{
			Path: breakglass.Page, Field: "code", Label: "The code", Submit: "Begin a session", Refused: refused,
			Help: "The code that “portico break-glass use” printed. It counts for 15 minutes, once.",
		},
	})
}

// redeemBreakGlass begins a session for a ticket.
func (h *Handler) redeemBreakGlass(w http.ResponseWriter, r *http.Request) {
	r.Body = httpx.Body(w, r, maxTicketForm)
	browser, err := r.Cookie(h.browserCookie())
	if err != nil || len(browser.Value) > 64 || !httpx.FromOrigin(r, h.PublicURL) {
		h.askForTicket(w, r, errNoCookie)
		return
	}
	ref := session.NewRef()
	p, before, err := h.BreakGlass.Redeem(r.Context(), r.PostFormValue("code"), browser.Value, ref, httpx.ClientAddress(r, h.TrustedProxies))
	if err == nil && before != "" {
		err = h.Sessions.RevokeRef(r.Context(), before, "its break-glass code was typed again")
	}
	if err == nil {
		_, err = h.Sessions.Begin(w, r, ref, &iam.Grant{Principal: p})
	}
	if err != nil {
		h.askForTicket(w, r, fault.Of(err))
		return
	}
	h.ended("break_glass")
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

var errNoCookie = fault.InvalidInput.New("type the code on this page, and allow cookies for this site")
