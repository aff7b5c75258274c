package devokta

import "slices"

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
