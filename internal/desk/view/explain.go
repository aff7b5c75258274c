package view

import (
	"net/url"
	"time"
)

// ExplainPath asks by GET; POST takes what must not stand in an address, or leads there.
const ExplainPath = "/explain"

// ExplainReferencePath explains a refusal, as things are now.
func ExplainReferencePath(reference string) string {
	return ExplainPath + "?" + url.Values{"reference": {reference}}.Encode()
}

// ExplainReferenceThenPath explains a refusal as things were then.
func ExplainReferenceThenPath(reference string, at time.Time) string {
	return ExplainPath + "?" + url.Values{"reference": {reference}, "asOf": {MomentText(at)}}.Encode()
}

// MomentText is a moment in UTC as a field for date and time has it: to the second, or the millisecond where it has some.
func MomentText(at time.Time) string {
	return at.UTC().Format("2006-01-02T15:04:05.999")
}

// ExplainPersonPath explains what somebody may do in an organisation; "" is the whole system.
func ExplainPersonPath(w Who, organisation string) string {
	q := url.Values{"person": {PersonID(w.Issuer, w.Subject)}}
	if organisation != "" {
		q.Set("organisation", organisation)
	}
	return ExplainPath + "?" + q.Encode()
}

// PersonID names somebody in a form.
func PersonID(issuer, subject string) string {
	return url.Values{"issuer": {issuer}, "subject": {subject}}.Encode()
}

// Explain asks why somebody may do something, and answers.
type Explain struct {
	Page
	Person       Chooser // ids by PersonID
	IAMRoles     string  // one a line
	Organisation Chooser
	What         string
	WhatOptions  []string // permissions and routes
	AsOf         string   // a moment; empty: now
	MayAsOf      bool     // may ask about the past
	Errors       FieldErrors
	Answer       *ExplainAnswer // nil: nothing was asked yet
}

// ByToken tells whether the form is about IAM roles or a token rather than about a person.
func (v Explain) ByToken() bool {
	return v.IAMRoles != "" || v.Errors.at("iamRoles") != "" || v.Errors.at("token") != ""
}

// ExplainAnswer is the way from the claim to the decision.
type ExplainAnswer struct {
	Allowed       bool
	Sentence      string
	Reason        string // the exact word
	Who           Who    // without a subject: a set of IAM roles
	PersonHref    string
	Seen          When // zero: unknown
	RolePath      string
	Odd           []string
	Route         string
	Needs         []Permission // any one; none: everything was asked for
	Where         string       // empty: the whole system
	Path          []ExplainStep
	Elsewhere     []Link
	MoreElsewhere int
	Suggestions   []ExplainSuggestion
	Held          []ExplainHeld // where everything was asked for
	Refused       *ExplainRefused
	AsOf          *ExplainAsOf // nil: now
}

// ExplainAsOf tells that an answer is about the past.
type ExplainAsOf struct {
	At      When
	Notes   []string
	NowHref string // the same question now
}

// ExplainStep is what becomes of one IAM role. Tone is success, warning or empty.
type ExplainStep struct {
	IAMRole, Href string
	Tone, Word    string // how far it leads
	Notes         []string
	Roles         []ExplainRole
}

// ExplainRole is a role that is mapped there; Leads tells that it grants what is asked.
type ExplainRole struct {
	Name, Href, Note string
	Leads            bool
}

// ExplainSuggestion is one smallest change, with where its steps are made.
type ExplainSuggestion struct {
	Text  string
	Links []Link
}

// ExplainHeld is a permission that they hold, and by what.
type ExplainHeld struct {
	Permission    Permission
	IAMRole, Role string
}

// ExplainRefused is what a reference was about.
type ExplainRefused struct {
	Href     string
	At       When
	Sentence string
	ThenHref string // how it was then, for who may know
}

func (a *ExplainAnswer) everything() bool { return len(a.Needs) == 0 && a.Route == "" }

func (a *ExplainAnswer) verdict() (tone, word string) {
	switch {
	case a.Allowed && a.AsOf != nil:
		return "success", key("Allowed then")
	case a.Allowed:
		return "success", key("Allowed")
	case a.everything() && a.AsOf != nil:
		return "danger", key("Nothing was allowed then")
	case a.everything():
		return "danger", key("Nothing is allowed")
	case a.AsOf != nil:
		return "danger", key("Not allowed then")
	}
	return "danger", key("Not allowed")
}
