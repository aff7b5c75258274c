package signal

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net/http"
	"time"

	"github.com/portico-iam/portico/internal/fault"
	"github.com/portico-iam/portico/internal/httpx"
	"github.com/portico-iam/portico/internal/iam"
)

const (
	channelGlobal = "global token revocation"
	globalLives   = 5 * time.Minute
	maxGlobal     = 16 << 10 // bytes of body
)

// global ends all that a person holds, as Okta's Universal Logout asks for it (draft-parecki-oauth-global-token-revocation section 3).
func (s *Service) global(w http.ResponseWriter, r *http.Request) {
	noStore(w)
	t := told{channel: channelGlobal, by: s.Global.Issuer, what: "revocation"}
	err := s.hearGlobal(w, r, &t)
	if err == nil {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	status, code := globalAnswer(err)
	if status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", `Bearer realm="portico", error="invalid_token"`)
	}
	writeRefusal(w, status, code, err, s.refused(r.Context(), t, err))
}

// globalAnswer is section 3.3: which status says what.
func globalAnswer(err error) (status int, code string) {
	switch f := fault.Of(err); {
	case errors.Is(err, errAmbiguous):
		return http.StatusUnprocessableEntity, "ambiguous_subject"
	case f.Code == fault.Unauthenticated:
		return http.StatusUnauthorized, "invalid_token"
	case f.Code == fault.Forbidden:
		return http.StatusForbidden, "unauthorized_client"
	case f.Code == fault.NotFound:
		return http.StatusNotFound, "unknown_subject"
	case f.Code.Status < http.StatusInternalServerError:
		return http.StatusBadRequest, "invalid_request"
	case f.Code == fault.Unavailable:
		return http.StatusServiceUnavailable, "temporarily_unavailable"
	}
	return http.StatusInternalServerError, "server_error"
}

func (s *Service) hearGlobal(w http.ResponseWriter, r *http.Request, t *told) error {
	raw, err := bearer(r)
	if err != nil {
		return err
	}
	stated, err := s.verifyGlobal(r.Context(), raw)
	if err != nil {
		return err
	}
	if t.id = stated.Text("jti"); t.id == "" { // the draft demands none
		sum := sha256.Sum256([]byte(raw))
		t.id = hex.EncodeToString(sum[:])
	}
	var outcome error // of what was asked: it uses the token up, too
	fresh, err := s.once(r.Context(), *t, stated.ExpiresAt.Add(2*s.Global.Leeway), func() error {
		outcome = s.revoke(w, r, *t)
		if f := fault.Of(outcome); outcome != nil && f.Code.Status >= http.StatusInternalServerError {
			return outcome
		}
		return nil
	})
	switch {
	case err != nil:
		return err
	case !fresh:
		return fault.Unauthenticated.New("the token was used before (jti)")
	}
	return outcome
}

// verifyGlobal judges who asks. The audience is this very address, without a query.
func (s *Service) verifyGlobal(ctx context.Context, raw string) (*iam.Stated, error) {
	stated, err := s.Global.State(ctx, raw, iam.Statement{
		Type: "global-token-revocation+jwt", Audience: s.PublicURL + globalPath, Alone: true, Expires: globalLives,
	}, s.Now())
	switch {
	case err != nil:
		return nil, err
	case stated.Has("jti") && !plain(stated.Text("jti")):
		return nil, fault.Unauthenticated.New("jti: expected 1 to %d plain characters", maxName)
	case stated.Text("sub") != s.ClientID:
		return nil, fault.Forbidden.New("expected the token's sub to be our client %s, got %s", s.ClientID, clip(stated.Text("sub")))
	}
	return stated, nil
}

// revoke reads who is meant and ends what they hold.
func (s *Service) revoke(w http.ResponseWriter, r *http.Request, t told) error {
	body, err := readBody(w, r, "application/json", maxGlobal)
	if err != nil {
		return err
	}
	who, err := readGlobal(body)
	if err != nil {
		return err
	}
	people, err := s.find(r.Context(), who, s.Global.Issuer)
	if err != nil {
		return err
	}
	if len(people) == 0 {
		return fault.NotFound.New("nobody like this has signed in here")
	}
	var d done
	if err := s.endPeople(r.Context(), people, s.Now(), &d); err != nil {
		return err
	}
	s.record(r.Context(), t, d)
	return nil
}

// readGlobal reads the body: who is meant, and nothing else.
func readGlobal(body []byte) (identifier, error) {
	var request struct {
		Subject map[string]any `json:"sub_id"`
	}
	if err := httpx.DecodeJSON(body, &request); err != nil {
		return identifier{}, err
	}
	if request.Subject == nil {
		return identifier{}, malformed("sub_id: required")
	}
	who, err := readIdentifier(request.Subject)
	if err == nil && who.Format != formatEmail && who.Format != formatIssSub {
		err = malformed("expected a subject identifier of the format email or iss_sub, got %s", who.Format)
	}
	return who, err
}
