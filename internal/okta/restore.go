package okta

import (
	"fmt"
	"slices"
	"strings"
)

// What the next apply puts back of what it made, beside what a sign-in needs anyway. docs/okta.md lists it; what is not here,
// such as lifetimes, is whoever's who changes it.

const (
	signInURIs  = clientPath + "redirect_uris"
	signOutURIs = clientPath + "post_logout_redirect_uris"

	rotation = clientPath + "refresh_token"
	grace    = float64(30) // seconds

	excludedUsers  = "conditions.people.users.exclude"
	excludedGroups = "conditions.people.groups.exclude"
)

// restoreApplication wants of an application that apply made what it was made with.
func (r *run) restoreApplication(live object, want fields) {
	want[clientPath+"application_type"] = "web"
	want["credentials.oauthClient.token_endpoint_auth_method"] = "client_secret_basic"
	want["credentials.oauthClient.pkce_required"] = true
	rotate(live, want)
	for path, value := range (fields{
		"label":                                 r.Application.Label,
		clientPath + "dpop_bound_access_tokens": false,
		clientPath + "wildcard_redirect":        "DISABLED",
		clientPath + "consent_method":           "TRUSTED",
	}) {
		if now := live.at(path); now != nil && now != value { // an organisation need not have them all
			want[path] = value
		}
	}
}

// rotate makes each refresh token count once, with a grace for requests under way (RFC 9700 section 4.14.2). Another grace
// than ours does as well, none does not.
func rotate(live object, want fields) {
	want[rotation+".rotation_type"], want[rotation+".leeway"] = "ROTATE", grace
	if own := live.number(rotation + ".leeway"); own > 0 {
		want[rotation+".leeway"] = own
	}
}

// addresses are redirect URIs as they shall be. All of an application that apply made are the setup file's to say; of another
// application only those that apply registered for an earlier file go.
func (r *run) addresses(live object, path, wanted string, ours bool) []any {
	if ours {
		return list(wanted)
	}
	known := r.record.of("application")
	rest := slices.DeleteFunc(live.texts(path), func(uri string) bool {
		return uri != wanted && known != nil && contains(known.After[path], uri) && !contains(known.Before[path], uri)
	})
	return union(rest, wanted)
}

// unregistering says what it means that redirect URIs go.
func unregistering(changed []Change) string {
	var gone []string
	for _, c := range changed {
		from, _ := c.From.([]any)
		for _, uri := range from {
			if text := display(uri); (c.Field == signInURIs || c.Field == signOutURIs) && !contains(c.To, text) && !slices.Contains(gone, text) {
				gone = append(gone, text)
			}
		}
	}
	if len(gone) == 0 {
		return ""
	}
	return fmt.Sprintf("%s would be removed, for the setup file does not name it: whatever still sends people there can't sign them in or out any more.", strings.Join(gone, ", "))
}

// restoreRule ends exclusions in a rule that apply made: the rule is for everybody who is assigned.
func restoreRule(live object, want fields) {
	for _, path := range []string{excludedUsers, excludedGroups} {
		if len(live.texts(path)) > 0 {
			want[path] = []any{}
		}
	}
}

// readmitting says what that means.
func readmitting(changed []Change) string {
	if !slices.ContainsFunc(changed, func(c Change) bool { return c.Field == excludedUsers || c.Field == excludedGroups }) {
		return ""
	}
	return "Somebody excluded them from the sign-in, perhaps on purpose, and they could sign in again. To keep somebody out, take the assignment to the application away instead."
}

// sinceOurs is what the record notes of a list: what it held at first and what apply added, but not what others added since.
func sinceOurs(change Change, before, after any) any {
	to, isList := change.To.([]any)
	if !isList {
		return change.To
	}
	return slices.DeleteFunc(slices.Clone(to), func(item any) bool {
		text, _ := item.(string)
		return contains(change.From, text) && !contains(before, text) && !contains(after, text)
	})
}
