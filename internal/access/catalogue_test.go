package access

import (
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// Core's permissions as its specification lists them (section 7.2), in that order; the system's are marked by a star.
const coreCatalogue = `
ACCESS_CERTIFICATE_CREATE ACCESS_CERTIFICATE_REVOKE ACCESS_CERTIFICATE_SIGN CACHE_DELETE* CREDENTIAL_DELETE
CREDENTIAL_DETAIL CREDENTIAL_EDIT CREDENTIAL_ISSUE CREDENTIAL_LIST CREDENTIAL_REACTIVATE CREDENTIAL_REVOKE
CREDENTIAL_SCHEMA_CREATE CREDENTIAL_SCHEMA_DELETE CREDENTIAL_SCHEMA_DETAIL CREDENTIAL_SCHEMA_LIST
CREDENTIAL_SCHEMA_SHARE CREDENTIAL_SHARE CREDENTIAL_SUSPEND DASHBOARD_DETAIL DID_CREATE DID_DEACTIVATE DID_DETAIL
DID_LIST DID_RESOLVE HISTORY_DETAIL HISTORY_LIST HISTORY_CREATE SYSTEM_HISTORY_DETAIL* SYSTEM_HISTORY_LIST*
HOLDER_CREDENTIAL_LIST IDENTIFIER_CREATE IDENTIFIER_DELETE IDENTIFIER_DETAIL IDENTIFIER_LIST INTERACTION_ISSUANCE
INTERACTION_PROOF KEY_CREATE KEY_DETAIL KEY_GENERATE_CSR KEY_LIST PROOF_CLAIMS_DELETE PROOF_DELETE PROOF_DETAIL
PROOF_ISSUE PROOF_LIST PROOF_SCHEMA_CREATE PROOF_SCHEMA_DELETE PROOF_SCHEMA_DETAIL PROOF_SCHEMA_LIST PROOF_SCHEMA_SHARE
PROOF_SHARE REGISTRATION_CERTIFICATE_CREATE REGISTRATION_CERTIFICATE_REVOKE REGISTRATION_CERTIFICATE_SIGN
STS_ORGANISATION_CREATE* STS_ORGANISATION_DELETE* STS_ORGANISATION_DETAIL* STS_ORGANISATION_EDIT*
STS_ORGANISATION_LIST* SYSTEM_DASHBOARD_DETAIL* TASK_CREATE* TRUST_ANCHOR_CREATE TRUST_ANCHOR_DELETE
TRUST_ANCHOR_DETAIL TRUST_ANCHOR_LIST TRUST_COLLECTION_CREATE TRUST_COLLECTION_EDIT TRUST_COLLECTION_DELETE
TRUST_COLLECTION_DETAIL TRUST_COLLECTION_LIST TRUST_ENTITY_ACTIVATE TRUST_ENTITY_CREATE TRUST_ENTITY_DETAIL
TRUST_ENTITY_EDIT TRUST_ENTITY_LIST TRUST_ENTITY_REMOVE TRUST_ENTITY_WITHDRAW TRUST_LIST_PUBLICATION_CREATE
TRUST_LIST_PUBLICATION_LIST TRUST_LIST_PUBLICATION_DETAIL TRUST_LIST_PUBLICATION_DELETE TRUST_ENTRY_PUBLICATION_CREATE
TRUST_ENTRY_PUBLICATION_DETAIL TRUST_ENTRY_PUBLICATION_EDIT TRUST_ENTRY_PUBLICATION_DELETE HOLDER_WALLET_UNIT_REGISTER
HOLDER_WALLET_UNIT_DETAIL HOLDER_WALLET_UNIT_EDIT WALLET_UNIT_DETAIL WALLET_UNIT_LIST WALLET_UNIT_REVOKE
WALLET_UNIT_DELETE VERIFIER_INSTANCE_REGISTER VERIFIER_INSTANCE_DETAIL VERIFIER_INSTANCE_EDIT X509_CERTIFICATE_CREATE
X509_CERTIFICATE_REVOKE X509_CERTIFICATE_SIGN`

// Portico's own are all of the system.
const ownCatalogue = `
STS_ROLE_CREATE STS_ROLE_LIST STS_ROLE_DETAIL STS_ROLE_EDIT STS_ROLE_DELETE
STS_IAM_ROLE_CREATE STS_IAM_ROLE_LIST STS_IAM_ROLE_DETAIL STS_IAM_ROLE_EDIT STS_IAM_ROLE_DELETE
STS_ACCESS_EXPLAIN STS_SESSION_LIST STS_SESSION_REVOKE STS_KEY_LIST STS_KEY_ROTATE`

func TestCatalogueIsCoresAndOurs(t *testing.T) {
	want := strings.Fields(coreCatalogue)
	if len(want) != 98 {
		t.Fatalf("the test's list has %d entries; Core has 98", len(want))
	}
	for _, name := range strings.Fields(ownCatalogue) {
		want = append(want, name+"*")
	}
	var got []string
	for p, info := range Permissions() {
		name := info.Name
		if info.Scope == ScopeSystem {
			name += "*"
		}
		got = append(got, name)
		if parsed, ok := ParsePermission(info.Name); !ok || parsed != p {
			t.Errorf("ParsePermission(%s) = %v, %v", info.Name, parsed, ok)
		}
	}
	if !slices.Equal(got, want) {
		for i := range min(len(got), len(want)) {
			if got[i] != want[i] {
				t.Errorf("entry %d: got %s, want %s", i, got[i], want[i])
			}
		}
		t.Fatalf("got %d entries, want %d", len(got), len(want))
	}
}

func TestCatalogueIsFitForPeople(t *testing.T) {
	titles, descriptions := map[string]string{}, map[string]string{}
	for _, info := range Permissions() {
		if other := titles[info.Title]; other != "" {
			t.Errorf("%s and %s share the title %q", info.Name, other, info.Title)
		}
		titles[info.Title] = info.Name
		if other := descriptions[info.Description]; other != "" {
			t.Errorf("%s and %s share the description %q", info.Name, other, info.Description)
		}
		descriptions[info.Description] = info.Name
		if words := len(strings.Fields(info.Title)); words < 2 || words > 4 {
			t.Errorf("%s: title %q has %d words; want 2 to 4", info.Name, info.Title, words)
		}
		if info.Group == "" || !strings.HasSuffix(info.Description, ".") || strings.HasSuffix(info.Title, ".") {
			t.Errorf("%s: group %q, title %q, description %q", info.Name, info.Group, info.Title, info.Description)
		}
	}
}

func TestUnknownPermissionsAreNone(t *testing.T) {
	for _, name := range []string{"", "credential_issue", "CREDENTIAL_ISSUE ", "UNKNOWN_111", "CREDENTIAL-ISSUE", adminRole} {
		if p, ok := ParsePermission(name); ok {
			t.Errorf("ParsePermission(%q) = %s; want none", name, p)
		}
	}
	set, unknown := ParseSet([]string{"B", "KEY_LIST", "A", "KEY_LIST", "B"})
	if set != SetOf(KeyList) || !slices.Equal(unknown, []string{"B", "A", "B"}) {
		t.Errorf("ParseSet = %v, %v", set.Names(), unknown)
	}
	for _, p := range []Permission{permissionCount, 127, 128, 255} {
		if s := SetOf(p); !s.IsEmpty() || s.Has(p) {
			t.Errorf("a set of the unknown permission %d is %v", p, s)
		}
		if !strings.HasPrefix(p.String(), "UNKNOWN_") {
			t.Errorf("Permission(%d) is called %s", p, p)
		}
	}
}

func TestScopesSplitTheCatalogue(t *testing.T) {
	system, organisation := OfScope(ScopeSystem), OfScope(ScopeOrganisation)
	if !system.Intersect(organisation).IsEmpty() || system.Union(organisation).Len() != permissionCount {
		t.Errorf("the scopes have %d and %d permissions of %d", system.Len(), organisation.Len(), permissionCount)
	}
	if !bootstrapSet.Minus(system).IsEmpty() || !Administration.Minus(bootstrapSet).IsEmpty() {
		t.Error("the bootstrap role must hold all of administration and nothing in an organisation")
	}
	want := []string{"SYSTEM_HISTORY_DETAIL", "SYSTEM_HISTORY_LIST"}
	for _, info := range Permissions() {
		if strings.HasPrefix(info.Name, "STS_") {
			want = append(want, info.Name)
		}
	}
	slices.Sort(want)
	if got := bootstrapSet.Names(); !slices.Equal(got, want) {
		t.Errorf("the bootstrap role grants %v; want %v", got, want)
	}
}

func TestPermissionSetLaws(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b, c := drawSet(t, "a"), drawSet(t, "b"), drawSet(t, "c")
		holds := func(law string, ok bool) {
			if !ok {
				t.Fatalf("%s does not hold for %v, %v, %v", law, a.Names(), b.Names(), c.Names())
			}
		}
		holds("union commutes", a.Union(b) == b.Union(a))
		holds("intersection commutes", a.Intersect(b) == b.Intersect(a))
		holds("union associates", a.Union(b).Union(c) == a.Union(b.Union(c)))
		holds("distribution", a.Intersect(b.Union(c)) == a.Intersect(b).Union(a.Intersect(c)))
		holds("minus is what is left", a.Minus(b).Union(a.Intersect(b)) == a && a.Minus(b).Intersect(b).IsEmpty())
		holds("lengths add up", a.Union(b).Len()+a.Intersect(b).Len() == a.Len()+b.Len())
		holds("empty is of no length", a.IsEmpty() == (a.Len() == 0))

		var listed PermissionSet
		for p := range Permissions() {
			holds("Has agrees with union", a.Union(b).Has(p) == (a.Has(p) || b.Has(p)))
			holds("Has agrees with minus", a.Minus(b).Has(p) == (a.Has(p) && !b.Has(p)))
		}
		last := -1
		for p := range a.All() {
			holds("All is ascending", int(p) > last)
			last, listed = int(p), listed.Union(SetOf(p))
		}
		holds("All lists all", listed == a)
		names := a.Names()
		back, unknown := ParseSet(names)
		holds("names are sorted", slices.IsSorted(names) && len(names) == a.Len())
		holds("names read back", back == a && unknown == nil)
		for range a.All() {
			break // must not go on
		}
	})
}
