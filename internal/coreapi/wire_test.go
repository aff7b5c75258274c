package coreapi

import (
	"encoding/json"
	"testing"
	"time"
)

func TestPatchTellsAbsentFromNull(t *testing.T) {
	for body, want := range map[string]string{
		`{}`:                      `{}`,
		`{"walletProvider":null}`: `{"walletProvider":null}`,
		`{"walletProvider":"A"}`:  `{"walletProvider":"A"}`,
		`{"name":null}`:           `{}`,
		`{"deactivate":false}`:    `{"deactivate":false}`,
		`{"walletProviderIssuer":"x","deactivate":true,"name":"n"}`: `{"name":"n","deactivate":true,"walletProviderIssuer":"x"}`,
	} {
		var p OrganisationPatch
		if err := json.Unmarshal([]byte(body), &p); err != nil {
			t.Fatal(err)
		}
		if got, _ := json.Marshal(p); string(got) != want {
			t.Errorf("%s: got %s, want %s", body, got, want)
		}
	}
	if p := (OrganisationPatch{WalletProvider: Set("W"), WalletProviderIssuer: Null[string]()}); *p.WalletProvider.Value != "W" || p.WalletProviderIssuer.Value != nil {
		t.Error("Set and Null")
	}
	if err := json.Unmarshal([]byte(`{"walletProvider":1}`), new(OrganisationPatch)); err == nil {
		t.Error("a number passed as a string")
	}
}

func TestTimeOnTheWire(t *testing.T) {
	at := time.Date(2026, 3, 1, 12, 0, 0, 123_999_999, time.FixedZone("", 3600))
	o := Organisation{ID: "i", Name: "n", CreatedDate: At(at), LastModified: At(at)}
	got, _ := json.Marshal(o)
	want := `{"id":"i","name":"n","createdDate":"2026-03-01T11:00:00.123Z","lastModified":"2026-03-01T11:00:00.123Z"}`
	if string(got) != want {
		t.Errorf("got %s, want %s", got, want)
	}
	var back Organisation
	if err := json.Unmarshal(got, &back); err != nil || !back.CreatedDate.Equal(at.Truncate(time.Millisecond)) || !back.DeactivatedAt.IsZero() {
		t.Errorf("got %v, %v", back, err)
	}
	for _, bad := range []string{`{"createdDate":"yesterday"}`, `{"createdDate":1}`} {
		if json.Unmarshal([]byte(bad), &back) == nil {
			t.Errorf("%s was accepted", bad)
		}
	}
}
