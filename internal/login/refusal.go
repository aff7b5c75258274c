package login

import (
	"errors"
	"net/http"
	"strings"

	"github.com/portico-iam/portico/internal/fault"
	"github.com/portico-iam/portico/internal/iam"
)

// reasonOf is for the administrator: the whole chain of our own words and the provider's, and who can explain the latter. It
// holds no token.
func reasonOf(err error) string {
	reason := clip(err.Error())
	if refused := (*iam.RefusedError)(nil); errors.As(err, &refused) {
		reason += ` (portico doctor --error "…" explains these words)`
	}
	return reason
}

// explain is for the person: what happened, and what to do.
func explain(err error) (status int, title, text string) {
	var refused *iam.RefusedError
	switch {
	case errors.As(err, &refused) && refused.Code == "access_denied":
		return denied(refused.Description)
	case errors.As(err, &refused) && (refused.Code == "temporarily_unavailable" || refused.Code == "server_error"):
		return fault.IdentityProvider.Status, "The sign-in is not available", "Your company's sign-in has a problem at the moment. Try again in a minute."
	case errors.As(err, &refused):
		return fault.IdentityProvider.Status, "The sign-in was refused", "Your company's sign-in refused. Tell your administrator the reference below."
	case fault.Unauthenticated.Is(err):
		return fault.IdentityProvider.Status, "You signed in, but the sign-in can't be used here",
			"What your company's sign-in sent does not fit this installation. Tell your administrator the reference below."
	}
	return fault.IdentityProvider.Status, "The sign-in could not be completed", "Your company's sign-in did not answer as expected. Try again in a minute."
}

// denied tells apart what Okta calls access_denied alike (okta.md, its errors): the person lacks the application, which an
// administrator gives them; or no rule of a policy lets the sign-in through, which assigning does not help.
func denied(description string) (status int, title, text string) {
	description = strings.ToLower(description)
	switch {
	case strings.Contains(description, "assigned"):
		return http.StatusForbidden, "You may not sign in here",
			"Your company's sign-in does not let you into this application. Ask your administrator to assign it to you."
	case strings.Contains(description, "polic"), strings.Contains(description, "scopes"):
		return http.StatusForbidden, "This application is not ready for your sign-in",
			"Your company's sign-in knows you, but its rules for this application do not let you in yet. You can't change that yourself: tell your administrator the reference below."
	}
	return http.StatusForbidden, "You may not sign in here",
		"Your company's sign-in does not let you into this application. Tell your administrator the reference below."
}
