package doctor

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/portico-iam/portico/internal/config"
	"github.com/portico-iam/portico/internal/okta"
)

// Input is what the doctor is given; everything but the clock may be missing.
type Input struct {
	Config *config.Config // as far as it could be read
	Faults config.Faults  // of the configuration
	// ConfigPath is where it was read from, and Environ what went before it; "" where nobody could change it.
	ConfigPath string
	Environ    []string
	Setup      *okta.Setup
	// SetupFault is why the setup file could not be read.
	SetupFault string
	Token      string
	Error      string
	Gateway    []byte // the file of a gateway
	Login      string
	Offline    bool

	HTTP *http.Client // nil: one of our own
	Now  func() time.Time
}

// Evidence is everything that is known. What was not given, or not asked, is nil.
type Evidence struct {
	Now        time.Time
	Offline    bool
	Login      string
	LoginAsked bool // somebody asked about that person
	Config     *config.Config
	Faults     config.Faults
	ConfigPath string
	Environ    []string
	Setup      *okta.Setup
	SetupFault string
	Gateway    *Gateway
	Client     Client
	Told       *Told
	Token      *Token
	Probes     *Probes
	Org        *okta.Organisation
	OrgErr     error
	// AppClaim is the application's groups claim, of the organisation's own server; AppClaimSeen tells whether Okta showed it.
	AppClaim     *okta.ClaimFacts
	AppClaimSeen bool

	api *okta.Client // for reading
}

const (
	wholeTime = 20 * time.Second // of one examination
	orgTime   = 12 * time.Second // of it, for the Management API
)

// gather collects the evidence.
func gather(ctx context.Context, in Input) (*Evidence, error) {
	e := &Evidence{
		Now: in.Now(), Offline: in.Offline, Config: in.Config, Faults: in.Faults, ConfigPath: in.ConfigPath, Environ: in.Environ,
		Setup: in.Setup, SetupFault: in.SetupFault, Told: readText(in.Error),
	}
	if len(in.Gateway) > 0 {
		var err error
		if e.Gateway, err = readGateway(in.Gateway); err != nil {
			return nil, err
		}
	}
	e.Client = clientOf(e)
	e.Token = readToken(in.Token)
	e.Login, e.LoginAsked = cmp.Or(in.Login, e.Token.login()), in.Login != ""
	if e.Login == "" && in.Setup != nil && len(in.Setup.Bootstrap.People) > 0 {
		e.Login = in.Setup.Bootstrap.People[0]
	}
	if in.Offline {
		e.judge(ctx, nil)
		return e, nil
	}
	p := newProber(in, e)
	if in.Setup != nil {
		e.readOrganisation(ctx, p.http)
	}
	if p.allowed(e.Client.Issuer) { // one that only the Management API tells of may be elsewhere
		e.Probes = p.probe(ctx, e.Client)
	}
	e.judge(ctx, p)
	return e, nil
}

// readOrganisation asks the Management API, and completes what the setup file leaves to Okta.
func (e *Evidence) readOrganisation(ctx context.Context, client *http.Client) {
	ctx, cancel := context.WithTimeout(ctx, orgTime)
	defer cancel()
	api, err := e.Setup.ReadingClient(ctx, client)
	if err != nil {
		e.OrgErr = err
		return
	}
	want := okta.Lookup{Setup: e.Setup, ClientID: e.Client.ID, Issuer: e.Client.Issuer, Login: e.Login}
	if e.Config != nil {
		want.AdminRole = strings.TrimSpace(e.Config.STS.IAM.AdminRole)
	}
	e.api = api
	e.Org, e.OrgErr = api.Organisation(ctx, want)
	if e.Org == nil {
		return
	}
	if e.Org.Server != nil && e.Client.Issuer == "" {
		e.Client.setIssuer(e.Org.Server.Issuer)
	}
	if e.Org.App != nil && e.Client.ID == "" {
		e.Client.ID = e.Org.App.ClientID
	}
	if e.OrgErr == nil && e.claimOfApp() {
		e.AppClaim, e.AppClaimSeen, e.OrgErr = api.AppClaim(ctx, e.Org.App.ID)
	}
}

