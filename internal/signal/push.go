package signal

import (
	"net/http"

	"github.com/portico-iam/portico/internal/httpx"
	"github.com/portico-iam/portico/internal/iam"
)

// push receives one security event token (RFC 8935): 202 when it was heard, 400 with the reason when it never will be.
func (s *Service) push(w http.ResponseWriter, r *http.Request) {
	noStore(w)
	body, err := readBody(w, r, "application/secevent+jwt", iam.MaxToken)
	if err != nil {
		s.refused(r.Context(), told{channel: channelShared, by: s.Shared.Issuer}, err)
	} else {
		err = s.hearSET(r.Context(), string(body), "")
	}
	switch {
	case err == nil:
		w.WriteHeader(http.StatusAccepted)
	case passing(err):
		s.refused(r.Context(), told{channel: channelShared, by: s.Shared.Issuer}, err)
		w.Header().Set("Retry-After", "30")
		httpx.WriteJSON(w, http.StatusServiceUnavailable, setError{"temporarily_unavailable", described(err, "")})
	default:
		w.Header().Set("Content-Language", "en")
		httpx.WriteJSON(w, http.StatusBadRequest, setErrorOf(err))
	}
}
