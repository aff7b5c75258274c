package doctor

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// checkApache: what mod_auth_openidc passes on by itself, in headers of its own, Portico does not read.
func checkApache(e *Evidence, f *findings) {
	if e.Gateway == nil || e.Gateway.Kind != apache || e.Config == nil || e.Gateway.Parts[0].has("passes") {
		return
	}
	f.add("token-not-passed", Finding{
		What: "Apache does not pass the access token on in a header that Portico reads.", Seen: "nothing uses OIDC_access_token",
		Setting: "RequestHeader set Authorization \"Bearer %{OIDC_access_token}e\"",
	})
}

// checkArgo: Argo CD reads its roles from the claims that argocd-rbac-cm names.
func checkArgo(e *Evidence, f *findings) {
	if e.Gateway == nil || e.Gateway.Kind != argoCD {
		return
	}
	p := &e.Gateway.Parts[0]
	path, _ := e.rolePath()
	names := p.words("rbac.scopes")
	if len(names) == 0 {
		names = []string{"groups"} // its default
	}
	if p.has("rbac") && e.Config != nil && !slices.Contains(names, path.String()) {
		f.add("argo-scopes", Finding{
			What:    "Argo CD takes roles from another claim than yours: people are signed in and may do nothing.",
			Seen:    fmt.Sprintf("scopes of argocd-rbac-cm: %s; the roles are in %s", strings.Join(names, ", "), path),
			Setting: fmt.Sprintf("argocd-rbac-cm scopes: '[%s]', and that claim in ID tokens, Always", path),
		})
	}
}

// checkGrafana: Grafana reads groups and roles from userinfo, at an address that is configured apart.
func checkGrafana(e *Evidence, f *findings) {
	if e.Gateway == nil || e.Gateway.Kind != grafana {
		return
	}
	p := &e.Gateway.Parts[0]
	want := strings.TrimSuffix(e.Client.Issuer, "/") + "/v1/userinfo"
	if isBare(e.Client.Issuer) {
		want = strings.TrimSuffix(e.Client.Issuer, "/") + "/oauth2/v1/userinfo"
	}
	if got := p.get("api_url"); e.Client.Issuer != "" && got != want && !placeholder(got) || e.Client.Issuer != "" && got == "" {
		f.add("grafana-userinfo", Finding{
			What: "Grafana asks another userinfo address than that of the server which it signs in at.",
			Seen: fmt.Sprintf("api_url is %s, auth_url %s", cmp.Or(got, "unset"), p.get("auth_url")), Near: nearMiss(got, want),
			Setting: "api_url = " + want,
		})
		return
	}
	if e.Told.says("told-grafana") && p.get("role_attribute_path") == "" {
		f.add("grafana-userinfo", Finding{
			What: "Grafana has no rule that makes roles out of groups, so everybody is a Viewer.", Seen: p.Where + " has no role_attribute_path",
			Setting: "role_attribute_path = contains(roles[*], 'ONE_STS_ADMIN') && 'Admin' || 'Viewer', and a claim roles for ID tokens",
		})
	}
}
