package okta

import (
	"cmp"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
)

// signs stand before a step, as readers of other plans know them.
var signs = map[Action]string{Keep: " ", Create: "+", Add: "+", Write: "+", Alter: "~", Revert: "~", Remove: "-", ByHand: "!"}

// labels are the fields as the console calls them. Others stand as the API calls them.
var labels = map[string]string{
	"settings.oauthClient.redirect_uris":                 "Sign-in redirect URIs",
	"settings.oauthClient.post_logout_redirect_uris":     "Sign-out redirect URIs",
	"settings.oauthClient.grant_types":                   "Grant types",
	"settings.oauthClient.application_type":              "Application type",
	"credentials.oauthClient.token_endpoint_auth_method": "Client authentication",
	"credentials.oauthClient.pkce_required":              "Require PKCE",
	"settings.oauthClient.response_types":                "Response types",
	"settings.oauthClient.refresh_token":                 "Refresh token",
	"settings.oauthClient.refresh_token.rotation_type":   "Refresh token behavior",
	"settings.oauthClient.refresh_token.leeway":          "Grace period for token rotation, seconds",
	"settings.oauthClient.dpop_bound_access_tokens":      "Require Demonstrating Proof of Possession (DPoP)",
	"settings.oauthClient.wildcard_redirect":             "Allow wildcard * in sign-in URI redirect",
	"settings.oauthClient.consent_method":                "User consent",
	"label":                                              "App integration name",
	"actions.token.accessTokenLifetimeMinutes":           "Access token lifetime, minutes",
	"actions.token.refreshTokenLifetimeMinutes":          "Refresh token lifetime, minutes",
	"actions.token.refreshTokenWindowMinutes":            "but will expire if not used every, minutes",
	"conditions.people.users.exclude":                    "Excluded users",
	"conditions.people.groups.exclude":                   "Excluded groups",
	"alwaysIncludeInToken":                               "Always include in token",
	"profile.name":                                       "Name",
	"audiences":                                          "Audience",
	"valueType":                                          "Value type",
	"group_filter_type":                                  "Filter",
	"value":                                              "Value",
	"status":                                             "Status",
	"priority":                                           "Priority",
	"conditions.clients.include":                         "Assigned to clients",
	"conditions.grantTypes.include":                      "Grant type is",
	"conditions.people.groups.include":                   "User is",
	"conditions.scopes.include":                          "Scopes requested",
	"conditions.scopes":                                  "Include in scopes",
}

// words are values as the console has them.
var words = map[string]string{
	"authorization_code": "Authorization Code", "refresh_token": "Refresh Token", "client_credentials": "Client Credentials", "implicit": "Implicit",
	"client_secret_basic": "Client secret", "client_secret_post": "Client secret", "web": "Web Application", "code": "Code",
	"GROUPS": "Groups", "EXPRESSION": "Expression", "ACTIVE": "Active", "INACTIVE": "Inactive",
	"STARTS_WITH": filterNames["STARTS_WITH"], "CONTAINS": filterNames["CONTAINS"], "EQUALS": filterNames["EQUALS"], "REGEX": filterNames["REGEX"],
	"ROTATE": "Rotate token after every use", "STATIC": "Use persistent token",
	"EVERYONE": "Any user assigned the app", "ALL_CLIENTS": "All clients",
}

// inWords writes a value of a field for people. Only what is a choice in the console has words of its own: names stay names.
func inWords(field string, value any) string {
	switch field {
	case clientPath + "grant_types", clientPath + "refresh_token.rotation_type", clientPath + "response_types", clientPath + "application_type", "credentials.oauthClient.token_endpoint_auth_method",
		"valueType", "status", "group_filter_type", "conditions.grantTypes.include", "conditions.people.groups.include", "conditions.clients.include":
	default:
		return display(value)
	}
	switch v := value.(type) {
	case string:
		return cmp.Or(words[v], clip(v))
	case []any:
		if len(v) > 0 {
			parts := make([]string, 0, len(v))
			for _, item := range v {
				parts = append(parts, inWords(field, item))
			}
			return strings.Join(parts, ", ")
		}
	}
	return display(value)
}

