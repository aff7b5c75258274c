package doctor

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strconv"
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

// roleClaims are the server's claims that would be found at the role path.
func (e *Evidence) roleClaims() (all []okta.ClaimFacts) {
	path, fixed := e.rolePath()
	for _, c := range e.Org.Server.Claims {
		_, hit := path.Find(map[string]any{c.Name: true})
		if hit || !fixed && c.Type == e.claimType() && c.ValueType == "GROUPS" {
			all = append(all, c)
		}
	}
	return all
}

// roleClaim is the one that counts; nil when there is none.
func (e *Evidence) roleClaim() *okta.ClaimFacts {
	if e.Org == nil || e.Org.Server == nil {
		return nil
	}
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
			What: fmt.Sprintf("The claim %s is inactive.", claims[i].Name), Seen: "status INACTIVE", Setting: "Activate it.", Call: "PUT " + at(&claims[i]) + " with status: ACTIVE",
		})
		return
	}
	if len(claims) > 0 && !e.idTokens() {
		f.add("claim-identity", Finding{
			What: fmt.Sprintf("The claim %s is in ID tokens only.", claims[0].Name), Seen: "claimType IDENTITY", Near: "Included in ID Token, not in Access Token.",
			Setting: "A claim of the same name, Include in token type: Access Token", Call: "POST " + e.Org.Server.Path() + "/claims with claimType: RESOURCE",
		})
		return
	}
	for _, c := range e.Org.Server.Claims {
		alike := okta.Plain(c.Name) == okta.Plain(path.String()) || c.ValueType == "GROUPS"
		if c.Type != e.claimType() || !c.Active() || !alike {
			continue
		}
		finding := Finding{
			What: "The claim that holds the roles has another name than sts.iam.rolePath.", Seen: fmt.Sprintf("the claim is %s (%s), sts.iam.rolePath is %s", c.Name, c.Describe(), path),
			Near: nearMiss(c.Name, path.String()), Setting: "sts.iam.rolePath: " + rolePathOf(c.Name), Call: "or PUT " + at(&c) + " with name: " + path.String(),
		}
		if e.Config != nil {
			finding.settings = []config.Setting{{Key: "sts.iam.rolePath", Value: rolePathOf(c.Name)}}
		}
		f.add("claim-name", finding)
		return
	}
	f.add("claim-missing", Finding{
		What: fmt.Sprintf("The authorization server has no claim %s for access tokens.", path), Seen: fmt.Sprintf("the claims of %q", e.Org.Server.Name),
		Setting: fmt.Sprintf("Name %s, Include in token type: Access Token, Value type: Groups, Include in: Any scope", path),
		Call:    "POST " + e.Org.Server.Path() + "/claims with {\"name\":\"" + path.String() + "\",\"claimType\":\"RESOURCE\",\"valueType\":\"GROUPS\",\"group_filter_type\":\"REGEX\",\"value\":\"^ONE_.*\",\"conditions\":{\"scopes\":[]}}",
	})
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
	path := e.Org.Server.Path() + "/claims/" + c.ID
	asked := func(s string) bool { return slices.Contains(e.Client.Scopes, s) }
	if len(c.Scopes) > 0 && len(e.Client.Scopes) > 0 && !slices.ContainsFunc(c.Scopes, asked) {
		f.add("claim-scope", Finding{
			What: fmt.Sprintf("The claim %s is only in tokens for a scope that is not asked for.", c.Name), Seen: fmt.Sprintf("conditions.scopes %s; %s %s", strings.Join(c.Scopes, " "), e.Client.key("scopes"), strings.Join(e.Client.Scopes, " ")),
			Setting: "Include in: Any scope; or " + e.Client.key("scopes") + " with " + c.Scopes[0], Call: "PUT " + path + " with conditions.scopes: []",
			settings: e.ours(config.Setting{Key: "iam.scopes", Value: append(slices.Clone(e.Client.Scopes), c.Scopes[0])}),
		})
	}
	if c.ValueType == "EXPRESSION" {
		if why := brokenExpression(c.Value); why != "" {
			f.add("claim-broken", Finding{
				What: fmt.Sprintf("The expression of the claim %s will fail.", c.Name), Seen: why + ": " + clip(c.Value),
				Setting: "Guard against null and stay at the limit, e.g. Groups.startsWith(\"OKTA\",\"ONE_\",100) ?: {}", Call: "PUT " + path + " with value",
			})
		} else if isText(c.Value) && (e.Config == nil || e.Config.STS.IAM.RoleSeparator == "") {
			f.add("claim-string", Finding{
				What: fmt.Sprintf("The claim %s is one text, not a list: it counts as one role.", c.Name), Seen: "the expression is " + clip(c.Value),
				Setting: "An expression that gives a list, e.g. {" + clip(c.Value) + "} or Groups.…; or sts.iam.roleSeparator", Call: "PUT " + path + " with value",
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
			What: what, Seen: c.Describe(), Setting: "A narrower filter, e.g. Starts with ONE_; or an expression with getFilteredGroups", Call: "PUT " + path,
		})
	}
}

var (
	groupsCall = regexp.MustCompile(`Groups\.(?:startsWith|contains|endsWith)\([^)]*,\s*(\d+)\s*\)`)
	attribute  = regexp.MustCompile(`^\s*(?:user|appuser|app\.profile)\.[A-Za-z0-9_]+\s*$`)
)

