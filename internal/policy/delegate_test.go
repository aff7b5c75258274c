package policy_test

import (
	"encoding/json"
	"testing"

	"github.com/portico-iam/portico/internal/access"
	"github.com/portico-iam/portico/internal/fault"
	"github.com/portico-iam/portico/internal/history"
	"github.com/portico-iam/portico/internal/policy"
)

func TestDelegatedIsDecidedByBothAndRecordedWithBoth(t *testing.T) {
	b := newBench(t)
	signer, err := b.CreateRole(t.Context(), admin, access.Role{
		Name: "Signer", Permissions: access.SetOf(access.RegistrationCertificateSign),
		Delegation: &access.Delegation{RequiredUserPermissions: access.SetOf(access.CredentialIssue)},
	}, policy.Seen{})
	if err != nil {
		t.Fatal(err)
	}
	b.iamRole("Acme WRPR", "acme", signer.ID)
	b.iamRole("Acme Issuance", "acme", b.role("Issuer", access.CredentialIssue).ID)
	service := &access.Principal{Issuer: issuer, Subject: "wrpr", IAMRoles: []string{"Acme WRPR"}}
	ivan := &access.Principal{Issuer: issuer, Subject: "ivan", IAMRoles: []string{"Acme Issuance"}}
	held, none := access.SetOf(access.CredentialIssue), access.PermissionSet{}
	const route = "POST /api/sts/token/v1"

	for rule, c := range map[string]struct {
		service, user *access.Principal
		held          *access.PermissionSet
		org           access.OrganisationID
		code          *fault.Code // nil: granted
		reason        string
	}{
		"by the user's IAM roles":              {service: service, user: ivan, org: "acme"},
		"by what an app token says":            {service: service, user: nobody, held: &held, org: "acme"},
		"an app token says less than they may": {service, ivan, &none, "acme", fault.Forbidden, "USER_PERMISSION_MISSING"},
		"the user may not":                     {service, nobody, nil, "acme", fault.Forbidden, "USER_PERMISSION_MISSING"},
		"the service may not":                  {ivan, nobody, nil, "acme", fault.Forbidden, "NO_DELEGATED_ROLE"},
		"not on the system either":             {service, ivan, nil, access.System, fault.Forbidden, "NOT_MAPPED_HERE"},
		"no such organisation":                 {service, ivan, nil, "nowhere", fault.Forbidden, "ORGANISATION_UNKNOWN"},
		"for nobody":                           {service: service, org: "acme", code: fault.Unauthenticated},
		"by nobody":                            {user: ivan, org: "acme", code: fault.Unauthenticated},
	} {
		before := len(refusals(b))
		rights, err := b.Delegated(t.Context(), c.service, c.user, c.held, c.org, route)
		if c.code == nil {
			if err != nil || rights.Permissions != access.SetOf(access.RegistrationCertificateSign) || rights.Version != b.Version() {
				t.Errorf("%s: got %v, %d, %v", rule, rights.Permissions.Names(), rights.Version, err)
			}
			continue
		}
		f := wantCode(t, rule, err, c.code)
		if c.code != fault.Forbidden {
			continue
		}
		entries := refusals(b)
		if len(entries) != before+1 {
			t.Errorf("%s: %d entries", rule, len(entries)-before)
			continue
		}
		e := entries[len(entries)-1]
		var record policy.RefusalRecord
		if err := json.Unmarshal(e.Metadata, &record); err != nil {
			t.Fatal(err)
		}
		if e.ID != f.Reference || e.User != c.user.Subject || record.Actor != c.service.Subject || record.Reason != c.reason || record.Remedy == "" || e.EntityType != history.STSToken {
			t.Errorf("%s: recorded %+v, %s", rule, record, e.User)
		}
		if _, again := b.Delegated(t.Context(), c.service, c.user, c.held, c.org, route); fault.Of(again).Reference != f.Reference || len(refusals(b)) != before+1 {
			t.Errorf("%s: who insists fills the history", rule)
		}
	}
}
