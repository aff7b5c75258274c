package doctor

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/portico-iam/portico/internal/config"
	"github.com/portico-iam/portico/internal/fault"
)

// passLines say how each product hands on the access token.
const passLines = "APISIX set_access_token_header: true (X-Access-Token); OAuth2-Proxy --pass-access-token=true (its --pass-authorization-header sends the ID token); Apache RequestHeader set Authorization \"Bearer %{OIDC_access_token}e\""

// checkToken looks at what kind of token it is, and whom it is from and for.
func checkToken(e *Evidence, f *findings) {
	t := e.Token
	if e.idTokens() {
		e.checkIDToken(f)
		return
	}
	if e.Org != nil && e.Org.Server != nil && e.Org.Server.Encrypts != "" || t != nil && t.Kind == Encrypted {
		seen := ""
		if t != nil && t.Kind == Encrypted {
			seen = "the token has five parts"
		}
		if e.Org != nil && e.Org.Server != nil && e.Org.Server.Encrypts != "" {
			seen = strings.TrimPrefix(seen+"; accessTokenEncryptedResponseAlgorithm is "+clip(e.Org.Server.Encrypts), "; ")
		}
		f.add("encrypted", Finding{
			What: "The authorization server encrypts its access tokens.", Seen: seen, Setting: "Access token encryption: none",
			Call: "PUT " + e.serverPath() + " without accessTokenEncryptedResponseAlgorithm and jwks",
		})
	}
	e.checkAudience(f)
	if t == nil {
		return
	}
	switch kind := t.Kind; {
	case e.Config != nil && e.additional(t.text("iss")): // its marks are another provider's
	case kind == IDToken:
		f.add("id-token", Finding{
			What: "This is an ID token, and Portico expects the access token.", Seen: e.idMarks(), Near: "The two kinds are swapped.", Setting: "Send the access token: " + passLines,
		})
	case kind == OrgToken:
		f.add("org-token", Finding{
			What:    "This access token is of the organisation's own server: it is for Okta alone, and its key is not published.",
			Seen:    fmt.Sprintf("%s, typ %q", t.describe(), clip(t.Typ)),
			Setting: "The gateway's issuer: a custom authorization server, https://<org>/oauth2/default or /oauth2/aus…",
		})
	case kind == Opaque:
		f.add("opaque", Finding{
			What: "This is no JWT: perhaps a refresh token, a code or a session id.",
			Seen: fmt.Sprintf("%d bytes that are not three parts of a JWT", t.Size), Setting: "Send the access token: " + passLines,
		})
	case kind == AccessToken:
		e.checkTokenIssuer(f, t)
	}
	if t.Judged && fault.Unauthenticated.Is(t.Verdict) {
		f.add("token-refused", Finding{
			What: "Portico refuses this token.", Seen: clip(fault.Of(t.Verdict).Detail), Setting: "See docs/configuration.md, sts.iam.tokenValidation",
		})
	}
}

func (e *Evidence) idMarks() string {
	var marks []string
	if jti := e.Token.text("jti"); strings.HasPrefix(jti, "ID.") {
		marks = append(marks, "jti begins with ID.")
	}
	if aud := strings.Join(e.Token.list("aud"), " "); strings.HasPrefix(aud, "0oa") || aud == e.Client.ID && aud != "" {
		marks = append(marks, "aud is the client id "+clip(aud))
	}
	for _, name := range []string{"nonce", "at_hash"} {
		if _, has := e.Token.Claims[name]; has {
			marks = append(marks, "it has "+name)
		}
	}
	return strings.Join(marks, ", ")
}

func (e *Evidence) checkTokenIssuer(f *findings, t *Token) {
	got := t.text("iss")
	want := e.Client.Issuer
	if e.Config != nil {
		want = cmp.Or(e.Config.STS.IAM.TokenValidation.Iss, want)
		for _, a := range e.Config.STS.IAM.Additional {
			if a.TokenValidation.Iss == got {
				return
			}
		}
	}
	if want == "" || got == want {
		return
	}
	f.add("token-issuer", Finding{
		What: "The token is of another issuer than the configured one.", Seen: fmt.Sprintf("iss is %s, expected %s", clip(got), want), Near: nearMiss(got, want),
		Setting: e.Client.key("issuer") + ": exactly the token's issuer, if that is your server: " + clip(got),
		Call:    e.otherDomain(got, want),
	})
}

