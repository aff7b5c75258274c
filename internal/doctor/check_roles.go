package doctor

import (
	"fmt"
	"slices"
	"strings"

	"github.com/portico-iam/portico/internal/claim"
	"github.com/portico-iam/portico/internal/config"
	"github.com/portico-iam/portico/internal/okta"
)

// checkTokenRoles reads the roles as every request does.
func checkTokenRoles(e *Evidence, f *findings) {
	t := e.subject()
	if t == nil || t.Kind != AccessToken && !e.idTokens() || e.Config != nil && e.additional(t.text("iss")) {
		return
	}
	path, _ := e.rolePath()
	separator, role := "", "ONE_STS_ADMIN"
	if e.Config != nil {
		separator, role = e.Config.STS.IAM.RoleSeparator, strings.TrimSpace(e.Config.STS.IAM.AdminRole)
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
				setting := "The group's name: exactly " + role
				if e.Config != nil && got == strings.TrimSpace(got) { // a name that we could have too
					setting += "; or, if the group is meant to be called so, sts.iam.adminRole: " + clip(got)
				}
				f.add("admin-name", Finding{
					What: "The token has a role that is nearly the bootstrap role.", Seen: fmt.Sprintf("%q, expected %q", clip(got), role), Near: nameMiss(got, role),
					Setting: setting, Call: "PUT /api/v1/groups/{id} with {\"profile\":{\"name\":\"" + role + "\"}}",
				})
			}
		}
		return
	}
	switch {
	case e.Config == nil && e.Setup == nil, e.otherName(f, t, path):
	case e.idTokens(): // userinfo may have them
	default:
		e.noRoles(f, path)
	}
}

// otherName finds a claim that looks like the roles, by another name than the configured one.
func (e *Evidence) otherName(f *findings, t *Token, path claim.Path) bool {
	for _, name := range sortedKeys(t.Claims) {
		_, list := t.Claims[name].([]any)
		alike := okta.Plain(name) == okta.Plain(path.String())
		usual := list && slices.Contains([]string{"groups", "roles", "role", "group", "permissions"}, strings.ToLower(name[strings.LastIndexAny(name, "/:.")+1:]))
		if t.Claims[name] == nil || !alike && !usual {
			continue
		}
		finding := Finding{
			What: "The claim that holds the roles has another name than sts.iam.rolePath.", Seen: fmt.Sprintf("the token has %s, sts.iam.rolePath is %s", clip(name), path),
			Near: nearMiss(name, path.String()), Setting: "sts.iam.rolePath: " + clip(rolePathOf(name)),
			Call: e.renamed(e.serverPath()+"/claims/{id}", path.String()),
		}
		if e.Config != nil {
			finding.settings = []config.Setting{{Key: "sts.iam.rolePath", Value: rolePathOf(name)}}
		}
		f.add("claim-name", finding)
		return true
	}
	return false
}

// noRoles: they are in ID tokens only, or this person has no group for the claim, or there is none.
func (e *Evidence) noRoles(f *findings, path claim.Path) {
	if e.Token.ID != nil {
		if _, has := path.Find(e.Token.ID.Claims); has {
			f.add("claim-identity", Finding{
				What: fmt.Sprintf("The claim %s is in ID tokens only.", path), Seen: "the ID token has it, the access token does not",
				Near:    "Included in ID Token, not in Access Token.",
				Setting: "A claim of the same name, Include in token type: Access Token", Call: "POST " + e.serverPath() + "/claims with claimType: RESOURCE",
			})
			return
		}
	}
	if e.Token.ofMachine() { // no groups there
		return
	}
	if c := e.roleClaim(); c != nil && e.Org.User != nil {
		f.add("no-roles", Finding{
			What:    "The token has no roles because this person has no group that the claim lets through: Okta leaves an empty claim out.",
			Seen:    fmt.Sprintf("%s (%s); groups of %s: %s", c.Name, c.Describe(), e.Org.User.Login, clip(groupNames(e.Org.User.Groups))),
			Setting: "As it should be for somebody without roles; else put them into a group that the filter lets through.",
			Call:    "PUT /api/v1/groups/{id}/users/" + e.Org.User.ID,
		})
		return
	}
	if e.Org != nil && e.Org.Server != nil && len(e.Org.Server.Claims) > 0 && e.roleClaim() == nil { // checkClaims says why
		return
	}
	name, follows := e.nameToMake(path)
	f.add("claim-missing", Finding{
		What:    fmt.Sprintf("The token has no claim %s: there is none for access tokens, it is bound to a scope that was not asked for, or this person has no group that it lets through.", path),
		Seen:    "the token's claims are " + clip(strings.Join(sortedKeys(e.Token.Claims), ", ")),
		Setting: fmt.Sprintf("A claim %s, Include in token type: Access Token, Include in: Any scope%s", name, follows),
		Call:    "POST " + e.serverPath() + "/claims with " + e.newClaim(name),
	})
}

func groupNames(groups []okta.GroupFacts) string {
	var names []string
	for _, g := range groups {
		names = append(names, g.Name)
	}
	return orNone(names)
}
