package policy_test

import (
	"fmt"
	"io"
	"log/slog"
	"testing"
	"time"

	"github.com/portico-iam/portico/internal/access"
	"github.com/portico-iam/portico/internal/history"
	"github.com/portico-iam/portico/internal/policy"
)

// BenchmarkEnforce is what a request pays that is let through: by the last of its IAM roles, alone and with others at the same time.
func BenchmarkEnforce(b *testing.B) {
	model := access.Model{
		Version: 1, Organisations: []*access.Organisation{{ID: "acme", Name: "Acme"}},
		Roles: []*access.Role{{ID: "issuer", Name: "Issuer", Permissions: access.SetOf(access.CredentialIssue, access.CredentialList)}},
	}
	who := &access.Principal{Issuer: issuer, Subject: "ivan"}
	for i := range 5 {
		name := fmt.Sprintf("Group %d", i)
		who.IAMRoles = append(who.IAMRoles, name)
		if i == 4 {
			model.IAMRoles = append(model.IAMRoles, &access.IAMRole{ID: "row", Name: name, OrganisationRoles: map[access.OrganisationID][]access.RoleID{"acme": {"issuer"}}})
		}
	}
	store, logger := &memory{model: model}, slog.New(slog.NewTextHandler(io.Discard, nil))
	s, err := policy.New(b.Context(), policy.Config{Store: store, History: &history.Recorder{Store: store, Now: time.Now, Logger: logger}, Now: time.Now, Logger: logger})
	if err != nil {
		b.Fatal(err)
	}
	enforce := func() {
		if err := s.Enforce(b.Context(), who, "acme", "POST /x", access.CredentialIssue); err != nil {
			b.Error(err)
		}
	}
	b.Run("alone", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			enforce()
		}
	})
	b.Run("together", func(b *testing.B) {
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				enforce()
			}
		})
	})
}