// checks are all there are; each is pure over the evidence.
var checks = []func(*Evidence, *findings){
	checkConfig, checkNetwork, checkIssuer, checkClock,
	checkManagement,
	checkApplication, checkCredentials, checkGrants, checkPKCE, checkRedirect, checkLogout, checkScopes,
	checkAssigned, checkPolicies,
	checkToken, checkTokenTime, checkTokenKey,
	checkClaims, checkAppClaim, checkGroupsScope, checkTokenRoles, checkAdmin, checkDirectory,
	checkRefresh, checkNames, checkSize,
	checkMode, checkAPISIX, checkOAuth2Proxy, checkApache, checkArgo, checkGrafana,
	checkTold,
}

// Report is the outcome.
type Report struct {
	Findings []Finding `json:"findings"`
	// UnknownError tells that the error text is none that is known here, so that it explains nothing.
	UnknownError bool `json:"unknownError,omitempty"`
	// Notes say what could not be looked at.
	Notes []string `json:"notes,omitempty"`

	file    *configFile // that was examined
	plan    *okta.Plan  // of okta apply, as far as a finding might be mended by it
	planErr error
	// stopTold tells that a finding says already why okta apply stops.
	stopTold bool
	setup    *okta.Setup // of the plan
	// filesAreOurs tells that the plan writes the very configuration that was examined.
	filesAreOurs bool
}

// Examine gathers and checks, and finds out who can mend what is found.
func Examine(ctx context.Context, in Input) (*Report, error) {
	ctx, cancel := context.WithTimeout(ctx, wholeTime)
	defer cancel()
	e, err := gather(ctx, in)
	if err != nil {
		return nil, err
	}
	report := e.Report()
	e.remedies(ctx, report)
	return report, nil
}

// Report checks the evidence.
func (e *Evidence) Report() *Report {
	var all findings
	for _, check := range checks {
		check(e, &all)
	}
	for i := range all {
		all[i].Console = e.named(all[i].Console)
	}
	unknown := e.Told != nil && len(e.Told.symptoms) == 0
	return &Report{Findings: append([]Finding{}, all.ranked()...), UnknownError: unknown, Notes: e.notes()}
}

// named puts the names of the application and the server into a place in the console, where they are known.
func (e *Evidence) named(place string) string {
	if e.Org != nil && e.Org.App != nil {
		place = strings.Replace(place, "(the application)", e.Org.App.Label, 1)
	}
	if e.Org != nil && e.Org.Server != nil {
		place = strings.Replace(place, "(the server)", e.Org.Server.Name, 1)
	}
	return place
}

func (e *Evidence) notes() (notes []string) {
	if e.Offline && (e.Client.Issuer != "" || e.Setup != nil) {
		notes = append(notes, "Offline: Okta was not asked, so keys, the client's secret and Okta's own settings were not looked at.")
	}
	if !e.Offline && e.Client.Issuer == "" && (e.Config != nil || e.Gateway != nil || e.Setup != nil) {
		notes = append(notes, "No issuer is known, so Okta was not asked.")
	}
	if e.Setup == nil && !e.Offline && e.Config != nil {
		blind, give := "policies, assignments, claims and groups", "--okta FILE"
		if e.Token == nil {
			blind, give = "sts.iam.tokenValidation.aud, sts.iam.rolePath, "+blind, give+" (or a token, for the first two)"
		}
		notes = append(notes, "Not compared with Okta: "+blind+". Give "+give+".")
	}
	if e.LoginAsked && (e.Setup == nil || e.Offline) {
		notes = append(notes, fmt.Sprintf("Nothing was looked up of %s: --user takes --okta FILE, and no --offline.", clip(e.Login)))
	}
	if e.Setup != nil && e.OrgErr != nil {
		notes = append(notes, "The Management API was not read, or not to the end: "+clip(e.OrgErr.Error()))
	}
	if e.claimOfApp() && !e.AppClaimSeen && e.OrgErr == nil && e.Token == nil {
		notes = append(notes, "The application's groups claim was not looked at: Okta does not show it to this credential. See "+e.named(atSignOnTokens)+", or give --token FILE with the answer of a sign-in.")
	}
	return notes
}
