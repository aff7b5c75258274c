package policyfile

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/portico-iam/portico/internal/access"
)

// Expectation is a sentence of the file: "ivan@acme.test in Acme may CREDENTIAL_ISSUE", "IAM role Acme Audit in Acme may not
// CREDENTIAL_ISSUE"; without "in", in the whole system.
type Expectation struct {
	Text       string
	IAMRole    string // or
	Person     string // a login, or a subject
	Place      string // an organisation's name or id; empty: the whole system
	May        bool
	Permission access.Permission
}

var sentence = regexp.MustCompile(`^(IAM role )?(.+?)(?: in (.+))? may (not )?([A-Z0-9_]+)$`)

func parseExpectation(text string) (Expectation, error) {
	m := sentence.FindStringSubmatch(text)
	if m == nil {
		return Expectation{}, fmt.Errorf("expect: %q: expected \"WHO in ORGANISATION may [not] PERMISSION\", WHO being a login or \"IAM role NAME\"", text)
	}
	e := Expectation{Text: text, Place: m[3], May: m[4] == ""}
	if e.Person = m[2]; m[1] != "" {
		e.Person, e.IAMRole = "", m[2]
	}
	var known bool
	if e.Permission, known = access.ParsePermission(m[5]); !known {
		return Expectation{}, fmt.Errorf("expect: %q: there is no permission %s", text, m[5])
	}
	return e, nil
}

// Unmet is an expectation that does not hold, and why.
type Unmet struct{ Expectation, Why string }

// ParseExpectations reads a file for its expectations alone; roles and access may stand beside them.
func ParseExpectations(text []byte) (*File, error) {
	f, err := parse(text)
	if err != nil {
		return nil, err
	}
	if len(f.Expect) == 0 {
		return nil, errors.New("expect: expected at least one expectation, got none")
	}
	for _, text := range f.Expect {
		if _, err := parseExpectation(text); err != nil {
			return nil, err
		}
	}
	return f, nil
}

// Check holds the file's expectations against a snapshot. People are those who were seen, by their last sign-in. issuer is
// that of IAM roles.
func (f *File) Check(s *access.Snapshot, people []*access.Principal, issuer string) (unmet []Unmet, err error) {
	for _, text := range f.Expect {
		e, err := parseExpectation(text)
		if err != nil {
			return nil, err
		}
		if why := e.check(s, people, issuer); why != "" {
			unmet = append(unmet, Unmet{text, why})
		}
	}
	return unmet, nil
}

// Broken returns the file's expectations that hold before and would not after. One that does not hold anyway, such as that of
// somebody who was not seen for long, is not broken by a change. An IAM role that is mapped to nothing does what it may not do as
// little as one that is: taking its mapping away breaks nothing, and making one may.
func (f *File) Broken(before, after *access.Snapshot, people []*access.Principal, issuer string) (broken []Unmet, err error) {
	for _, text := range f.Expect {
		e, err := parseExpectation(text)
		if err != nil {
			return nil, err
		}
		holds := func(why string) bool { return why == "" || !e.May && why == unmapped }
		if why := e.check(after, people, issuer); !holds(why) && holds(e.check(before, people, issuer)) {
			broken = append(broken, Unmet{text, why})
		}
	}
	return broken, nil
}

const unmapped = "the IAM role is mapped to nothing: is this its name?"

func (e *Expectation) check(s *access.Snapshot, people []*access.Principal, issuer string) string {
	org, known := access.System, e.Place == ""
	for _, o := range s.Organisations() {
		if o.Name == e.Place || string(o.ID) == e.Place {
			if known {
				return "several organisations have this name: name the id"
			}
			org, known = o.ID, true
		}
	}
	if !known {
		return "there is no such organisation"
	}
	switch scope := e.Permission.Info().Scope; {
	case scope == access.ScopeSystem && org != access.System:
		return "the permission acts on the whole system: leave the organisation out"
	case scope == access.ScopeOrganisation && org == access.System:
		return "the permission acts in an organisation: name one"
	}
	who := &access.Principal{Issuer: issuer, Subject: "somebody", IAMRoles: []string{e.IAMRole}}
	if e.IAMRole != "" && s.IAMRoleByName(e.IAMRole) == nil && !s.IsBootstrap(who, e.IAMRole) {
		return unmapped
	}
	if e.IAMRole != "" && e.Place != "" && s.IAMRoleByName(e.IAMRole+" in "+e.Place) != nil {
		return "there is an IAM role of the whole name too: which one is meant can't be told"
	}
	if e.Person != "" {
		who = nil
		for _, p := range people {
			if strings.EqualFold(p.Login, e.Person) || p.Subject == e.Person {
				if who != nil {
					return "several people have this login: name the subject"
				}
				who = p
			}
		}
		if who == nil {
			return "nobody like this was seen in the last 90 days"
		}
	}
	explanation := s.Explain(who, org, e.Permission)
	if explanation.Decision.Reachable() == e.May { // of how they will have signed in nothing is said here
		return ""
	}
	return explanation.Finding().String()
}
