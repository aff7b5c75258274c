package okta

import (
	"fmt"
	"io"
	"regexp"
	"strings"

	"github.com/hashicorp/hcl/v2/hclwrite"
	"github.com/zclconf/go-cty/cty"

	"github.com/portico-iam/portico/internal/config"
)

// Terraform writes the setup as resources of the provider okta/okta. It asks Okta nothing: what is there already is for
// terraform import. The secret stays in Terraform's state, which is the operator's to protect.
func (s *Setup) Terraform(w io.Writer) error {
	if err := s.refuseNewGroups(false); err != nil {
		return err
	}
	f := hclwrite.NewEmptyFile()
	t := terraform{Setup: s, body: f.Body(), named: map[string]bool{"administrators": true}}
	t.provider()
	if s.onOrgServer() {
		t.application()
		t.groups()
		t.outputs(t.Okta.URL, ref(tfApp+".client_id"))
	} else {
		server := t.server()
		t.application()
		t.groups()
		t.claims(server)
		t.policy(server)
		t.outputs(t.issuer(server), t.audience(server))
	}
	if err := s.terraformHead(w, t.imports); err != nil {
		return err
	}
	_, err := f.WriteTo(w)
	return err
}

type terraform struct {
	*Setup
	body    *hclwrite.Body
	named   map[string]bool
	imports []string // what may be there already
}

const (
	tfApp   = "okta_app_oauth.portico"
	tfGroup = "okta_group.administrators"
	byID    = "local.auth_server"

	idOfServer = "<authorization server id>"
)

// attribute is a value, or a reference to another resource (ref).
type attribute struct {
	name  string
	value any
}

type ref string

func (t *terraform) block(labels []string, attributes ...attribute) {
	fill(t.body.AppendNewBlock(labels[0], labels[1:]).Body(), attributes)
	t.body.AppendNewline()
}

// maybeThere notes a resource that an organisation may have already, and its id as the provider wants it.
func (t *terraform) maybeThere(resource, id string) {
	t.imports = append(t.imports, resource+" "+id)
}

func fill(body *hclwrite.Body, attributes []attribute) {
	for _, a := range attributes {
		switch v := a.value.(type) {
		case ref:
			body.SetAttributeRaw(a.name, hclwrite.TokensForIdentifier(string(v)))
		case []ref:
			var items []hclwrite.Tokens
			for _, item := range v {
				items = append(items, hclwrite.TokensForIdentifier(string(item)))
			}
			body.SetAttributeRaw(a.name, hclwrite.TokensForTuple(items))
		case []string:
			values := make([]cty.Value, 0, len(v))
			for _, item := range v {
				values = append(values, cty.StringVal(item))
			}
			body.SetAttributeValue(a.name, cty.ListVal(values))
		case string:
			body.SetAttributeValue(a.name, cty.StringVal(v))
		case bool:
			body.SetAttributeValue(a.name, cty.BoolVal(v))
		case int:
			body.SetAttributeValue(a.name, cty.NumberIntVal(int64(v)))
		}
	}
}

func (t *terraform) provider() {
	requires := t.body.AppendNewBlock("terraform", nil).Body().AppendNewBlock("required_providers", nil).Body()
	requires.SetAttributeValue("okta", cty.ObjectVal(map[string]cty.Value{"source": cty.StringVal("okta/okta"), "version": cty.StringVal("~> 6.0")}))
	t.body.AppendNewline()
	org, domain, _ := strings.Cut(hostname(t.Okta.URL), ".")
	t.block([]string{"provider", "okta"}, attribute{"org_name", org}, attribute{"base_url", domain}) // the token: OKTA_API_TOKEN
}

// server returns the reference to the authorization server.
func (t *terraform) server() string {
	if t.AuthorizationServer.ID == "" {
		t.maybeThere("okta_auth_server.portico", idOfServer)
		t.block(
			[]string{"resource", "okta_auth_server", "portico"},
			attribute{"name", t.AuthorizationServer.Name},
			attribute{"description", "Tokens for Procivis One"},
			attribute{"audiences", []string{t.AuthorizationServer.Audience}},
		)
		return "okta_auth_server.portico"
	}
	if t.AuthorizationServer.ID == serverAlias {
		t.block([]string{"data", "okta_auth_server", "portico"}, attribute{"name", serverAlias})
		return "data.okta_auth_server.portico"
	}
	// The provider finds a server by its name only, and of this one the id is known.
	t.block([]string{"locals"}, attribute{"auth_server_id", t.AuthorizationServer.ID})
	return byID
}

