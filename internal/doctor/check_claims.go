package doctor

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/portico-iam/portico/internal/claim"
	"github.com/portico-iam/portico/internal/config"
	"github.com/portico-iam/portico/internal/okta"
)

const (
	mostGroups = 100 // in one claim (okta.md 3)
	manyGroups = 80
)

// rolePath is where roles are expected. Without a configuration, and without a name in the setup file, any claim of groups
// will do: okta apply takes the one that is there.
func (e *Evidence) rolePath() (path claim.Path, fixed bool) {
	name := "roles"
	switch {
	case e.Config != nil:
		name, fixed = e.Config.STS.IAM.RolePath, true
	case e.Setup != nil && e.Setup.Claim.Name != "":
		name, fixed = e.Setup.Claim.Name, true
	}
	path, err := claim.Parse(name)
	if err != nil { // config check says so
		path, _ = claim.Parse("roles")
	}
	return path, fixed
}

// claimType is of the tokens that the roles are read from.
func (e *Evidence) claimType() string {
	if e.idTokens() {
		return "IDENTITY"
	}
	return "RESOURCE"
}

// tokenName is how the console calls those tokens.
func (e *Evidence) tokenName() string {
	if e.idTokens() {
		return "ID Token"
	}
	return "Access Token"
}

// claimOfApp tells that the roles are in a claim that is set on the application: the organisation's own server has no others.
func (e *Evidence) claimOfApp() bool {
	return e.idTokens() && isBare(e.Client.Issuer) && e.Org != nil && e.Org.App != nil && !e.Org.ByLabel
}

// claims are those that may be in a token.
func (e *Evidence) claims() []okta.ClaimFacts {
	switch {
	case e.AppClaim != nil:
		return []okta.ClaimFacts{*e.AppClaim}
	case e.Org != nil && e.Org.Server != nil:
		return e.Org.Server.Claims
	}
	return nil
}

// claimPlace is where the console has the claim that counts, and claimCall what changes it: of the application's there is no
// public API.
func (e *Evidence) claimPlace() string {
	if e.claimOfApp() {
		return atSignOnTokens
	}
	return atClaims
}

func (e *Evidence) claimCall(c *okta.ClaimFacts, with string) string {
	if e.claimOfApp() {
		return ""
	}
	return "PUT " + e.serverPath() + "/claims/" + c.ID + " with " + with
}

// roleClaims are the claims that would be found at the role path.
func (e *Evidence) roleClaims() (all []okta.ClaimFacts) {
	path, fixed := e.rolePath()
	for _, c := range e.claims() {
		_, hit := path.Find(map[string]any{c.Name: true})
		if hit || !fixed && c.Type == e.claimType() && c.ValueType == "GROUPS" {
			all = append(all, c)
		}
	}
	return all
}

// roleClaim is the one that counts; nil when there is none.
func (e *Evidence) roleClaim() *okta.ClaimFacts {
	for _, c := range e.roleClaims() {
		if c.Type == e.claimType() && c.Active() {
			return &c
		}
	}
	return nil
}

// checkClaims: is there an active claim in access tokens that has the roles, for the scopes that are asked for?
func checkClaims(e *Evidence, f *findings) {
	if !e.read("/api/v1/authorizationServers") || e.Org.Server == nil || len(e.Org.Server.Claims) == 0 {
		return
	}
	path, _ := e.rolePath()
	at := func(c *okta.ClaimFacts) string { return e.Org.Server.Path() + "/claims/" + c.ID }
	if c := e.roleClaim(); c != nil {
		e.checkClaim(f, c)
		return
	}
	claims := e.roleClaims()
	if i := slices.IndexFunc(claims, func(c okta.ClaimFacts) bool { return c.Type == e.claimType() }); i >= 0 {
		f.add("claim-inactive", Finding{
			What: fmt.Sprintf("The claim %s is inactive, so nobody has roles.", claims[i].Name), Seen: "its status is INACTIVE", Setting: "Activate the claim.",
			Call: "PUT " + at(&claims[i]) + " with status: ACTIVE",
		})
		return
	}
	if len(claims) > 0 {
		other := map[string]string{"ID Token": "Access Token", "Access Token": "ID Token"}[e.tokenName()]
		f.add("claim-identity", Finding{
			What: fmt.Sprintf("The claim %s is in the %s only, and the roles are read from the %s.", claims[0].Name, other, e.tokenName()),
			Seen: fmt.Sprintf("its claimType is %s", claims[0].Type), Near: fmt.Sprintf("Included in %s, not in %s.", other, e.tokenName()),
			Setting: "Add a claim of the same name, Include in token type: " + e.tokenName(), Call: fmt.Sprintf("POST %s/claims with claimType: %s", e.Org.Server.Path(), e.claimType()),
		})
		return
	}
	for _, c := range e.Org.Server.Claims {
		alike := okta.Plain(c.Name) == okta.Plain(path.String()) || c.ValueType == "GROUPS" && c.Active()
		if c.Type != e.claimType() || !alike {
			continue
		}
		finding := Finding{
			What: "The claim that holds the roles has another name than sts.iam.rolePath.",
			Seen: fmt.Sprintf("the claim is %s (%s), sts.iam.rolePath is %s", c.Name, c.Describe(), path),
			Near: nearMiss(c.Name, path.String()), Setting: "sts.iam.rolePath: " + rolePathOf(c.Name), Call: e.renamed(at(&c), path.String()),
		}
		if e.Config != nil {
			finding.settings = []config.Setting{{Key: "sts.iam.rolePath", Value: rolePathOf(c.Name)}}
		}
		f.add("claim-name", finding)
		return
	}
	name, follows := e.nameToMake(path)
	f.add("claim-missing", Finding{
		What:    fmt.Sprintf("The authorization server has no claim %s for the %s, so nobody has roles.", path, e.tokenName()),
		Seen:    fmt.Sprintf("none of the claims of %q has that name and is for that token", e.Org.Server.Name),
		Setting: fmt.Sprintf("Add Claim: Name %s, Include in token type %s, Value type Groups, Filter %s, Include in Any scope%s", name, e.tokenName(), e.filterInWords(), follows),
		Call:    "POST " + e.Org.Server.Path() + "/claims with " + e.newClaim(name),
	})
}

