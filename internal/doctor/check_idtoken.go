package doctor

import (
	"fmt"
	"slices"
	"strings"

	"github.com/portico-iam/portico/internal/config"
	"github.com/portico-iam/portico/internal/fault"
)

// checkIDToken holds what was given to what a sign-in takes where roles come from the ID token: it is for our client alone.
// Access tokens of the issuer are for nobody here.
func (e *Evidence) checkIDToken(f *findings) {
	t, id := e.Token, e.subject()
	switch {
	case t == nil, e.Config == nil, e.additional(t.text("iss")):
		return
	case id == nil:
		f.add("token-refused", Finding{
			What:    "This is no ID token: with iam.tokenSource: id_token Portico reads roles from the ID token of its own sign-in, and takes no other token of this issuer.",
			Seen:    t.describe(),
			Setting: "To have a sign-in looked at, give the ID token or the token endpoint's whole answer. API clients: an access token of an issuer in sts.iam.additional.",
		})
		return
	}
	e.checkTokenIssuer(f, id)
	if aud := id.list("aud"); !slices.Equal(aud, []string{e.Config.IAM.ClientID}) {
		f.add("audience", Finding{
			What: "The ID token is not for our client alone.", Seen: fmt.Sprintf("aud of the ID token is %s, iam.clientId is %s", clip(orNone(aud)), clip(e.Config.IAM.ClientID)),
			Near: nearMiss(strings.Join(aud, " "), e.Config.IAM.ClientID), Console: atSecrets, steps: []step{},
			Setting: "iam.clientId: the Client ID of the application that people sign in with; sts.iam.tokenValidation.aud left out",
		})
	}
	if id.Judged && fault.Unauthenticated.Is(id.Verdict) {
		f.add("token-refused", Finding{
			What: "Portico refuses this ID token.", Seen: clip(fault.Of(id.Verdict).Detail), Setting: "See docs/configuration.md, sts.iam.tokenValidation",
		})
	}
}

// checkGroupsScope: the organisation's own server has no claims that could be made, only groups, and those for the scope.
func checkGroupsScope(e *Evidence, f *findings) {
	if e.Config == nil || !e.idTokens() || !isBare(e.Client.Issuer) || e.Config.STS.IAM.RolePath != "groups" && e.AppClaim == nil || slices.Contains(e.Config.IAM.Scopes, "groups") {
		return
	}
	if e.Probes != nil && !e.Probes.Organisation && e.Probes.Net == nil { // not Okta's
		return
	}
	f.add("claim-scope", Finding{
		What: "The organisation's own server sends its claim of groups for the scope groups only, which is not asked for.", Seen: "iam.scopes is " + orNone(e.Config.IAM.Scopes),
		Setting: "iam.scopes: with groups", Console: atSignOnTokens, steps: []step{},
		settings: []config.Setting{{Key: "iam.scopes", Value: append(slices.Clone(e.Config.IAM.Scopes), "groups")}},
	})
}
