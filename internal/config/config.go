package config

import (
	"fmt"
	"io"
	"log/slog"
	"net/netip"
	"time"

	"go.yaml.in/yaml/v3"
)

// Config is the whole configuration. docs/configuration.md explains every key.
type Config struct {
	Server        Server        `yaml:"server"`
	Gateway       Gateway       `yaml:"gateway"`
	IAM           IAM           `yaml:"iam"`
	STS           STS           `yaml:"sts"`
	Core          Core          `yaml:"core"`
	SCIM          SCIM          `yaml:"scim"`
	Signals       Signals       `yaml:"signals"`
	Store         Store         `yaml:"store"`
	Limits        Limits        `yaml:"limits"`
	Observability Observability `yaml:"observability"`
}

// Server is where Portico listens and how the world reaches it.
type Server struct {
	Listen         string         `yaml:"listen"`
	PublicURL      string         `yaml:"publicUrl"`
	AdminListen    string         `yaml:"adminListen"`
	TrustedProxies []netip.Prefix `yaml:"trustedProxies"`
}

// The gateway modes.
const (
	ModeBuiltin     = "builtin"      // our own sign-in and sessions; bearer tokens are accepted beside them
	ModeAPISIX      = "apisix"       // APISIX's openid-connect plug-in sends the access token
	ModeOAuth2Proxy = "oauth2-proxy" // OAuth2-Proxy sends the access token
	ModeBearer      = "bearer"       // bearer tokens only
)

// Gateway is the sign-in.
type Gateway struct {
	Mode           string  `yaml:"mode"`
	CallbackPath   string  `yaml:"callbackPath"`
	PostLogoutPath string  `yaml:"postLogoutPath"`
	LogoutPath     string  `yaml:"logoutPath"`   // where another gateway signs out; empty: what its mode is known for
	SharedSecret   Secret  `yaml:"sharedSecret"` // another gateway proves itself by it; empty: it need not
	Session        Session `yaml:"session"`
}

// Session bounds how long one sign-in lasts.
type Session struct {
	Idle     time.Duration `yaml:"idle"`
	Absolute time.Duration `yaml:"absolute"`
	// RecordAddress keeps from which address somebody signed in, with the session and in the history.
	RecordAddress bool `yaml:"recordAddress"`
}

// The ways to authenticate at the token endpoint, and where roles come from.
const (
	ClientSecretBasic = "client_secret_basic"
	ClientSecretPost  = "client_secret_post"
	SourceAccessToken = "access_token"
	SourceIDToken     = "id_token"
)

// IAM is the identity provider as the built-in gateway uses it.
type IAM struct {
	Issuer       string   `yaml:"issuer"`
	DiscoveryURL string   `yaml:"discoveryUrl"`
	ClientID     string   `yaml:"clientId"`
	ClientSecret Secret   `yaml:"clientSecret"`
	ClientAuth   string   `yaml:"clientAuth"`
	Scopes       []string `yaml:"scopes"`
	TokenSource  string   `yaml:"tokenSource"`
}

// STS is the security token service.
type STS struct {
	Issuer                    string     `yaml:"issuer"`
	EnableManagementEndpoints bool       `yaml:"enableManagementEndpoints"`
	IAM                       STSIAM     `yaml:"iam"`
	Token                     Token      `yaml:"token"`
	Delegation                Delegation `yaml:"delegation"`
	// Expectations is the path of a file (docs/policy.md) that every change of roles and mappings is held against; empty: none.
	Expectations string `yaml:"expectations"`
}

// STSIAM is how IAM tokens are validated and read.
type STSIAM struct {
	TokenValidation TokenValidation `yaml:"tokenValidation"`
	RolePath        string          `yaml:"rolePath"`
	SubjectPath     string          `yaml:"subjectPath"`
	AdminRole       string          `yaml:"adminRole"`
	RoleSeparator   string          `yaml:"roleSeparator"`
	Bootstrap       bool            `yaml:"bootstrap"`
	Additional      []Additional    `yaml:"additional"`
}

// TokenValidation is what an IAM token must satisfy.
type TokenValidation struct {
	Iss              string        `yaml:"iss"`
	Aud              string        `yaml:"aud"`
	JWKSURI          string        `yaml:"jwksUri"`
	Algorithms       []string      `yaml:"algorithms"`
	Leeway           time.Duration `yaml:"leeway"`
	JWKSRefreshAfter time.Duration `yaml:"jwksRefreshAfter"`
	JWKSExpireAfter  time.Duration `yaml:"jwksExpireAfter"`
}

// Additional is a further issuer, for API clients and services. The bootstrap role never counts from it.
type Additional struct {
	TokenValidation TokenValidation `yaml:"tokenValidation"`
	RolePath        string          `yaml:"rolePath"`
	SubjectPath     string          `yaml:"subjectPath"`
	RoleSeparator   string          `yaml:"roleSeparator"`
}

// UnmarshalYAML gives further issuers the same defaults as the first.
func (a *Additional) UnmarshalYAML(node *yaml.Node) error {
	type plain Additional
	filled := plain{TokenValidation: defaultTokenValidation(), RolePath: defaultRolePath, SubjectPath: defaultSubjectPath}
	err := node.Decode(&filled)
	*a = Additional(filled)
	return err
}

