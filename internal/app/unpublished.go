package app

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/portico-iam/portico/internal/sts"
)

const (
	jwksPath    = "/.well-known/jwks.json"
	lookFor     = 10              // looks, one each sts.MaintainEvery, before a key counts as still published
	lookWithin  = 5 * time.Second // each
	mostOfASet  = 256 << 10       // bytes
	contentType = "application/jwk-set+json"
)

// wait returns when the time is over, or ctx ends.
func wait(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}

// Unpublished waits until every Portico that runs must have noticed that a key was cut, and looks at the public address
// whether it is gone there. An error tells that this can't be seen.
func (k *Keyring) Unpublished(ctx context.Context, kid string) (still bool, err error) {
	return unpublished(ctx, k.PublicJWKS, kid, wait)
}

func unpublished(ctx context.Context, address, kid string, wait func(context.Context, time.Duration)) (still bool, err error) {
	wait(ctx, 2*sts.MaintainEvery)
	client := &http.Client{Timeout: lookWithin}
	defer client.CloseIdleConnections()
	for range lookFor {
		if still, err = publishes(ctx, client, address, kid); err != nil || !still {
			return false, err
		}
		wait(ctx, sts.MaintainEvery)
	}
	return true, nil
}

// publishes tells whether an address publishes a key, past every cache that heeds it (RFC 9111 section 5.2.1.4).
func publishes(ctx context.Context, client *http.Client, address, kid string) (bool, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return false, err
	}
	req.Header.Set("Cache-Control", "no-cache")
	resp, err := client.Do(req)
	if err != nil {
		return false, err
	}
	defer resp.Body.Close()
	if got := resp.Header.Get("Content-Type"); resp.StatusCode != http.StatusOK || !strings.HasPrefix(got, contentType) {
		return false, fmt.Errorf("expected the keys from %s, got %s of the type %q", address, resp.Status, got)
	}
	var set struct{ Keys []struct{ Kid string } }
	if err := json.NewDecoder(io.LimitReader(resp.Body, mostOfASet)).Decode(&set); err != nil {
		return false, fmt.Errorf("expected the keys from %s: %w", address, err)
	}
	for _, k := range set.Keys {
		if k.Kid == kid {
			return true, nil
		}
	}
	return false, nil
}
