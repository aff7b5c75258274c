package devokta

import (
	"slices"
	"strings"
)

const (
	scopeOpenID  = "openid"
	scopeOffline = "offline_access"
)

// requestedScopes splits and checks a scope parameter; without one the server's default scopes are asked for.
func (as *authServer) requestedScopes(raw string) ([]string, *refusal) {
	fields := strings.Fields(raw)
	if len(fields) > maxScopes {
		return nil, refuse(errTooLong)
	}
	var scopes []string
	for _, name := range fields {
		if _, ok := as.scope(name); !ok {
			return nil, refuse(errUnknownScope)
		}
		if !slices.Contains(scopes, name) {
			scopes = append(scopes, name)
		}
	}
	if len(scopes) > 0 {
		return scopes, nil
	}
	for _, sc := range as.Scopes {
		if sc.Default {
			scopes = append(scopes, sc.Name)
		}
	}
	if len(scopes) == 0 {
		return nil, refuse(errNoDefaultScopes)
	}
	return scopes, nil
}

// needsOpenID: the scopes that stand for ID-token claims mean nothing without openid.
func needsOpenID(scopes []string) bool {
	return slices.ContainsFunc([]string{"profile", "email", "address", "phone"}, func(s string) bool { return slices.Contains(scopes, s) })
}

// missing lists what of asked is not in granted.
func missing(asked, granted []string) []string {
	var out []string
	for _, s := range asked {
		if !slices.Contains(granted, s) {
			out = append(out, s)
		}
	}
	return out
}
