package bff_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/portico-iam/portico/internal/access"
	"github.com/portico-iam/portico/internal/policy"
	"github.com/portico-iam/portico/internal/session"
)

func TestFindings(t *testing.T) {
	b := newBench(t, options{})
	const ada = "ONE_STS_ADMIN"
	system, err := b.policy.CreateRole(t.Context(), admin, access.Role{Name: "System", Permissions: access.SetOf(access.CacheDelete)}, policy.Seen{})
	if err != nil {
		t.Fatal(err)
	}
	mapped, err := b.policy.CreateIAMRole(t.Context(), admin, access.IAMRole{
		Name: "Acme Issuance", OrganisationRoles: map[access.OrganisationID][]access.RoleID{acme: {system.ID}},
	}, policy.Seen{})
	if err != nil {
		t.Fatal(err)
	}
	if err := b.db.SeePerson(t.Context(), session.Person{Issuer: issuer, Subject: "ivan", IAMRoles: []string{"acme  issuance"}, SeenAt: time.Now()}); err != nil {
		t.Fatal(err)
	}
	kinds := func(query string) (all []string) {
		t.Helper()
		got := b.call(ada, "GET", "/api/sts/finding/v1"+query, "")
		if got.status != 200 {
			t.Fatalf("%s: got %d %s", query, got.status, got.body)
		}
		for _, v := range got.object(t)["values"].([]any) {
			f := v.(map[string]any)
			if f["page"] != "/access/"+string(mapped.ID) {
				t.Errorf("mended at %v", f["page"])
			}
			all = append(all, fmt.Sprintln(f["kind"], f["organisation"], f["near"]))
		}
		return all
	}
	idle := fmt.Sprintln("ROLE_WITHOUT_EFFECT", map[string]any{"id": string(acme), "name": "Acme"}, nil)
	quiet := fmt.Sprintln("IAM_ROLE_NOT_SEEN", nil, []string{"acme  issuance"})
	for query, want := range map[string][]string{
		"": {idle, quiet}, "?kind[]=IAM_ROLE_NOT_SEEN": {quiet}, "?organisationId=" + string(acme): {idle, quiet}, "?organisationId=" + string(zeta): nil,
		"?page=1&pageSize=1": {quiet}, "?kind[]=ROLE_NOT_MAPPED": nil,
	} {
		if got := kinds(query); !slices.Equal(got, want) {
			t.Errorf("%s: got %v, want %v", query, got, want)
		}
	}
	for _, query := range []string{"?kind[]=X", "?organisationId=x", "?kind=ROLE_NOT_MAPPED", "?sort=name"} {
		if got := b.call(ada, "GET", "/api/sts/finding/v1"+query, ""); got.status != 400 {
			t.Errorf("%s: got %d %s", query, got.status, got.body)
		}
	}
	if got := b.call("nobody", "GET", "/api/sts/finding/v1", ""); got.status != 403 {
		t.Errorf("got %d %s", got.status, got.body)
	}
}
