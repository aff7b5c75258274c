package iam_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"reflect"
	"strings"
	"testing"

	"github.com/portico-iam/portico/internal/iam"
)

// Tokens of other products (docs/providers.md; the sign-in with each is e2e/providers_test.go). Where the setting that a
// recipe asks for is missing, the refusal says so.

// TestProviders_AccessTokens: what is read of an access token, and why one is refused.
func TestProviders_AccessTokens(t *testing.T) {
	const auth0, keycloak, entra = "https://acme.eu.auth0.com/", "https://keycloak.example.com/realms/acme", "https://login.microsoftonline.com/aaaabbbb/v2.0"
	for rule, c := range map[string]struct {
		issuer, rolePath, subjectPath string
		header, claims                object
		subject                       string
		roles                         []string
		why                           string // of a refusal
	}{
		"Keycloak": {
			keycloak, "realm_access.roles", "sub",
			object{"typ": "JWT"},
			object{"aud": []string{audience, "account"}, "azp": "portico", "typ": "Bearer", "sub": "b7f1", "realm_access": object{"roles": []string{"offline_access", "Acme Issuance"}}},
			"b7f1",
			[]string{"offline_access", "Acme Issuance"},
			"",
		},
		"Keycloak, roles of a client with a dot": {
			keycloak, "$['resource_access']['my.client']['roles']", "sub", nil,
			object{"sub": "b7f1", "resource_access": object{"my.client": object{"roles": []string{"Issuer"}}, "my": object{"client": object{"roles": []string{"Wrong"}}}}},
			"b7f1",
			[]string{"Issuer"},
			"",
		},
		"Keycloak without the audience mapper":             {keycloak, "roles", "sub", nil, object{"aud": "account"}, "", nil, "expected the audience " + audience + ", got account"},
		"Keycloak without the mapper, and no client roles": {keycloak, "roles", "sub", nil, object{"aud": absent{}}, "", nil, "expected the audience"},
		"Entra, version 2": {
			entra, "roles", "oid",
			object{"typ": "JWT"},
			object{"azp": "0000", "ver": "2.0", "sub": "pairwise", "oid": "0f0e", "roles": []string{"Acme.Issuance"}},
			"0f0e",
			[]string{"Acme.Issuance"},
			"",
		},
		"Entra, version 1":                {entra, "roles", "oid", nil, object{"iss": "https://sts.windows.net/aaaabbbb/", "oid": "0f0e"}, "", nil, "expected the issuer " + entra},
		"Entra, too many groups":          {entra, "groups", "sub", nil, object{"sub": "p", "_claim_names": object{"groups": "src1"}}, "p", nil, ""},
		"Auth0":                           {auth0, "https://acme.test/roles", "sub", object{"typ": "JWT"}, object{"aud": []string{audience, auth0 + "userinfo"}, "sub": "auth0|1", "https://acme.test/roles": []string{"A"}}, "auth0|1", []string{"A"}, ""},
		"Auth0, by its permissions":       {auth0, "permissions", "sub", object{"typ": "at+jwt"}, object{"sub": "auth0|1", "permissions": []string{"read:all"}}, "auth0|1", []string{"read:all"}, ""},
		"Auth0, the slash is missing":     {strings.TrimSuffix(auth0, "/"), "roles", "sub", nil, object{"iss": auth0}, "", nil, "they differ in the slash at the end"},
		"Dex's access token, an ID token": {"https://dex.example.com/dex", "groups", "sub", nil, object{"aud": "portico", "nonce": "n", "groups": []string{"A"}}, "", nil, "it is an ID token; send the access token"},
		"ZITADEL, roles as an object":     {"https://acme.zitadel.cloud", "urn:zitadel:iam:org:project:roles", "sub", nil, object{"aud": []string{"1@p", audience}, "sub": "7", "urn:zitadel:iam:org:project:roles": object{"Issuer": object{"9": "acme.test"}}}, "7", []string{"Issuer"}, ""},
	} {
		b := newBench(t)
		i := b.Issuers[0]
		i.Issuer, i.RolePath, i.SubjectPath = c.issuer, path(t, c.rolePath), path(t, c.subjectPath)
		token := sign(header(c.header), with(claims(object{"iss": c.issuer, "roles": absent{}}), c.claims), keys().rsa)
		if c.why != "" {
			refused(t, b, rule, token, c.why)
			continue
		}
		got, err := b.Verify(t.Context(), token)
		if err != nil || got.Principal.Subject != c.subject || !reflect.DeepEqual(got.Principal.IAMRoles, c.roles) {
			t.Errorf("%s: got %+v, %v", rule, got, err)
		}
	}
}

