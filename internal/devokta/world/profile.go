package world

// Profiles of orgs. What differs is what a customer's Okta looks like on the day they install Portico.
const (
	// Licensed has everything set up for Portico, as the guide says.
	Licensed = "licensed"
	// FreshFree is an Integrator Free org: its default authorization server has no policy, and nobody heard of Portico.
	FreshFree = "fresh-free"
	// Unlicensed lacks API Access Management: there is no custom authorization server at all, only the org's own.
	Unlicensed = "unlicensed"
	// CustomDomain is licensed and answers under a second host name.
	CustomDomain = "custom-domain"
)

// Profiles lists their names, the default first.
func Profiles() []string { return []string{Licensed, FreshFree, Unlicensed, CustomDomain} }

// HasAuthorizationServers tells whether API Access Management is licensed.
func (w *World) HasAuthorizationServers() bool { return w.Profile != Unlicensed }

// CustomDomain tells whether the org has a second host name.
func (w *World) CustomDomain() bool { return w.Profile == CustomDomain }
