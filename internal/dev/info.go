package dev

import (
	"encoding/json"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"text/tabwriter"

	"github.com/portico-iam/portico/internal/config"
	"github.com/portico-iam/portico/internal/devokta"
	"github.com/portico-iam/portico/internal/file"
)

// Info is what somebody, or a test, needs to use a development Portico. It is the content of dev.json.
type Info struct {
	PublicURL      string   `json:"publicUrl"`
	OktaURL        string   `json:"oktaUrl"`
	Issuer         string   `json:"issuer"`
	DiscoveryURL   string   `json:"discoveryUrl"`
	Audience       string   `json:"audience"`
	WebClient      Client   `json:"webClient"`
	CLIClient      Client   `json:"cliClient"`
	ServiceClients []Client `json:"serviceClients"`
	Users          []User   `json:"users"`
	Okta           Okta     `json:"okta"`
}

// Okta is how to get at the development Okta's Management API.
type Okta struct {
	Profile    string      `json:"profile"`
	APIToken   string      `json:"apiToken"`
	ServiceApp *ServiceApp `json:"serviceApp,omitempty"` // none in a fresh org
}

// ServiceApp is a service application that proves itself with a key.
type ServiceApp struct {
	ClientID       string `json:"clientId"`
	KeyID          string `json:"keyId"`
	PrivateKeyFile string `json:"privateKeyFile"`
}

// Client is an application of the development Okta.
type Client struct {
	ClientID     string `json:"clientId"`
	ClientSecret string `json:"clientSecret,omitempty"`
}

// User is somebody to sign in as.
type User struct {
	Login    string   `json:"login"`
	Password string   `json:"password"`
	Groups   []string `json:"groups"`
}

func infoOf(publicURL, dataDir string, w devokta.World) Info {
	info := Info{
		PublicURL: publicURL, Issuer: w.Issuer, DiscoveryURL: w.DiscoveryURL, Audience: w.Audience,
		OktaURL: w.OrgURL, Okta: Okta{Profile: w.Profile, APIToken: w.APIToken},
		WebClient: Client{w.WebClient.ID, w.WebClient.Secret}, CLIClient: Client{ClientID: w.CLIClient.ID},
	}
	for _, c := range w.ServiceClients {
		info.ServiceClients = append(info.ServiceClients, Client{c.ID, c.Secret})
	}
	if w.SetupApp.ClientID != "" {
		keyFile := filepath.Join(dataDir, setupKeyFile)
		if absolute, err := filepath.Abs(keyFile); err == nil { // whoever reads dev.json may be somewhere else
			keyFile = absolute
		}
		info.Okta.ServiceApp = &ServiceApp{w.SetupApp.ClientID, w.SetupApp.KeyID, keyFile}
	}
	for _, u := range w.Users {
		info.Users = append(info.Users, User{u.Login, u.Password, u.Groups})
	}
	return info
}

// setupKeyFile has the private key of the development Okta's setup application, beside dev.json.
const setupKeyFile = "okta-setup.pem"

// write puts dev.json and the setup application's key into the data folder.
func (i Info) write(dataDir, privateKeyPEM string) error {
	content, err := json.MarshalIndent(i, "", "  ")
	if err != nil {
		return err
	}
	if i.Okta.ServiceApp != nil {
		if err := file.Replace(i.Okta.ServiceApp.PrivateKeyFile, []byte(privateKeyPEM), file.Private); err != nil {
			return err
		}
	}
	return file.Replace(filepath.Join(dataDir, "dev.json"), append(content, '\n'), file.Private)
}

// Print tells where to go, whom to sign in as, and the values of the guide's table.
func (i Info) Print(w io.Writer, dataDir string) {
	if i.WebClient.ClientID == "" {
		i.printUnprepared(w, dataDir)
		return
	}
	fmt.Fprintf(w, "Portico is ready.\n\n  Open           %s\n  Okta (dev)     %s\n  Data           %s\n\n", i.PublicURL, i.OktaURL, dataDir)
	i.printUsers(w)
	table := tabwriter.NewWriter(w, 0, 0, 3, ' ', 0)
	fmt.Fprintf(w, "\nThe guide's configuration values:\n\n")
	token, rolePath := [2]string{"sts.iam.tokenValidation.aud", i.Audience}, "roles"
	if i.Okta.Profile == devokta.Unlicensed {
		token, rolePath = [2]string{"iam.tokenSource", config.SourceIDToken}, "groups"
	}
	for _, row := range [][2]string{
		{"Client ID", i.WebClient.ClientID},
		{"Client Secret", "in " + filepath.Join(dataDir, "dev.json")},
		{"Issuer URI", i.Issuer},
		{"OIDC Discovery URL", i.DiscoveryURL},
		token,
		{"sts.iam.rolePath", rolePath},
		{"Sign-in redirect URI", i.PublicURL + "/.apisix/redirect"},
		{"Sign-out redirect URI", i.PublicURL + "/"},
	} {
		fmt.Fprintf(table, "  %s\t%s\n", row[0], row[1])
	}
	_ = table.Flush()
	if i.Okta.Profile == devokta.Unlicensed {
		i.printSecond(w, dataDir)
	}
	fmt.Fprintf(w, "\nStop with Ctrl-C.\n")
}

// printUsers tells whom to sign in as.
func (i Info) printUsers(w io.Writer) {
	fmt.Fprintf(w, "Sign in as (password %s):\n\n", i.Users[0].Password)
	table := tabwriter.NewWriter(w, 0, 0, 3, ' ', 0)
	for _, u := range i.Users {
		groups := strings.Join(u.Groups, ", ")
		if groups == "" {
			groups = "no group"
		}
		fmt.Fprintf(table, "  %s\t%s\n", u.Login, groups)
	}
	_ = table.Flush()
}
