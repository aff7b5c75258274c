package doctor

import (
	"cmp"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/portico-iam/portico/internal/config"
	"github.com/portico-iam/portico/internal/okta"
)

// ours gives settings of our own configuration where that is what the client came from, so that they can be mended.
func (e *Evidence) ours(settings ...config.Setting) []config.Setting {
	if e.Config == nil || e.Gateway != nil {
		return nil
	}
	return settings
}

func (e *Evidence) issuerSettings(issuer string) []config.Setting {
	return e.ours(
		config.Setting{Key: "iam.issuer", Value: issuer},
		config.Setting{Key: "iam.discoveryUrl", Value: strings.TrimSuffix(issuer, "/") + discoverySuffix},
		config.Setting{Key: "sts.iam.tokenValidation.iss", Value: issuer},
	)
}

func checkNetwork(e *Evidence, f *findings) {
	if e.Probes != nil && e.Probes.RateLimited != "" {
		f.add("rate-limit", Finding{
			What: "Okta's rate limit is used up.", Seen: "429 from " + e.Probes.RateLimited,
			Setting: "Wait until X-Rate-Limit-Reset; cache keys; validate tokens locally rather than by introspection.",
		})
	}
	failure := (*Failure)(nil)
	if e.Probes != nil {
		failure = e.Probes.Net
	}
	if failure == nil && e.OrgErr != nil && e.Org != nil && e.Org.App == nil && len(e.Org.Servers) == 0 { // else it was only slow
		failure = failureOf(hostOf(e.Setup.Okta.URL), e.OrgErr)
	}
	if failure == nil {
		return
	}
	advice := map[string]Finding{
		"dns": {
			What:    "The name of Okta's host is not known here.",
			Setting: "Correct the host in " + e.Client.key("issuer") + ", or use a resolver that knows it (APISIX: apisix.dns_resolver).",
		},
		"tls": {
			What:    "The TLS connection to Okta can't be trusted.",
			Setting: "Trust the certificate authority of the proxy in between (SSL_CERT_FILE; APISIX: apisix.ssl.ssl_trusted_certificate), or correct the host.",
		},
		"unreachable": {
			What: "Okta does not answer.", Setting: "Open a way out to that host and port (firewall, HTTPS_PROXY); in a gateway, timeouts above 3 s.",
		},
	}[failure.Kind]
	advice.Seen = failure.Text
	f.add(failure.Kind, advice)
}

const (
	skewWrong = 60 * time.Second // the usual leeway
)

func checkClock(e *Evidence, f *findings) {
	if e.Probes == nil || !e.Probes.HasSkew {
		return
	}
	skew := e.Probes.Skew.Round(time.Second)
	if skew.Abs() <= skewWrong {
		return
	}
	direction := "ahead of"
	if skew < 0 {
		direction = "behind"
	}
	f.add("clock", Finding{
		What: fmt.Sprintf("This machine's clock is %s %s Okta's.", skew.Abs(), direction), Seen: "the Date header of Okta's answers",
		Setting: "Set the clock by NTP. sts.iam.tokenValidation.leeway bridges up to a minute or two, no more.",
	})
}

// checkIssuer goes from what is wrong with the address itself to what Okta says to it.
func checkIssuer(e *Evidence, f *findings) {
	issuer, key := e.Client.Issuer, e.Client.key("issuer")
	if issuer == "" {
		checkLicence(e, f)
		return
	}
	switch host := hostOf(issuer); {
	case consoleHost.MatchString(host):
		right := strings.Replace(issuer, strings.TrimPrefix(host, "https://"), strings.TrimPrefix(withoutAdmin(host), "https://"), 1)
		f.add("console-host", Finding{
			What: "The issuer is on the console's host.", Seen: key + " is " + issuer, Near: "They differ in -admin, which is the console's host.",
			Setting: key + ": " + right, settings: e.issuerSettings(right),
		})
		return
	case e.forIDTokens() != "":
		f.add("token-source", Finding{
			What:    "The configuration takes roles from access tokens, and the organisation's own server, which everything else is set up for, has them in ID tokens.",
			Seen:    fmt.Sprintf("%s is %s; %s; iam.tokenSource is %s", key, issuer, e.forIDTokens(), cmp.Or(e.Config.IAM.TokenSource, config.SourceAccessToken)),
			Setting: "iam.tokenSource: " + config.SourceIDToken, settings: []config.Setting{{Key: "iam.tokenSource", Value: config.SourceIDToken}},
		})
		return
	case isBare(issuer) && !e.idTokens() && (e.Probes == nil || e.Probes.Organisation || e.Probes.Net != nil): // else it is not Okta's
		right := strings.TrimSuffix(issuer, "/") + "/oauth2/default"
		if e.Org != nil && e.Org.Server == nil && len(e.Org.Servers) > 0 {
			right = e.Org.Servers[0].Issuer
		}
		f.add("org-issuer", Finding{
			What:    "The issuer is the organisation's own server, whose access tokens are for Okta alone and never have roles.",
			Seen:    key + " is " + issuer + ", without /oauth2/…",
			Setting: key + ": the Issuer URI of a custom authorization server, e.g. " + right, Console: atServers, Call: "GET /api/v1/authorizationServers lists them",
		})
		return
	}
	checkLicence(e, f)
	if e.Org != nil && e.Org.Server != nil && e.Org.Server.Status == "INACTIVE" {
		f.add("server-inactive", Finding{
			What: "The authorization server is inactive, so nobody can sign in.", Seen: "the status of " + e.Org.Server.Name + " is INACTIVE",
			Setting: "Activate the authorization server.", Call: "POST " + e.Org.Server.Path() + "/lifecycle/activate",
		})
	}
	if e.Probes != nil {
		checkDiscovery(e, f)
	}
	if e.Gateway != nil && e.Config != nil {
		if ours := e.Config.STS.IAM.TokenValidation.Iss; ours != "" && ours != issuer {
			f.add("gateway-issuer", Finding{
				What: "The gateway signs in at another issuer than Portico accepts tokens of.",
				Seen: fmt.Sprintf("%s is %s in the gateway's file, sts.iam.tokenValidation.iss is %s", key, issuer, ours),
				Near: nearMiss(ours, issuer), Setting: "sts.iam.tokenValidation.iss: " + issuer,
			})
		}
	}
}

