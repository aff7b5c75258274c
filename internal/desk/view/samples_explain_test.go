package view

import (
	"fmt"
	"time"
)

func explainSamples() []sample {
	okta := "https://dev-12345.okta.com/oauth2/default"
	form := func(page Page) Explain {
		return Explain{
			Page:         page,
			Person:       Chooser{Field: "person", Label: "A person who was seen in the last 90 days", Empty: "Choose a person", Choices: []Choice{{"1", "Ivan Issuer (ivan@acme.test)"}, {"2", "Otto Auditor (otto@acme.test)"}}},
			Organisation: Chooser{Field: "organisation", Label: "Where?", Empty: "The whole system", Choices: []Choice{{orgID, "Ministry of Mobility"}}},
			WhatOptions:  []string{"CREDENTIAL_ISSUE", "POST /api/credential/v1"},
			MayAsOf:      true,
		}
	}
	ask := func() Page { return admin(ExplainPath) }
	issue := pick("CREDENTIAL_ISSUE")[0].Permissions[:1]
	refused := form(ask())
	refused.Person.Chosen, refused.Organisation.Chosen, refused.What = "2", orgID, "POST /api/credential/v1"
	refused.Answer = &ExplainAnswer{
		Sentence: "Their roles in Ministry of Mobility do not include: “Issue credentials”.", Reason: "PERMISSION_MISSING",
		Who: Who{okta, "otto@acme.test", "Otto Auditor"}, PersonHref: PeoplePath, Seen: at(3 * time.Hour), RolePath: "roles",
		Route: "POST /api/credential/v1", Needs: issue, Where: "Ministry of Mobility", Elsewhere: []Link{{"Ministry of Health", OrganisationPath("2")}},
		Path: []ExplainStep{
			{"Acme Audit", AccessItemPath("1"), "", "mapped here", nil, []ExplainRole{{"Read-only auditor", RolePath("1"), "lacks the permission", false}, {"Wallet service", RolePath("2"), "only where a service acts for a user", false}}},
			{"acme issuance", "", "warning", "not mapped", []string{"nearly “Acme Issuance”, which is mapped: they differ in case or blanks"}, nil},
			{"Acme Issuing", "", "warning", "not mapped", []string{"was “Acme Issuance” renamed to this? It is mapped, and nobody carries it any more"}, nil},
			{"Everyone", "", "", "not mapped", nil, nil},
		},
		Suggestions: []ExplainSuggestion{
			{`The token carries "acme issuance", and "Acme Issuance" would be allowed. They differ in case or blanks: make them the same.`, []Link{{"See what it gives", AccessPath}}},
			{`Map the role "Credential issuer" to the IAM role "Acme Audit" in Ministry of Mobility.`, []Link{{"Map it", AccessEditPath("1")}}},
			{`Add CREDENTIAL_ISSUE to the role "Read-only auditor", for everybody who has that role.`, []Link{{"Edit the role", RoleEditPath("1")}}},
		},
		Refused: &ExplainRefused{HistoryEntryPath("1"), at(7 * time.Minute), "You have no access to this organisation.", ExplainReferenceThenPath("1", at(7*time.Minute).At)},
	}
	allowed := form(ask())
	allowed.Answer = &ExplainAnswer{
		Allowed: true, Sentence: "“Issue credentials” is allowed by \"Acme Issuance\".", Reason: "GRANTED", Who: Who{Issuer: okta}, RolePath: "realm_access.roles", Needs: issue, Where: "Ministry of Mobility",
		Path: []ExplainStep{
			{"Acme Issuance", AccessItemPath("1"), "success", "mapped here", nil, []ExplainRole{{"Credential issuer", RolePath("1"), "holds the permission", true}}},
			{"ONE_STS_ADMIN", "", "", "first administrator", []string{"It grants the administration of the whole system, and nothing else."}, nil},
		},
	}
	everything := form(ask())
	everything.Answer = &ExplainAnswer{
		Allowed: true, Sentence: "This is allowed by \"Acme Issuance\".", Reason: "GRANTED", Who: Who{okta, "ivan@acme.test", "Ivan Issuer"}, RolePath: "roles", Where: "Ministry of Mobility",
		Path: []ExplainStep{{"Acme Issuance", AccessItemPath("1"), "success", "mapped here", nil, []ExplainRole{{"Credential issuer", RolePath("1"), "", true}}}},
	}
	for _, g := range pick("CREDENTIAL_", "STS_") {
		for _, p := range g.Permissions {
			everything.Answer.Held = append(everything.Answer.Held, ExplainHeld{p, "Acme Issuance", "Credential issuer"})
		}
	}
	everything.Answer.Held[1].Role = ""
	nothing := form(ask())
	nothing.Answer = &ExplainAnswer{
		Sentence: "Their sign-in carries no groups, so nothing is allowed to them yet.", Reason: "NO_IAM_ROLES", Who: Who{okta, "nora@acme.test", "Nora Nobody"}, RolePath: "roles",
		Odd: []string{"The claim roles is a number."}, Suggestions: []ExplainSuggestion{{"Put the person into a group that the claim's filter lets through.", nil}},
	}
	past := refused
	past.AsOf = "2026-01-30T18:05:07"
	then := *refused.Answer
	then.AsOf = &ExplainAsOf{at(15 * time.Hour), []string{
		"Roles and access are as they were then. Organisations, people's groups, ended sessions and the first administrator's role are as they are now.",
		"The oldest change that the history tells of is of 2025-11-02T08:00:11Z: before it nothing is known.",
		`What "Acme Audit" was then can't be told from the history entry 7d0c3b32-9a52-4c58-8a30-5f2b0f0c8c11: it counts as nothing.`,
	}, ExplainPath}
	then.Refused, then.Suggestions = nil, []ExplainSuggestion{{refused.Answer.Suggestions[1].Text, nil}, {refused.Answer.Suggestions[2].Text, nil}}
	past.Answer = &then
	wrong := form(ask())
	wrong.IAMRoles, wrong.What = "Acme Issuance\nEveryone ", "FLY"
	wrong.AsOf = "0001-01-01T00:00"
	wrong.Errors = FieldErrors{{"asOf", "Nothing is known of then, for the oldest change of roles and access that the history tells of is of 2025-11-02T08:00:11Z."}, {"what", "There is no permission FLY."}, {"token", "It does not count: the token has expired."}, {"iamRoles", "Expected at most 1000 names."}}
	crowd := form(crowded(ExplainPath))
	for i := range 60 {
		crowd.Person.Choices = append(crowd.Person.Choices, Choice{fmt.Sprint(10 + i), hostile[i%len(hostile)] + fmt.Sprint(i)})
		crowd.Organisation.Choices = append(crowd.Organisation.Choices, Choice{fmt.Sprint(10 + i), hostile[i%len(hostile)] + fmt.Sprint(i)})
	}
	answer := *refused.Answer
	answer.Sentence, answer.Where, answer.Who.Name = hostile[0], hostile[1], hostile[2]
	answer.Path, answer.Suggestions, answer.Elsewhere = nil, nil, nil
	for i := range 40 {
		h := hostile[i%len(hostile)]
		answer.Path = append(answer.Path, ExplainStep{h, AccessPath, "", "mapped, but not here", []string{h}, []ExplainRole{{h, RolesPath, "", false}}})
		answer.Elsewhere = append(answer.Elsewhere, Link{h, OrganisationsPath})
	}
	for _, h := range hostile {
		answer.Suggestions = append(answer.Suggestions, ExplainSuggestion{h, []Link{{"Reactivate", "/"}, {"Map it", "/"}}})
	}
	answer.AsOf = &ExplainAsOf{at(time.Hour), hostile, ExplainPath}
	crowd.Answer = &answer
	return []sample{
		{"explain", ExplainPage(form(ask()))},
		{"explain-refused", ExplainPage(refused)},
		{"explain-allowed", ExplainPage(allowed)},
		{"explain-everything", ExplainPage(everything)},
		{"explain-nothing", ExplainPage(nothing)},
		{"explain-past", ExplainPage(past)},
		{"explain-errors", ExplainPage(wrong)},
		{"explain-crowded", ExplainPage(crowd)},
	}
}
