package okta

import (
	"fmt"
	"strings"
)

// The claims that Okta keeps for itself (okta.md 3).
var (
	reservedInAccess = strings.Fields("acr amr as_uri aud auth_time cid cnf exp iat rpt rsi scp uid username iss jti token_type ver")
	reservedInID     = strings.Fields(`active aid aud app_id app_type at_hash auth_time client_id client_ip client_req_id client_type
		client_user_agent cnf c_hash did dst group hotk idp idp_iss mac_key may_act nonce oid okta_emailVerified okta_lastUpdated orig
		permissions purpose pwd_exp_days pwd_exp_time rid role scope scopes sid sub term user_ip iss jti token_type ver`)
)

// reserved are the names that the claim of roles can't have, in the kind of token that it is for.
func (s *Setup) reserved() (names []string, kind string) {
	if s.onOrgServer() {
		return reservedInID, "ID tokens"
	}
	return reservedInAccess, "access tokens"
}

// usualClaim is the claim's name where the file gives none.
func (s *Setup) usualClaim() string {
	if s.onOrgServer() {
		return groupsScope
	}
	return rolesClaim
}

// refuseNewGroups refuses to make the claim "groups" in access tokens. The name is in Okta's list of reserved ones, yet many
// servers have such a claim: one that is there is used, and whoever asks Okta nothing can't know of it.
func (s *Setup) refuseNewGroups(there bool) error {
	if s.onOrgServer() || s.Claim.Name != groupsScope || there {
		return nil
	}
	return fmt.Errorf("claim.name: Okta reserves %s in access tokens, beside %s, so a new claim can't have it: leave claim.name out, and the claim that carries groups is used where there is one, or %s is made",
		quoted(groupsScope), strings.Join(reservedInAccess, ", "), rolesClaim)
}