// newFilter is what a claim that is made lets through: what the setup file says, else what the guide's groups are called.
func (e *Evidence) newFilter() (kind, value string) {
	setup := e.Setup
	if setup == nil {
		setup = &okta.Setup{Claim: okta.Claim{Regex: "^ONE_.*"}}
	}
	return setup.ClaimFilter(e.adminRole())
}

func (e *Evidence) filterInWords() string { return okta.InWords(e.newFilter()) }

// newClaim is the body that makes the claim.
func (e *Evidence) newClaim(name string) string {
	kind, value := e.newFilter()
	always := ""
	if e.idTokens() {
		always = `"alwaysIncludeInToken":true,`
	}
	return fmt.Sprintf(`{"name":%q,"claimType":%q,"valueType":"GROUPS","group_filter_type":%q,"value":%q,%s"conditions":{"scopes":[]}}`, name, e.claimType(), kind, value, always)
}

// refusesName tells that Okta keeps a claim's name in those tokens for itself, though older organisations may have it (okta.md 3).
func (e *Evidence) refusesName(name string) bool { return name == "groups" && !e.idTokens() }

// renamed is the other way round, where a claim has another name than the one that is expected.
func (e *Evidence) renamed(claim, name string) string {
	if e.refusesName(name) {
		return ""
	}
	return "or PUT " + claim + " with name: " + name
}

// nameToMake is what a new claim is called, and what has to follow.
func (e *Evidence) nameToMake(path claim.Path) (name, follows string) {
	if e.refusesName(path.String()) {
		return "roles", "; and sts.iam.rolePath: roles, as Okta makes no claim groups in access tokens"
	}
	return path.String(), ""
}

// rolePathOf writes a claim's name as a path: a dot would be a step into an object.
func rolePathOf(name string) string {
	if strings.Contains(name, ".") && !strings.Contains(name, "://") {
		return "$['" + name + "']"
	}
	return name
}

// checkClaim looks at the claim that counts.
func (e *Evidence) checkClaim(f *findings, c *okta.ClaimFacts) {
	asked := func(s string) bool { return slices.Contains(e.Client.Scopes, s) }
	if len(c.Scopes) > 0 && len(e.Client.Scopes) > 0 && !slices.ContainsFunc(c.Scopes, asked) {
		f.add("claim-scope", Finding{
			What:    fmt.Sprintf("The claim %s is only in tokens for a scope that is not asked for.", c.Name),
			Seen:    fmt.Sprintf("the claim is included in the scopes %s; %s is %s", strings.Join(c.Scopes, " "), e.Client.key("scopes"), strings.Join(e.Client.Scopes, " ")),
			Setting: "Include in: Any scope; or " + e.Client.key("scopes") + " with " + c.Scopes[0], Call: e.claimCall(c, "conditions.scopes: []"),
			settings: e.ours(config.Setting{Key: "iam.scopes", Value: append(slices.Clone(e.Client.Scopes), c.Scopes[0])}),
		})
	}
	if c.ValueType == "EXPRESSION" {
		if why := cmp.Or(brokenExpression(c.Value), e.failed(c.Name)); why != "" {
			f.add("claim-broken", Finding{
				What: fmt.Sprintf("The expression of the claim %s will fail.", c.Name), Seen: why + ": " + clip(c.Value),
				Setting: "Guard against null and stay at the limit, e.g. Groups.startsWith(\"OKTA\",\"ONE_\",100) ?: {}", Call: e.claimCall(c, "value"), Console: e.claimPlace(),
			})
		} else if isText(c.Value) && (e.Config == nil || e.Config.STS.IAM.RoleSeparator == "") {
			f.add("claim-string", Finding{
				What: fmt.Sprintf("The claim %s is one text, not a list: it counts as one role.", c.Name), Seen: "the expression is " + clip(c.Value),
				Setting: "An expression that gives a list, e.g. {" + clip(c.Value) + "} or Groups.…; or sts.iam.roleSeparator", Call: e.claimCall(c, "value"), Console: e.claimPlace(),
			})
		}
	}
	if e.Org.User == nil {
		return
	}
	matching := 0
	for _, g := range e.Org.User.Groups {
		if lets, judged := c.Lets(g.Name); lets && judged && !g.FromDirectory() {
			matching++
		}
	}
	if matching > manyGroups {
		what := fmt.Sprintf("%d groups of %s match the claim's filter: above %d Okta refuses the sign-in.", matching, e.Org.User.Login, mostGroups)
		f.add("too-many-groups", Finding{
			What: what, Seen: c.Describe(), Setting: "A narrower filter, e.g. Starts with ONE_; or an expression with getFilteredGroups", Call: e.claimCall(c, "group_filter_type and value"), Console: e.claimPlace(),
		})
	}
}

// failed tells of a failure of the claim that the System Log has of the last hour.
func (e *Evidence) failed(name string) string {
	for _, event := range e.Org.Events {
		if strings.HasSuffix(event.Reason, "claim_evaluation_failure") && event.Claim == name {
			return strings.TrimSuffix(event.Reason+", "+event.Cause, ", ") + " in the System Log"
		}
	}
	return ""
}
