package config

import (
	"slices"
	"strings"
	"testing"
)

// Each row sets keys on top of least, and names the one fault that must come of it.
func TestRules(t *testing.T) {
	const bearer = "PORTICO_gateway__mode=bearer"
	for _, c := range []struct {
		rule    string
		environ []string
		want    string // empty: accepted
	}{
		{"listen without a port", []string{"PORTICO_server__listen=127.0.0.1"}, `server.listen: expected host:port, e.g. 127.0.0.1:8080, got "127.0.0.1"`},
		{"listen on a word", []string{"PORTICO_server__listen=127.0.0.1:http"}, `server.listen: expected host:port`},
		{"listen on a port out of range", []string{"PORTICO_server__listen=:65536"}, `server.listen: expected host:port`},
		{"listen on IPv6 without brackets", []string{"PORTICO_server__listen=::1:80"}, `server.listen: expected host:port`},
		{"listen on IPv6", []string{"PORTICO_server__listen=[::1]:80"}, ``},
		{"listen on any port", []string{"PORTICO_server__listen=127.0.0.1:0"}, ``},
		{"admin without a port", []string{"PORTICO_server__adminListen=x"}, `server.adminListen: expected host:port`},

		{"no public address", []string{"PORTICO_server__publicUrl="}, `server.publicUrl: required`},
		{"a public address off loopback without TLS", []string{"PORTICO_server__publicUrl=http://desk.example.com"}, `server.publicUrl: expected https (http is accepted on loopback only), got "http://desk.example.com"`},
		{"a public address with a path", []string{"PORTICO_server__publicUrl=https://desk.example.com/one"}, `server.publicUrl: expected scheme and host only, got the path /one`},
		{"a public address with a user", []string{"PORTICO_server__publicUrl=https://u:p@desk.example.com"}, `server.publicUrl: expected a URL without user, query and fragment`},
		{"a public address without a scheme", []string{"PORTICO_server__publicUrl=desk.example.com"}, `server.publicUrl: expected an https URL, got "desk.example.com"`},
		{"a public address without a host", []string{"PORTICO_server__publicUrl=https://:443"}, `server.publicUrl: expected an https URL`},
		{"another scheme", []string{"PORTICO_server__publicUrl=javascript://desk.example.com"}, `server.publicUrl: expected an https URL`},

		{"an unknown mode", []string{"PORTICO_gateway__mode=magic"}, `gateway.mode: expected one of builtin, apisix, oauth2-proxy, bearer, got "magic"`},
		{"the callback at the root", []string{"PORTICO_gateway__callbackPath=/"}, `gateway.callbackPath: / is taken`},
		{"the callback at the sign-in", []string{"PORTICO_gateway__callbackPath=/login"}, `gateway.callbackPath: expected a path outside /login/, got /login`},
		{"the callback below the sign-out", []string{"PORTICO_gateway__callbackPath=/logout/backchannel"}, `gateway.callbackPath: expected a path outside /logout/`},
		{"the callback in the API", []string{"PORTICO_gateway__callbackPath=/api/callback"}, `gateway.callbackPath: expected a path outside /api/`},
		{"the callback among Core's", []string{"PORTICO_gateway__callbackPath=/.well-known/x"}, `gateway.callbackPath: expected a path outside /.well-known/`},
		{"a callback that begins like another path", []string{"PORTICO_gateway__callbackPath=/apisix"}, ``},
		{"a relative callback", []string{"PORTICO_gateway__callbackPath=callback"}, `gateway.callbackPath: expected a plain absolute path, got "callback"`},
		{"a callback on another host", []string{"PORTICO_gateway__callbackPath=//evil.test/x"}, `gateway.callbackPath: expected a plain absolute path`},
		{"a callback with dots", []string{"PORTICO_gateway__callbackPath=/a/.."}, `gateway.callbackPath: expected a plain absolute path`},
		{"a callback with a query", []string{"PORTICO_gateway__callbackPath=/a?b"}, `gateway.callbackPath: expected a plain absolute path`},
		{"a callback with an escape", []string{"PORTICO_gateway__callbackPath=/a%20b"}, `gateway.callbackPath: expected a plain absolute path`},
		{"a callback that is a pattern", []string{"PORTICO_gateway__callbackPath=/{path...}"}, `gateway.callbackPath: expected a plain absolute path`},
		{"a callback with a method", []string{"PORTICO_gateway__callbackPath=/a b"}, `gateway.callbackPath: expected a plain absolute path`},
		{"leaving for another host", []string{`PORTICO_gateway__postLogoutPath=/\evil.test`}, `gateway.postLogoutPath: expected a plain absolute path`},
		{"leaving for a URL", []string{"PORTICO_gateway__postLogoutPath=https://evil.test/"}, `gateway.postLogoutPath: expected a plain absolute path`},
		{"another gateway's secret", []string{bearer, "PORTICO_gateway__sharedSecret=" + strings.Repeat("a", 32)}, ``},
		{"a secret that can be guessed", []string{bearer, "PORTICO_gateway__sharedSecret=" + strings.Repeat("a", 31)}, `gateway.sharedSecret: expected at least 32 letters`},
		{"a secret that no header carries", []string{bearer, "PORTICO_gateway__sharedSecret=" + strings.Repeat("a ", 32)}, `gateway.sharedSecret: expected at least 32 letters`},
		{"a secret without a gateway", []string{"PORTICO_gateway__sharedSecret=" + strings.Repeat("a", 32)}, `gateway.sharedSecret: only used behind another gateway`},
		{"another gateway's sign-out", []string{bearer, "PORTICO_gateway__logoutPath=/oidc/redirect?logout=https%3A%2F%2Fdesk.acme.test%2F"}, ``},
		{"a sign-out without a gateway", []string{"PORTICO_gateway__logoutPath=/oauth2/sign_out"}, `gateway.logoutPath: only used behind another gateway`},
		{"a sign-out on another host", []string{bearer, "PORTICO_gateway__logoutPath=//evil.test/"}, `gateway.logoutPath: expected the gateway's own address`},
		{"a sign-out that leads to itself", []string{bearer, "PORTICO_gateway__logoutPath=/logout"}, `gateway.logoutPath: expected the gateway's own address`},
		{"a sign-out that leads to itself, with a query", []string{bearer, "PORTICO_gateway__logoutPath=/logout?x=y"}, `gateway.logoutPath: expected the gateway's own address`},
		{"sessions that end at once", []string{"PORTICO_gateway__session__idle=1s"}, `gateway.session.idle: expected a duration from 1m0s to 24h0m0s, got 1s`},
		{"sessions that never end", []string{"PORTICO_gateway__session__absolute=9000h"}, `gateway.session.absolute: expected a duration from`},
		{"idle beyond the end", []string{"PORTICO_gateway__session__idle=2h", "PORTICO_gateway__session__absolute=1h"}, `gateway.session.idle: expected at most gateway.session.absolute (1h0m0s), got 2h0m0s`},

		{"no issuer", []string{"PORTICO_iam__issuer="}, `iam.issuer: required: the authorization server's Issuer URI`},
		{"an issuer off loopback without TLS", []string{"PORTICO_iam__issuer=http://dev-12345.okta.com"}, `iam.issuer: expected https`},
		{"Okta's console as issuer", []string{"PORTICO_iam__issuer=https://dev-12345-admin.okta.com/oauth2/default"}, `iam.issuer: dev-12345-admin.okta.com is the address of Okta's console, not of an issuer: leave out -admin`},
		{"the preview's console as issuer", []string{"PORTICO_iam__issuer=https://acme-ADMIN.oktapreview.com"}, `iam.issuer: acme-ADMIN.oktapreview.com is the address of Okta's console`},
		{"a host that only looks like the console", []string{"PORTICO_iam__issuer=https://x-admin.okta.com.acme.test"}, ``},
		{"an issuer with a query", []string{"PORTICO_iam__issuer=https://acme.okta.com?x"}, `iam.issuer: expected a URL without user, query and fragment`},
		{"two issuers", []string{"PORTICO_sts__iam__tokenValidation__iss=https://other.okta.com"}, `sts.iam.tokenValidation.iss: expected the same issuer as iam.issuer (https://dev-12345.okta.com/oauth2/default), got https://other.okta.com`},
		{"issuers that differ in a slash", []string{"PORTICO_sts__iam__tokenValidation__iss=https://dev-12345.okta.com/oauth2/default/"}, `sts.iam.tokenValidation.iss: expected the same issuer`},
		{"discovery elsewhere without an issuer", []string{"PORTICO_iam__issuer=", "PORTICO_iam__discoveryUrl=https://acme.okta.com/x"}, `iam.discoveryUrl: expected the issuer followed by /.well-known/openid-configuration`},
		{"discovery off loopback without TLS", []string{"PORTICO_iam__discoveryUrl=http://acme.okta.com/.well-known/openid-configuration"}, `iam.discoveryUrl: expected https`},
		{"no client id", []string{"PORTICO_iam__clientId="}, `iam.clientId: required: Okta shows it at`},
		{"no client secret", []string{"PORTICO_iam__clientSecret="}, `iam.clientSecret: required (or iam.clientSecretFile)`},
		{"an unknown client authentication", []string{"PORTICO_iam__clientAuth=none"}, `iam.clientAuth: expected one of client_secret_basic, client_secret_post, got "none"`},
		{"no openid", []string{"PORTICO_iam__scopes=profile"}, `iam.scopes: expected openid among them, got [profile]`},
		{"an unknown client authentication behind another gateway", []string{bearer, "PORTICO_iam__clientAuth=x"}, `iam.clientAuth: expected one of`},
		{"an unknown token source", []string{"PORTICO_iam__tokenSource=userinfo"}, `iam.tokenSource: expected one of`},
		{"no client behind another gateway", []string{bearer, "PORTICO_iam__clientId=", "PORTICO_iam__clientSecret="}, ``},
		{"no issuer behind another gateway", []string{bearer, "PORTICO_iam__issuer="}, `sts.iam.tokenValidation.iss: required: the issuer of the tokens`},

		{"an STS issuer with a path", []string{"PORTICO_sts__issuer=https://desk.example.com/sts"}, `sts.issuer: expected scheme and host only`},
		{"keys off loopback without TLS", []string{"PORTICO_sts__iam__tokenValidation__jwksUri=http://acme.okta.com/keys"}, `sts.iam.tokenValidation.jwksUri: expected https`},
		{"no algorithm", []string{"PORTICO_sts__iam__tokenValidation__algorithms="}, `sts.iam.tokenValidation.algorithms: expected at least one of`},
		{"algorithm none", []string{"PORTICO_sts__iam__tokenValidation__algorithms=RS256,none"}, `sts.iam.tokenValidation.algorithms: expected one of RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, ES512, EdDSA, got "none"`},
		{"a symmetric algorithm", []string{"PORTICO_sts__iam__tokenValidation__algorithms=HS256"}, `sts.iam.tokenValidation.algorithms: expected one of`},
		{"too much leeway", []string{"PORTICO_sts__iam__tokenValidation__leeway=1h"}, `sts.iam.tokenValidation.leeway: expected a duration from 0s to 5m0s`},
		{"negative leeway", []string{"PORTICO_sts__iam__tokenValidation__leeway=-1s"}, `sts.iam.tokenValidation.leeway: expected a duration from 0s`},
		{"keys fetched all the time", []string{"PORTICO_sts__iam__tokenValidation__jwksRefreshAfter=1s"}, `sts.iam.tokenValidation.jwksRefreshAfter: expected a duration from 10s`},
		{"keys that expire before they are fetched", []string{"PORTICO_sts__iam__tokenValidation__jwksExpireAfter=1m"}, `sts.iam.tokenValidation.jwksExpireAfter: expected a duration from 10m0s`},
		{"no role path", []string{"PORTICO_sts__iam__rolePath="}, `sts.iam.rolePath: required: the claim that holds the roles`},
		{"a role path with an index", []string{"PORTICO_sts__iam__rolePath=roles[0]"}, `sts.iam.rolePath: "roles[0]": expected member names only`},
		{"a role path with a gap", []string{"PORTICO_sts__iam__rolePath=realm_access..roles"}, `sts.iam.rolePath: "realm_access..roles": expected a name between the dots`},
		{"a role path that is a URL", []string{"PORTICO_sts__iam__rolePath=https://acme.test/roles"}, ``},
		{"a subject path with a filter", []string{"PORTICO_sts__iam__subjectPath=$.a[?(@.x)]"}, `sts.iam.subjectPath: `},
		{"no subject path", []string{"PORTICO_sts__iam__subjectPath="}, `sts.iam.subjectPath: required`},
		{"no bootstrap role", []string{"PORTICO_sts__iam__adminRole="}, `sts.iam.adminRole: required`},
		{"a bootstrap role that no token can carry", []string{"PORTICO_sts__iam__adminRole=ONE_STS_ADMIN "}, `sts.iam.adminRole: expected no blanks at its ends, got "ONE_STS_ADMIN "`},
		{"tokens that die at once", []string{"PORTICO_sts__token__ttl=1s"}, `sts.token.ttl: expected a duration from 30s to 1h0m0s, got 1s`},
		{"tokens that live for days", []string{"PORTICO_sts__token__ttl=48h"}, `sts.token.ttl: expected a duration`},
		{"keys that change by the minute", []string{"PORTICO_sts__token__keyRotation=1m", "PORTICO_sts__token__keyOverlap=1m"}, `sts.token.keyRotation: expected a duration from 1h0m0s`},
		{"an overlap of nothing", []string{"PORTICO_sts__token__keyOverlap=0s"}, `sts.token.keyOverlap: expected a duration from 1m0s`},
		{"an overlap beyond the rotation", []string{"PORTICO_sts__token__keyRotation=2h", "PORTICO_sts__token__keyOverlap=3h"}, `sts.token.keyOverlap: expected at most sts.token.keyRotation (2h0m0s), got 3h0m0s`},
		{"no audience of tokens", []string{"PORTICO_sts__token__audiences="}, `sts.token.audiences: expected at least one audience`},
		{"no key-encryption key", []string{"PORTICO_sts__token__keyEncryptionKeyFile="}, `sts.token.keyEncryptionKeyFile: required: a file with 32 random bytes in base64`},

		{"Core off loopback without TLS", []string{"PORTICO_core__api__url=http://core.example.com"}, `core.api.url: expected https`},
		{"Core off loopback without TLS, meant", []string{"PORTICO_core__api__url=http://core.one.svc:3000", "PORTICO_core__api__unsafeHttp=true"}, ``},
		{"meant, but no URL", []string{"PORTICO_core__api__url=core:3000", "PORTICO_core__api__unsafeHttp=true"}, `core.api.url: expected an https URL`},
		{"Core on this machine", []string{"PORTICO_core__api__url=http://127.0.0.1:3000"}, ``},
		{"an unknown authentication to Core", []string{"PORTICO_core__api__authentication=NONE"}, `core.api.authentication: expected one of STS, UNSAFE_STATIC, UNSAFE_NONE, got "NONE"`},
		{"no static token", []string{"PORTICO_core__api__authentication=UNSAFE_STATIC"}, `core.api.staticToken: required with UNSAFE_STATIC`},
		{"a static token that nobody uses", []string{"PORTICO_core__api__staticToken=canary"}, `core.api.staticToken: only used with UNSAFE_STATIC, got STS`},
		{"an unknown store", []string{"PORTICO_store__driver=mysql"}, `store.driver: expected one of sqlite, postgres, got "mysql"`},
		{"no store", []string{"PORTICO_store__dsn="}, `store.dsn: required`},
		{"PostgreSQL as SQLite", []string{"PORTICO_store__dsn=postgres://u:canary@db/x"}, `store.dsn: expected the path of an SQLite file, got a PostgreSQL connection string; set store.driver: postgres`},
		{"a provisioning token", []string{"PORTICO_scim__token=canary-0123456789abcdef0123456789"}, ``},
		{"a short one", []string{"PORTICO_scim__token=canary-0123456789abcdef01234567"}, `scim.token: expected at least 32 letters`},
		{"two", []string{"PORTICO_scim__token=canary-0123456789abcdef0123456789", "PORTICO_scim__previousToken=canary-0123456789abcdef012345678x"}, ``},
		{"the same twice", []string{"PORTICO_scim__token=canary-0123456789abcdef0123456789", "PORTICO_scim__previousToken=canary-0123456789abcdef0123456789"}, `scim.previousToken: expected another token`},
		{"the one of before alone", []string{"PORTICO_scim__previousToken=canary-0123456789abcdef0123456789"}, `scim.previousToken: expected scim.token too`},
		{"an e-mail address as subject", []string{"PORTICO_scim__subjectFrom=email"}, `scim.subjectFrom: expected one of userName, externalId, got "email"`},
		{"an unknown level", []string{"PORTICO_observability__logLevel=trace"}, `observability.logLevel: expected one of debug, info, warn, error, got "trace"`},
		{"an unknown format", []string{"PORTICO_observability__logFormat=xml"}, `observability.logFormat: expected one of text, json, got "xml"`},
		{"traces within the cluster", []string{"PORTICO_observability__traces__endpoint=http://collector:4318/v1/traces"}, ``},
		{"traces with headers", []string{"PORTICO_observability__traces__endpoint=https://collector.example.com/v1/traces", "PORTICO_observability__traces__headers=Authorization: canary"}, ``},
		{"secret headers in clear", []string{"PORTICO_observability__traces__endpoint=http://collector:4318", "PORTICO_observability__traces__headers=Authorization: canary"}, `observability.traces.endpoint: expected https, got "http://collector:4318"`},
		{"headers for nobody", []string{"PORTICO_observability__traces__headers=Authorization: canary"}, `observability.traces.headers: only used with observability.traces.endpoint`},
		{"a header without a name", []string{"PORTICO_observability__traces__endpoint=https://collector.example.com/v1/traces", "PORTICO_observability__traces__headers=canary"}, `observability.traces.headers: line 1: expected Name: value`},
		{"a header twice", []string{"PORTICO_observability__traces__endpoint=https://collector.example.com/v1/traces", "PORTICO_observability__traces__headers=A: canary\na: canary"}, `observability.traces.headers: line 2: expected at most 16 headers, each once`},
		{"a user in the address", []string{"PORTICO_observability__traces__endpoint=https://u:canary@collector"}, `observability.traces.endpoint: expected a URL without user, query and fragment`},
		{"another protocol", []string{"PORTICO_observability__traces__protocol=grpc"}, `observability.traces.protocol: expected one of http, got "grpc"`},
		{"more than all", []string{"PORTICO_observability__traces__sampleRatio=1.1"}, `observability.traces.sampleRatio: expected a number from 0 to 1, got 1.1`},
		{"no number", []string{"PORTICO_observability__traces__sampleRatio=.nan"}, `observability.traces.sampleRatio: expected a number from 0 to 1, got NaN`},
		{"half of them", []string{"PORTICO_observability__traces__sampleRatio=half"}, `observability.traces.sampleRatio: expected a number, e.g. 0.1, got "half"`},
	} {
		_, err := Load([]byte(least), c.environ)
		faults, _ := err.(Faults)
		if c.want == "" {
			if err != nil {
				t.Errorf("%s: refused: %v", c.rule, err)
			}
			continue
		}
		if len(faults) != 1 || !strings.HasPrefix(faults[0], c.want) {
			t.Errorf("%s:\n got %q\nwant %q", c.rule, []string(faults), c.want)
		}
		if err != nil && (strings.Contains(err.Error(), "canary") || strings.Contains(err.Error(), "u:p@")) {
			t.Errorf("%s: a secret is shown: %v", c.rule, err)
		}
	}
}