// serverID is the attribute of the server's own resources.
func serverID(server string) attribute {
	if server == byID {
		return attribute{"auth_server_id", ref("local.auth_server_id")}
	}
	return attribute{"auth_server_id", ref(server + ".id")}
}

func (t *terraform) application() {
	t.maybeThere(tfApp, "<application id>")
	body := t.body.AppendNewBlock("resource", []string{"okta_app_oauth", "portico"}).Body()
	fill(body, []attribute{
		{"label", t.Application.Label},
		{"type", "web"},
		{"grant_types", []string{"authorization_code", "refresh_token"}},
		{"response_types", []string{"code"}},
		{"redirect_uris", []string{t.RedirectURI()}},
		{"post_logout_redirect_uris", []string{t.LogoutURI()}},
		{"token_endpoint_auth_method", "client_secret_basic"},
		{"pkce_required", true},
		{"refresh_token_rotation", "ROTATE"},
		{"refresh_token_leeway", 30},
	})
	if t.onOrgServer() {
		kind, value := t.Claim.filter()
		claim := body.AppendNewBlock("groups_claim", nil).Body()
		fill(claim, []attribute{{"type", "FILTER"}, {"filter_type", kind}, {"name", t.claimName()}, {"value", value}})
	}
	t.body.AppendNewline()
}

func (t *terraform) groups() {
	t.maybeThere(tfGroup, "<group id>")
	t.block(
		[]string{"resource", "okta_group", "administrators"},
		attribute{"name", t.Bootstrap.Group},
		attribute{"description", "Its members are the first administrators of Procivis One."},
	)
	var people []ref
	for _, login := range t.Bootstrap.People {
		name := t.identifier(login)
		data := t.body.AppendNewBlock("data", []string{"okta_user", name}).Body()
		fill(data.AppendNewBlock("search", nil).Body(), []attribute{{"name", "profile.login"}, {"value", login}})
		t.body.AppendNewline()
		people = append(people, ref("data.okta_user."+name+".id"))
	}
	if people != nil {
		t.maybeThere("okta_group_memberships.administrators", "<group id>")
		t.block(
			[]string{"resource", "okta_group_memberships", "administrators"},
			attribute{"group_id", ref(tfGroup + ".id")},
			attribute{"users", people},
		)
	}
	t.assign("administrators", tfGroup+".id")
	for _, group := range t.Application.Groups {
		name := t.identifier(group)
		t.block([]string{"data", "okta_group", name}, attribute{"name", group})
		t.assign(name, "data.okta_group."+name+".id")
	}
}

func (t *terraform) assign(name, group string) {
	t.maybeThere("okta_app_group_assignment."+name, "<application id>/<group id>")
	t.block(
		[]string{"resource", "okta_app_group_assignment", name},
		attribute{"app_id", ref(tfApp + ".id")},
		attribute{"group_id", ref(group)},
	)
}

func (t *terraform) claims(server string) {
	t.maybeThere("okta_auth_server_claim.roles", idOfServer+"/<claim id>")
	kind, value := t.Claim.filter()
	t.block(
		[]string{"resource", "okta_auth_server_claim", "roles"},
		serverID(server),
		attribute{"name", t.claimName()},
		attribute{"claim_type", "RESOURCE"},
		attribute{"value_type", "GROUPS"},
		attribute{"group_filter_type", kind},
		attribute{"value", value},
	)
	if !t.Names {
		return
	}
	for _, name := range [][2]string{{"given_name", "user.firstName"}, {"family_name", "user.lastName"}} {
		t.maybeThere("okta_auth_server_claim."+name[0], idOfServer+"/<claim id>")
		t.block(
			[]string{"resource", "okta_auth_server_claim", name[0]},
			serverID(server),
			attribute{"name", name[0]},
			attribute{"claim_type", "RESOURCE"},
			attribute{"value_type", "EXPRESSION"},
			attribute{"value", name[1]},
			attribute{"scopes", []string{"profile"}},
		)
	}
}

