package doctor_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/portico-iam/portico/internal/devokta"
)

// TestAClaimThatOktaDoesNotShowIsNoted: nothing was found, and nobody looked.
func TestAClaimThatOktaDoesNotShowIsNoted(t *testing.T) {
	t.Parallel()
	b := newBed(t, "unlicensed")
	ofApp(object{"valueType": "NONE"})(b)
	looked := func() bool {
		return !slices.ContainsFunc(b.examine().Notes, func(n string) bool { return strings.Contains(n, "groups claim was not looked at") })
	}
	if !looked() {
		t.Error("the claim is shown, and a note says that it is not")
	}
	b.Inject(devokta.Fault{Path: "/api/v1/internal/apps/" + b.World().WebClient.ID + appClaim, Status: http.StatusForbidden, Body: `{"errorCode":"E0000006"}`})
	if looked() {
		t.Error("no note says that the claim was not looked at")
	}
	if found := b.examine().Findings; len(found) > 0 {
		t.Errorf("found is %+v", found)
	}
}

// TestTheCallSetsWhatTheSettingSays: whoever follows the one or the other ends at the same filter, that of the setup file.
func TestTheCallSetsWhatTheSettingSays(t *testing.T) {
	t.Parallel()
	b := newBed(t, "licensed")
	b.call(http.MethodDelete, rolesPath(b), nil)
	b.config().okta("", "authorizationServer: {id: default}", "claim: {startsWith: ONE_}")
	found := b.examine().Findings[0]
	if found.ID != "claim-missing" || !strings.Contains(found.Setting, "Filter Starts with ONE_,") || !strings.Contains(found.Call, `"group_filter_type":"STARTS_WITH","value":"ONE_"`) {
		t.Errorf("found is %+v", found)
	}
}

// TestAClaimThatIsMissedIsMadeAsTheSetupFileSays, also where the cause is not known.
func TestAClaimThatIsMissedIsMadeAsTheSetupFileSays(t *testing.T) {
	t.Parallel()
	b := newBed(t, "licensed")
	b.config().okta("", "authorizationServer: {id: default}", "claim: {startsWith: ONE_}")
	b.in.Error = "Your sign-in carries no groups"
	if found := b.examine().Findings[0]; found.ID != "told-no-roles" || !strings.Contains(found.Call, `"group_filter_type":"STARTS_WITH","value":"ONE_"`) {
		t.Errorf("found is %+v", found)
	}
}
