package okta

import (
	_ "embed"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"text/template"
	"unicode/utf8"

	"github.com/portico-iam/portico/internal/config"
)

// Setup is the small file that says what Okta shall look like. docs/okta.md explains every key.
type Setup struct {
	Okta                Okta                `yaml:"okta"`
	PublicURL           string              `yaml:"publicUrl"`
	CallbackPath        string              `yaml:"callbackPath"`
	PostLogoutPath      string              `yaml:"postLogoutPath"`
	Application         Application         `yaml:"application"`
	AuthorizationServer AuthorizationServer `yaml:"authorizationServer"`
	Claim               Claim               `yaml:"claim"`
	Bootstrap           Bootstrap           `yaml:"bootstrap"`
	Names               bool                `yaml:"names"`
	Output              Output              `yaml:"output"`

	path string // of the file
}

// Okta is the organisation and the credential for its Management API: an administrator's token, or a service application.
type Okta struct {
	URL            string        `yaml:"url"`
	APIToken       config.Secret `yaml:"apiToken"`
	ClientID       string        `yaml:"clientId"`
	PrivateKeyFile string        `yaml:"privateKeyFile"`
}

// Application is the web application of the guide's steps 1 and 2. Without an id it is found by its label, or made.
type Application struct {
	ID     string   `yaml:"id"`
	Label  string   `yaml:"label"`
	Groups []string `yaml:"groups"` // further groups that may sign in; Everyone is one
}

// AuthorizationServer is the guide's step 3. With an id ("default" is one) that server is used as it is; without, the one of
// this name is used, or made.
type AuthorizationServer struct {
	ID       string `yaml:"id"`
	Name     string `yaml:"name"`
	Audience string `yaml:"audience"`
	Policy   string `yaml:"policy"` // an existing access policy to add the application to; else one of its own is made
}

// Claim is the claim of the access token that holds the roles. At most one filter is set.
type Claim struct {
	Name       string `yaml:"name"`
	StartsWith string `yaml:"startsWith"`
	Contains   string `yaml:"contains"`
	Equals     string `yaml:"equals"`
	Regex      string `yaml:"regex"`
	Widen      bool   `yaml:"widen"` // an existing claim that leaves the bootstrap role out may be changed
}

// Bootstrap is the guide's step 4: who administers Portico first. Without people the group's members do.
type Bootstrap struct {
	Group  string   `yaml:"group"`
	People []string `yaml:"people"` // logins
}

// Output says where the values go that Portico's configuration needs.
type Output struct {
	Config               string `yaml:"config"`
	ClientSecretFile     string `yaml:"clientSecretFile"`
	KeyEncryptionKeyFile string `yaml:"keyEncryptionKeyFile"`
}

const (
	adminRole   = "ONE_STS_ADMIN"
	everyone    = "Everyone"
	rolesClaim  = "roles"
	serverAlias = "default"
)

// NewSetup has the defaults of a setup file.
func NewSetup(path string) *Setup {
	return &Setup{
		CallbackPath: "/.apisix/redirect", PostLogoutPath: "/", Names: true,
		Application: Application{Label: "Procivis One"},
		Bootstrap:   Bootstrap{Group: adminRole},
		Output:      Output{Config: "portico.yaml", ClientSecretFile: "client-secret", KeyEncryptionKeyFile: "key-encryption-key"},
		path:        path,
	}
}

// LoadSetup reads the file, and OKTA_API_TOKEN from the environment where the file has no credential. Every fault is
// reported at once.
func LoadSetup(path string, environ []string) (*Setup, error) {
	s := NewSetup(path)
	err := config.Judge(path, s, s.check)
	if faults, ok := err.(config.Faults); ok {
		return nil, fmt.Errorf("%s has %s", path, faults.List())
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("there is no setup file %s: portico okta init writes one", path)
	}
	if err != nil {
		return nil, fmt.Errorf("setup file: %w", err)
	}
	for _, file := range []*string{&s.Okta.PrivateKeyFile, &s.Output.Config, &s.Output.ClientSecretFile, &s.Output.KeyEncryptionKeyFile} {
		*file = config.Beside(path, *file)
	}
	if s.Okta.APIToken == "" && s.Okta.ClientID == "" {
		for _, entry := range environ {
			if token, ours := strings.CutPrefix(entry, "OKTA_API_TOKEN="); ours {
				s.Okta.APIToken = config.Secret(token)
			}
		}
	}
	return s, nil
}

// console matches the administrators' address of an organisation in every cell of Okta's.
var console = regexp.MustCompile(`(?i)-admin(\.(?:okta|oktapreview|okta-emea|okta-gov)\.com)$`)

