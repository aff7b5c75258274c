package signal

import (
	"context"
	"net/http"
	"time"

	"github.com/portico-iam/portico/internal/fault"
	"github.com/portico-iam/portico/internal/iam"
	"github.com/portico-iam/portico/internal/revocation"
)

const (
	channelBack = "back-channel logout"
	logoutEvent = "http://schemas.openid.net/event/backchannel-logout"

	// A logout token is for at once. It is remembered for as long as it counts.
	logoutLives = 24 * time.Hour
	logoutFresh = 10 * time.Minute
)

// backchannel ends the sessions of a logout token. Section 2.8: 200, or 400 for whatever is the matter; never cached.
func (s *Service) backchannel(w http.ResponseWriter, r *http.Request) {
	noStore(w)
	t := told{channel: channelBack, by: s.SignIn.Issuer, what: "logout"}
	if err := s.hearLogout(w, r, &t); err != nil {
		code := "invalid_request"
		if fault.Of(err).Code.Status >= http.StatusInternalServerError {
			code = "temporarily_unavailable"
		}
		writeRefusal(w, http.StatusBadRequest, code, err, s.refused(r.Context(), t, err))
		return
	}
	w.WriteHeader(http.StatusOK)
}

func (s *Service) hearLogout(w http.ResponseWriter, r *http.Request, t *told) error {
	body, err := readBody(w, r, "application/x-www-form-urlencoded", maxForm)
	if err != nil {
		return err
	}
	raw, err := readLogoutToken(body)
	if err != nil {
		return err
	}
	logout, err := s.verifyLogout(r.Context(), raw)
	if err != nil {
		return err
	}
	t.id = logout.id
	until := logout.issuedAt.Add(logoutFresh + 2*s.SignIn.Leeway)
	fresh, err := s.once(r.Context(), *t, until, func() error {
		ended, err := s.Revocations.EndSessions(r.Context(), revocation.Filter{
			Person: revocation.Person{Issuer: s.SignIn.Issuer}, IDSubject: logout.subject, SID: logout.session,
		}, nil)
		if err != nil {
			return err
		}
		d := done{}
		d.wereEnded(ended)
		if len(ended) == 0 {
			d.why = "there is no such session"
		}
		s.record(r.Context(), *t, d)
		return nil
	})
	if err == nil && !fresh {
		err = malformed("this logout token was used before (jti)")
	}
	return err
}

// logout is what a logout token says. Session or subject may be empty.
type logout struct {
	id, subject, session string
	issuedAt             time.Time
}

// verifyLogout is section 2.6 of OpenID Connect Back-Channel Logout 1.0. Section 2.4: the type is recommended, so it may be absent, but
// another one is that of another kind of token.
func (s *Service) verifyLogout(ctx context.Context, raw string) (*logout, error) {
	stated, err := s.SignIn.State(ctx, raw, iam.Statement{
		Type: "logout+jwt", Untyped: true, Audience: s.ClientID, Alone: true, Expires: logoutLives, Issued: logoutFresh,
	}, s.Now())
	if err != nil {
		return nil, err
	}
	l := &logout{id: stated.Text("jti"), subject: stated.Text("sub"), session: stated.Text("sid"), issuedAt: stated.IssuedAt}
	events, _ := stated.Claims["events"].(map[string]any)
	event, isObject := events[logoutEvent].(map[string]any)
	switch {
	case stated.Has("nonce"):
		return nil, malformed("expected no nonce: an ID token is no logout token")
	case !isObject || event == nil:
		return nil, malformed("expected the event %s, with an object", logoutEvent)
	case !plain(l.id):
		return nil, malformed("expected a jti of 1 to %d plain characters", maxName)
	case stated.Has("sub") && !plain(l.subject), stated.Has("sid") && !plain(l.session):
		return nil, malformed("expected sub and sid, where they are there, of 1 to %d plain characters", maxName)
	case l.subject == "" && l.session == "":
		return nil, malformed("expected a sub, a sid, or both")
	}
	return l, nil
}
