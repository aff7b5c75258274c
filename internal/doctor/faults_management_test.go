package doctor_test

import (
	"net/http"

	"github.com/portico-iam/portico/internal/devokta"
)

// serviceApp writes the setup of a service application.
func serviceApp(b *bed, role string, dpop bool, scopes ...string) {
	b.Helper()
	app, err := b.NewServiceApp("Doctor", role, dpop, scopes...)
	must(b, err)
	b.config().setup("clientId: " + app.ClientID + "\n  privateKeyFile: " + write(b, "key.pem", app.PrivateKeyPEM))
}

var everyScope = []string{"okta.apps.manage", "okta.authorizationServers.manage", "okta.groups.manage", "okta.users.read"}

// managementFaults are of the credential for the Management API.
var managementFaults = []injected{
	{row: 43, want: "api-token", name: "an expired token", inject: func(b *bed) { b.config().okta(b.NewAPIToken(devokta.APIToken{Expired: true})) }},
	{row: 43, want: "api-token", name: "a token of nobody", inject: func(b *bed) { b.config().okta("00nobodysTokennobodysTokennobodysToken12345") }},
	{row: 43, want: "api-token", name: "a token with SSWS before it", near: "SSWS", inject: func(b *bed) { b.config().okta("SSWS " + b.World().APIToken) }},
	{row: 43, want: "setup-client", name: "a service application's key of somebody else", inject: func(b *bed) {
		other, err := b.NewServiceApp("Other", "SUPER_ADMIN", false, everyScope...)
		must(b, err)
		b.config().setup("clientId: " + b.World().SetupApp.ClientID + "\n  privateKeyFile: " + write(b, "key.pem", other.PrivateKeyPEM))
	}},
	{row: 41, want: "no-admin-role", name: "a service application without a role", inject: func(b *bed) { serviceApp(b, "", false, everyScope...) }},
	{row: 41, want: "no-admin-role", name: "the same with DPoP", inject: func(b *bed) { serviceApp(b, "", true, everyScope...) }},
	{row: 42, want: "scopes-not-granted", name: "a service application without scopes", inject: func(b *bed) { serviceApp(b, "SUPER_ADMIN", false) }},
	{row: 44, want: "rate-limit", name: "the Management API's limit", inject: func(b *bed) {
		b.Inject(devokta.Fault{Endpoint: "management", Status: http.StatusTooManyRequests})
		b.config().okta("")
	}},
	{row: 18, want: "console-host", name: "okta.url is the console's", near: "-admin", set: "okta.url: https://dev-1.okta.com", inject: func(b *bed) {
		b.config()
		b.url = "https://dev-1-admin.okta.com"
		b.okta("00token")
	}},
}
