package core

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/portico-iam/portico/internal/access"
	"github.com/portico-iam/portico/internal/history"
	"github.com/portico-iam/portico/internal/httpx"
)

// Core is the embedded Core. Start it before anything calls it, Close it after.
type Core struct {
	config  Config
	keys    *keyCache // nil unless the mode is STS
	handler http.Handler
}

// New checks the configuration and builds the routes. It starts nothing.
func New(c Config) (*Core, error) {
	if err := c.validate(); err != nil {
		return nil, fmt.Errorf("core: %w", err)
	}
	c.setDefaults()
	core := &Core{config: c}
	auth := &authenticator{mode: c.Auth.Mode, staticToken: c.Auth.StaticToken}
	if c.Auth.Mode == ModeSTS {
		core.keys = newKeyCache(&c)
		auth.tokens = &validator{issuer: c.Auth.STS.Issuer, audience: c.Auth.STS.Audience, leeway: c.Auth.STS.Leeway, now: c.Now, keys: core.keys}
	} else {
		c.Logger.Warn("Core runs without authentication of its callers", "mode", c.Auth.Mode)
	}
	routes, err := core.routes()
	if err != nil {
		return nil, err
	}
	core.handler = httpx.WithRequestID(c.Logger, headers(httpx.Recover(auth.guard(httpx.GuardPath(routes)))))
	return core, nil
}

// Handler serves Core's API.
func (c *Core) Handler() http.Handler { return c.handler }

// Start fetches the key set, and must return before anybody calls: Core listens only once it can check tokens.
func (c *Core) Start(ctx context.Context) error {
	if c.keys == nil {
		return nil
	}
	return c.keys.start(ctx)
}

// RefreshKeys has the key set fetched anew in the background, for who knows that a key was withdrawn.
func (c *Core) RefreshKeys() {
	if c.keys != nil {
		c.keys.refresh()
	}
}

// Close ends what runs in the background, and waits for it.
func (c *Core) Close() error {
	if c.keys != nil {
		c.keys.close()
	}
	return nil
}

// headers sets what every answer carries, refusals too.
func headers(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Cache-Control", "no-store")
		h.Set("Pragma", "no-cache")
		h.Set("X-Content-Type-Options", "nosniff")
		next.ServeHTTP(w, r)
	})
}

// underAPI tells whether a path is of the part in which every request needs a token, known route or not.
func underAPI(path string) bool { return path == "/api" || strings.HasPrefix(path, "/api/") }

// stamp is the present as it is stored and shown: UTC, whole milliseconds.
func (c *Config) stamp() time.Time { return c.Now().UTC().Truncate(time.Millisecond) }

// entry makes a history entry of Core's own.
func (c *Config) entry(who caller, at time.Time, action history.Action, o Organisation) history.Entry {
	return history.Entry{
		ID: uuid.NewString(), CreatedAt: at, Action: action, EntityType: history.Organisation, EntityID: string(o.ID), Name: o.Name,
		OrganisationID: o.ID, Source: history.SourceCore, User: who.user(),
	}
}

// organisation is the caller's own; empty when the token has none.
func (c caller) organisation() access.OrganisationID {
	if c.session == nil {
		return access.System
	}
	return c.session.organisation
}

// user is the token's subject; empty in the UNSAFE modes.
func (c caller) user() string {
	if c.session == nil {
		return ""
	}
	return c.session.user
}
