package gateway_test

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/portico-iam/portico/internal/config"
	"github.com/portico-iam/portico/internal/gateway"
)

const canary = "c4n4ryc4n4ryc4n4ryc4n4ryc4n4ry11"

// loaded is the guide's configuration, in a mode, with what else is said.
func loaded(t *testing.T, mode, more string) *config.Config {
	t.Helper()
	key := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(key, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg, err := config.Load([]byte(`
server: { publicUrl: "https://desk.acme.test" }
iam: { issuer: "https://dev-12345.okta.com/oauth2/default", clientId: 0oa1, clientSecret: `+canary+` }
sts: { iam: { tokenValidation: { aud: "api://procivis-one" } }, token: { keyEncryptionKeyFile: "`+key+`" } }
`+more), []string{"PORTICO_gateway__mode=" + mode})
	if err != nil {
		t.Fatal(err)
	}
	return cfg
}

const sharedSecret = "gateway: { sharedSecret: " + canary + " }\n"

// every is everything that can be printed.
var every = []struct {
	mode, format string
	write        func(*config.Config, gateway.Options, string) (string, error)
}{
	{config.ModeAPISIX, "yaml", gateway.APISIX},
	{config.ModeAPISIX, "adc", gateway.APISIX},
	{config.ModeOAuth2Proxy, "cfg", gateway.OAuth2Proxy},
	{config.ModeOAuth2Proxy, "alpha", gateway.OAuth2Proxy},
	{config.ModeOAuth2Proxy, "core", gateway.OAuth2Proxy},
}

func TestWhatIsPrintedIsTheSameEveryTimeAndHoldsNoSecret(t *testing.T) {
	for _, e := range every {
		more := sharedSecret
		if e.format == "cfg" {
			more = "" // it can't send one
		}
		cfg := loaded(t, e.mode, more)
		first, err := e.write(cfg, gateway.Options{}, e.format)
		if err != nil {
			t.Fatalf("%s: %v", e.format, err)
		}
		for range 20 {
			if again, _ := e.write(cfg, gateway.Options{}, e.format); again != first {
				t.Fatalf("%s: it differs:\n%s\n%s", e.format, first, again)
			}
		}
		if strings.Contains(first, canary) || strings.Contains(first, "redacted") {
			t.Errorf("%s: a secret is in it:\n%s", e.format, first)
		}
		if strings.Contains(first, "<no value>") || strings.Contains(first, "{{") {
			t.Errorf("%s: the template shows:\n%s", e.format, first)
		}
		for i, line := range strings.Split(first, "\n") {
			if len(line) > 230 || strings.TrimRight(line, " ") != line {
				t.Errorf("%s:%d: too long, or blank at its end: %q", e.format, i+1, line)
			}
		}
	}
}

// What remains to be done is said where it is, and only where it is.
func TestWhatRemainsToBeDone(t *testing.T) {
	for _, e := range every {
		if e.format == "core" { // alpha says it
			continue
		}
		callback := map[string]string{config.ModeAPISIX: "/.apisix/redirect", config.ModeOAuth2Proxy: "/oauth2/callback"}[e.mode]
		for rule, c := range map[string]struct {
			mode, more   string
			has, hasNone []string
		}{
			"the redirect URIs": {e.mode, "", []string{"Sign-in redirect URI    https://desk.acme.test" + callback + "\n", "Sign-out redirect URI   https://desk.acme.test/\n"}, nil},
			"another mode":      {config.ModeBuiltin, "", []string{"where gateway.mode is builtin now", "gateway: { mode: " + e.mode + " }", "#   4. Let Portico refuse"}, nil},
			"this mode":         {e.mode, "", []string{"#   3. Let Portico refuse"}, []string{"gateway: { mode:"}},
			"the secret":        {e.mode, sharedSecret, []string{"GATEWAY_SHARED_SECRET"}, []string{"Let Portico refuse"}},
			"no secret":         {e.mode, "", nil, []string{"GATEWAY_SHARED_SECRET"}},
		} {
			if c.more != "" && e.format == "cfg" {
				continue
			}
			text, err := e.write(loaded(t, c.mode, c.more), gateway.Options{}, e.format)
			if err != nil {
				t.Fatalf("%s: %s: %v", e.format, rule, err)
			}
			for _, part := range c.has {
				if !strings.Contains(text, part) {
					t.Errorf("%s: %s: expected %q in\n%s", e.format, rule, part, text)
				}
			}
			for _, part := range c.hasNone {
				if strings.Contains(text, part) {
					t.Errorf("%s: %s: unexpected %q", e.format, rule, part)
				}
			}
		}
	}
}

func TestWhatCanNotBePrinted(t *testing.T) {
	bare := func(t *testing.T) *config.Config {
		cfg := loaded(t, config.ModeAPISIX, "")
		cfg.IAM.ClientID, cfg.IAM.DiscoveryURL = "", ""
		return cfg
	}
	for rule, c := range map[string]struct {
		cfg    *config.Config
		o      gateway.Options
		format string
		want   string
	}{
		"no client":            {bare(t), gateway.Options{}, "cfg", "iam.clientId: Okta shows it"},
		"no issuer":            {bare(t), gateway.Options{}, "cfg", "iam.issuer: the authorization server's Issuer URI"},
		"the secret by cfg":    {loaded(t, config.ModeOAuth2Proxy, sharedSecret), gateway.Options{}, "cfg", "print --format alpha and --format core"},
		"an unknown form":      {loaded(t, config.ModeOAuth2Proxy, ""), gateway.Options{}, "toml", `got "toml"`},
		"an upstream URL":      {loaded(t, config.ModeOAuth2Proxy, ""), gateway.Options{Upstream: "http://portico:8080"}, "cfg", `expected host:port, got "http://portico:8080"`},
		"a Redis without port": {loaded(t, config.ModeOAuth2Proxy, ""), gateway.Options{Redis: "redis"}, "cfg", `expected host:port, got "redis"`},
	} {
		text, err := gateway.OAuth2Proxy(c.cfg, c.o, c.format)
		if err == nil || text != "" || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), canary) {
			t.Errorf("%s: expected %q, got %v\n%s", rule, c.want, err, text)
		}
	}
	if _, err := gateway.APISIX(loaded(t, config.ModeAPISIX, ""), gateway.Options{}, "toml"); err == nil {
		t.Error("an unknown form of APISIX's is printed")
	}
}

// What the values may hold must not get out of its place.
func TestValuesStayInTheirPlaces(t *testing.T) {
	const hostile = "0oa\" # \\ : {{x}} ' ${HOME} \u2028 & <é>"
	for _, e := range every {
		if e.format == "core" {
			continue // no such value is in it
		}
		cfg := loaded(t, e.mode, "")
		cfg.IAM.ClientID = hostile
		text, err := e.write(cfg, gateway.Options{}, e.format)
		if err != nil {
			t.Fatal(err)
		}
		var found any
		switch e.format {
		case "cfg":
			found = parseCfg(t, text)["client_id"]
		default:
			found = first(parseYAML(t, text), "client_id", "clientID")
		}
		if found != hostile {
			t.Errorf("%s: expected %q, got %q", e.format, hostile, found)
		}
	}
}

func parseYAML(t *testing.T, text string) map[string]any {
	t.Helper()
	var tree map[string]any
	if err := yaml.Unmarshal([]byte(text), &tree); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	return tree
}

// first finds the first value of one of the keys, however deep.
func first(tree any, keys ...string) any {
	switch tree := tree.(type) {
	case map[string]any:
		for _, key := range keys {
			if value, ok := tree[key]; ok {
				return value
			}
		}
		for _, child := range tree {
			if value := first(child, keys...); value != nil {
				return value
			}
		}
	case []any:
		for _, child := range tree {
			if value := first(child, keys...); value != nil {
				return value
			}
		}
	}
	return nil
}

func equal(t *testing.T, what string, got, want any) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%s: expected %v, got %v", what, want, got)
	}
}
