package core

import (
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"
)

// The bounds of a fetch.
const (
	maxKeySet    = 256 << 10 // bytes
	fetchTimeout = 10 * time.Second
)

// errUnusableKey marks a key set that names a key which is not Ed25519: nothing of it is used.
var errUnusableKey = errors.New("unusable key")

func fetchKeys(ctx context.Context, client *http.Client, uri string) (map[string]ed25519.PublicKey, error) {
	ctx, cancel := context.WithTimeout(ctx, fetchTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, uri, nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Accept", "application/json")
	res, err := client.Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close()
	if res.StatusCode < 200 || res.StatusCode > 299 {
		return nil, fmt.Errorf("expected 200 from %s, got %d", uri, res.StatusCode)
	}
	body, err := io.ReadAll(io.LimitReader(res.Body, maxKeySet+1))
	if err != nil {
		return nil, err
	}
	if len(body) > maxKeySet {
		return nil, fmt.Errorf("expected at most %d bytes from %s", maxKeySet, uri)
	}
	return parseKeys(body)
}

// parseKeys reads a JWK set (RFC 7517 section 5). As in Core, a key without a kid is skipped and any other must be
// Ed25519 (RFC 8037 section 2), or the whole set is refused. So a key of another type can never verify anything.
func parseKeys(body []byte) (map[string]ed25519.PublicKey, error) {
	set, err := readObject(body)
	if err != nil {
		return nil, fmt.Errorf("key set: %w", err)
	}
	var list []json.RawMessage
	if err := json.Unmarshal(set["keys"], &list); err != nil || list == nil {
		return nil, errors.New("key set: expected the array keys")
	}
	keys := make(map[string]ed25519.PublicKey, len(list))
	for i, raw := range list {
		kid, key, err := parseKey(raw)
		if err != nil {
			return nil, fmt.Errorf("%w: keys[%d]: %w", errUnusableKey, i, err)
		}
		if kid == nil {
			continue
		}
		if _, twice := keys[*kid]; twice { // which of the two would count is anybody's guess
			return nil, fmt.Errorf("%w: keys[%d]: kid %q stands there twice", errUnusableKey, i, *kid)
		}
		keys[*kid] = key
	}
	return keys, nil
}

func parseKey(raw json.RawMessage) (*string, ed25519.PublicKey, error) {
	m, err := readObject(raw)
	if err != nil {
		return nil, nil, err
	}
	var kid, kty, crv, x *string
	if err := m.into("kid", &kid); err != nil || kid == nil {
		return nil, nil, err
	}
	if err := errors.Join(m.into("kty", &kty), m.into("crv", &crv), m.into("x", &x)); err != nil {
		return nil, nil, err
	}
	if kty == nil || *kty != "OKP" || crv == nil || *crv != "Ed25519" || x == nil {
		return nil, nil, fmt.Errorf("kid %q: expected an Ed25519 key of type OKP", *kid)
	}
	key, err := base64.RawURLEncoding.Strict().DecodeString(*x)
	if err != nil || len(key) != ed25519.PublicKeySize {
		return nil, nil, fmt.Errorf("kid %q: expected x as %d bytes in base64url", *kid, ed25519.PublicKeySize)
	}
	return kid, key, nil
}