// brokenExpression finds what Okta accepts when it is saved and fails on when a token is due (okta.md 3). It only speaks
// where it is sure.
func brokenExpression(value string) string {
	for _, m := range groupsCall.FindAllStringSubmatch(value, -1) {
		if n, err := strconv.Atoi(m[1]); err == nil && (n > mostGroups || n < 1) {
			return fmt.Sprintf("a limit of %d, from 1 to %d is allowed", n, mostGroups)
		}
	}
	if strings.Contains(value, "Arrays.flatten(") && !strings.Contains(value, "?:") && !strings.Contains(value, "isEmpty") && strings.Contains(value, "Groups.") {
		return "Arrays.flatten fails where one of its lists is null"
	}
	if strings.Count(value, "(") != strings.Count(value, ")") || strings.Count(value, "{") != strings.Count(value, "}") || strings.Count(value, `"`)%2 != 0 {
		return "brackets or quotes do not match"
	}
	return ""
}

// isText tells of an expression that surely gives one text.
func isText(value string) bool {
	return attribute.MatchString(value) || strings.HasPrefix(strings.TrimSpace(value), "Arrays.toCsvString(") || strings.HasPrefix(strings.TrimSpace(value), "String.")
}

// checkTokenRoles reads the roles as every request does.
func checkTokenRoles(e *Evidence, f *findings) {
	t := e.Token
	if t == nil || t.Kind != AccessToken || e.idTokens() || e.Config == nil && e.Setup == nil || e.Config != nil && e.additional(t.text("iss")) {
		return
	}
	path, _ := e.rolePath()
	separator, role := "", "ONE_STS_ADMIN"
	if e.Config != nil {
		separator, role = e.Config.STS.IAM.RoleSeparator, e.Config.STS.IAM.AdminRole
	}
	value, found := path.Find(t.Claims)
	if text, isString := value.(string); isString && separator == "" {
		f.add("claim-string", Finding{
			What: "The roles are one text, not a list: it counts as one role.", Seen: fmt.Sprintf("%s is %q", path, clip(text)),
			Setting: "An expression that gives a list, e.g. {user.department}; or sts.iam.roleSeparator", Call: "PUT " + e.serverPath() + "/claims/{id} with value",
		})
	}
	if found && value != nil {
		roles, _ := path.Roles(t.Claims, separator)
		for _, got := range roles {
			if got != role && okta.Plain(got) == okta.Plain(role) && !slices.Contains(roles, role) {
				f.add("admin-name", Finding{
					What: "The bootstrap role is nearly in the token.", Seen: fmt.Sprintf("%q, expected %q", clip(got), role), Near: cmp.Or(nearMiss(got, role), "They differ in blanks or punctuation."),
					Setting: "The group's name: exactly " + role + "; or sts.iam.adminRole", Call: "PUT /api/v1/groups/{id} with {\"profile\":{\"name\":\"" + role + "\"}}",
				})
			}
		}
		return
	}
	e.noRoles(f, path)
}

// noRoles: the claim has another name, or this person has no group for it, or there is none.
func (e *Evidence) noRoles(f *findings, path claim.Path) {
	for _, name := range sortedKeys(e.Token.Claims) {
		_, list := e.Token.Claims[name].([]any)
		alike := okta.Plain(name) == okta.Plain(path.String())
		usual := list && slices.Contains([]string{"groups", "roles", "role", "group", "permissions"}, strings.ToLower(name[strings.LastIndexAny(name, "/:.")+1:]))
		if alike || usual {
			finding := Finding{
				What: "The claim that holds the roles has another name than sts.iam.rolePath.", Seen: fmt.Sprintf("the token has %s, sts.iam.rolePath is %s", clip(name), path),
				Near: nearMiss(name, path.String()), Setting: "sts.iam.rolePath: " + clip(rolePathOf(name)), Call: "or PUT " + e.serverPath() + "/claims/{id} with name: " + path.String(),
			}
			if e.Config != nil {
				finding.settings = []config.Setting{{Key: "sts.iam.rolePath", Value: rolePathOf(name)}}
			}
			f.add("claim-name", finding)
			return
		}
	}
	if e.Token.text("uid") == "" { // a machine's: no groups there
		return
	}
	if c := e.roleClaim(); c != nil && e.Org.User != nil {
		f.add("no-roles", Finding{
			What: "The token has no roles because this person has no group that the claim lets through: Okta leaves an empty claim out.", Seen: fmt.Sprintf("%s (%s); groups of %s: %s", c.Name, c.Describe(), e.Org.User.Login, clip(groupNames(e.Org.User.Groups))),
			Setting: "As it should be for somebody without roles; else put them into a group that the filter lets through.", Call: "PUT /api/v1/groups/{id}/users/" + e.Org.User.ID,
		})
		return
	}
	f.add("claim-missing", Finding{
		What: fmt.Sprintf("The token has no claim %s: there is none for access tokens, it is bound to a scope that was not asked for, or this person has no group that it lets through.", path),
		Seen: "the token's claims are " + clip(strings.Join(sortedKeys(e.Token.Claims), ", ")), Setting: fmt.Sprintf("A claim %s, Include in token type: Access Token, Include in: Any scope", path),
		Call: "POST " + e.serverPath() + "/claims",
	})
}

func groupNames(groups []okta.GroupFacts) string {
	var names []string
	for _, g := range groups {
		names = append(names, g.Name)
	}
	return orNone(names)
}
