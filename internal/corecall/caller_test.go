package corecall_test

import (
	"net/http"
	"testing"

	"github.com/portico-iam/portico/internal/config"
	"github.com/portico-iam/portico/internal/corecall"
	"github.com/portico-iam/portico/internal/fault"
	"github.com/portico-iam/portico/internal/sts"
)

// In the unsafe modes Core reads no token of ours: none may be minted for nothing, nor the static one be sent elsewhere.
func TestBearersOfEachMode(t *testing.T) {
	for mode, want := range map[string]string{config.AuthUnsafeStatic: "static-token", config.AuthUnsafeNone: "none"} {
		caller := &corecall.Caller{Mode: mode, StaticToken: "static-token"} // no STS: it would panic
		got, err := caller.Bearer(t.Context(), sts.Request{Principal: admin})
		if got != want || err != nil {
			t.Errorf("%s: got %q, %v", mode, got, err)
		}
		w := newWorld(t)
		w.Caller.Mode, w.Caller.StaticToken, w.Caller.STS = mode, "static-token", nil
		var sent string
		w.instead(func(rw http.ResponseWriter, r *http.Request) {
			sent = r.Header.Get("Authorization")
			lists(tenants(1))(rw, r)
		})
		if err := w.Policy.SyncOrganisations(t.Context()); err != nil || sent != "Bearer "+want {
			t.Errorf("%s: the mirror sent %q, %v", mode, sent, err)
		}
		// Whatever Core reads, Portico itself still refuses.
		_, err = w.List(t.Context(), ivan)
		wantCode(t, mode, err, fault.Forbidden)
	}
}

func TestATokenThatIsRefusedIsNone(t *testing.T) {
	w := newWorld(t)
	if token, err := w.Caller.Bearer(t.Context(), sts.Request{}); !fault.Unauthenticated.Is(err) || token != "" {
		t.Errorf("nobody: got %q, %v", token, err)
	}
	token, err := w.Caller.Bearer(t.Context(), sts.Request{Principal: ivan, Organisation: unknownID})
	if !fault.Forbidden.Is(err) || token != "" {
		t.Errorf("an organisation that there isn't: got %q, %v", token, err)
	}
}
