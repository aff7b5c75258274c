package view

import "fmt"

// previews are of reviews: of a few, of nobody, of many with hostile names, and of the one that is refused.
func previews() (some, nobody, many, last *Preview) {
	issue, sts := pick("CREDENTIAL_")[0].Permissions, pick("STS_")[0].Permissions
	some = &Preview{Version: "7", MoreEnds: 3, Later: []Later{{At: at(-3 * day), Groups: []Affected{{Name: "Acme Issuance", Exact: true, Places: []AffectedPlace{{"Ministry of Mobility", nil, pick("CREDENTIAL_")[0].Permissions, nil, nil}}}}}}, People: []Affected{
		{"Ivan Issuer", PersonPath, "ivan@acme.test", false, []AffectedPlace{{"Ministry of Mobility", issue[:2], issue[3:4], issue[4:6], nil}}},
		{"Otto Auditor", "", "otto@acme.test", false, []AffectedPlace{{"", nil, sts[:1], nil, nil}, {"Ministry of Health", issue, nil, nil, issue[:1]}}},
	}, Groups: []Affected{{"Acme  Issuance", "", "", true, []AffectedPlace{{"Ministry of Mobility", issue[:2], issue[3:4], issue[4:6], nil}}}}}
	nobody = &Preview{Version: "7"}
	many = &Preview{Version: "7", Unnamed: 1213}
	for i := range 60 {
		h := hostile[i%len(hostile)]
		many.People = append(many.People, Affected{h, PersonPath, fmt.Sprint(i) + h, false, []AffectedPlace{{h, issue[:i%4], issue, issue[:i%3], issue[:i%2]}}})
		many.Groups = append(many.Groups, Affected{h, "", "", true, []AffectedPlace{{h, issue, nil, nil, nil}, {"", nil, sts[:1], nil, nil}}})
	}
	last = &Preview{Version: "7", LastAdministrator: true, People: []Affected{{"Ada Admin", PersonPath, "ada@acme.test", false, []AffectedPlace{{"", nil, sts, nil, nil}}}}}
	return some, nobody, many, last
}
