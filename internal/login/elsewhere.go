package login

import (
	"context"
	"log/slog"
	"net/http"

	"github.com/portico-iam/portico/internal/fault"
	"github.com/portico-iam/portico/internal/httpx"
)

// Elsewhere is the edge behind another gateway, which signs people in and out by itself: /logout leads to where that
// gateway ends its session, and from there on to the identity provider's.
type Elsewhere struct {
	// Address is where the gateway in front signs out; empty when nobody said.
	Address func(ctx context.Context) (string, error)
	Pages   httpx.MessageRenderer
	Logger  *slog.Logger
}

// Mount puts the edge's addresses on mux. APISIX answers /logout itself, before us.
func (e *Elsewhere) Mount(mux *http.ServeMux) {
	mux.HandleFunc("GET /logout", e.logout)
	mux.HandleFunc("POST /logout", e.logout)
}

func (e *Elsewhere) logout(w http.ResponseWriter, r *http.Request) {
	if askedByAnotherSite(r) {
		e.Pages.RenderMessage(w, r, signOutQuestion)
		return
	}
	address, err := e.Address(r.Context())
	if err != nil {
		e.Logger.WarnContext(r.Context(), "the gateway's session ends, the identity provider's may not: it can't be reached", "error", err)
	}
	if address == "" {
		e.Pages.RenderMessage(w, r, httpx.Message{
			Status: fault.NotFound.Status, Title: "Signing out is up to the gateway",
			Text:      "You are still signed in: the gateway in front of Portico did not take this address itself, and gateway.logoutPath does not say where it signs out.",
			Reference: httpx.RequestID(r.Context()), ActionURL: "/", Action: "Go to the overview",
		})
		return
	}
	http.Redirect(w, r, address, http.StatusSeeOther)
}
