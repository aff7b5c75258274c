package config

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

// full sets every key, none to its default.
const full = `
server:
  listen: 0.0.0.0:8443
  publicUrl: https://Desk.Example.com:443/
  adminListen: 127.0.0.1:9090
  trustedProxies: [10.0.0.0/8, "fd00::/8"]
gateway:
  mode: builtin
  callbackPath: /oidc/callback
  postLogoutPath: /bye
  session: { idle: 15m, absolute: 8h, recordAddress: false }
iam:
  issuer: https://dev-12345.okta.com/oauth2/default
  discoveryUrl: https://dev-12345.okta.com/oauth2/default/.well-known/openid-configuration
  clientId: 0oa1
  clientSecret: canary-client
  clientAuth: client_secret_post
  scopes: [openid, profile]
  tokenSource: access_token
sts:
  issuer: https://sts.example.com
  enableManagementEndpoints: false
  iam:
    tokenValidation:
      iss: https://dev-12345.okta.com/oauth2/default
      aud: api://procivis-one
      jwksUri: https://dev-12345.okta.com/oauth2/default/v1/keys
      algorithms: [RS256]
      leeway: 0s
      jwksRefreshAfter: 5m
      jwksExpireAfter: 12h
    rolePath: $['https://acme/roles']
    subjectPath: uid
    adminRole: ACME_ADMIN
    roleSeparator: ","
    bootstrap: false
    additional:
      - tokenValidation:
          iss: https://other.example.com
          aud: api://batch
          jwksUri: https://other.example.com/keys
          leeway: 0s
      - rolePath: realm_access.roles
        subjectPath: azp
        roleSeparator: " "
        tokenValidation:
          { iss: "https://third.example.com/realm", aud: x, jwksUri: "https://third.example.com/keys", algorithms: [EdDSA], leeway: 5s, jwksRefreshAfter: 1m, jwksExpireAfter: 1h }
  token:
    ttl: 2m
    audiences: [one-core, two-core]
    keyRotation: 720h
    keyOverlap: 48h
    keyEncryptionKeyFile: /run/secrets/kek
    previousKeyEncryptionKeyFile: /run/secrets/old
    clients:
      - { audience: two-core, clientId: 0oa2 }
      - { audience: one-core, issuer: https://other.example.com, clientId: batch, subject: service-account-batch }
    idTokens: true
    verifiers: [{ name: core, jwksCache: 10m }, { name: bridge, jwksCache: 36h }]
  delegation: { ttl: 30s, maxDepth: 3 }
  expectations: /etc/portico/expectations.yaml
core:
  api: { url: https://core.example.com/base, authentication: UNSAFE_STATIC, staticToken: canary-static }
signals:
  backchannelLogout: false
  frontchannelLogout: false
  globalTokenRevocation: { enabled: true }
  sharedSignals:
    issuer: https://signals.example.com
    jwksUri: https://signals.example.com/keys
    audience: https://desk.example.com
    poll: { endpoint: https://signals.example.com/poll, token: canary-poll, interval: 1m }
store:
  maxStaleness: 10s
  driver: postgres
  dsn: postgres://portico:canary-dsn@db/portico
limits: { refusalsPerAddress: 1, signInsPerAddress: 2, requestsPerPrincipal: 3, sessionsPerPerson: 4 }
observability:
  logLevel: debug
  logFormat: json
  accessLog: false
  traces: { endpoint: https://collector.example.com/v1/traces, protocol: http, sampleRatio: 0.25, headers: "X-Api-Key: canary-headers" }
scim: { subjectFrom: externalId }
`

// least holds only what has no default.
const least = `
server: { publicUrl: https://desk.example.com }
iam: { issuer: https://dev-12345.okta.com/oauth2/default, clientId: 0oa1, clientSecret: s }
sts:
  iam: { tokenValidation: { aud: api://procivis-one } }
  token: { keyEncryptionKeyFile: /run/secrets/kek }
`

