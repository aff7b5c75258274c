package world

import "fmt"

// Row is one row of Okta's table of OAuth errors: HTTP status, error, System Log reason, text. The text is a format where
// Okta fills something in.
type Row struct {
	Status int
	Error  string
	Reason string
	Text   string
}

// Refusal is the one error type of the protocol endpoints. Its Reason goes to the System Log, never into a body.
type Refusal struct {
	Row
}

func (r *Refusal) Error() string { return r.Row.Error + " (" + r.Reason + "): " + r.Text }

var _ error = (*Refusal)(nil)

// Refuse fills a row's text.
func Refuse(row Row, args ...any) *Refusal {
	if len(args) > 0 {
		row.Text = fmt.Sprintf(row.Text, args...)
	}
	return &Refusal{row}
}

// What the engines refuse: the policy, the person, the scopes, the claims.
var (
	NoMatchingPolicy = Row{401, "access_denied", "no_matching_policy", "Policy evaluation failed for this request, please check the policy configurations."}
	NotAssigned      = Row{400, "access_denied", "user_not_assigned", "User is not assigned to the client application."}
	UnknownScope     = Row{400, "invalid_scope", "no_matching_scope", "One or more scopes are not configured for the authorization server resource."}
	NoDefaultScopes  = Row{400, "invalid_scope", "no_default_scopes", "The authorization server resource does not have any configured default scopes, 'scope' must be provided."}
	TooManyGroups    = Row{400, "server_error", "too_many_groups_in_groups_claim", "The groups claim matched too many groups and must be configured to match fewer groups."}
	UserClaimFailed  = Row{400, "server_error", "user_claim_evaluation_failure", "The '%s' user claim could not be evaluated."}
	SystemClaimFails = Row{400, "server_error", "system_claim_evaluation_failure", "The '%s' system claim could not be evaluated."}
)
