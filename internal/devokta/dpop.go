package devokta

import (
	"crypto"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/json"
	"net/http"
	"strconv"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// proofAge is how old a proof may be, nonceTurn how long a nonce stays good (for one or two turns).
const (
	proofAge  = 5 * time.Minute
	nonceTurn = 10 * time.Minute
)

// proofClaims are a DPoP proof's (RFC 9449, section 4.2).
type proofClaims struct {
	ID       string `json:"jti"`
	Method   string `json:"htm"`
	URL      string `json:"htu"`
	Issued   int64  `json:"iat"`
	Nonce    string `json:"nonce"`
	TokenSum string `json:"ath"`
}

// proof checks the DPoP header of a request and returns the key's thumbprint. token is the access token that comes with
// it, "" at the token endpoint, which wants a nonce instead. base is the host the request named.
func (s *Server) proof(w http.ResponseWriter, r *http.Request, base, token string) (string, *refusal) {
	headers := r.Header.Values("DPoP")
	if len(headers) == 0 {
		return "", refuse(errProofMissing)
	}
	signed, err := jose.ParseSignedCompact(headers[0], assertionAlgorithms)
	if len(headers) > 1 || err != nil {
		return "", refuse(errProof, "The DPoP proof JWT is invalid.")
	}
	header := signed.Signatures[0].Protected
	if typ, _ := header.ExtraHeaders[jose.HeaderType].(string); typ != "dpop+jwt" {
		return "", refuse(errProof, "The DPoP proof JWT header 'typ' must be 'dpop+jwt'.")
	}
	if header.JSONWebKey == nil || !header.JSONWebKey.IsPublic() || !header.JSONWebKey.Valid() {
		return "", refuse(errProof, "The DPoP proof JWT header has no public 'jwk'.")
	}
	payload, err := signed.Verify(header.JSONWebKey)
	var c proofClaims
	if err != nil || json.Unmarshal(payload, &c) != nil {
		return "", refuse(errProof, "The DPoP proof JWT signature is invalid.")
	}
	thumb, err := header.JSONWebKey.Thumbprint(crypto.SHA256)
	if err != nil {
		return "", refuse(errProof, "The DPoP proof JWT key is invalid.")
	}
	return b64(thumb), s.checkProof(w, r, c, b64(thumb), base, token)
}

func (s *Server) checkProof(w http.ResponseWriter, r *http.Request, c proofClaims, thumb, base, token string) *refusal {
	now := s.now()
	issued := time.Unix(c.Issued, 0)
	switch {
	case c.Method != r.Method:
		return refuse(errProof, "The DPoP proof JWT 'htm' does not match the method of the request.")
	case c.URL != base+r.URL.Path:
		return refuse(errProof, "The DPoP proof JWT 'htu' does not match the URL of the request.")
	case issued.After(now.Add(clockLeeway)) || issued.Before(now.Add(-proofAge)):
		return refuse(errProof, "The DPoP proof JWT is expired or was issued in the future.")
	case c.ID == "":
		return refuse(errProof, "The DPoP proof JWT has no 'jti'.")
	case token == "" && !s.goodNonce(c.Nonce):
		w.Header().Set("Dpop-Nonce", s.nonce(now))
		return refuse(errProofNonce)
	case token != "" && c.TokenSum != digest(token):
		return refuse(errProof, "The DPoP proof JWT 'ath' does not match the access token.")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.firstUse("proof "+thumb+" "+c.ID, issued.Add(proofAge+clockLeeway)) {
		return refuse(errProof, "The DPoP proof JWT has already been used.")
	}
	return nil
}

// nonce is derived from the time: nothing is remembered, and a restart changes nothing.
func (s *Server) nonce(at time.Time) string {
	mac := hmac.New(sha256.New, s.refreshKey)
	mac.Write([]byte("dpop nonce " + strconv.FormatInt(at.Unix()/int64(nonceTurn/time.Second), 10)))
	return b64(mac.Sum(nil)[:24])
}

func (s *Server) goodNonce(nonce string) bool {
	now := s.now()
	return nonce != "" && (hmac.Equal([]byte(nonce), []byte(s.nonce(now))) || hmac.Equal([]byte(nonce), []byte(s.nonce(now.Add(-nonceTurn)))))
}