func load(t *testing.T, text string, environ ...string) *Config {
	t.Helper()
	c, err := Load([]byte(text), environ)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// faultsOf loads what must not load.
func faultsOf(t *testing.T, text string, environ ...string) Faults {
	t.Helper()
	c, err := Load([]byte(text), environ)
	var faults Faults
	if !errors.As(err, &faults) || c != nil {
		t.Fatalf("got %v, %v; want faults", c, err)
	}
	return faults
}

func TestAFullFile(t *testing.T) {
	c := load(t, full)
	okta := "https://dev-12345.okta.com/oauth2/default"
	want := Config{
		Server: Server{
			Listen: "0.0.0.0:8443", PublicURL: "https://desk.example.com", AdminListen: "127.0.0.1:9090", TrustedProxies: c.Server.TrustedProxies,
		},
		Gateway: Gateway{Mode: ModeBuiltin, CallbackPath: "/oidc/callback", PostLogoutPath: "/bye", Session: Session{15 * time.Minute, 8 * time.Hour, false}},
		IAM: IAM{
			Issuer: okta, DiscoveryURL: okta + "/.well-known/openid-configuration", ClientID: "0oa1", ClientSecret: "canary-client",
			ClientAuth: ClientSecretPost, Scopes: []string{"openid", "profile"}, TokenSource: SourceAccessToken,
		},
		STS: STS{
			Issuer: "https://sts.example.com",
			IAM: STSIAM{
				TokenValidation: TokenValidation{okta, "api://procivis-one", okta + "/v1/keys", []string{"RS256"}, 0, 5 * time.Minute, 12 * time.Hour},
				RolePath:        "$['https://acme/roles']", SubjectPath: "uid", AdminRole: "ACME_ADMIN", RoleSeparator: ",",
				Additional: []Additional{
					{
						TokenValidation: TokenValidation{
							"https://other.example.com", "api://batch", "https://other.example.com/keys",
							defaultTokenValidation().Algorithms, 0, 10 * time.Minute, 24 * time.Hour,
						},
						RolePath: "roles", SubjectPath: "sub",
					},
					{
						TokenValidation: TokenValidation{
							"https://third.example.com/realm", "x", "https://third.example.com/keys", []string{"EdDSA"}, 5 * time.Second, time.Minute, time.Hour,
						},
						RolePath: "realm_access.roles", SubjectPath: "azp", RoleSeparator: " ",
					},
				},
			},
			Token: Token{
				TTL: 2 * time.Minute, Audiences: []string{"one-core", "two-core"}, KeyRotation: 720 * time.Hour, KeyOverlap: 48 * time.Hour,
				KeyEncryptionKeyFile: "/run/secrets/kek", PreviousKeyEncryptionKeyFile: "/run/secrets/old",
				Verifiers: []Verifier{{"core", 10 * time.Minute}, {"bridge", 36 * time.Hour}},
				IDTokens:  true,
				Clients: []ServiceClient{
					{"two-core", "https://dev-12345.okta.com/oauth2/default", "0oa2", "0oa2", ""},
					{"one-core", "https://other.example.com", "batch", "service-account-batch", ""},
				},
			},
			Delegation: Delegation{30 * time.Second, 3}, Expectations: "/etc/portico/expectations.yaml",
		},
		Core: Core{CoreAPI{URL: "https://core.example.com/base", Authentication: AuthUnsafeStatic, StaticToken: "canary-static"}},
		Signals: Signals{
			GlobalTokenRevocation: GlobalTokenRevocation{true, "https://dev-12345.okta.com", "https://dev-12345.okta.com/oauth2/v1/keys"},
			SharedSignals: SharedSignals{
				"https://signals.example.com", "https://signals.example.com/keys", "https://desk.example.com",
				SignalPoll{"https://signals.example.com/poll", "canary-poll", time.Minute},
			},
		},
		Store:         Store{"postgres", "postgres://portico:canary-dsn@db/portico", 10 * time.Second},
		Limits:        Limits{1, 2, 3, 4},
		Observability: Observability{"debug", "json", false, Traces{"https://collector.example.com/v1/traces", "http", 0.25, "X-Api-Key: canary-headers"}},
		SCIM:          SCIM{SubjectFrom: SubjectExternalID},
	}
	if !reflect.DeepEqual(*c, want) {
		t.Errorf("\n got %#v\nwant %#v", *c, want)
	}
	if got := fmt.Sprint(c.Server.TrustedProxies); got != "[10.0.0.0/8 fd00::/8]" {
		t.Errorf("trusted proxies: %s", got)
	}
}

func TestDefaults(t *testing.T) {
	c := load(t, least)
	want := Default()
	want.Server.PublicURL, want.STS.Issuer = "https://desk.example.com", "https://desk.example.com"
	want.IAM.ClientID, want.IAM.ClientSecret = "0oa1", "s"
	want.IAM.Issuer = "https://dev-12345.okta.com/oauth2/default"
	want.IAM.DiscoveryURL = want.IAM.Issuer + "/.well-known/openid-configuration"
	want.STS.IAM.TokenValidation.Iss, want.STS.IAM.TokenValidation.Aud = want.IAM.Issuer, "api://procivis-one"
	want.STS.Token.KeyEncryptionKeyFile = "/run/secrets/kek"
	if !reflect.DeepEqual(*c, want) {
		t.Errorf("\n got %#v\nwant %#v", *c, want)
	}
	if len(c.Server.TrustedProxies) != 0 {
		t.Error("a proxy is trusted by default (NT12)")
	}
	if silent := load(t, least+"gateway:\ncore: ~\nstore: {driver: null}\nobservability: {}\n"); !reflect.DeepEqual(*silent, want) {
		t.Errorf("keys without a value must be silent:\n got %#v\nwant %#v", *silent, want)
	}
}

func TestIssuerAndDiscoveryCompleteEachOther(t *testing.T) {
	const rest = "\nserver: {publicUrl: https://desk.example.com}\nsts: {iam: {tokenValidation: {aud: a, iss: %q}}, token: {keyEncryptionKeyFile: k}}\n"
	const issuer = "https://acme.okta.com/oauth2/default"
	for _, c := range []struct{ rule, iam, iss, wantIssuer, wantDiscovery string }{
		{"issuer", `issuer: ` + issuer, "", issuer, issuer + discoverySuffix},
		{"issuer with a slash", `issuer: https://acme.auth0.com/`, "", "https://acme.auth0.com/", "https://acme.auth0.com" + discoverySuffix},
		{"discovery", `discoveryUrl: ` + issuer + discoverySuffix, "", issuer, issuer + discoverySuffix},
		{"the tokens' issuer", ``, issuer, issuer, issuer + discoverySuffix},
		{"discovery of its own", `issuer: ` + issuer + `, discoveryUrl: https://acme.okta.com/.well-known/oauth-authorization-server`, "", issuer, "https://acme.okta.com/.well-known/oauth-authorization-server"},
	} {
		text := "iam: {clientId: c, clientSecret: s"
		if c.iam != "" {
			text += ", " + c.iam
		}
		got := load(t, text+"}"+fmt.Sprintf(rest, c.iss))
		if got.IAM.Issuer != c.wantIssuer || got.IAM.DiscoveryURL != c.wantDiscovery || got.STS.IAM.TokenValidation.Iss != c.wantIssuer {
			t.Errorf("%s: got %s, %s, %s", c.rule, got.IAM.Issuer, got.IAM.DiscoveryURL, got.STS.IAM.TokenValidation.Iss)
		}
	}
}

func TestStrictYAML(t *testing.T) {
	bomb := "a: &a [x,x,x,x,x,x,x,x,x]\n"
	for i := range 9 {
		bomb += fmt.Sprintf("%c: &%[1]c [*%[2]c,*%[2]c,*%[2]c,*%[2]c,*%[2]c,*%[2]c,*%[2]c,*%[2]c,*%[2]c]\n", 'b'+i, 'a'+i)
	}
	for _, c := range []struct{ rule, text, want string }{
		{"unknown at the top", "servers: {}", "line 1: unknown key servers"},
		{"unknown in a section", "server: {listen: ':1', port: 1}", "line 1: unknown key server.port"},
		{"unknown at depth", "\nsts:\n  iam:\n    tokenValidation:\n      audience: x", "line 5: unknown key sts.iam.tokenValidation.audience"},
		{"unknown in a list", "sts: {iam: {additional: [{}, {clientId: x}]}}", "unknown key sts.iam.additional[1].clientId"},
		{"other case", "sts: {iam: {rolepath: roles}}", "unknown key sts.iam.rolepath; did you mean rolePath?"},
		{"flat", "sts.iam.rolePath: roles", "unknown key sts.iam.rolePath"},
		{"a file for what is no secret", "iam: {clientIdFile: x}", "unknown key iam.clientIdFile"},
		{"an empty key", `"": 1`, "unknown key "},
		{"a yaml tag's own name", `"-": 1`, "unknown key -"},
		{"a list at the top", "- a", "expected a YAML mapping at the top"},
		{"a text at the top", "hello", "expected a YAML mapping at the top"},
		{"a second document", least + "---\nserver: {}", "expected one YAML document"},
		{"a second document that is broken", least + "---\n{", "expected one YAML document"},
		{"a key twice", "server: {listen: ':1'}\nserver: {listen: ':2'}", "line 2: the key server stands twice"},
		{"a nested key twice", "iam:\n  clientId: a\n  clientId: b", "line 3: the key iam.clientId stands twice"},
		{"a key twice in a list", "sts: {iam: {additional: [{rolePath: a, rolePath: b}]}}", "sts.iam.additional[0].rolePath stands twice"},
		{"a key twice, once quoted", "iam: {clientId: a, \"clientId\": b}", "the key iam.clientId stands twice"},
		{"an anchor", "server: &s {listen: ':1'}", "server: expected no anchors and aliases"},
		{"an alias", "iam: {scopes: &s [openid]}\nsts: {token: {audiences: *s}}", "sts.token.audiences: expected no anchors and aliases"},
		{"an anchor at the top", "&top\nserver: {}", "the top: expected no anchors and aliases"},
		{"an anchor on a key", "&k server: {}", "expected plain text as key"},
		{"a merge", "server: {<<: {listen: ':1'}}", "server: expected plain text as key"},
		{"a bomb", bomb, "expected no anchors and aliases"},
		{"an alias of itself", "a: &a [*a]", "anchor"},
		{"a tag", "iam: {clientSecret: !!binary aGVsbG8=}", "iam.clientSecret: expected no explicit tags"},
		{"a foreign tag", "server: !!python/object:os.system {}", "server: expected no explicit tags"},
		{"a number as key", "1: x", "expected plain text as key"},
		{"a list as key", "[a]: x", "expected plain text as key"},
		{"a tab", "server:\n\tlisten: x", "line 2"},
		{"cut short", "server: {", ""},
		{"control characters", "server: \x01", "control characters"},
		{"invalid UTF-8", "server: \"\xff\"", ""},
		{"too large", "#" + strings.Repeat("x", maxFile), "expected at most 1048576 bytes"},
		{"too deep", strings.Repeat("[", 20_000), ""},
		{"a text for a section", "server: here", "server: expected a section, got a single value"},
		{"a list for a section", "sts: {iam: [a]}", "sts.iam: expected a section, got a list"},
		{"a text for a list", "iam: {scopes: openid}", "iam.scopes: expected a list, got a single value"},
		{"a section for a text", "iam: {clientId: {a: b}}", "iam.clientId: expected text, got a section"},
		{"a list for a secret", "iam: {clientSecret: [canary]}", "iam.clientSecret: expected text, got a list"},
		{"no duration", "gateway: {session: {idle: soon}}", `gateway.session.idle: expected a duration, e.g. 30m, got "soon"`},
		{"a duration without a unit", "sts: {token: {ttl: 300}}", `sts.token.ttl: expected a duration, e.g. 30m, got "300"`},
		{"no truth value", "sts: {iam: {bootstrap: perhaps}}", `sts.iam.bootstrap: expected true or false, got "perhaps"`},
		{"a number for a truth value", "sts: {iam: {bootstrap: 0}}", `sts.iam.bootstrap: expected true or false, got "0"`},
		{"no network", "server: {trustedProxies: [10.0.0.0/8, 10.0.0.1]}", `server.trustedProxies[1]: expected a network, e.g. 10.0.0.0/8, got "10.0.0.1"`},
		{"a network out of range", "server: {trustedProxies: [10.0.0.0/33]}", `expected a network`},
		{"nothing in a list", "iam: {scopes: [openid, null]}", "iam.scopes[1]: expected a value, got none"},
		{"nothing in a list of sections", "sts:\n  iam:\n    additional:\n      -\n", "line 4: sts.iam.additional[0]: expected a value, got none"},
		{"a list in a list", "iam: {scopes: [[openid]]}", "iam.scopes[0]: expected text, got a list"},
	} {
		faults := faultsOf(t, c.text)
		if !slices.ContainsFunc(faults, func(f string) bool { return strings.Contains(f, c.want) }) {
			t.Errorf("%s: got %q, want %q", c.rule, faults, c.want)
		}
		if strings.Contains(faults.Error(), "canary") {
			t.Errorf("%s: a secret is shown: %s", c.rule, faults)
		}
	}
}

func TestTextStaysText(t *testing.T) {
	for value, want := range map[string]string{
		"12345": "12345", "0123": "0123", "1e3": "1e3", "true": "true", "0x10": "0x10", "2026-01-31": "2026-01-31", `"null"`: "null", "~x": "~x", `" s "`: " s ", `"a: b # c"`: "a: b # c",
	} {
		if got := load(t, strings.Replace(least, "clientSecret: s", "clientSecret: "+value, 1)).IAM.ClientSecret.Reveal(); got != want {
			t.Errorf("%s: got %q", value, got)
		}
	}
}

func TestAllFaultsAtOnce(t *testing.T) {
	faults := faultsOf(t, `
server: {listen: nowhere, publicUrl: http://desk.example.com}
gateway: {mode: magic}
sts: {token: {ttl: 1s}}
store: {driver: mysql}
`)
	for _, key := range []string{"server.listen", "server.publicUrl", "gateway.mode", "sts.token.ttl", "store.driver", "sts.iam.tokenValidation.aud", "sts.token.keyEncryptionKeyFile"} {
		if !slices.ContainsFunc(faults, func(f string) bool { return strings.HasPrefix(f, key+": ") }) {
			t.Errorf("%s is not among %q", key, faults)
		}
	}
	if text := faults.Error(); !strings.HasPrefix(text, fmt.Sprintf("the configuration has %d faults:\n  - ", len(faults))) {
		t.Errorf("got %s", text)
	}
	if got := (Faults{"x"}).Error(); got != "the configuration has 1 fault:\n  - x" {
		t.Errorf("got %s", got)
	}
	shape := faultsOf(t, "a: 1\nserver: {b: 1}\nsts: {token: {ttl: x}}", "PORTICO_c=1")
	if len(shape) != 4 {
		t.Errorf("got %q", shape)
	}
}

func TestEnvironment(t *testing.T) {
	c := load(t, least,
		"PATH=/bin", "PORTICOSERVER=x", "portico_server__listen=x",
		"PORTICO_server__listen=:9000",
		"PORTICO_server__trustedProxies=10.0.0.0/8, 192.168.0.0/16,",
		"PORTICO_sts__iam__rolePath=realm_access.roles",
		"PORTICO_sts__iam__bootstrap=false",
		"PORTICO_sts__enableManagementEndpoints=false",
		"PORTICO_sts__token__ttl=3m",
		"PORTICO_sts__token__audiences=a,b",
		"PORTICO_sts__iam__tokenValidation__aud=x=y",
		"PORTICO_iam__clientSecret=pass: word # {}",
		"PORTICO_iam__scopes=",
		"PORTICO_iam__scopes=openid",
		"PORTICO_store__dsn=12345",
		"PORTICO_observability__logLevel=debug",
		"PORTICO_TEST_POSTGRES=x",
	)
	got := fmt.Sprint(c.Server.Listen, c.Server.TrustedProxies, c.STS.IAM.RolePath, c.STS.IAM.Bootstrap, c.STS.EnableManagementEndpoints,
		c.STS.Token.TTL, c.STS.Token.Audiences, c.STS.IAM.TokenValidation.Aud, c.IAM.ClientSecret.Reveal(), c.IAM.Scopes, c.Store.DSN.Reveal(), c.Observability.LogLevel)
	want := ":9000[10.0.0.0/8 192.168.0.0/16]realm_access.roles false false 3m0s[a b]x=ypass: word # {}[openid]12345debug"
	if strings.ReplaceAll(got, " ", "") != strings.ReplaceAll(want, " ", "") {
		t.Errorf("\n got %s\nwant %s", got, want)
	}
	if c := load(t, "", environOf(least)...); c.IAM.ClientID != "0oa1" {
		t.Errorf("without a file: got %+v", c.IAM)
	}
	if c := load(t, "sts:\niam: ~\n", environOf(least)...); c.IAM.ClientID != "0oa1" {
		t.Errorf("into silent sections: got %+v", c.IAM)
	}
}

// environOf is least as variables.
func environOf(string) []string {
	return []string{
		"PORTICO_server__publicUrl=https://desk.example.com", "PORTICO_iam__issuer=https://dev-12345.okta.com/oauth2/default",
		"PORTICO_iam__clientId=0oa1", "PORTICO_iam__clientSecret=s", "PORTICO_sts__iam__tokenValidation__aud=api://procivis-one",
		"PORTICO_sts__token__keyEncryptionKeyFile=/run/secrets/kek",
	}
}

func TestEnvironmentFaults(t *testing.T) {
	for _, c := range []struct{ rule, entry, want string }{
		{"unknown", "PORTICO_server__port=1", "environment PORTICO_server__port: there is no key server.port"},
		{"unknown section", "PORTICO_x__y=1", "there is no key x.y"},
		{"one underscore", "PORTICO_server_listen=:1", "there is no key server_listen"},
		{"capitals", "PORTICO_STS__IAM__ROLEPATH=roles", "there is no key STS.IAM.ROLEPATH; did you mean sts.iam.rolePath?"},
		{"nothing", "PORTICO_=1", "there is no key "},
		{"a section", "PORTICO_sts__iam=x", "sts.iam is a section; set its keys"},
		{"a list of sections", "PORTICO_sts__iam__additional=x", "sts.iam.additional is a list of sections"},
		{"no truth value", "PORTICO_sts__iam__bootstrap=maybe", `sts.iam.bootstrap: expected true or false, got "maybe"`},
		{"an empty truth value", "PORTICO_sts__iam__bootstrap=", `sts.iam.bootstrap: expected true or false, got ""`},
		{"no duration", "PORTICO_sts__token__ttl=300", `sts.token.ttl: expected a duration`},
		{"no network", "PORTICO_server__trustedProxies=10.0.0.1", `server.trustedProxies[0]: expected a network`},
		{"an empty audience", "PORTICO_sts__iam__tokenValidation__aud=", "sts.iam.tokenValidation.aud: required"},
		{"a file that is not there", "PORTICO_store__dsnFile=/nowhere/dsn", "store.dsnFile: open /nowhere/dsn: no such file"},
	} {
		faults := faultsOf(t, least, c.entry)
		if len(faults) != 1 || !strings.Contains(faults[0], c.want) {
			t.Errorf("%s: got %q, want %q", c.rule, faults, c.want)
		}
	}
}

// A service named portico in Kubernetes must not keep the pods beside it from starting.
func TestServiceLinksOfKubernetesAreNotOurs(t *testing.T) {
	load(t, least,
		"PORTICO_SERVICE_HOST=10.0.0.1", "PORTICO_SERVICE_PORT=80", "PORTICO_SERVICE_PORT_HTTP=80", "PORTICO_PORT=tcp://10.0.0.1:80",
		"PORTICO_PORT_80_TCP=tcp://10.0.0.1:80", "PORTICO_PORT_80_TCP_PROTO=tcp", "PORTICO_PORT_80_TCP_PORT=80", "PORTICO_PORT_80_TCP_ADDR=10.0.0.1",
		"PORTICO_POSTGRES_SERVICE_HOST=10.0.0.2", "PORTICO_POSTGRES_PORT_5432_TCP_ADDR=10.0.0.2",
	)
	faultsOf(t, least, "PORTICO_PORTS=80")
	faultsOf(t, least, "PORTICO_STS__PORT=80")
}

func TestSecretsFromFiles(t *testing.T) {
	dir := t.TempDir()
	file := func(name, content string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	from := func(path string) string {
		return strings.Replace(least, "clientSecret: s", "clientSecretFile: "+path, 1)
	}
	for content, want := range map[string]string{
		"secret": "secret", "secret\n": "secret", "secret\r\n": "secret", " se cret \n": " se cret ", "12345\n": "12345", "two\nlines\n": "two\nlines", "{a: &b c}": "{a: &b c}", "é\n": "é",
	} {
		if got := load(t, from(file("ok", content))).IAM.ClientSecret.Reveal(); got != want {
			t.Errorf("%q: got %q", content, got)
		}
	}
	c := load(t, least+"core: {api: {authentication: UNSAFE_STATIC, staticTokenFile: "+file("static", "t\n")+"}}\n", "PORTICO_store__dsnFile="+file("dsn", "data.db\n"))
	if c.Core.API.StaticToken != "t" || c.Store.DSN != "data.db" {
		t.Errorf("got %q, %q", c.Core.API.StaticToken.Reveal(), c.Store.DSN.Reveal())
	}
	for _, c := range []struct {
		rule, text, want string
	}{
		{"both", strings.Replace(least, "clientSecret: s", "clientSecret: canary, clientSecretFile: "+file("ok", "canary"), 1), "iam.clientSecret and iam.clientSecretFile are both set; keep one"},
		{"not there", from(filepath.Join(dir, "none")), "iam.clientSecretFile: open " + filepath.Join(dir, "none")},
		{"a folder", from(dir), "iam.clientSecretFile: read " + dir},
		{"empty", from(file("empty", "")), "is empty"},
		{"a line end only", from(file("line", "\n")), "is empty"},
		{"not UTF-8", from(file("raw", "canary\xff")), "expected UTF-8 text"},
		{"too large", from(file("large", strings.Repeat("x", maxFile+1))), "expected at most 1048576 bytes"},
		{"no path", from(`""`), "expected the path of a file"},
		{"a list", from("[canary]"), "expected the path of a file"},
	} {
		faults := faultsOf(t, c.text)
		if len(faults) != 1 || !strings.Contains(faults[0], c.want) || strings.Contains(faults[0], "canary") {
			t.Errorf("%s: got %q, want %q", c.rule, faults, c.want)
		}
	}
}

func TestLoadFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "portico.yaml")
	if err := os.WriteFile(path, []byte(least), 0o600); err != nil {
		t.Fatal(err)
	}
	if c, err := LoadFile(path, nil); err != nil || c.IAM.ClientID != "0oa1" {
		t.Errorf("got %v, %v", c, err)
	}
	var faults Faults
	if _, err := LoadFile(path+"x", nil); !errors.Is(err, os.ErrNotExist) || errors.As(err, &faults) {
		t.Errorf("got %v", err)
	}
}

