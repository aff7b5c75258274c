package doctor

import (
	"slices"
	"strings"
)

// checkTold reports what somebody saw; a cause that is found elsewhere takes its place.
func checkTold(e *Evidence, f *findings) {
	if e.Told == nil {
		return
	}
	for _, s := range e.Told.symptoms {
		seen := "the error text"
		switch {
		case s.id == "told-audience" && strings.HasPrefix(e.Told.got, "0oa"):
			s = symptomOf("told-audience-id")
			seen += ", got " + e.Told.got
		case s.id == "told-audience" && strings.HasPrefix(e.Told.got, "https://") && isBare(e.Told.got):
			s = symptomOf("told-audience-org")
			seen += ", got " + e.Told.got
		case s.id == "told-mfa" && e.Org != nil && e.Org.App != nil && e.Org.App.SignOnPolicy != "":
			seen += "; the application's policy is " + clip(e.Org.App.SignOnPolicy)
		case s.id == "told-redirect" && e.Told.redirectURI != "":
			seen += ", redirect_uri " + e.Told.redirectURI
		case s.id == "told-redirect" && e.Client.RedirectURI != "" && strings.Contains(e.Told.text, strings.ToLower(e.Client.RedirectURI)):
			seen += ", redirect_uri " + e.Client.RedirectURI
		case s.id == "told-scope" && slices.Contains(strings.Fields(e.Told.scope), "groups"):
			s = symptomOf("told-scope-groups")
		}
		finding := Finding{What: s.what, Seen: seen, Setting: s.setting, Call: s.call}
		switch s.id {
		case "told-no-roles":
			e.asSetUp(&finding)
		case "told-audience-id":
			finding.Near = "The two kinds of token are swapped."
		case "told-redirect":
			finding.Near = nearest(e.Told.redirectURI, "Ours", []string{e.Client.RedirectURI})
		case "told-audience", "told-issuer":
			finding.Near = nearMiss(e.Told.got, e.Told.expected)
		}
		if uri := e.loggedRedirect(); s.id == "told-redirect" && uri != "" {
			finding.Seen += "; the System Log has " + uri
		}
		f.add(s.id, finding)
	}
}

// asSetUp makes the claim that is missing the one of the setup file, where that is known.
func (e *Evidence) asSetUp(finding *Finding) {
	path, _ := e.rolePath()
	switch name, _ := e.nameToMake(path); {
	case e.claimOfApp():
		finding.Call, finding.Console, finding.Setting = "", atSignOnTokens, e.appFilter(e.appClaimName())
	case e.Setup != nil:
		finding.Call = "POST " + e.serverPath() + "/claims with " + e.newClaim(name)
	}
}

func symptomOf(id string) symptom {
	return symptoms[slices.IndexFunc(symptoms, func(s symptom) bool { return s.id == id })]
}

// loggedRedirect is the address that Okta refused last, by its log.
func (e *Evidence) loggedRedirect() string {
	if e.Org == nil {
		return ""
	}
	for _, event := range e.Org.Events {
		if strings.HasPrefix(event.Reason, "illegal_redirect_uri") && event.RedirectURI != "" {
			return event.RedirectURI
		}
	}
	return ""
}
