package doctor

import (
	"fmt"

	"github.com/portico-iam/portico/internal/config"
	"github.com/portico-iam/portico/internal/okta"
)

// noClaimAPI is why a person sets the application's claim: okta apply only reads it.
const noClaimAPI = "Okta has no public API for the application's groups claim"

// checkAppClaim: at the organisation's own server roles come by a claim that is set on the application, by hand. Is there
// one, and is it called what we read?
func checkAppClaim(e *Evidence, f *findings) {
	if !e.claimOfApp() || !e.AppClaimSeen {
		return
	}
	path, _ := e.rolePath()
	c := e.AppClaim
	if c == nil {
		f.add("claim-missing", Finding{
			What: "The application has no groups claim, so nobody has roles.", Seen: fmt.Sprintf("no groups claim is set on %q", e.Org.App.Label),
			Setting: "Groups claim type: Filter. " + e.appFilter(e.appClaimName()), Console: atSignOnTokens, steps: []step{}, hand: noClaimAPI,
		})
		return
	}
	if e.roleClaim() != nil {
		e.checkClaim(f, c)
		return
	}
	finding := Finding{
		What: "The application's groups claim has another name than sts.iam.rolePath.",
		Seen: fmt.Sprintf("the claim is %s (%s), sts.iam.rolePath is %s", clip(c.Name), c.Describe(), path),
		Near: nearMiss(c.Name, path.String()), Setting: "sts.iam.rolePath: " + clip(rolePathOf(c.Name)), Console: atSignOnTokens,
	}
	switch {
	case path.String() == e.Setup.Claim.Name: // what both files say is meant
		finding.Setting, finding.hand = e.appFilter(path.String()), noClaimAPI
	case e.Config != nil:
		finding.settings = []config.Setting{{Key: "sts.iam.rolePath", Value: rolePathOf(c.Name)}}
	}
	f.add("claim-name", finding)
}

// appClaimName is what the claim is to be called.
func (e *Evidence) appClaimName() string {
	path, fixed := e.rolePath()
	if fixed {
		return path.String()
	}
	return "groups"
}

// appFilter writes the claim's line as the console has it, with the setup file's filter.
func (e *Evidence) appFilter(name string) string {
	kind, value := e.newFilter()
	return "Groups claim filter: " + name + ", " + okta.InWords(kind, value)
}