func TestPrintMasksAndLoadsAgain(t *testing.T) {
	for _, text := range []string{full, least} {
		c := load(t, text)
		printed := c.Print()
		if strings.Contains(printed, "canary") {
			t.Errorf("a secret is printed:\n%s", printed)
		}
		again := load(t, printed)
		for _, c := range []*Config{c, again} {
			c.IAM.ClientSecret, c.Core.API.StaticToken, c.Store.DSN, c.Observability.Traces.Headers = "", "", "", ""
			c.Signals.SharedSignals.Poll.Token = ""
			if len(c.Server.TrustedProxies) == 0 {
				c.Server.TrustedProxies = nil
			}
			if len(c.STS.IAM.Additional) == 0 {
				c.STS.IAM.Additional = nil
			}
			if len(c.STS.Token.Clients) == 0 {
				c.STS.Token.Clients = nil
			}
			if len(c.STS.Token.Verifiers) == 0 {
				c.STS.Token.Verifiers = nil
			}
		}
		if !reflect.DeepEqual(again, c) {
			t.Errorf("\n got %+v\nwant %+v", again, c)
		}
	}
}

func TestNT51_SecretsNeverPrint(t *testing.T) {
	c := load(t, full)
	var out strings.Builder
	for _, v := range []any{c, *c, c.IAM, c.Core, c.Store, c.IAM.ClientSecret, &c.IAM.ClientSecret, []Secret{c.IAM.ClientSecret}, map[string]Secret{"a": c.IAM.ClientSecret}} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d", "%t", "%c"} {
			fmt.Fprintf(&out, verb+"\n", v)
		}
		b, err := json.Marshal(v)
		if err != nil {
			t.Error(err)
		}
		out.Write(b)
		slog.New(slog.NewTextHandler(&out, nil)).Info("x", "v", v)
		slog.New(slog.NewJSONHandler(&out, nil)).Info("x", "v", v)
	}
	if strings.Contains(out.String(), "canary") || strings.Contains(out.String(), fmt.Sprintf("%x", "canary")) {
		t.Error("a secret was printed")
	}
	if got := fmt.Sprintf("%v %q", Secret("x"), Secret("")); got != "[redacted] " {
		t.Errorf("got %s", got)
	}
}