func (t *terraform) policy(server string) {
	policy := "okta_auth_server_policy.portico.id"
	var priority any = 1
	if t.AuthorizationServer.Policy == "" {
		t.maybeThere("okta_auth_server_policy.portico", idOfServer+"/<policy id>")
		t.block(
			[]string{"resource", "okta_auth_server_policy", "portico"},
			serverID(server),
			attribute{"name", t.Application.Label},
			attribute{"description", "Sign-in to Procivis One"},
			attribute{"priority", 1},
			attribute{"client_whitelist", []ref{tfApp + ".client_id"}},
		)
	} else {
		// An existing policy is changed where it is managed: our client joins its client_whitelist there.
		t.block([]string{"data", "okta_auth_server_policy", "portico"}, serverID(server), attribute{"name", t.AuthorizationServer.Policy})
		policy = "data." + policy
		t.block(
			[]string{"variable", "rule_priority"},
			attribute{"type", ref("number")},
			attribute{"description", "The last priority of the access policy " + t.AuthorizationServer.Policy + ": one more than it has rules without this one."},
		)
		priority = ref("var.rule_priority")
	}
	t.maybeThere("okta_auth_server_policy_rule.portico", idOfServer+"/<policy id>/<rule id>")
	t.block(
		[]string{"resource", "okta_auth_server_policy_rule", "portico"},
		serverID(server),
		attribute{"policy_id", ref(policy)},
		attribute{"name", t.Application.Label + " sign-in"},
		attribute{"priority", priority},
		attribute{"grant_type_whitelist", []string{"authorization_code"}},
		attribute{"group_whitelist", []string{"EVERYONE"}},
		attribute{"scope_whitelist", t.signInScopes()},
		attribute{"access_token_lifetime_minutes", 60},
		attribute{"refresh_token_lifetime_minutes", 10080},
		attribute{"refresh_token_window_minutes", 10080},
	)
}

// issuer and audience are the server's: as it will be, as it is, or, of one that is only known by its id, as somebody says.
func (t *terraform) issuer(server string) any {
	if server == byID {
		return t.Okta.URL + "/oauth2/" + t.AuthorizationServer.ID
	}
	return ref(server + ".issuer")
}

func (t *terraform) audience(server string) any {
	if t.AuthorizationServer.ID == "" {
		return t.AuthorizationServer.Audience
	}
	if server == byID {
		t.block(
			[]string{"variable", "audience"},
			attribute{"type", ref("string")},
			attribute{"description", "The authorization server's audience: Security > API > " + t.AuthorizationServer.ID + " > Settings."},
		)
		return ref("var.audience")
	}
	return ref("one(" + server + ".audiences)")
}

// outputs are the guide's table.
func (t *terraform) outputs(issuer, audience any) {
	output := func(name, key string, value any, more ...attribute) {
		t.block([]string{"output", name}, append([]attribute{{"description", key}, {"value", value}}, more...)...)
	}
	output("client_id", "iam.clientId", ref(tfApp+".client_id"))
	output("client_secret", "the content of iam.clientSecretFile", ref(tfApp+".client_secret"), attribute{"sensitive", true})
	output("issuer", "iam.issuer", issuer)
	output("audience", "sts.iam.tokenValidation.aud", audience)
	output("role_path", "sts.iam.rolePath", rolePath(t.claimName()))
	output("admin_role", "sts.iam.adminRole", t.Bootstrap.Group)
	if t.onOrgServer() {
		output("token_source", "iam.tokenSource", config.SourceIDToken)
		output("scopes", "iam.scopes", t.signInScopes())
	}
}

var noIdentifier = regexp.MustCompile(`[^A-Za-z0-9_]+`)

// identifier makes a name of Terraform's out of any text, a different one each time.
func (t *terraform) identifier(text string) string {
	base := strings.Trim(noIdentifier.ReplaceAllString(strings.ToLower(text), "_"), "_")
	if base == "" || base[0] >= '0' && base[0] <= '9' {
		base = "_" + base
	}
	name := base
	for n := 2; t.named[name]; n++ {
		name = fmt.Sprintf("%s_%d", base, n)
	}
	t.named[name] = true
	return name
}
