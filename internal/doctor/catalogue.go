package doctor

import "github.com/portico-iam/portico/internal/okta"

// entry is what is always true of a finding.
type entry struct {
	row     int // of docs/doctor.md; 0 = none
	rank    int // the lower, the nearer to the root of a sign-in
	console string
	steps   []step // of portico okta apply, each of which mends it
	symptom bool   // somebody's error text, of which a cause may be known
	// explains are the findings that go away with this one. They rank later, or are symptoms.
	explains []string
}

// Places in Okta's console.
const (
	atService      = "Applications > Applications > (the service application)"
	atApps         = "Applications > Applications > (the application)"
	atGeneral      = atApps + " > General"
	atLogin        = atGeneral + " > LOGIN > Sign-in redirect URIs"
	atLogout       = atGeneral + " > LOGIN > Sign-out redirect URIs"
	atSecrets      = atGeneral + " > Client Credentials"
	atGrants       = atGeneral + " > Grant type"
	atRefresh      = atGeneral + " > Refresh token behavior"
	atAssign       = atApps + " > Assignments"
	atServers      = "Security > API > Authorization Servers"
	atServer       = atServers + " > (the server)"
	atSettings     = atServer + " > Settings"
	atPolicies     = atServer + " > Access Policies"
	atScopes       = atServer + " > Scopes"
	atClaims       = atServer + " > Claims"
	atGroups       = "Directory > Groups"
	atPeople       = "Directory > People"
	atTokens       = "Security > API > Tokens"
	atAPIScopes    = atService + " > Okta API Scopes"
	atRoles        = atService + " > Admin roles"
	atSignOnTokens = atApps + " > Sign On > OpenID Connect ID Token"
	atSignOn       = atApps + " > Sign On > User authentication"
)

// What a server that can't be used explains, and what one that is not asked explains.
var (
	serverDown  = []string{"told-inactive", "told-incomplete", "issuer-not-found", "told-not-found", "token-refused", "keys-unreadable", "policy-missing"}
	unreachable = []string{"told-network", "told-incomplete", "token-refused", "keys-unreadable", "issuer-not-found"}
	wrongIssuer = []string{"told-incomplete", "told-unusable", "issuer-not-found", "issuer-differs", "token-issuer", "org-token", "token-refused", "told-issuer", "told-audience", "told-signature", "told-not-found", "told-audience-org", "told-typ-org", "told-no-roles", "audience", "claim-missing", "keys-unreadable", "gateway-issuer"}
	badToken    = []string{"token-refused", "told-audience", "told-signature", "told-unusable", "told-not-passed"}
)