func (s *Setup) check(fail config.Fail) {
	s.checkOkta(fail)
	if u, ok := origin(s.PublicURL); ok {
		s.PublicURL = u
	} else {
		fail("publicUrl", "expected how browsers reach Portico, scheme and host only, e.g. https://desk.example.com, got %q", s.PublicURL)
	}
	for _, path := range []struct{ key, value string }{{"callbackPath", s.CallbackPath}, {"postLogoutPath", s.PostLogoutPath}} {
		if !strings.HasPrefix(path.value, "/") || strings.ContainsAny(path.value, "?#%*\\ ") || strings.HasPrefix(path.value, "//") {
			fail(path.key, "expected a plain absolute path, got %q", path.value)
		}
	}
	texts := []struct {
		key, value string
		needed     bool
	}{
		{"application.label", s.Application.Label, true},
		{"authorizationServer.name", s.AuthorizationServer.Name, false},
		{"authorizationServer.policy", s.AuthorizationServer.Policy, false},
		{"authorizationServer.audience", s.AuthorizationServer.Audience, false},
		{"claim.name", s.Claim.Name, false},
		{"bootstrap.group", s.Bootstrap.Group, true},
		{"output.config", s.Output.Config, true},
		{"output.clientSecretFile", s.Output.ClientSecretFile, true},
		{"output.keyEncryptionKeyFile", s.Output.KeyEncryptionKeyFile, true},
	}
	for _, text := range texts {
		switch {
		case text.value == "" && text.needed:
			fail(text.key, "expected a value, got none")
		case text.value != strings.TrimSpace(text.value):
			fail(text.key, "expected no blanks at its ends, got %q", text.value)
		case utf8.RuneCountInString(text.value) > 100 && !strings.HasPrefix(text.key, "output."):
			fail(text.key, "expected at most 100 characters, got %d", utf8.RuneCountInString(text.value))
		}
	}
	if s.AuthorizationServer.ID == "" && s.AuthorizationServer.Name == "" {
		fail("authorizationServer", "expected id (a server that exists, e.g. default) or name (one to be made), got neither")
	}
	if s.AuthorizationServer.ID != "" && s.AuthorizationServer.Name != "" {
		fail("authorizationServer", "expected id or name, got both")
	}
	if s.AuthorizationServer.Name != "" && s.AuthorizationServer.Audience == "" {
		fail("authorizationServer.audience", "expected the audience of the new server, e.g. api://procivis-one, got none")
	}
	if as := s.AuthorizationServer; s.onOrgServer() {
		for _, key := range []struct {
			key string
			set bool
		}{{"authorizationServer.audience", as.Audience != ""}, {"authorizationServer.policy", as.Policy != ""}, {"claim.widen", s.Claim.Widen}} {
			if key.set {
				fail(key.key, "expected nothing: the organisation's own authorization server (id: %s) has no such thing", OrgServer)
			}
		}
	}
	if s.Claim.filters() > 1 {
		fail("claim", "expected one of startsWith, contains, equals, regex, got %d of them", s.Claim.filters())
	}
	if names, kind := s.reserved(); slices.Contains(names, s.Claim.Name) {
		fail("claim.name", "expected a name that Okta does not keep for itself, such as %s, got %q; reserved in %s are %s", s.usualClaim(), s.Claim.Name, kind, strings.Join(names, ", "))
	}
	if _, err := regexp.Compile(s.Claim.Regex); err != nil {
		fail("claim.regex", "expected a regular expression, got %q: %v", s.Claim.Regex, err)
	}
	if s.Bootstrap.Group == everyone {
		fail("bootstrap.group", "expected a group of administrators, got %s, which would make everybody one", everyone)
	}
	for i, login := range s.Bootstrap.People {
		if login == "" || login != strings.TrimSpace(login) || slices.Contains(s.Bootstrap.People[:i], login) {
			fail("bootstrap.people", "expected logins, each once, got %q", login)
		}
	}
	for _, group := range s.Application.Groups {
		if group == "" || group != strings.TrimSpace(group) {
			fail("application.groups", "expected names of groups, got %q", group)
		}
	}
}

