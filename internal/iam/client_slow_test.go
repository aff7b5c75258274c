package iam_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"

	"github.com/portico-iam/portico/internal/iam"
)

// slowIDP is a client whose provider is on a stage: everything answers at once, but for what the test sets.
func slowIDP(t *testing.T, slow map[string]http.HandlerFunc) (c *iam.Client, end func()) {
	tokens := &idp{published: &published{Server: &httptest.Server{URL: stageURL}}} // to make tokens of
	answers := map[string]http.HandlerFunc{
		"/d": writes(stageMetadata), "/keys": writes(ownKeys()), "/token": writes(tokens.answers(nil)),
		"/userinfo": writes(object{"sub": "00u1", "given_name": "Ada"}),
	}
	for path, h := range slow {
		answers[path] = h
	}
	s := newStage(func(w http.ResponseWriter, r *http.Request) {
		_ = r.ParseForm() // a server notices that its client hung up only when it has read the request
		answers[r.URL.Path](w, r)
	})
	clock := newClock()
	p, k := staged(s, clock), stagedKeys(s, clock)
	c = &iam.Client{
		Provider: p, HTTP: s.client, ID: clientID, Secret: canarySecret, RedirectURI: redirectURI,
		Verifier: &iam.Verifier{Now: clock.Now, Issuers: []*iam.Issuer{{
			Issuer: stageURL, Audience: audience, Algorithms: algorithms, Keys: k, RolePath: path(t, "roles"), SubjectPath: path(t, "sub"),
		}}},
	}
	return c, func() {
		p.Close()
		k.Close()
		s.close()
	}
}

// A provider that does not answer costs its caller a bounded time. Without a bound the bubble would have nobody left to
// wait for, which fails the test.
func TestNT39_SlowAnswersToTheClientAreBounded(t *testing.T) {
	keys()
	for rule, slow := range map[string]http.HandlerFunc{"no answer": silentServer, "half an answer": hangs} {
		synctest.Test(t, func(t *testing.T) {
			c, end := slowIDP(t, map[string]http.HandlerFunc{"/token": slow})
			defer end()
			_, exchanged := c.Exchange(t.Context(), canaryCode, canaryVerifier, nonce)
			showsNothing(t, rule, exchanged)
			_, refreshed := c.Refresh(t.Context(), canaryRefresh, "")
			showsNothing(t, rule, refreshed)
			if errors.Is(refreshed, iam.ErrGrantEnded) {
				t.Errorf("%s: a slow provider ended the sign-in: %v", rule, refreshed)
			}
		})
		synctest.Test(t, func(t *testing.T) {
			c, end := slowIDP(t, map[string]http.HandlerFunc{"/userinfo": slow})
			defer end()
			g, err := c.Exchange(t.Context(), canaryCode, canaryVerifier, nonce)
			if err != nil || g.Principal.GivenName != "" {
				t.Errorf("userinfo, %s: expected a sign-in without names, got %+v, %v", rule, g, err)
			}
		})
		synctest.Test(t, func(t *testing.T) {
			c, end := slowIDP(t, map[string]http.HandlerFunc{"/keys": slow})
			defer end()
			_, err := c.Exchange(t.Context(), canaryCode, canaryVerifier, nonce)
			showsNothing(t, "keys, "+rule, err)
		})
	}
}

// Who gives up gets that as the reason, and the provider's answer ends nothing.
func TestACallerWhoGivesUp(t *testing.T) {
	keys()
	synctest.Test(t, func(t *testing.T) {
		c, end := slowIDP(t, map[string]http.HandlerFunc{"/token": silentServer})
		defer end()
		for rule, do := range map[string]func(context.Context) error{
			"exchange": func(ctx context.Context) error {
				_, err := c.Exchange(ctx, canaryCode, canaryVerifier, nonce)
				return err
			},
			"refresh": func(ctx context.Context) error { _, err := c.Refresh(ctx, canaryRefresh, ""); return err },
		} {
			ctx, giveUp := context.WithCancel(t.Context())
			result := make(chan error, 1)
			go func() { result <- do(ctx) }()
			synctest.Wait() // the question is with the provider
			giveUp()
			err := <-result
			if !errors.Is(err, context.Canceled) || errors.Is(err, iam.ErrGrantEnded) {
				t.Errorf("%s: got %v", rule, err)
			}
			showsNothing(t, rule, err)
		}
	})
}
