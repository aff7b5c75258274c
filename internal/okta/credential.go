package okta

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// Credential proves to the Management API who calls.
type Credential interface {
	authorize(ctx context.Context, c *Client, r *http.Request) error
}

// APIToken is an administrator's token (SSWS). It has that administrator's rights.
type APIToken string

func (t APIToken) authorize(_ context.Context, _ *Client, r *http.Request) error {
	r.Header.Set("Authorization", "SSWS "+string(t))
	return nil
}

func (APIToken) String() string { return "[redacted]" }

// ServiceApp is an API service application that signs with its private key (RFC 7523). Its token is bound to a key of this
// process (DPoP, RFC 9449), which Okta demands of such applications by default.
type ServiceApp struct {
	clientID string
	scopes   []string
	signer   jose.Signer
	proof    *prover

	token   string
	kind    string // Bearer or DPoP
	expires time.Time
}

// NewServiceApp takes the application's private key as PEM (PKCS #8 or PKCS #1) or as JWK.
func NewServiceApp(clientID string, key []byte, scopes []string) (*ServiceApp, error) {
	private, err := parsePrivateKey(key)
	if err != nil {
		return nil, err
	}
	algorithm := jose.RS256
	if _, elliptic := private.Key.(*ecdsa.PrivateKey); elliptic {
		algorithm = jose.ES256
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: algorithm, Key: private}, nil)
	if err != nil {
		return nil, fmt.Errorf("expected an RSA or P-256 private key: %w", err)
	}
	proof, err := newProver()
	if err != nil {
		return nil, err
	}
	return &ServiceApp{clientID: clientID, scopes: scopes, signer: signer, proof: proof}, nil
}

func parsePrivateKey(text []byte) (jose.JSONWebKey, error) {
	var key jose.JSONWebKey
	if block, _ := pem.Decode(text); block != nil {
		parsed, err := x509.ParsePKCS8PrivateKey(block.Bytes)
		if err != nil {
			if parsed, err = x509.ParsePKCS1PrivateKey(block.Bytes); err != nil {
				return key, errors.New("expected a private key as PEM (PKCS #8 or PKCS #1), got a PEM block that is neither")
			}
		}
		return jose.JSONWebKey{Key: parsed}, nil
	}
	if err := json.Unmarshal(text, &key); err != nil || key.IsPublic() || !key.Valid() {
		return key, errors.New("expected a private key as PEM or JWK")
	}
	return key, nil
}

func (a *ServiceApp) authorize(ctx context.Context, c *Client, r *http.Request) error {
	if a.token == "" || c.Now().After(a.expires) {
		if err := a.fetch(ctx, c); err != nil {
			return err
		}
	}
	r.Header.Set("Authorization", a.kind+" "+a.token)
	if a.kind != "DPoP" {
		return nil
	}
	proof, err := a.proof.prove(c.Now(), r.Method, c.URL+r.URL.EscapedPath(), a.token)
	if err != nil {
		return err
	}
	r.Header.Set("DPoP", proof)
	return nil
}

const tokenPath = "/oauth2/v1/token"

// fetch gets a token from the organisation's own authorization server. The first proof has no nonce, which Okta answers
// with one (RFC 9449 section 8).
func (a *ServiceApp) fetch(ctx context.Context, c *Client) error {
	for range 2 {
		nonce, err := a.request(ctx, c)
		if err == nil {
			return nil
		}
		var refused *Error
		if !errors.As(err, &refused) || refused.Code != codeDPoPNonce || nonce == "" {
			return err
		}
		a.proof.nonce = nonce
	}
	return errors.New("Okta asked for a DPoP nonce twice")
}

func (a *ServiceApp) request(ctx context.Context, c *Client) (nonce string, err error) {
	assertion, err := a.assertion(c)
	if err != nil {
		return "", err
	}
	form := url.Values{
		"grant_type": {"client_credentials"}, "scope": {strings.Join(a.scopes, " ")}, "client_assertion": {assertion},
		"client_assertion_type": {"urn:ietf:params:oauth:client-assertion-type:jwt-bearer"},
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, c.URL+tokenPath, strings.NewReader(form.Encode()))
	if err != nil {
		return "", err
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Accept", "application/json")
	proof, err := a.proof.prove(c.Now(), r.Method, c.URL+tokenPath, "")
	if err != nil {
		return "", err
	}
	r.Header.Set("DPoP", proof)
	response, err := c.HTTP.Do(r)
	if err != nil {
		return "", unreachable(r.Method, tokenPath, err)
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(response.Body, 1<<20))
	if err != nil {
		return "", unreachable(r.Method, tokenPath, err)
	}
	if response.StatusCode != http.StatusOK {
		return response.Header.Get("DPoP-Nonce"), refusal(r.Method, tokenPath, response, answer)
	}
	var token struct {
		AccessToken string `json:"access_token"`
		TokenType   string `json:"token_type"`
		ExpiresIn   int64  `json:"expires_in"`
	}
	if json.Unmarshal(answer, &token) != nil || token.AccessToken == "" {
		return "", notJSON(r.Method, tokenPath, response)
	}
	a.kind = "Bearer"
	if strings.EqualFold(token.TokenType, "DPoP") {
		a.kind = "DPoP"
	}
	a.token, a.expires = token.AccessToken, c.Now().Add(time.Duration(token.ExpiresIn)*time.Second-time.Minute)
	return "", nil
}

// assertion authenticates the client (RFC 7523 section 3): Okta wants the token endpoint as audience and each jti once.
func (a *ServiceApp) assertion(c *Client) (string, error) {
	now := c.Now()
	return sign(a.signer, map[string]any{
		"iss": a.clientID, "sub": a.clientID, "aud": c.URL + tokenPath, "jti": rand.Text(),
		"iat": now.Unix(), "exp": now.Add(5 * time.Minute).Unix(),
	})
}

func sign(signer jose.Signer, claims map[string]any) (string, error) {
	payload, err := json.Marshal(claims)
	if err != nil {
		return "", err
	}
	signed, err := signer.Sign(payload)
	if err != nil {
		return "", err
	}
	return signed.CompactSerialize()
}

// prover makes DPoP proofs with a key of its own.
type prover struct {
	signer jose.Signer
	nonce  string
}

func newProver() (*prover, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	options := (&jose.SignerOptions{EmbedJWK: true}).WithType("dpop+jwt")
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: key}, options)
	if err != nil {
		return nil, err
	}
	return &prover{signer: signer}, nil
}

// prove binds one request (RFC 9449 section 4.2). uri has neither query nor fragment; token is "" at the token endpoint.
func (p *prover) prove(now time.Time, method, uri, token string) (string, error) {
	claims := map[string]any{"htm": method, "htu": uri, "iat": now.Unix(), "jti": rand.Text()}
	if token != "" {
		hash := sha256.Sum256([]byte(token))
		claims["ath"] = base64.RawURLEncoding.EncodeToString(hash[:])
	} else if p.nonce != "" {
		claims["nonce"] = p.nonce
	}
	return sign(p.signer, claims)
}