// TestProviders_OpaqueAccessTokens can't be validated by anybody: where the provider is asked for no audience of ours.
func TestProviders_OpaqueAccessTokens(t *testing.T) {
	b := newBench(t)
	for rule, c := range map[string]struct{ token, why string }{
		"Auth0 without an audience": {"v2.local-opaque", "expected a JWT in three parts"},
		"Auth0's, encrypted":        {"eyJhbGciOiJkaXIifQ....", "encrypted"},
		"Entra's for Graph":         {sign(header(object{"typ": "JWT", "nonce": "x", "kid": "graph"}), claims(object{"aud": "00000003-0000-0000-c000-000000000000", "iss": issuer}), keys().other), "expected the audience"},
	} {
		refused(t, b, rule, c.token, c.why)
	}
}

// TestProviders_IDTokens: what a sign-in accepts of each product.
func TestProviders_IDTokens(t *testing.T) {
	for rule, c := range map[string]struct {
		header, claims object
		why            string
	}{
		"Keycloak":                          {object{"typ": "JWT"}, object{"azp": clientID, "typ": "ID", "sid": "s", "acr": "1"}, ""},
		"Keycloak, its audience in ours":    {object{"typ": "JWT"}, object{"aud": []string{clientID, audience}, "azp": clientID}, "for the client " + clientID + " alone"},
		"Entra":                             {object{"typ": "JWT"}, object{"ver": "2.0", "oid": "0f0e", "tid": "aaaabbbb", "nbf": begin.Unix()}, ""},
		"Auth0":                             {object{"typ": "JWT"}, object{"nickname": "ada", "sid": "s"}, ""},
		"Dex":                               {nil, object{"c_hash": "x", "groups": []string{"A"}}, ""},
		"Dex, asked for another audience":   {nil, object{"aud": []string{"other", clientID}, "azp": clientID}, "alone"},
		"authentik":                         {object{"typ": "JWT"}, object{"amr": []string{"pwd"}, "groups": []string{}}, ""},
		"ZITADEL, with the project as well": {nil, object{"aud": []string{"69@acme", clientID, "692"}, "azp": clientID}, "alone"},
	} {
		b := newBench(t)
		_, err := b.VerifyIDToken(t.Context(), sign(header(c.header), idClaims(c.claims), keys().rsa), clientID, "nonce-1", "")
		if (c.why == "") != (err == nil) || err != nil && !strings.Contains(err.Error(), c.why) {
			t.Errorf("%s: expected %q, got %v", rule, c.why, err)
		}
	}
}

// TestProviders_SymmetricSignatures: authentik without a signing key signs with the client's secret.
func TestProviders_SymmetricSignatures(t *testing.T) {
	b := newBench(t)
	input := encode(object{"alg": "HS256", "typ": "JWT", "kid": "rsa"}) + "." + encode(idClaims(nil))
	mac := hmac.New(sha256.New, []byte(canarySecret))
	mac.Write([]byte(input))
	var got *iam.Token
	got, err := b.VerifyIDToken(t.Context(), input+"."+b64(mac.Sum(nil)), clientID, "nonce-1", "")
	if got != nil || err == nil || !strings.Contains(err.Error(), "not an asymmetric one") {
		t.Errorf("got %+v, %v", got, err)
	}
}