func FuzzLoad(f *testing.F) {
	for _, seed := range []string{full, least, "", "a: &a [*a]", "server: {trustedProxies: [10.0.0.0/8]}", "<<: {}", "sts: {iam: {additional: [null, {}]}}", "? [a]\n: b", "--- |\n x", "iam: {clientSecret: !!binary x}"} {
		f.Add([]byte(seed), "PORTICO_sts__iam__rolePath=x")
	}
	f.Add([]byte(least), "PORTICO_sts__iam__bootstrap=&a *a")
	f.Add([]byte(least), "PORTICO_iam__scopes=a,b")
	f.Fuzz(func(t *testing.T, text []byte, entry string) {
		if strings.Contains(string(text)+entry, "File") {
			return // whatever file it may name
		}
		c, err := Load(text, []string{entry})
		if err != nil {
			var faults Faults
			if !errors.As(err, &faults) || len(faults) == 0 || c != nil {
				t.Fatalf("got %v, %v", c, err)
			}
			return
		}
		again, err := Load([]byte(c.Print()), nil)
		if err != nil {
			t.Fatalf("what was printed does not load: %v\n%s", err, c.Print())
		}
		if again.Print() != c.Print() {
			t.Fatalf("\n%s\nbecame\n%s", c.Print(), again.Print())
		}
	})
}
