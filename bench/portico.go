//go:build linux

package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/portico-iam/portico/internal/devokta"
	"github.com/portico-iam/portico/internal/seal"
)

// okta is a development Okta in this process, so that nothing of it counts for a proxy.
type okta struct {
	devokta.World
	server *devokta.Server
	http   *http.Server
	tls    *httptest.Server // the same; mod_auth_openidc fetches a resource server's keys by https alone
}

// startOkta starts one for gateways at those addresses.
func startOkta(gateways ...string) (*okta, error) {
	l, err := devokta.Listen("127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	_, port, _ := net.SplitHostPort(l.Addr().String())
	c := devokta.Config{PublicURL: "http://localhost:" + port}
	for _, gateway := range gateways {
		c.WebRedirectURIs = append(c.WebRedirectURIs, "http://"+gateway+callback)
	}
	s, err := devokta.New(c)
	if err != nil {
		return nil, err
	}
	o := &okta{World: s.World(), server: s, http: &http.Server{Handler: s.Handler(), ReadHeaderTimeout: 10 * time.Second}}
	go func() { _ = o.http.Serve(l) }()
	o.tls = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Host = strings.TrimPrefix(c.PublicURL, "http://") // it answers by its own name only
		o.http.Handler.ServeHTTP(w, r)
	}))
	return o, nil
}

func (o *okta) stop() {
	o.tls.Close()
	_ = o.http.Close()
	_ = o.server.Close()
}

// keys is where its keys are had by https.
func (o *okta) keys() string { return o.tls.URL + strings.TrimPrefix(o.Issuer, o.OrgURL) + "/v1/keys" }

// serviceToken is the access token of a technical user.
func (o *okta) serviceToken(ctx context.Context) (string, error) {
	client := o.ServiceClients[0]
	form := url.Values{"grant_type": {"client_credentials"}, "scope": {"one.api"}}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, o.Issuer+"/v1/token", strings.NewReader(form.Encode()))
	if err != nil {
		return "", err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.SetBasicAuth(client.ID, client.Secret)
	var reply struct {
		AccessToken string `json:"access_token"`
	}
	err = do(http.DefaultClient, req, http.StatusOK, &reply)
	return reply.AccessToken, err
}

const porticoConfig = `
server: { listen: %q, publicUrl: %q }
iam: { discoveryUrl: %q, clientId: %q, clientSecretFile: %q }
sts: { iam: { tokenValidation: { aud: %q } }, token: { keyEncryptionKeyFile: %q } }
store: { dsn: %q }
core: { api: { url: %q } }
observability: { logLevel: error }
limits: { requestsPerPrincipal: 0 } # one person is the whole load
`

// newPortico builds the product, and configures it as an administrator does.
func newPortico(ctx context.Context, dir, listen, upstream string, o *okta) (*server, error) {
	binary := filepath.Join(dir, "portico")
	if out, err := exec.CommandContext(ctx, "go", "build", "-o", binary, "./cmd/portico").CombinedOutput(); err != nil {
		return nil, fmt.Errorf("build portico: %w\n%s", err, out)
	}
	at := func(name string) string { return filepath.Join(dir, name) }
	s := &server{name: "Portico", url: "http://" + listen, argv: []string{binary, "serve", "--config", at("portico.yaml")}, anonymous: http.StatusUnauthorized}
	for name, text := range map[string]string{
		"key": seal.RandomKey().Encode(), "secret": o.WebClient.Secret,
		"portico.yaml": fmt.Sprintf(porticoConfig, listen, s.url, o.DiscoveryURL, o.WebClient.ID, at("secret"), o.Audience, at("key"), at("portico.db"), "http://"+upstream),
	} {
		if err := os.WriteFile(at(name), []byte(text), 0o600); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// grant has an administrator map two groups to a role: that of ivan, who signs in, and that of the technical user.
func grant(ctx context.Context, base string) error {
	admin, err := signIn(ctx, base+porticoLogin, "ada@acme.test")
	if err != nil {
		return err
	}
	var role struct{ ID string }
	if err := post(ctx, admin, base, "/api/sts/role/v1", `{"name":"Issuer","permissions":["CREDENTIAL_LIST","CREDENTIAL_ISSUE"]}`, &role); err != nil {
		return err
	}
	for _, group := range []string{"Acme Issuance", "Acme Batch"} {
		mapping := fmt.Sprintf(`{"name":%q,"organisationRoles":{%q:[%q]}}`, group, organisation, role.ID)
		if err := post(ctx, admin, base, "/api/sts/iam-role/v1", mapping, &struct{}{}); err != nil {
			return err
		}
	}
	return nil
}

func post(ctx context.Context, client *http.Client, base, path, body string, into any) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, base+path, strings.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Origin", base)
	return do(client, req, http.StatusCreated, into)
}