// catalogue has every finding there is. Ranks go along the way of a sign-in: reach the issuer, be its client, be let
// through, get a token, have it accepted, have roles in it, and what goes wrong after that.
var catalogue = withSymptoms(map[string]entry{
	"console-host":    {row: 18, rank: 10, explains: wrongIssuer},
	"dns":             {row: 46, rank: 12, explains: unreachable},
	"tls":             {row: 46, rank: 13, explains: unreachable},
	"unreachable":     {row: 46, rank: 14, explains: unreachable},
	"rate-limit":      {row: 44, rank: 15, explains: []string{"told-rate-limit", "issuer-not-found", "keys-unreadable", "management"}},
	"clock":           {row: 45, rank: 16, explains: []string{"token-time", "told-clock", "token-refused"}},
	"unlicensed":      {row: 19, rank: 20, console: atServers, explains: append([]string{"told-unlicensed"}, wrongIssuer...)},
	"token-source":    {row: 12, rank: 19, explains: append([]string{"told-scope", "scope-unknown", "unlicensed", "org-issuer"}, wrongIssuer...)},
	"org-issuer":      {row: 12, rank: 21, console: atSettings, explains: append([]string{"told-scope", "scope-unknown"}, wrongIssuer...)},
	"server-inactive": {row: 20, rank: 22, console: atServers, steps: []step{{part: "authorization server", field: "status"}}, explains: serverDown},
	"issuer-not-found": {row: 18, rank: 23, console: atSettings, explains: []string{
		"told-not-found", "told-incomplete", "told-unusable", "token-refused", "token-issuer", "told-issuer", "keys-unreadable", "gateway-issuer", "issuer-differs",
	}},
	"issuer-differs": {row: 17, rank: 24, console: atSettings, explains: []string{"told-incomplete", "told-unusable", "token-issuer", "token-refused", "told-issuer", "gateway-issuer"}},
	"config-invalid": {rank: 26},
	"gateway-issuer": {row: 17, rank: 25, console: atSettings, explains: []string{"token-issuer", "token-refused", "told-issuer"}},

	"api-token":          {row: 43, rank: 30, console: atTokens, explains: []string{"told-api-token", "management"}},
	"setup-client":       {row: 43, rank: 31, console: atService + " > General > Client Credentials", explains: []string{"management"}},
	"scopes-not-granted": {row: 42, rank: 32, console: atAPIScopes, explains: []string{"told-scopes-not-granted", "management"}},
	"no-admin-role":      {row: 41, rank: 33, console: atRoles, explains: []string{"told-no-admin-role", "management"}},
	"management":         {row: 43, rank: 34},

	"app-missing":    {rank: 39, console: atApps, steps: newApplication},
	"app-inactive":   {row: 20, rank: 40, console: atApps, steps: []step{{part: "application", field: "status"}}, explains: []string{"client-unknown", "secret", "told-refused", "told-client", "told-client-id", "told-inactive", "grant-missing"}},
	"client-unknown": {row: 34, rank: 41, console: atSecrets, steps: []step{{part: ourConfig, field: "iam.clientId"}}, explains: []string{"secret", "told-refused", "told-client", "told-client-id"}},
	"auth-method":    {row: 34, rank: 42, console: atSecrets, steps: []step{{part: "application", field: authMethod}}, explains: []string{"secret", "told-refused", "told-client"}},
	"secret":         {row: 34, rank: 43, console: atSecrets, steps: []step{{part: "secret"}, {part: ourConfig, field: "iam.clientSecretFile"}}, explains: []string{"told-refused", "told-client"}},
	"dpop":           {row: 40, rank: 44, console: atGeneral + " > Client Credentials > Proof of possession", explains: []string{"told-refused", "told-dpop"}},
	"grant-missing":  {row: 36, rank: 45, console: atGrants, steps: []step{{part: "application", field: grantTypes}, {part: "application", field: responseTypes}}, explains: []string{"told-refused", "told-grant", "told-refresh-missing", "no-refresh", "refresh-grant"}},
	"pkce":           {row: 33, rank: 46, console: atSecrets, explains: []string{"told-refused", "told-pkce"}},
	"redirect-varies": {row: 8, rank: 47, console: atLogin, explains: []string{
		"redirect-uri", "told-redirect", "session-lost", "told-session-lost", "told-varies",
	}},
	"redirect-uri":  {row: 7, rank: 48, console: atLogin, explains: []string{"told-cookie", "told-redirect"}},
	"scope-groups":  {row: 5, rank: 49, console: atScopes, explains: []string{"told-refused", "told-scope", "told-scope-groups", "scope-unknown", "rule-misses"}},
	"scope-unknown": {row: 6, rank: 50, console: atScopes, explains: []string{"told-refused", "told-scope", "told-scope-groups", "rule-misses"}},

	"not-assigned":    {row: 4, rank: 55, console: atAssign, explains: []string{"told-denied", "told-assigned"}},
	"user-inactive":   {row: 4, rank: 54, console: atPeople, explains: []string{"told-denied", "told-assigned", "not-assigned"}},
	"policy-inactive": {row: 20, rank: 56, console: atPolicies, steps: []step{{part: "policy", field: "status"}}, explains: []string{"policy-missing", "told-denied", "told-policy", "told-inactive", "rule-misses"}},
	"policy-missing":  {row: 1, rank: 57, console: atPolicies, steps: []step{{part: "policy", field: "conditions.clients.include"}}, explains: []string{"told-denied", "told-policy", "rule-misses"}},
	"rule-misses":     {row: 2, rank: 58, console: atPolicies, steps: []step{{part: "rule"}}, explains: []string{"told-denied", "told-policy", "told-scope-denied"}},
	"policy-order":    {row: 3, rank: 59, console: atPolicies, steps: []step{{part: "policy", field: "priority"}, {part: "rule", field: "priority"}}, explains: []string{"told-denied", "told-scope-denied", "told-lifetime"}},

	"gateway-mode":     {rank: 61, explains: []string{"told-not-passed"}},
	"session-lost":     {row: 9, rank: 62, explains: []string{"told-session-lost"}},
	"token-not-passed": {row: 13, rank: 63, explains: []string{"told-not-passed", "id-token", "told-audience-id", "token-refused"}},
	"groups-header":    {row: 31, rank: 64, explains: []string{"told-groups-header"}},
	"bearer-audience":  {row: 32, rank: 65, explains: []string{"told-audience", "told-bearer"}},
	"argo-scopes":      {row: 50, rank: 66, explains: []string{"told-argo"}},
	"grafana-userinfo": {row: 51, rank: 67, explains: []string{"told-grafana"}},

	"email-unverified": {row: 30, rank: 69, explains: []string{"told-email", "id-token"}}, // there it is the ID token that matters
	"encrypted":        {row: 48, rank: 70, console: atSettings, explains: append([]string{"opaque", "told-jwe"}, badToken...)},
	"id-token":         {row: 13, rank: 71, explains: append([]string{"audience", "told-audience-id", "told-no-roles", "no-roles", "claim-missing", "claim-name", "names"}, badToken...)},
	"org-token":        {row: 14, rank: 72, explains: append([]string{"audience", "token-issuer", "key-unknown", "told-issuer", "told-audience-org", "told-typ", "told-typ-org", "told-no-roles", "claim-missing", "no-roles", "names"}, badToken...)},
	"opaque":           {row: 14, rank: 73, explains: append([]string{"told-opaque"}, badToken...)},
	"token-issuer":     {row: 17, rank: 74, explains: append([]string{"key-unknown", "told-issuer"}, badToken...)},
	"audience":         {row: 11, rank: 75, console: atSettings, steps: []step{{part: "authorization server", field: "audiences"}}, explains: append([]string{"told-audience"}, badToken...)},
	"key-unknown":      {row: 15, rank: 76, explains: badToken},
	"algorithms":       {rank: 68, explains: []string{"token-refused"}},
	"keys-unreadable":  {row: 15, rank: 77, explains: []string{"told-signature"}},
	"token-time":       {row: 45, rank: 96, explains: append([]string{"told-clock"}, badToken...)},
	"token-refused":    {rank: 98},

	"claim-broken":     {row: 27, rank: 80, console: atClaims, steps: []step{{part: "claim", field: "value"}}, explains: []string{"told-unavailable", "told-claim"}},
	"too-many-groups":  {row: 26, rank: 81, console: atClaims, explains: []string{"told-unavailable", "told-too-many"}},
	"claim-string":     {row: 28, rank: 82, console: atClaims, steps: []step{{part: "claim", field: "value"}}, explains: []string{"told-unmapped", "told-no-admin", "told-string"}},
	"claim-inactive":   {row: 20, rank: 83, console: atClaims, steps: []step{{part: "claim", field: "status"}}, explains: []string{"told-no-admin", "claim-missing", "told-no-roles", "told-inactive", "admin-filter"}},
	"claim-identity":   {row: 21, rank: 84, console: atClaims, steps: []step{{part: "claim", action: okta.Create}}, explains: []string{"told-no-admin", "claim-missing", "told-no-roles", "claim-name"}},
	"claim-scope":      {row: 21, rank: 85, console: atClaims, steps: []step{{part: "claim", field: "conditions.scopes"}}, explains: []string{"told-no-admin", "claim-missing", "told-no-roles"}},
	"directory-groups": {row: 25, rank: 86, console: atClaims, explains: []string{"told-unmapped", "told-no-admin", "claim-missing", "told-no-roles", "no-roles", "admin-missing", "not-admin", "admin-filter", "told-directory"}},
	"claim-name":       {row: 23, rank: 87, console: atClaims, explains: []string{"told-unmapped", "told-no-admin", "claim-missing", "told-no-roles", "told-claim-name", "admin-filter"}},
	"no-roles":         {row: 22, rank: 88, console: atGroups, explains: []string{"claim-missing", "told-no-roles", "told-some"}},
	"claim-missing":    {row: 21, rank: 89, console: atClaims, steps: []step{{part: "claim", action: okta.Create}}, explains: []string{"told-no-admin", "told-no-roles"}},
	"admin-name":       {row: 24, rank: 90, console: atGroups, steps: []step{{part: "group", action: okta.Alter}}, explains: []string{"admin-missing", "admin-filter", "not-admin", "told-unmapped", "told-no-admin"}},
	"admin-missing":    {row: 24, rank: 91, console: atGroups, steps: []step{{part: "group"}, {part: "member "}, {part: "assignment of "}}, explains: []string{"admin-filter", "not-admin", "told-unmapped", "told-no-admin"}},
	"admin-filter":     {row: 24, rank: 92, console: atClaims, steps: []step{{part: "claim", field: "value"}}, explains: []string{"told-unmapped", "told-no-admin"}},
	"admin-empty":      {row: 24, rank: 93, console: atGroups, steps: []step{{part: "member "}}, explains: []string{"not-admin", "told-unmapped", "told-no-admin"}},
	"not-admin":        {row: 24, rank: 94, console: atGroups, explains: []string{"told-unmapped", "told-no-admin"}},

	"no-refresh":      {row: 37, rank: 100, explains: []string{"told-refresh-missing"}},
	"refresh-grant":   {row: 37, rank: 101, console: atGrants, steps: []step{{part: "application", field: grantTypes}}, explains: []string{"told-refresh-missing", "told-grant"}},
	"refresh-reuse":   {row: 38, rank: 102, console: atRefresh, steps: []step{{part: "application", field: "settings.oauthClient.refresh_token"}}, explains: []string{"told-refresh"}},
	"names":           {row: 29, rank: 104, console: atClaims, steps: []step{{part: "claim given_name"}}, explains: []string{"told-names"}},
	"large":           {row: 47, rank: 105, console: atClaims, explains: []string{"told-large"}},
	"logout-uri":      {row: 10, rank: 106, console: atLogout, explains: []string{"told-logout-uri"}},
	"gateway-network": {row: 46, rank: 107, explains: []string{"told-network"}},
	"logout":          {row: 52, rank: 108, explains: []string{"told-logout"}},
})

// withSymptoms adds the errors that people come with, behind every cause.
func withSymptoms(all map[string]entry) map[string]entry {
	for i, s := range symptoms {
		all[s.id] = entry{row: s.row, rank: 200 + i, console: s.console, symptom: true, explains: s.explains}
	}
	return all
}
