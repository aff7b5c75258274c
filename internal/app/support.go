package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/portico-iam/portico/internal/config"
	"github.com/portico-iam/portico/internal/store"
	"github.com/portico-iam/portico/internal/sts"
	"github.com/portico-iam/portico/internal/support"
)

// SupportParts are what a support bundle tells of the store, and of the Portico that runs on this configuration, if one does.
// close is to be called at the end.
func SupportParts(ctx context.Context, cfg *config.Config, logger *slog.Logger) (parts []support.Part, close func() error) {
	db, err := store.Open(ctx, store.Config{Driver: cfg.Store.Driver, DSN: cfg.Store.DSN.Reveal(), Logger: logger, ReadOnly: true})
	close = func() error { return nil }
	if err == nil {
		close = db.Close
	}
	ofStore := func(read func(context.Context) (any, error)) func(context.Context) ([]byte, error) {
		return func(ctx context.Context) ([]byte, error) {
			if err != nil {
				return nil, err
			}
			v, err := read(ctx)
			if err != nil {
				return nil, err
			}
			return json.MarshalIndent(v, "", "  ")
		}
	}
	admin := administration{cfg.Server.AdminListen}
	return []support.Part{
		{Name: "store.json", What: "the database's version, the migrations that were applied, and how many rows each table has", Content: ofStore(func(ctx context.Context) (any, error) { return db.Facts(ctx) })},
		{Name: "keys.json", What: "the signing keys: ids, states and dates", Content: ofStore(func(ctx context.Context) (any, error) { return keyFacts(ctx, db) })},
		{Name: "ready.json", What: "/health/ready of the running Portico", Content: admin.get("/health/ready", "application/json")},
		{Name: "metrics.txt", What: "/metrics of the running Portico", Content: admin.get("/metrics", "text/plain")},
		{Name: "goroutines.txt", What: "where every goroutine of the running Portico stands, without arguments", Content: admin.get("/debug/goroutines", "text/plain")},
	}, close
}

// keyFact is what may be said of a signing key.
type keyFact struct {
	KID           string    `json:"kid"`
	State         string    `json:"state"`
	SealedBy      string    `json:"sealedBy"` // names the key-encryption key
	CreatedAt     time.Time `json:"createdAt"`
	PublishedFrom time.Time `json:"publishedFrom"`
	ActivatesAt   time.Time `json:"activatesAt,omitzero"`
	RetiredAt     time.Time `json:"retiredAt,omitzero"`
	UsedAt        time.Time `json:"usedAt,omitzero"`
}

func keyFacts(ctx context.Context, keys sts.KeyStore) ([]keyFact, error) {
	records, _, err := keys.LoadKeys(ctx)
	facts := []keyFact{}
	for _, k := range records {
		facts = append(facts, keyFact{k.KID, string(k.State), k.SealedBy, k.CreatedAt, k.PublishedFrom, k.ActivatesAt, k.RetiredAt, k.UsedAt})
	}
	return facts, err
}

// administration is the operator's address of a Portico that runs.
type administration struct{ listen string }

const adminPatience = 10 * time.Second

func (a administration) get(path, accept string) func(context.Context) ([]byte, error) {
	return func(ctx context.Context) ([]byte, error) {
		if a.listen == "" {
			return nil, errors.New("server.adminListen is not set")
		}
		host, port, err := net.SplitHostPort(a.listen)
		if err != nil {
			return nil, err
		}
		if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() { // listens everywhere: also here
			host = "127.0.0.1"
		}
		ctx, cancel := context.WithTimeout(ctx, adminPatience)
		defer cancel()
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+net.JoinHostPort(host, port)+path, nil)
		if err != nil {
			return nil, err
		}
		req.Header.Set("Accept", accept)
		transport := &http.Transport{DisableKeepAlives: true}
		resp, err := transport.RoundTrip(req) // which follows no redirect
		if err != nil {
			return nil, fmt.Errorf("no Portico answers at server.adminListen (%s): %w", a.listen, err)
		}
		defer resp.Body.Close()
		if resp.StatusCode != http.StatusOK && resp.StatusCode != http.StatusServiceUnavailable {
			return nil, fmt.Errorf("server.adminListen (%s) answered %d", a.listen, resp.StatusCode)
		}
		return io.ReadAll(io.LimitReader(resp.Body, support.MaxPart+1))
	}
}