func TestNT05_AnEmptyAudienceIsRefused(t *testing.T) {
	for rule, text := range map[string]string{
		"absent":     strings.Replace(least, "{ aud: api://procivis-one }", "{}", 1),
		"empty":      strings.Replace(least, "api://procivis-one", `""`, 1),
		"blank":      strings.Replace(least, "api://procivis-one", `" "`, 1),
		"null":       strings.Replace(least, "api://procivis-one", `null`, 1),
		"of another": least + "\n",
	} {
		environ := []string(nil)
		if rule == "of another" {
			text = strings.Replace(least, "iam: { tokenValidation:", "iam: { additional: [{tokenValidation: {iss: https://x.test, jwksUri: https://x.test/keys}}], tokenValidation:", 1)
		}
		faults := faultsOf(t, text, environ...)
		if len(faults) != 1 || !strings.Contains(faults[0], "tokenValidation.aud: required: the authorization server's audience") {
			t.Errorf("%s: got %q", rule, []string(faults))
		}
	}
}

func TestFurtherIssuers(t *testing.T) {
	with := func(list string) string {
		return strings.Replace(least, "iam: { tokenValidation:", "iam: { additional: "+list+", tokenValidation:", 1)
	}
	const first, second = `{tokenValidation: {iss: https://x.test, aud: a, jwksUri: https://x.test/keys}}`, `{tokenValidation: {iss: https://y.test, aud: a, jwksUri: https://y.test/keys}}`
	load(t, with("["+first+", "+second+"]"))
	for _, c := range []struct{ rule, list, want string }{
		{"the first issuer again", strings.ReplaceAll("["+first+"]", "https://x.test,", "https://dev-12345.okta.com/oauth2/default,"), "sts.iam.additional[0].tokenValidation.iss: expected an issuer of its own, got that of sts.iam.tokenValidation.iss"},
		{"NT06: one issuer twice", "[" + first + ", " + second + ", " + first + "]", "sts.iam.additional[2].tokenValidation.iss: expected an issuer of its own, got that of sts.iam.additional[0].tokenValidation.iss"},
		{"no issuer", "[{tokenValidation: {aud: a, jwksUri: https://x.test/keys}}]", "sts.iam.additional[0].tokenValidation.iss: required"},
		{"no keys", "[{tokenValidation: {iss: https://x.test, aud: a}}]", "sts.iam.additional[0].tokenValidation.jwksUri: required"},
		{"no TLS", "[{tokenValidation: {iss: http://x.test, aud: a, jwksUri: https://x.test/keys}}]", "sts.iam.additional[0].tokenValidation.iss: expected https"},
		{"a symmetric algorithm", "[{tokenValidation: {iss: https://x.test, aud: a, jwksUri: https://x.test/keys, algorithms: [HS256]}}]", "sts.iam.additional[0].tokenValidation.algorithms: expected one of"},
		{"no role path", strings.Replace("["+first+"]", "{tokenV", "{rolePath: '', tokenV", 1), "sts.iam.additional[0].rolePath: required"},
		{"our own client as audience: ID tokens", "[{tokenValidation: {iss: https://x.test, aud: 0oa1, jwksUri: https://x.test/keys}}]", "sts.iam.additional[0].tokenValidation.aud: expected the API's audience, got iam.clientId"},
		{"nothing in it", "[{}]", "sts.iam.additional[0].tokenValidation.aud: required"},
	} {
		faults := faultsOf(t, with(c.list))
		if !slices.ContainsFunc(faults, func(f string) bool { return strings.HasPrefix(f, c.want) }) {
			t.Errorf("%s: got %q, want %q", c.rule, []string(faults), c.want)
		}
	}
}

