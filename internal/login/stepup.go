package login

import (
	"encoding/base64"
	"net/http"
	"time"

	"github.com/portico-iam/portico/internal/access"
	"github.com/portico-iam/portico/internal/fault"
	"github.com/portico-iam/portico/internal/history"
	"github.com/portico-iam/portico/internal/httpx"
	"github.com/portico-iam/portico/internal/iam"
	"github.com/portico-iam/portico/internal/seal"
)

// stepUp is, in a state, what its sign-in must bring: the same person, signed in as required.
type stepUp struct {
	Who     string   `json:"w"`
	Classes []string `json:"c,omitempty"`
	MaxAge  int64    `json:"a,omitempty"` // seconds
}

func (u *stepUp) requirement() *access.Requirement {
	return &access.Requirement{Classes: u.Classes, MaxAge: time.Duration(u.MaxAge) * time.Second}
}

// who stands for somebody in a state that may come from another replica: the key is that of the flow.
func (f *flows) who(s state, p *access.Principal) string {
	key, _ := f.keys.Find(s.Key)
	return base64.RawURLEncoding.EncodeToString(seal.MAC(key.Derive("login step-up"), s.Flow, p.Issuer, p.Subject))
}

// StepUp returns where the browser signs p in anew, as required, to come back to the page (RFC 9470 section 4). It may set the
// cookie that binds the sign-in to the browser.
func (h *Handler) StepUp(w http.ResponseWriter, r *http.Request, p *access.Principal, requires *access.Requirement, returnTo string) (string, error) {
	b, _ := h.flows.browserOf(r)
	if b.looping(h.Now()) {
		return "", fault.SignInLoop.New("you signed in several times in a row, and each time this page took yet another sign-in: wait a minute, and tell your administrator")
	}
	up := &stepUp{Classes: requires.Classes, MaxAge: int64(requires.MaxAge / time.Second)}
	sealed, s := h.flows.newStepUp(safeReturn(returnTo, "/login", "/logout", h.CallbackPath), up, p)
	target, err := h.Client.AuthorizationURL(r.Context(), sealed, h.flows.nonce(s, b), h.flows.verifier(s, b), iam.Ask{Requires: requires})
	if err != nil {
		return "", fault.IdentityProvider.New("your company's sign-in does not answer at the moment; try again in a minute").Because(err)
	}
	h.flows.setCookie(w, b)
	return target, nil
}

// stepsUp tells whether a sign-in brought what it was for. If not it has answered: the session of before goes on.
func (h *Handler) stepsUp(w http.ResponseWriter, r *http.Request, grant *iam.Grant, s state) bool {
	p, requires := grant.Principal, s.StepUp.requirement()
	m := httpx.Message{Status: fault.StepUp.Status, ActionURL: "/", Action: "Go to the overview"}
	switch {
	case h.flows.who(s, p) != s.StepUp.Who:
		m.Title = "Somebody else signed in"
		m.Text = "This page takes another sign-in of yours, and somebody else signed in. It was refused, and nothing was changed."
	case !requires.MetBy(&p.SignIn, h.Now()):
		m.Title = "Your sign-in is still not what this page takes"
		m.Text = "It takes a sign-in %s. Your company's sign-in was asked for that, and answered with %s. Tell your administrator the reference below."
		m.Args = []any{requires.Phrase(), p.SignIn.Phrase(h.Now())}
	default:
		return true
	}
	m.Reference = httpx.RequestID(r.Context())
	if h.recorded.AllowN(h.Now(), 1) {
		m.Reference = h.History.Record(r.Context(), history.Entry{
			Action: history.Rejected, EntityType: history.STSSession, Name: "sign-in", Source: history.SourceSTS, User: p.Subject,
			Metadata: history.Details(h.Sessions.From(r).Details(map[string]any{
				"sentence": "The sign-in was not what a role requires.", "reason": m.Title,
				"required": "a sign-in " + requires.Phrase().String(), "came": p.SignIn.Phrase(h.Now()).String(),
			})),
		}).ID
	}
	h.Logger.WarnContext(r.Context(), "step-up refused", "reason", m.Title, "request_id", httpx.RequestID(r.Context()))
	h.Pages.RenderMessage(w, r, m)
	return false
}