func (s *Setup) checkOkta(fail config.Fail) {
	u, ok := origin(s.Okta.URL)
	switch {
	case !ok:
		fail("okta.url", "expected the organisation's address, e.g. https://dev-12345.okta.com, got %q", s.Okta.URL)
	case console.MatchString(hostname(u)):
		fail("okta.url", "expected the organisation's own address %s, got %s, which is the address of the console", console.ReplaceAllString(u, "$1"), u)
	default:
		s.Okta.URL = u
	}
	switch {
	case s.Okta.APIToken != "" && s.Okta.ClientID != "":
		fail("okta", "expected one credential, got apiToken and clientId")
	case s.Okta.ClientID != "" && s.Okta.PrivateKeyFile == "":
		fail("okta.privateKeyFile", "expected the file with the private key of the service application %s, got none", s.Okta.ClientID)
	case s.Okta.ClientID == "" && s.Okta.PrivateKeyFile != "":
		fail("okta.clientId", "expected the service application that the private key belongs to, got none")
	}
}

// origin writes scheme and host of a URL that has nothing else. http is for this machine only.
func origin(text string) (string, bool) {
	u, err := url.Parse(strings.TrimSuffix(text, "/"))
	if err != nil || u.Hostname() == "" || u.Path != "" || u.RawQuery != "" || u.Fragment != "" || u.User != nil {
		return "", false
	}
	if u.Scheme != "https" && (u.Scheme != "http" || !config.IsLoopback(text)) {
		return "", false
	}
	return u.Scheme + "://" + strings.ToLower(u.Host), true
}

func hostname(text string) string {
	u, err := url.Parse(text)
	if err != nil {
		return ""
	}
	return u.Hostname()
}

func (c *Claim) filters() (n int) {
	for _, f := range []string{c.StartsWith, c.Contains, c.Equals, c.Regex} {
		if f != "" {
			n++
		}
	}
	return n
}

// filter returns the claim's filter as Okta writes it; all groups where none is set.
func (c *Claim) filter() (kind, value string) {
	switch {
	case c.StartsWith != "":
		return "STARTS_WITH", c.StartsWith
	case c.Contains != "":
		return "CONTAINS", c.Contains
	case c.Equals != "":
		return "EQUALS", c.Equals
	case c.Regex != "":
		return "REGEX", c.Regex
	}
	return "REGEX", ".*"
}

// RedirectURI is the sign-in redirect URI.
func (s *Setup) RedirectURI() string { return s.PublicURL + s.CallbackPath }

// LogoutURI is the sign-out redirect URI.
func (s *Setup) LogoutURI() string { return s.PublicURL + s.PostLogoutPath }

//go:embed setup.tmpl
var setupText string

var setupFile = template.Must(template.New("setup").Funcs(template.FuncMap{"quote": strconv.Quote}).Parse(setupText))

// Create writes a setup that was asked for into its file, which must not be there yet. The faults are those of LoadSetup.
func (s *Setup) Create() error {
	var faults config.Faults
	s.check(func(key, format string, args ...any) { faults = append(faults, key+": "+fmt.Sprintf(format, args...)) })
	if len(faults) > 0 {
		return fmt.Errorf("these answers have %s", faults.List())
	}
	f, err := os.OpenFile(s.path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	err = setupFile.Execute(f, struct {
		*Setup
		Path string
	}{s, s.path})
	return errors.Join(err, f.Sync(), f.Close())
}

// Fault is what is wrong with the value of one key; nil when nothing is.
func (s *Setup) Fault(key string) (fault error) {
	s.check(func(failed, format string, args ...any) {
		if failed == key && fault == nil {
			fault = fmt.Errorf(format, args...)
		}
	})
	return fault
}

// Credential makes the credential that the file names.
func (s *Setup) Credential() (Credential, error) {
	if s.Okta.APIToken != "" {
		return APIToken(s.Okta.APIToken.Reveal()), nil
	}
	if s.Okta.ClientID == "" {
		return nil, fmt.Errorf("%s names no credential: set okta.apiTokenFile, or okta.clientId and okta.privateKeyFile, or OKTA_API_TOKEN in the environment", s.path)
	}
	key, err := os.ReadFile(s.Okta.PrivateKeyFile)
	if err != nil {
		return nil, fmt.Errorf("okta.privateKeyFile: %w", err)
	}
	app, err := NewServiceApp(s.Okta.ClientID, key, s.neededScopes())
	if err != nil {
		return nil, fmt.Errorf("okta.privateKeyFile: %w", err)
	}
	return app, nil
}

// Scopes are the least that a service application needs to be granted for all of plan, apply, verify and undo.
func Scopes() []string {
	return []string{"okta.apps.manage", "okta.authorizationServers.manage", "okta.groups.manage", "okta.users.read"}
}

// neededScopes are those of them that this setup needs.
func (s *Setup) neededScopes() []string {
	return slices.DeleteFunc(Scopes(), func(scope string) bool {
		return s.onOrgServer() && scope == "okta.authorizationServers.manage"
	})
}