func TestNT53_TheDevelopmentOktaServesThisMachineOnly(t *testing.T) {
	const public, local = "PORTICO_server__publicUrl=https://desk.example.com", "PORTICO_server__publicUrl=http://localhost:8080"
	for _, host := range []string{
		"http://localhost:8081", "http://LOCALHOST:8081", "http://localhost.:8081", "http://okta.localhost", "http://127.0.0.1:8081",
		"http://127.8.9.1", "http://[::1]:8081", "http://[::ffff:127.0.0.1]", "http://0.0.0.0:8081", "https://[::]", "https://localhost:8443",
	} {
		issuer := "PORTICO_iam__issuer=" + host + "/oauth2/default"
		load(t, least, local, issuer)
		faults := faultsOf(t, least, public, issuer)
		if !slices.ContainsFunc(faults, func(f string) bool {
			return strings.HasPrefix(f, "iam.issuer: ") && strings.Contains(f, "is on this machine, as the development Okta is, but server.publicUrl is not: refused")
		}) {
			t.Errorf("%s: got %q", host, []string(faults))
		}
	}
	for rule, c := range map[string]struct{ text, key string }{
		"keys": {strings.Replace(least, "aud: ", "jwksUri: http://localhost:8081/keys, aud: ", 1), "sts.iam.tokenValidation.jwksUri"},
		"a further issuer": {
			strings.Replace(least, "iam: { tokenValidation:", "iam: { additional: [{tokenValidation: {iss: http://localhost:8081/oauth2/default, aud: a, jwksUri: https://x.test}}], tokenValidation:", 1),
			"sts.iam.additional[0].tokenValidation.iss",
		},
		"a further issuer's keys": {
			strings.Replace(least, "iam: { tokenValidation:", "iam: { additional: [{tokenValidation: {iss: https://x.test, aud: a, jwksUri: http://localhost:8081}}], tokenValidation:", 1),
			"sts.iam.additional[0].tokenValidation.jwksUri",
		},
		"discovery": {strings.Replace(least, "clientId:", "discoveryUrl: http://localhost:8081/.well-known/openid-configuration, clientId:", 1), "iam.discoveryUrl"},
		"behind another gateway": {
			strings.Replace(least, "issuer: https://dev-12345.okta.com/oauth2/default,", "", 1) + "gateway: {mode: bearer}\n", "",
		},
	} {
		environ := []string{}
		if rule == "behind another gateway" {
			environ, c.key = append(environ, "PORTICO_sts__iam__tokenValidation__iss=http://localhost:8081/oauth2/default"), "sts.iam.tokenValidation.iss"
		}
		faults := faultsOf(t, c.text, environ...)
		if !slices.ContainsFunc(faults, func(f string) bool { return strings.HasPrefix(f, c.key+": ") && strings.Contains(f, "refused") }) {
			t.Errorf("%s: got %q", rule, []string(faults))
		}
	}
	for host, want := range map[string]bool{"http://localhost": true, "http://localhost.example.com": false, "http://127.0.0.1.example.com": false, "http://notlocalhost": false, "https://10.0.0.1": false, "://": false, "": false} {
		if IsLoopback(host) != want {
			t.Errorf("%s: on this machine: %v", host, !want)
		}
	}
}

// Browsers write an origin in one way; ours is compared with it.
func TestThePublicAddressIsWrittenAsBrowsersDo(t *testing.T) {
	for given, want := range map[string]string{
		"https://desk.example.com":      "https://desk.example.com",
		"https://desk.example.com/":     "https://desk.example.com",
		"HTTPS://Desk.Example.COM":      "https://desk.example.com",
		"https://desk.example.com:443":  "https://desk.example.com",
		"https://desk.example.com:":     "https://desk.example.com",
		"https://desk.example.com:8443": "https://desk.example.com:8443",
		"http://localhost:80":           "http://localhost",
		"http://localhost:8080":         "http://localhost:8080",
		"http://[::1]:80":               "http://[::1]",
	} {
		c := load(t, least, "PORTICO_server__publicUrl="+given)
		if c.Server.PublicURL != want || c.STS.Issuer != want {
			t.Errorf("%s: got %s, issuer %s", given, c.Server.PublicURL, c.STS.Issuer)
		}
		if c.Server.IsLoopback() != strings.HasPrefix(given, "http:") {
			t.Errorf("%s: on loopback: %v", given, c.Server.IsLoopback())
		}
	}
}
