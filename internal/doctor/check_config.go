package doctor

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/portico-iam/portico/internal/config"
)

// secretFile begins the fault of a file that has no client secret in it.
const secretFile = "iam.clientSecretFile: "

// secretUnread tells that our client secret is not known for want of its file.
func (e *Evidence) secretUnread() bool {
	return e.Gateway == nil && slices.ContainsFunc(e.Faults, func(f string) bool { return strings.HasPrefix(f, secretFile) })
}

var misspelt = regexp.MustCompile(`unknown key (\S*?)([^.\s]+); did you mean (\S+)\?`)

// meant says which key is to be written in the place of another, as far as that is plain.
func meant(faults []string) string {
	var set []string
	for _, fault := range faults {
		if m := misspelt.FindStringSubmatch(fault); m != nil {
			set = append(set, m[1]+m[3]+" in the place of "+m[1]+m[2])
		}
	}
	if len(set) < len(faults) {
		set = append(set, "every fault mended that portico config check --config FILE lists")
	}
	return clip(strings.Join(set, "; "))
}

// checkConfig reports what config check reports, unless it is a row of the catalogue.
func checkConfig(e *Evidence, f *findings) {
	var rest []string
	for _, fault := range e.Faults {
		switch {
		case strings.Contains(fault, "leave out -admin"): // checkIssuer
		case e.idTokens() && strings.Contains(fault, "sends groups for the scope of that name only"): // checkGroupsScope
		case strings.Contains(fault, "sts.iam.tokenValidation.iss: expected the same issuer"):
			iss, issuer := e.Config.STS.IAM.TokenValidation.Iss, e.Config.IAM.Issuer
			f.add("issuer-differs", Finding{
				What: "The configuration has two issuers.", Seen: fmt.Sprintf("iam.issuer is %s, sts.iam.tokenValidation.iss is %s", issuer, iss),
				Near: nearMiss(iss, issuer), Setting: "sts.iam.tokenValidation.iss: " + issuer + " (the same as iam.issuer, if that is the right one), or leave it out",
			})
		case strings.Contains(fault, "sts.iam.adminRole: expected no blanks"):
			role := e.Config.STS.IAM.AdminRole
			f.add("config-invalid", Finding{
				What: "sts.iam.adminRole has a blank at its beginning or end, which is refused.", Seen: fmt.Sprintf("sts.iam.adminRole is %q", role),
				Near: "Without it the name is " + strings.TrimSpace(role) + ".", Setting: "sts.iam.adminRole: " + strings.TrimSpace(role) + " (and the group's name in Okta the same, without blanks)",
				settings: []config.Setting{{Key: "sts.iam.adminRole", Value: strings.TrimSpace(role)}},
			})
		case e.idTokens() && strings.Contains(fault, "sts.iam.tokenValidation.aud: with iam.tokenSource: id_token"):
			f.add("audience", Finding{
				What:    "The audience is not the client: with iam.tokenSource: id_token the roles are in the ID token, which is for the client alone.",
				Seen:    fmt.Sprintf("sts.iam.tokenValidation.aud is %s, iam.clientId is %s", e.Config.STS.IAM.TokenValidation.Aud, clip(e.Config.IAM.ClientID)),
				Setting: "sts.iam.tokenValidation.aud: " + clip(e.Config.IAM.ClientID) + ", or leave it out", Console: atSecrets,
				settings: []config.Setting{{Key: "sts.iam.tokenValidation.aud", Value: e.Config.IAM.ClientID}}, steps: []step{},
			})
		case e.forIDTokens() != "" && strings.Contains(fault, "set iam.tokenSource: id_token"): // checkIssuer
		case strings.HasPrefix(fault, secretFile):
			f.add("secret", Finding{
				What: "The client secret's file can't be read, so Portico does not start.", Seen: clip(fault),
				Setting: secretFile + "a file that is there, with the Client secret that the console shows at the application",
			})
		default:
			rest = append(rest, fault)
		}
	}
	if len(rest) > 0 {
		f.add("config-invalid", Finding{
			What: "The configuration is refused, so Portico does not start.", Seen: clip(strings.Join(rest, "; ")), Setting: meant(rest),
		})
	}
	switch {
	case strings.Contains(e.SetupFault, "is the address of the console"):
		f.add("console-host", Finding{
			What: "okta.url is the console's host.", Seen: clip(e.SetupFault), Near: "They differ in -admin, which is the console's host.",
			Setting: "okta.url: " + ownAddress(e.SetupFault),
		})
	case e.SetupFault != "":
		f.add("config-invalid", Finding{What: "The setup file is refused, so Okta's own settings were not read.", Seen: clip(e.SetupFault), Setting: "Correct that in the setup file (docs/okta.md)."})
	}
}

// ownAddress is the organisation's address, which the setup file's fault names.
func ownAddress(fault string) string {
	_, address, _ := strings.Cut(fault, "the organisation's own address ")
	address, _, _ = strings.Cut(address, ", got ")
	return clip(cmp.Or(strings.TrimSpace(address), "without -admin"))
}