// Token is what the STS mints.
type Token struct {
	TTL                  time.Duration   `yaml:"ttl"`
	Audiences            []string        `yaml:"audiences"`
	Clients              []ServiceClient `yaml:"clients"`
	IDTokens             bool            `yaml:"idTokens"` // they may be exchanged too
	KeyRotation          time.Duration   `yaml:"keyRotation"`
	KeyOverlap           time.Duration   `yaml:"keyOverlap"`
	KeyEncryptionKeyFile string          `yaml:"keyEncryptionKeyFile"`
	// PreviousKeyEncryptionKeyFile opens what the other one does not, while that is being replaced.
	PreviousKeyEncryptionKeyFile string     `yaml:"previousKeyEncryptionKeyFile"`
	Verifiers                    []Verifier `yaml:"verifiers"`
}

// The ways to authenticate to Core.
const (
	AuthSTS          = "STS"
	AuthUnsafeStatic = "UNSAFE_STATIC"
	AuthUnsafeNone   = "UNSAFE_NONE"
)

// Core says where Core is. Without a URL the embedded one serves.
type Core struct {
	API CoreAPI `yaml:"api"`
}

// CoreAPI is how Core is called.
type CoreAPI struct {
	URL            string `yaml:"url"`
	UnsafeHTTP     bool   `yaml:"unsafeHttp"` // the way to Core is protected by something else than TLS of ours
	Authentication string `yaml:"authentication"`
	StaticToken    Secret `yaml:"staticToken"`
	PostHistory    bool   `yaml:"postHistory"` // what is recorded here is recorded by Core too
}

// Store says where everything is kept.
type Store struct {
	Driver string `yaml:"driver"`
	DSN    Secret `yaml:"dsn"`
	// MaxStaleness is for how long what is remembered counts while the store can't be read: others may have revoked it.
	MaxStaleness time.Duration `yaml:"maxStaleness"`
}

// Limits are how much one address or person may take. 0 is no limit.
type Limits struct {
	RefusalsPerAddress   int `yaml:"refusalsPerAddress"`   // a minute
	SignInsPerAddress    int `yaml:"signInsPerAddress"`    // a minute
	RequestsPerPrincipal int `yaml:"requestsPerPrincipal"` // a second
	SessionsPerPerson    int `yaml:"sessionsPerPerson"`
}

// Where roles and subject are found when the configuration is silent.
const (
	defaultRolePath    = "roles"
	defaultSubjectPath = "sub"
)

// Default returns what holds where the configuration is silent.
func Default() Config {
	return Config{
		Server: Server{Listen: "127.0.0.1:8080"},
		Gateway: Gateway{
			Mode: ModeBuiltin, CallbackPath: "/.apisix/redirect", PostLogoutPath: "/",
			Session: Session{Idle: 30 * time.Minute, Absolute: 12 * time.Hour, RecordAddress: true},
		},
		IAM: IAM{
			ClientAuth:  ClientSecretBasic,
			Scopes:      defaultScopes(),
			TokenSource: SourceAccessToken,
		},
		STS: STS{
			EnableManagementEndpoints: true,
			IAM: STSIAM{
				TokenValidation: defaultTokenValidation(),
				RolePath:        defaultRolePath, SubjectPath: defaultSubjectPath, AdminRole: "ONE_STS_ADMIN", Bootstrap: true,
			},
			Delegation: defaultDelegation(),
			Token: Token{
				TTL: 5 * time.Minute, Audiences: []string{"one-core"},
				KeyRotation: 90 * 24 * time.Hour, KeyOverlap: 24 * time.Hour,
			},
		},
		Core:          Core{API: CoreAPI{Authentication: AuthSTS}},
		SCIM:          SCIM{SubjectFrom: SubjectUserName},
		Signals:       defaultSignals(),
		Store:         Store{Driver: "sqlite", DSN: "portico.db", MaxStaleness: 30 * time.Second},
		Limits:        Limits{RefusalsPerAddress: 600, SignInsPerAddress: 600, RequestsPerPrincipal: 500, SessionsPerPerson: 50},
		Observability: defaultObservability(),
	}
}

func defaultScopes() []string { return []string{"openid", "profile", "email", "offline_access"} }

func defaultTokenValidation() TokenValidation {
	return TokenValidation{
		Algorithms:       []string{"RS256", "RS384", "RS512", "PS256", "ES256", "ES384", "EdDSA"},
		Leeway:           time.Minute,
		JWKSRefreshAfter: 10 * time.Minute,
		JWKSExpireAfter:  24 * time.Hour,
	}
}

// Secret is a value that must never be shown. Reveal is the only way to it.
type Secret string

// Reveal returns the secret itself.
func (s Secret) Reveal() string { return string(s) }

func (s Secret) String() string {
	if s == "" {
		return ""
	}
	return "[redacted]"
}

// Format keeps the secret out of every verb.
func (s Secret) Format(f fmt.State, _ rune) { io.WriteString(f, s.String()) }

// LogValue keeps the secret out of logs.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }

// MarshalYAML keeps the secret out of Print.
func (s Secret) MarshalYAML() (any, error) { return s.String(), nil }

// MarshalText keeps the secret out of JSON.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }
