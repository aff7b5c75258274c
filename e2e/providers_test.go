package e2e

import (
	"cmp"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/portico-iam/portico/internal/config"
	"github.com/portico-iam/portico/internal/seal"
)

// recipes are the files in docs/providers.md, by the headings that they stand below.
func recipes(t *testing.T) map[string]string {
	t.Helper()
	text, err := os.ReadFile("../docs/providers.md")
	if err != nil {
		t.Fatal(err)
	}
	all, heading := map[string]string{}, ""
	for _, m := range regexp.MustCompile("(?ms)^##+ ([^\n]*)$|^```yaml\n(.*?)^```$").FindAllStringSubmatch(string(text), -1) {
		switch {
		case m[1] != "":
			heading = m[1]
		case all[heading] != "":
			t.Fatalf("%s: two files below one heading", heading)
		default:
			all[heading] = m[2]
		}
	}
	return all
}

// TestProviders: with the file of each recipe, byte for byte, people sign in at a provider of that product's shape, are
// granted what their roles say, and sign out. The environment says only where the provider, Portico and the files are.
func TestProviders(t *testing.T) {
	shapes, recipes := shapes(), recipes(t)
	for heading := range recipes {
		if _, ok := shapes[heading]; !ok {
			t.Errorf("%s: a recipe that is not tested", heading)
		}
	}
	for heading, s := range shapes {
		t.Run(heading, func(t *testing.T) {
			if recipes[heading] == "" {
				t.Fatal("there is no such recipe")
			}
			followRecipe(t, recipes[heading], s)
		})
	}
}

// prepareRecipe puts the file and its secrets into a folder, and checks it as a user does.
func prepareRecipe(t *testing.T, recipe, secret string) (folder string, cfg *config.Config) {
	t.Helper()
	folder = t.TempDir()
	file := filepath.Join(folder, "portico.yaml")
	write(t, file, recipe)
	write(t, filepath.Join(folder, "secret"), secret+"\n")
	write(t, filepath.Join(folder, "key"), seal.RandomKey().Encode())
	t.Setenv("PORTICO_iam__clientSecretFile", filepath.Join(folder, "secret"))
	t.Setenv("PORTICO_sts__token__keyEncryptionKeyFile", filepath.Join(folder, "key"))
	t.Setenv("PORTICO_store__dsn", filepath.Join(folder, "portico.db"))
	if out, err := command(t, "config", "check", "--config", file).CombinedOutput(); err != nil {
		t.Fatalf("config check: %v\n%s", err, out)
	}
	cfg, err := config.LoadFile(file, os.Environ())
	if err != nil {
		t.Fatal(err)
	}
	return folder, cfg
}

// serveRecipe runs the built binary with the file in the folder, at two free addresses.
func serveRecipe(t *testing.T, folder, own, admin, issuer string) *served {
	t.Helper()
	for key, value := range map[string]string{
		"server__listen": own, "server__adminListen": admin, "server__publicUrl": "http://" + own, "iam__issuer": issuer,
	} {
		t.Setenv("PORTICO_"+key, value)
	}
	s := &served{publicURL: "http://" + own, adminURL: "http://" + admin, folder: folder}
	s.running = s.start(t)
	return s
}

func followRecipe(t *testing.T, recipe string, s shape) {
	folder, cfg := prepareRecipe(t, recipe, "the-secret")
	issuer, err := url.Parse(cfg.IAM.Issuer)
	if err != nil {
		t.Fatal(err)
	}
	p := newProvider(t, s)
	own, admin := freePorts(t)
	p.clientID, p.secret, p.callback = cfg.IAM.ClientID, "the-secret", "http://"+own+"/.apisix/redirect"
	portico := serveRecipe(t, folder, own, admin, p.URL+issuer.Path)

	p.signsIn("ada")
	ada := browserAt(t, portico.publicURL)
	ada.open("/").mustContain(t, "ONE_STS_ADMIN", cmp.Or(s.shows, "Ada Acme"))
	mustStatus(t, ada.call("GET", "/api/sts/role/v1", nil, nil), http.StatusOK)
	mayBearer(t, portico, p.issued("access_token"), cfg.IAM.TokenSource == config.SourceAccessToken)
	mayBearer(t, portico, p.issued("id_token"), false)

	hint := p.issued("id_token")
	out := ada.open("/logout")
	if _, none := s.metadata["end_session_endpoint"]; none {
		out.mustContain(t, "You are signed out", "may still be signed in")
	} else if out.mustContain(t, "You are signed out", "sign-in has ended"); len(p.endings) != 1 || p.endings[0].Get("id_token_hint") != hint || p.endings[0].Get("post_logout_redirect_uri") != portico.publicURL+"/" {
		t.Errorf("the end at the provider: got %d", len(p.endings))
	}

	p.signsIn("nora") // has no role
	nora := browserAt(t, portico.publicURL)
	nora.open("/")
	mustStatus(t, nora.call("GET", "/api/user/v1/me", nil, nil), http.StatusOK)
	mustStatus(t, nora.call("GET", "/api/sts/role/v1", nil, nil), http.StatusForbidden)
	portico.interrupt(t)
}

// mayBearer checks whether a token opens the API.
func mayBearer(t *testing.T, s *served, token string, may bool) {
	t.Helper()
	b := browserAt(t, s.publicURL)
	req := b.request(http.MethodGet, "/api/sts/role/v1", nil)
	req.Header.Set("Authorization", "Bearer "+token)
	if got := b.do(req); got.status == http.StatusOK != may || !slices.Contains([]int{http.StatusOK, http.StatusUnauthorized}, got.status) {
		t.Errorf("as a bearer token: expected %v, got %d: %s", may, got.status, strings.TrimSpace(got.body))
	}
}