// Print writes the plan for people. verb is what it is a plan of, or "applied" and "undone" when it was carried out, which
// was told step by step already.
func (p *Plan) Print(w io.Writer, verb string) {
	if verb == "apply" || verb == "undo" {
		for _, s := range p.Steps {
			s.Print(w)
		}
		fmt.Fprintln(w)
	}
	if left := p.ByHand(); verb == "applied" && len(left) > 0 {
		fmt.Fprintln(w, "Left to do by hand, in Okta's console:")
		for _, s := range left {
			s.Print(w)
		}
		fmt.Fprintln(w)
	}
	for _, note := range p.Notes {
		fmt.Fprintf(w, "Note: %s\n\n", note)
	}
	p.summary(w, verb)
}

// Print writes one step.
func (s Step) Print(w io.Writer) {
	if s.Action == Keep {
		fmt.Fprintf(w, "  %s: as it should be\n", s.Title)
		return
	}
	title := s.Title
	switch {
	case s.Unseen:
		title += ": by hand, if it is not so yet (Okta does not show it to us)"
	case s.Action == ByHand:
		title += ": by hand, for Okta has no API for it"
	}
	fmt.Fprintf(w, "%s %s\n", signs[s.Action], title)
	for _, c := range s.Changes {
		to := inWords(c.Field, c.To)
		switch {
		case s.Action == Create && (c.To == nil || to == "nothing" || to == words["ACTIVE"]):
			continue // as everything new is
		case s.Action != Create && c.From != nil:
			to = inWords(c.Field, c.From) + " -> " + to
		}
		fmt.Fprintf(w, "    %s: %s\n", cmp.Or(labels[c.Field], c.Field), to)
	}
	if s.Console != "" {
		fmt.Fprintf(w, "    at %s\n", s.Console)
	}
	if s.Danger != "" {
		fmt.Fprintf(w, "    DANGER: %s\n", s.Danger)
	}
}

func (p *Plan) summary(w io.Writer, verb string) {
	count := 0
	for _, s := range p.Steps {
		if s.ours() {
			count++
		}
	}
	switch {
	case count == 0 && (verb == "undo" || verb == "undone"):
		fmt.Fprintln(w, "Nothing to undo.")
	case verb == "undo":
		fmt.Fprintf(w, "%s to take back.\n", steps(count))
	case verb == "undone":
		fmt.Fprintf(w, "%s taken back.\n", steps(count))
	case verb == "apply" && count == 0 && len(p.ByHand()) > 0:
		fmt.Fprintln(w, "Nothing to do but what is left to you (!). portico okta verify sees whether it was done.")
	case verb == "apply" && count == 0:
		fmt.Fprintln(w, "No changes: Okta and the configuration are as they should be.")
	case verb == "apply":
		fmt.Fprintf(w, "%s to do. A service application needs the scopes %s.\n", steps(count), strings.Join(p.Scopes, ", "))
	default:
		if count == 0 {
			fmt.Fprint(w, "No changes were needed.\n\n")
		} else {
			fmt.Fprintf(w, "%s done.\n\n", steps(count))
		}
		p.Values.print(w)
	}
}

func steps(n int) string {
	if n == 1 {
		return "1 step"
	}
	return fmt.Sprintf("%d steps", n)
}

// print writes the guide's table.
func (v Values) print(w io.Writer) {
	table := tabwriter.NewWriter(w, 0, 0, 3, ' ', 0)
	for _, row := range [][2]string{
		{"Client ID", v.ClientID},
		{"Issuer URI", v.Issuer},
		{"OIDC Discovery URL", v.DiscoveryURL},
		{"sts.iam.tokenValidation.aud", v.Audience},
		{"sts.iam.rolePath", v.RolePath},
		{"sts.iam.adminRole", v.AdminRole},
		{"iam.tokenSource", v.TokenSource},
	} {
		if row[1] == "" {
			continue
		}
		fmt.Fprintf(table, "  %s\t%s\n", row[0], row[1])
	}
	_ = table.Flush()
}
