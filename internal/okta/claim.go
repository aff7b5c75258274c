package okta

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

const (
	atClaims = atServers + " > Claims"

	// manyGroups is where a groups claim comes near Okta's limit: above a hundred in one token it refuses the sign-in.
	manyGroups = 80
)

// ensureClaim is the roles claim of step 4: the one that is there, or a new one.
func (r *run) ensureClaim(ctx context.Context) error {
	existing, err := r.findClaim(ctx)
	if err != nil {
		return err
	}
	if err := r.refuseNewGroups(existing != nil); err != nil {
		return err
	}
	p := part{key: "claim", console: atClaims, collection: r.serverPath("claims")}
	r.claimName = r.Claim.Name
	if existing != nil {
		r.claimName, p.id, r.claimScopes = existing.text("name"), existing.id(), existing.texts("conditions.scopes")
	} else {
		r.claimName = r.Setup.claimName()
	}
	if known := r.record.of("claim"); known != nil && known.Made {
		r.claimScopes = nil // whatever somebody bound it to: wantClaim sets it free
	}
	p.title = fmt.Sprintf("Claim %q in access tokens", r.claimName)
	p.name = fields{"name": r.claimName, "claimType": "RESOURCE"}
	p.fresh = object{"name": r.claimName, "claimType": "RESOURCE", "valueType": "GROUPS"}
	p.want = r.wantClaim
	p.danger = func(_ object, ours bool, changed []Change) string {
		if !ours && slices.ContainsFunc(changed, func(c Change) bool { return c.Field == "value" }) {
			return "The claim is in the tokens of every application that uses this authorization server: from now on they carry the bootstrap role too, for its members."
		}
		return ""
	}
	if existing == nil {
		if err := r.noteFilter(ctx); err != nil {
			return err
		}
	}
	r.plan.Values.RolePath, r.plan.Values.AdminRole = rolePath(r.claimName), r.Bootstrap.Group
	_, err = r.ensure(ctx, p)
	return err
}

// rolePath writes a claim's name as sts.iam.rolePath: a dot would be a step into an object.
func rolePath(name string) string {
	if strings.Contains(name, ".") && !strings.Contains(name, "://") {
		return "$['" + name + "']"
	}
	return name
}

// findClaim finds the claim that the setup names; without a name the one that carries groups already, if it is plain which.
func (r *run) findClaim(ctx context.Context) (object, error) {
	if r.server == nil {
		return nil, nil
	}
	all, err := r.client.list(ctx, r.serverPath("claims"))
	if err != nil {
		return nil, err
	}
	named := func(name string) object {
		i := slices.IndexFunc(all, func(c object) bool { return c.text("claimType") == "RESOURCE" && c.text("name") == name })
		if i < 0 {
			return nil
		}
		return all[i]
	}
	if r.Claim.Name != "" {
		return named(r.Claim.Name), nil
	}
	if roles := named(rolesClaim); roles != nil {
		return roles, nil
	}
	carriers := slices.DeleteFunc(all, func(c object) bool {
		return c.text("claimType") != "RESOURCE" || c.text("status") != "ACTIVE" || c.text("valueType") != "GROUPS"
	})
	if len(carriers) > 1 {
		names := make([]string, 0, len(carriers))
		for _, c := range carriers {
			names = append(names, c.text("name"))
		}
		return nil, fmt.Errorf("several claims carry groups (%s): say in claim.name which one holds the roles", strings.Join(names, ", "))
	}
	if len(carriers) == 1 {
		return carriers[0], nil
	}
	return nil, nil
}

func (r *run) wantClaim(live object, ours bool) (fields, error) {
	if ours {
		kind, value := r.Claim.filter()
		if err := r.letsBootstrapThrough(kind, value); err != nil {
			return nil, err
		}
		return fields{
			"valueType": "GROUPS", "group_filter_type": kind, "value": value, "status": "ACTIVE",
			"alwaysIncludeInToken": true, "conditions.scopes": []any{},
		}, nil
	}
	want := fields{"status": "ACTIVE"}
	value, wide, err := r.widened(live)
	if err != nil {
		return nil, err
	}
	if !wide {
		return want, nil
	}
	if !r.Claim.Widen {
		return nil, fmt.Errorf("the claim %q (%s) leaves the bootstrap role %q out, so nobody could administer. Either name a group that it lets through in bootstrap.group, and sts.iam.adminRole follows; or set claim.widen: true to change the claim, for every application that uses this authorization server",
			live.text("name"), describeClaim(live), r.Bootstrap.Group)
	}
	want["value"] = value
	if live.text("valueType") == "GROUPS" {
		want["group_filter_type"] = "REGEX"
	}
	return want, nil
}

// letsBootstrapThrough refuses a filter of the setup's by which nobody could administer.
func (s *Setup) letsBootstrapThrough(kind, value string) error {
	if lets, judged := admits(kind, value, s.Bootstrap.Group); judged && !lets {
		return fmt.Errorf("claim: the filter %s %q leaves the group %q out, so nobody could administer: choose a bootstrap.group that fits, or let both through: claim: {regex: %q}", filterNames[kind], value, s.Bootstrap.Group, withGroup(kind, value, s.Bootstrap.Group))
	}
	return nil
}