// checkAudience compares with the token, and with what the server is set to.
func (e *Evidence) checkAudience(f *findings) {
	if e.Config == nil {
		return
	}
	want := e.Config.STS.IAM.TokenValidation.Aud
	var got []string
	seen := ""
	if e.Token != nil && e.Token.Kind == AccessToken && !e.additional(e.Token.text("iss")) {
		got = e.Token.list("aud")
		seen = "aud of the token is " + clip(orNone(got))
	} else if e.Org != nil && e.Org.Server != nil {
		got = e.Org.Server.Audiences
		seen = "the audience of the server is " + clip(orNone(got))
	}
	if want == "" || seen == "" || slices.Contains(got, want) {
		return
	}
	finding := Finding{
		What: "The audience is not the configured one.", Seen: seen + ", sts.iam.tokenValidation.aud is " + clip(want),
		Setting: "sts.iam.tokenValidation.aud: the audience of the authorization server. Leave the server's own where others use it.",
	}
	if len(got) == 1 {
		finding.Near = nearMiss(want, got[0])
		finding.Setting = "sts.iam.tokenValidation.aud: " + clip(got[0]) + " (leave the server's own as it is where others use it)"
		if e.Org != nil && e.Org.Server != nil && slices.Equal(e.Org.Server.Audiences, got) { // never on a token's word alone
			finding.settings = []config.Setting{{Key: "sts.iam.tokenValidation.aud", Value: got[0]}}
		}
	}
	f.add("audience", finding)
}

func (e *Evidence) additional(issuer string) bool {
	return slices.ContainsFunc(e.Config.STS.IAM.Additional, func(a config.Additional) bool { return a.TokenValidation.Iss == issuer })
}

// checkTokenTime compares with our clock.
func checkTokenTime(e *Evidence, f *findings) {
	t, leeway := e.subject(), time.Minute
	if t == nil || t.Claims == nil {
		return
	}
	if e.Config != nil {
		leeway = e.Config.STS.IAM.TokenValidation.Leeway
	}
	add := func(what, seen string) {
		f.add("token-time", Finding{What: what, Seen: seen, Setting: "Set the clocks by NTP; try with a token that was just issued; sts.iam.tokenValidation.leeway 60 to 120 s"})
	}
	if exp, ok := t.time("exp"); ok && !e.Now.Before(exp.Add(leeway)) {
		add("The token has expired.", fmt.Sprintf("exp is %s ago", e.Now.Sub(exp).Round(time.Second)))
		return
	}
	for _, name := range []string{"iat", "nbf"} {
		if at, ok := t.time(name); ok && at.After(e.Now.Add(leeway)) {
			add("The token is from the future.", fmt.Sprintf("%s is %s ahead of this machine's clock", name, at.Sub(e.Now).Round(time.Second)))
			return
		}
	}
}

func (e *Evidence) algorithms() []string {
	if e.Config == nil {
		return nil
	}
	return e.Config.STS.IAM.TokenValidation.Algorithms
}

// checkTokenKey looks for the token's key among those that are published.
func checkTokenKey(e *Evidence, f *findings) {
	t, p := e.subject(), e.Probes
	if p == nil || p.Main.Status != http.StatusOK {
		return
	}
	if p.Keys == nil && p.Net == nil && p.RateLimited == "" {
		f.add("keys-unreadable", Finding{What: "The issuer's keys can't be had.", Seen: "no set of keys at " + clip(p.JWKSURI), Setting: "Try again in a minute. Where sts.iam.tokenValidation.jwksUri is set, leave it out: Okta's metadata names the address."})
		return
	}
	if allowed := e.algorithms(); len(p.Algorithms) > 0 && len(allowed) > 0 && !slices.ContainsFunc(p.Algorithms, func(a string) bool { return slices.Contains(allowed, a) }) {
		f.add("algorithms", Finding{
			What:    "The issuer signs by an algorithm that is not accepted.",
			Seen:    fmt.Sprintf("its keys are for %s, sts.iam.tokenValidation.algorithms is %s", strings.Join(slices.Compact(p.Algorithms), ", "), strings.Join(allowed, ", ")),
			Setting: "sts.iam.tokenValidation.algorithms: with " + p.Algorithms[0] + ", or leave it out",
		})
	}
	if t == nil || t.Claims == nil || t.KID == "" || p.Keys == nil || slices.Contains(p.Keys, t.KID) || t.text("iss") != p.Main.Issuer {
		return
	}
	finding := Finding{
		What:    "The token's key is not among those that the issuer publishes.",
		Seen:    fmt.Sprintf("kid %s; %s has %s", clip(t.KID), clip(p.JWKSURI), clip(strings.Join(p.Keys, ", "))),
		Setting: "A fresh token: this one was signed before a rotation and its key is gone. Verifiers fetch the keys again for an unknown kid.",
		Call:    "GET " + clip(p.JWKSURI),
	}
	switch {
	case slices.Contains(p.ClientKeys, t.KID):
		finding.Near = "With ?client_id= it is there: the application has a key of its own."
		finding.Setting = "sts.iam.tokenValidation.jwksUri: the address with ?client_id=, or take the application's pinned key away"
	case slices.Contains(p.OrgKeys, t.KID):
		finding.Near = "It is among the keys of the organisation's own server."
		finding.Setting = "The gateway's issuer: the custom authorization server"
	}
	f.add("key-unknown", finding)
}