// otherDomain is the other way round, where two issuers differ in the domain: Okta writes either.
func (e *Evidence) otherDomain(a, b string) string {
	if hostOf(a) == hostOf(b) {
		return ""
	}
	return "or, for the other domain, PUT " + e.serverPath() + " with issuerMode CUSTOM_URL or ORG_URL"
}

// locked tells of a discovery that Okta withholds.
func (d *Discovery) locked() bool {
	return d.Code == "E0000015" || d.Status == http.StatusUnauthorized || d.Status == http.StatusForbidden
}

// idTokens tells that roles are read from ID tokens, which the organisation's own server gives too.
func (e *Evidence) idTokens() bool {
	if e.Config == nil {
		return e.Setup != nil && e.Setup.AuthorizationServer.ID == okta.OrgServer
	}
	return e.Config.IAM.TokenSource == config.SourceIDToken
}

// forIDTokens says by what it is plain that roles are to come from the ID tokens of the organisation's own server, where our
// configuration takes access tokens; "" where it is not.
func (e *Evidence) forIDTokens() string {
	switch {
	case e.Config == nil || e.Gateway != nil || e.idTokens() || !isBare(e.Client.Issuer):
		return ""
	case e.Setup != nil && e.Setup.AuthorizationServer.ID == okta.OrgServer:
		return "the setup file's authorizationServer.id is " + okta.OrgServer
	case e.Config.IAM.ClientID != "" && e.Config.STS.IAM.TokenValidation.Aud == e.Config.IAM.ClientID:
		return "sts.iam.tokenValidation.aud is the client"
	}
	return ""
}

func checkLicence(e *Evidence, f *findings) {
	if e.idTokens() && isBare(e.Client.Issuer) {
		return
	}
	seen := ""
	if e.Probes != nil && e.Probes.Main.locked() {
		seen = fmt.Sprintf("%d %s from %s", e.Probes.Main.Status, e.Probes.Main.Code, e.Probes.Main.URL)
	}
	if r := e.refused("E0000015"); r != nil {
		seen = fmt.Sprintf("%d E0000015 from %s", r.Status, r.Path)
	}
	if seen != "" {
		f.add("unlicensed", Finding{
			What: "The organisation has no API Access Management: there are no custom authorization servers, the default one included.", Seen: seen,
			Setting: "Ask Okta for API Access Management; without it no access token has a roles claim. Or set iam.tokenSource: id_token and iam.issuer: the organisation's address (docs/providers.md).",
		})
	}
}

func checkDiscovery(e *Evidence, f *findings) {
	issuer, key, main := e.Client.Issuer, e.Client.key("issuer"), e.Probes.Main
	switch {
	case main.Status == 0 || main.locked() || main.Status == http.StatusTooManyRequests:
	case main.Status != http.StatusOK:
		finding := Finding{
			What: "Okta has no authorization server at the configured issuer.", Seen: fmt.Sprintf("%d from %s", main.Status, main.URL),
			Setting: key + ": the Issuer URI exactly as the console shows it", Call: "GET /api/v1/authorizationServers lists them",
		}
		if !e.Probes.Organisation {
			finding.What = "The configured issuer is not at an Okta organisation."
		}
		if right, why := e.likely(issuer); right != "" {
			finding.Near = cmp.Or(nearMiss(issuer, right), why)
			finding.Setting = key + ": " + right
			if why != guessed {
				finding.settings = e.issuerSettings(right)
			}
		}
		f.add("issuer-not-found", finding)
	case main.Issuer != issuer:
		f.add("issuer-differs", Finding{
			What: "The issuer is not, letter by letter, what Okta calls itself there.", Seen: fmt.Sprintf("%s is %s, Okta's metadata has %s", key, issuer, clip(main.Issuer)),
			Near: nearMiss(issuer, main.Issuer), Setting: key + ": " + clip(main.Issuer), settings: e.issuerSettings(main.Issuer),
			Call: e.otherDomain(issuer, main.Issuer),
		})
	case e.Probes.ByClient.Status == http.StatusOK && e.Probes.ByClient.Issuer != main.Issuer:
		f.add("issuer-differs", Finding{
			What: "For this client Okta writes the issuer differently: its tokens will have another iss.",
			Seen: fmt.Sprintf("Okta's metadata has %s, and asked with ?client_id= %s", clip(main.Issuer), clip(e.Probes.ByClient.Issuer)),
			Near: nearMiss(main.Issuer, e.Probes.ByClient.Issuer), Setting: key + ": " + clip(e.Probes.ByClient.Issuer),
			Call: "or PUT /api/v1/apps/{id} with settings.oauthClient.issuer_mode", settings: e.issuerSettings(e.Probes.ByClient.Issuer),
		})
	}
}
