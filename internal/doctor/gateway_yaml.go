package doctor

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

const (
	maxDocuments = 50
	maxDepth     = 40
)

// readYAML finds APISIX's plug-ins and Argo CD's settings wherever they stand: in a route, a resource of Kubernetes, the
// values of a chart.
func readYAML(text string) *Gateway {
	w := &walker{
		argo:  Part{Where: "argocd-cm", Options: map[string][]string{}},
		alpha: Part{Where: "alpha configuration", Options: map[string][]string{}},
	}
	var document any
	if json.Unmarshal([]byte(text), &document) == nil { // JSON may be indented by tabs, YAML not
		w.walk(document, nil, 0)
		text = ""
	}
	decoder := yaml.NewDecoder(strings.NewReader(text))
	for range maxDocuments {
		var document any // the decoder bounds what aliases may blow up to
		if decoder.Decode(&document) != nil {
			break
		}
		w.walk(document, nil, 0)
	}
	switch {
	case len(w.plugins) > 0:
		return &Gateway{Kind: apisix, Parts: w.plugins}
	case len(w.alpha.Options) > 0:
		return &Gateway{Kind: oauth2Proxy, Parts: []Part{w.alpha}}
	case w.argo.has("issuer") || w.argo.has("rbac"):
		return &Gateway{Kind: argoCD, Parts: []Part{w.argo}}
	}
	return nil
}

type walker struct {
	plugins []Part
	argo    Part
	alpha   Part
}

// walk goes through maps and lists; route is the innermost one that has an address.
func (w *walker) walk(node any, route map[string]any, depth int) {
	if depth > maxDepth {
		return
	}
	if items, ok := node.([]any); ok {
		for _, item := range items {
			w.walk(item, route, depth+1)
		}
		return
	}
	m, ok := node.(map[string]any)
	if !ok {
		return
	}
	for _, name := range []string{"uri", "uris"} {
		if m[name] != nil {
			route = m
		}
	}
	if match, ok := m["match"].(map[string]any); ok && match["paths"] != nil { // ApisixRoute
		route = match
	}
	if plugin, ok := m["openid-connect"].(map[string]any); ok {
		w.plugin(plugin, route)
		return
	}
	if name, _ := m["name"].(string); name == "openid-connect" {
		if plugin, ok := m["config"].(map[string]any); ok {
			w.plugin(plugin, route)
			return
		}
	}
	if m["client_id"] != nil && m["discovery"] != nil {
		w.plugin(m, route)
		return
	}
	w.argoCD(m)
	w.alphaConfig(m)
	for _, name := range sortedKeys(m) {
		w.walk(m[name], route, depth+1)
	}
}

func (w *walker) plugin(plugin, route map[string]any) {
	part := Part{Where: fmt.Sprintf("openid-connect plug-in %d", len(w.plugins)+1), Options: map[string][]string{}}
	flatten(part.Options, "", plugin, 0)
	for _, name := range []string{"uri", "uris", "paths"} {
		if value, ok := route[name]; ok {
			flatten(part.Options, "route", value, 0)
		}
	}
	if part.has("route") {
		part.Where += " of " + clip(part.get("route"))
	}
	w.plugins = append(w.plugins, part)
}

// argoCD collects from argocd-cm, where a text of YAML stands inside, and from argocd-rbac-cm.
func (w *walker) argoCD(m map[string]any) {
	if text, ok := m["oidc.config"].(string); ok {
		var inner map[string]any
		if yaml.NewDecoder(bytes.NewReader([]byte(text))).Decode(&inner) == nil {
			flatten(w.argo.Options, "", inner, 0)
		}
		if url, ok := m["url"].(string); ok {
			w.argo.Options["url"] = []string{url}
		}
	}
	if m["policy.csv"] != nil || m["policy.default"] != nil {
		w.argo.Options["rbac"] = []string{"true"}
		if scopes, ok := m["scopes"].(string); ok {
			w.argo.Options["rbac.scopes"] = []string{scopes}
		}
	}
}

// alphaOptions are OAuth2-Proxy's names in its alpha configuration, and those of its options.
var alphaOptions = map[string]string{
	"clientID": "client_id", "clientSecret": "client_secret", "scope": "scope", "code_challenge_method": "code_challenge_method",
	"allowedGroups": "allowed_group", "oidcConfig.issuerURL": "oidc_issuer_url", "oidcConfig.groupsClaim": "oidc_groups_claim",
	"oidcConfig.emailClaim": "oidc_email_claim", "oidcConfig.insecureAllowUnverifiedEmail": "insecure_oidc_allow_unverified_email",
	"oidcConfig.extraAudiences": "oidc_extra_audience",
}

// alphaConfig collects from OAuth2-Proxy's alpha configuration: the first provider, and whether the access token is passed.
func (w *walker) alphaConfig(m map[string]any) {
	providers, _ := m["providers"].([]any)
	if len(providers) == 0 {
		return
	}
	flat := map[string][]string{}
	flatten(flat, "", providers[0], 0)
	if len(flat["oidcConfig.issuerURL"]) == 0 {
		return
	}
	for name, option := range alphaOptions {
		if values := flat[name]; len(values) > 0 {
			w.alpha.Options[option] = values
		}
	}
	headers := map[string][]string{}
	flatten(headers, "", m["injectRequestHeaders"], 0)
	for _, values := range headers {
		if slices.Contains(values, "access_token") {
			w.alpha.Options["pass_access_token"] = []string{"true"}
		}
		if slices.Contains(values, "id_token") {
			w.alpha.Options["pass_authorization_header"] = []string{"true"}
		}
	}
}

// flatten writes nested options with dots.
func flatten(into map[string][]string, name string, value any, depth int) {
	switch v := value.(type) {
	case map[string]any:
		for _, key := range sortedKeys(v) {
			if depth < maxDepth {
				flatten(into, strings.TrimPrefix(name+"."+key, "."), v[key], depth+1)
			}
		}
	case []any:
		for _, item := range v {
			if depth < maxDepth {
				flatten(into, name, item, depth+1)
			}
		}
	case nil:
	default:
		into[name] = append(into[name], fmt.Sprint(v))
	}
}

func sortedKeys(m map[string]any) []string {
	keys := make([]string, 0, len(m))
	for key := range m {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}
