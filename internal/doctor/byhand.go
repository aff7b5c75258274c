package doctor

// hands say why a finding takes a hand, which neither okta apply nor a line of our configuration mends.
var hands = map[string]string{
	"clock": atMachine, "dns": atMachine, "tls": atMachine, "unreachable": atMachine, "rate-limit": "only waiting helps",
	"console-host": whichServer, "org-issuer": whichServer, "unlicensed": whichServer, "issuer-not-found": whichServer,
	"api-token": credential, "setup-client": credential, "scopes-not-granted": credential, "no-admin-role": credential, "management": credential,
	"config-invalid": "only its author knows what was meant",
	"dpop":           "somebody may have switched that on for safety, so portico okta apply leaves it",
	"user-inactive":  "whether a person may sign in is for people to decide",
	"audience":       "whose tokens are accepted is for people to decide",
	"names":          "portico okta apply sets them where the setup file has names: true",
}

const (
	atMachine   = "it is a matter of this machine and its network"
	whichServer = "which authorization server people sign in at is for people to decide"
	credential  = "the credential can't give itself more than it has"
)

// whyNot says why nobody but a person mends a finding. Why okta apply stops is said once.
func (e *Evidence) whyNot(r *Report, v *Finding) []string {
	owned := len(v.steps) > 0
	switch {
	case catalogue[v.ID].symptom: // what there is to mend is not known yet
		return nil
	case v.hand != "":
		return []string{"by hand: " + v.hand}
	case e.Gateway != nil && catalogue[v.ID].console == "":
		return []string{"by hand: the gateway's file is not Portico's"}
	case owned && e.otherSource():
		return []string{"by hand: the setup file's authorizationServer is for another iam.tokenSource than the configuration has"}
	case owned && e.Setup == nil && e.Gateway == nil && !e.Offline && e.SetupFault == "":
		return []string{"with --okta FILE, the setup file of portico okta, the doctor says here whether --fix mends this"}
	case owned && r.planErr != nil && r.stopTold:
		return []string{"by hand, as portico okta apply stops: see above"}
	case owned && r.planErr != nil:
		r.stopTold = true
		return []string{"by hand, as portico okta apply stops: " + r.planErr.Error()}
	case owned && r.plan != nil:
		return []string{"by hand: portico okta apply would not change this"}
	case hands[v.ID] != "":
		return []string{"by hand: " + hands[v.ID]}
	}
	return []string{"by hand: neither portico okta apply nor a line of our configuration mends this"}
}