// widened says what an existing claim's value must become to hold the bootstrap role, and whether it must change.
func (r *run) widened(live object) (value string, wide bool, err error) {
	old := live.text("value")
	switch live.text("valueType") {
	case "GROUPS":
		kind := live.text("group_filter_type")
		lets, judged := admits(kind, old, r.Bootstrap.Group)
		if !judged {
			r.note("The filter of the claim %q (%s) can't be judged here: verify, and sign in as an administrator, to see whether it lets %q through.", live.text("name"), describeClaim(live), r.Bootstrap.Group)
			return "", false, nil
		}
		return withGroup(kind, old, r.Bootstrap.Group), !lets, nil
	case "EXPRESSION":
		if strings.Contains(old, `"`+r.Bootstrap.Group+`"`) {
			return "", false, nil
		}
		if !r.Claim.Widen {
			r.note("The claim %q is an expression, which only a sign-in can judge. If it leaves the role %q out, set claim.widen: true.", live.text("name"), r.Bootstrap.Group)
			return "", false, nil
		}
		group := quoted(r.Bootstrap.Group)
		return fmt.Sprintf("Arrays.flatten((%s) ?: {}, isMemberOfGroupName(%s) ? {%s} : {})", old, group, group), true, nil
	}
	return "", false, fmt.Errorf("the claim %q is of the type %s: expected groups or an expression; give another name in claim.name", live.text("name"), live.text("valueType"))
}

func describeClaim(c object) string {
	if c.text("valueType") == "GROUPS" {
		return fmt.Sprintf("groups, %s %q", c.text("group_filter_type"), c.text("value"))
	}
	return strings.ToLower(c.text("valueType"))
}

// admits tells whether a group filter lets a name through. A regular expression of Java's that Go does not know can't be
// judged. A blank filter includes all (okta.md 3).
func admits(kind, value, name string) (lets, judged bool) {
	if value == "" {
		return true, true
	}
	switch kind {
	case "STARTS_WITH":
		return strings.HasPrefix(name, value), true
	case "CONTAINS":
		return strings.Contains(name, value), true
	case "EQUALS":
		return name == value, true
	}
	if _, err := regexp.Compile(value); err != nil {
		return false, false
	}
	whole, err := regexp.Compile(`\A(?:` + value + `)\z`)
	if err != nil {
		return false, false
	}
	return whole.MatchString(name), true
}

// withGroup is the filter that lets one more name through.
func withGroup(kind, value, group string) string {
	return "(?:" + asRegex(kind, value) + ")|(?:" + regexp.QuoteMeta(group) + ")"
}

// LetBootstrapThrough widens a filter that was asked for, so that the bootstrap group is in the claim too.
func (s *Setup) LetBootstrapThrough() {
	kind, value := s.Claim.filter()
	if lets, judged := admits(kind, value, s.Bootstrap.Group); judged && !lets {
		s.Claim = Claim{Name: s.Claim.Name, Regex: withGroup(kind, value, s.Bootstrap.Group)}
	}
}

// asRegex writes any filter as the regular expression that lets the same names through.
func asRegex(kind, value string) string {
	switch kind {
	case "STARTS_WITH":
		return regexp.QuoteMeta(value) + ".*"
	case "CONTAINS":
		return ".*" + regexp.QuoteMeta(value) + ".*"
	case "EQUALS":
		return regexp.QuoteMeta(value)
	}
	return value
}

// letsEveryone tells that the built-in group of that name, in which everybody is, passes a filter.
func letsEveryone(kind, value string) bool {
	lets, judged := admits(kind, value, everyone)
	return lets && judged
}

// noteFilter says whom a new claim's filter lets through that its author may not have in mind: Everyone, and more groups
// than Okta puts into one token.
func (r *run) noteFilter(ctx context.Context) error {
	if r.applying {
		return nil
	}
	kind, value := r.Claim.filter()
	if letsEveryone(kind, value) {
		r.note("The claim's filter (%s %s) includes %[3]s, the group that everybody is in: all tokens carry that role, and a mapping of it in the Desk would be for everybody. claim.startsWith or claim.regex leaves it out.", filterNames[kind], value, everyone)
	}
	groups, err := r.client.list(ctx, query(groupsPath, map[string]string{"limit": "1000"}))
	if err != nil {
		return err
	}
	matching := 0
	for _, group := range groups {
		if lets, judged := admits(kind, value, group.text("profile.name")); lets && judged && group.text("type") != "APP_GROUP" {
			matching++
		}
	}
	if matching > manyGroups {
		r.note("%d groups match the claim's filter. Okta refuses the sign-in of anybody who is in more than 100 of them: narrow it by claim.startsWith or claim.regex.", matching)
	}
	return nil
}

// ensureNames puts the names into access tokens, where the Desk finds them first. It does without, from userinfo.
func (r *run) ensureNames(ctx context.Context) error {
	if !r.Names {
		return nil
	}
	for _, name := range []struct{ claim, value string }{{"given_name", "user.firstName"}, {"family_name", "user.lastName"}} {
		_, err := r.ensure(ctx, part{
			key: "claim " + name.claim, title: fmt.Sprintf("Claim %q in access tokens", name.claim), console: atClaims,
			collection: r.serverPath("claims"), name: fields{"name": name.claim, "claimType": "RESOURCE"},
			fresh: object{"name": name.claim, "claimType": "RESOURCE", "status": "ACTIVE", "alwaysIncludeInToken": true},
			want: func(_ object, ours bool) (fields, error) {
				if !ours { // somebody has named it: theirs to say what it holds
					return fields{}, nil
				}
				return fields{"valueType": "EXPRESSION", "value": name.value, "conditions.scopes": list("profile")}, nil
			},
		})
		if err != nil {
			return err
		}
	}
	return nil
}
