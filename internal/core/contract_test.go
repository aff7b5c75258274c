package core

import (
	"context"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/portico-iam/portico/internal/access"
	"github.com/portico-iam/portico/internal/coreapi"
	"github.com/portico-iam/portico/internal/fault"
	"github.com/portico-iam/portico/internal/httpx"
)

// served is the whole path as in production: the STS's keys and Core each behind a listener in memory, and Core called
// through the client that an external one is called through.
func served(t *testing.T) (*world, *coreapi.Client) {
	t.Helper()
	w := newWorld(t, func(c *Config) {
		c.HTTP = &http.Client{Transport: serve(t, http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			rw.Write([]byte(jwks(jwk("k1", seeded(0)))))
		}))}
		c.Auth.STS.JWKSURI, c.AllowInsecureHTTPTransport = "http://sts.memory/jwks.json", true
	})
	if err := w.core.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	transport := serve(t, w.core.Handler())
	return w, &coreapi.Client{BaseURL: &url.URL{Scheme: "http", Host: "core.memory"}, HTTP: &http.Client{Transport: transport}}
}

func serve(t *testing.T, h http.Handler) *http.Transport {
	t.Helper()
	listener := httpx.NewMemory()
	server := &http.Server{Handler: h}
	done := make(chan error, 1)
	go func() { done <- server.Serve(listener) }()
	transport := listener.Transport()
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		server.Close()
		<-done
	})
	return transport
}

func TestClientAgainstCore(t *testing.T) {
	w, c := served(t)
	ctx, admin := t.Context(), w.admin()
	id, name := acme, "Acme"
	created, err := c.CreateOrganisation(ctx, admin, coreapi.OrganisationCreate{ID: &id, Name: &name})
	if err != nil || created != acme {
		t.Fatalf("create: %q, %v", created, err)
	}
	if _, err := c.CreateOrganisation(ctx, admin, coreapi.OrganisationCreate{Name: &name}); !fault.OrganisationExists.Is(err) {
		t.Errorf("create again: %v", err)
	}
	if _, err := c.GetOrganisation(ctx, admin, beta); !fault.OrganisationMissing.Is(err) {
		t.Errorf("get unknown: %v", err)
	}
	off := true
	if err := c.PatchOrganisation(ctx, admin, acme, coreapi.OrganisationPatch{Deactivate: &off, WalletProvider: coreapi.Set("EUDI")}); err != nil {
		t.Errorf("patch: %v", err)
	}
	o, err := c.GetOrganisation(ctx, admin, acme)
	if err != nil || o.Name != "Acme" || o.WalletProvider != "EUDI" || !o.DeactivatedAt.Equal(began) || !o.CreatedDate.Equal(began) {
		t.Errorf("get: %+v, %v", o, err)
	}
	if err := c.PatchOrganisation(ctx, admin, acme, coreapi.OrganisationPatch{WalletProvider: coreapi.Null[string]()}); err != nil {
		t.Errorf("clear: %v", err)
	}
	if err := c.PatchOrganisation(ctx, admin, acme, coreapi.OrganisationPatch{WalletProvider: coreapi.Set("NONE")}); !fault.WalletProviderUnknown.Is(err) {
		t.Errorf("unknown wallet provider: %v", err)
	}
	all, err := c.ListOrganisations(ctx, admin)
	if err != nil || len(all) != 1 || all[0].WalletProvider != "" {
		t.Errorf("list: %+v, %v", all, err)
	}
	if _, err := c.ListOrganisations(ctx, w.token()); !fault.Forbidden.Is(err) {
		t.Errorf("without the permission: %v", err)
	}
	if _, err := c.ListOrganisations(ctx, "junk"); !fault.Unauthenticated.Is(err) {
		t.Errorf("junk: %v", err)
	}
}

func TestClientAgainstCoresHistory(t *testing.T) {
	w, c := served(t)
	ctx := t.Context()
	token := w.token(in(acme, "HISTORY_CREATE", "HISTORY_LIST", "HISTORY_DETAIL"))
	id, err := c.CreateHistory(ctx, token, coreapi.HistoryCreate{
		Action: "CREATED", Name: "Issuer", EntityType: "STS_ROLE", Source: "STS",
		EntityID: beta, OrganisationID: acme, Target: "t", Metadata: []byte(`{"a":1}`),
	})
	if err != nil {
		t.Fatal(err)
	}
	e, err := c.GetHistory(ctx, token, id)
	if err != nil || e.User != "user-1" || e.Target != "t" || string(e.Metadata) != `{"a":1}` || e.OrganisationID != acme || !e.CreatedDate.Equal(began) {
		t.Errorf("get: %+v, %v", e, err)
	}
	q := coreapi.HistoryQuery{
		Size: 5, Sort: "user", Descending: true, Actions: []string{"CREATED"}, EntityTypes: []string{"STS_ROLE"}, EntityIDs: []string{beta},
		Users: []string{"user-1"}, Sources: []string{"STS"}, OrganisationIDs: []access.OrganisationID{acme}, After: began, Before: began.Add(time.Second),
	}
	list, err := c.ListHistory(ctx, token, q)
	if err != nil || list.TotalItems != 1 || list.Values[0].ID != id {
		t.Errorf("list: %+v, %v", list, err)
	}
	if _, err := c.ListHistory(ctx, token, coreapi.HistoryQuery{System: true}); !fault.Forbidden.Is(err) {
		t.Errorf("system: %v", err)
	}
	if _, err := c.ListHistory(ctx, w.token(in("", "HISTORY_LIST")), coreapi.HistoryQuery{}); !fault.OrganisationNotChosen.Is(err) {
		t.Errorf("no organisation: %v", err)
	}
	if _, err := c.GetHistory(ctx, token, other); !fault.HistoryEntryMissing.Is(err) {
		t.Errorf("unknown: %v", err)
	}
	if _, err := c.CreateHistory(ctx, token, coreapi.HistoryCreate{Action: "CREATED", Name: "n", EntityType: "USER", Source: "CORE"}); !fault.InvalidHistorySource.Is(err) {
		t.Errorf("source CORE: %v", err)
	}
	gone, cancel := context.WithCancel(ctx)
	cancel()
	if _, err := c.GetHistory(gone, token, id); !fault.CoreUnavailable.Is(err) {
		t.Errorf("given up: %v", err)
	}
}
