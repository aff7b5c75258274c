package view

import (
	"context"
	"net/url"
	"time"
)

// PersonList are the people who were seen, and who of them is signed in.
type PersonList struct {
	Page
	List
	CanRevoke bool
	Rows      []PersonRow
}

// PersonRow is somebody who was seen.
type PersonRow struct {
	Who
	Login    string
	IAMRoles []string
	Sessions int
	Seen     When
}

// Who is an identity, and how to call it.
type Who struct{ Issuer, Subject, Name string }

// PersonDetail is one person: what their token said last, what that gives them now, and where they are signed in.
type PersonDetail struct {
	Page
	Who
	Login         string
	IAMRoles      []CarriedRole
	Seen          When
	Organisations []OrganisationAccess
	System        int // permissions of the whole system
	Sessions      []SessionRow
	CanRevoke     bool
	CanHistory    bool
	CanExplain    bool
}

// SessionRow is a live session.
type SessionRow struct {
	ID, Organisation  string
	Began, Used, Ends When
	Own               bool // of whoever looks
	From              From
}

// From is where a session was begun from; what is not known is empty.
type From struct{ Address, Browser, System string }

func (f From) client(ctx context.Context) string {
	switch {
	case f.Browser != "" && f.System != "":
		return say(ctx, "%s on %s", f.Browser, f.System)
	case f.Browser+f.System != "":
		return f.Browser + f.System
	}
	return say(ctx, "unknown browser")
}

// The addresses of people. A person is named by issuer and subject, which fit in no path.
const (
	PeoplePath          = "/people"
	PersonPath          = "/people/person"
	PersonRevokePath    = "/people/person/revoke"
	EverybodyRevokePath = "/people/revoke"
)

func (w Who) query() string {
	return "?" + url.Values{"issuer": {w.Issuer}, "subject": {w.Subject}}.Encode()
}

// Path is the person's page.
func (w Who) Path() string { return PersonPath + w.query() }

func (w Who) revokePath() string { return PersonRevokePath + w.query() }

func SessionEndPath(id string) string { return PeoplePath + "/session/" + url.PathEscape(id) + "/end" }

func OrganisationRevokePath(id string) string { return OrganisationPath(id) + "/revoke" }

// whatLives says what a revocation can't reach, and what it does not do.
func whatLives(ctx context.Context, ttl time.Duration) []string {
	return []string{
		say(ctx, "App tokens that are already with Core, or another service, expire within %s. Nobody can call them back sooner.", Span(ttl)),
		say(ctx, "Whoever may sign in at the identity provider can sign in again at once. To keep somebody out, deactivate them or take the group away in Okta first."),
	}
}

// ConfirmPersonRevoke asks to end all that a person holds.
func ConfirmPersonRevoke(ctx context.Context, p Page, who Who, sessions int, ttl time.Duration) Confirm {
	return Confirm{
		Page: p, Section: SectionPeople, Title: say(ctx, "Sign out everywhere"), Object: who.Name, Path: who.revokePath(), Action: say(ctx, "Sign out everywhere"),
		Danger: true, Back: Link{who.Name, who.Path()},
		Effects: append([]string{
			say(ctx, "Ends %d sessions of this person within a second, on every replica, and gives the refresh tokens back to the identity provider.", sessions),
			say(ctx, "Access tokens that were issued to them until now, for other clients too, count here no more."),
		}, whatLives(ctx, ttl)...),
	}
}

// ConfirmSessionEnd asks to end one session.
func ConfirmSessionEnd(ctx context.Context, p Page, who Who, s SessionRow, ttl time.Duration) Confirm {
	c := Confirm{
		Page: p, Section: SectionPeople, Title: say(ctx, "End session"), Object: who.Name, Path: SessionEndPath(s.ID), Action: say(ctx, "End session"),
		Danger: true, Back: Link{who.Name, who.Path()},
		Effects: append([]string{say(ctx, "The session that began %s ends within a second, on every replica. Other sessions of this person go on.", s.Began.exact())}, whatLives(ctx, ttl)...),
	}
	if s.Own {
		c.Effects = append(c.Effects, say(ctx, "It is the session by which you are signed in now."))
	}
	return c
}

// ConfirmOrganisationRevoke asks to end all access to an organisation for the moment.
func ConfirmOrganisationRevoke(ctx context.Context, p Page, id, name string, ttl time.Duration) Confirm {
	return Confirm{
		Page: p, Section: SectionOrganisations, Title: say(ctx, "End all access"), Object: name, Path: OrganisationRevokePath(id), Action: say(ctx, "End all access"),
		Danger: true, TypeToConfirm: name, Back: Link{name, OrganisationPath(id)},
		Effects: append([]string{
			say(ctx, "Everybody who may do something in this organisation is signed out, here and in every other organisation."),
			say(ctx, "Tokens for it that were issued until now, and the access tokens behind them, count for it no more."),
			say(ctx, "Nothing else changes: it stays active, and what is mapped stays mapped. To keep everybody out, deactivate it."),
		}, whatLives(ctx, ttl)...),
	}
}

// ConfirmEverybodyRevoke asks to end everything.
func ConfirmEverybodyRevoke(ctx context.Context, p Page, sessions int, ttl time.Duration) Confirm {
	return Confirm{
		Page: p, Section: SectionPeople, Title: say(ctx, "Sign everybody out"), Object: say(ctx, "Everybody"), Path: EverybodyRevokePath, Action: say(ctx, "Sign everybody out"),
		Danger: true, TypeToConfirm: say(ctx, "everybody"), Back: Link{say(ctx, "People"), PeoplePath},
		Effects: append([]string{
			say(ctx, "Ends %d sessions within a second, yours too.", sessions),
			say(ctx, "Every access token and app token that was issued until now counts here no more, those of services too: they have to get new ones."),
		}, whatLives(ctx, ttl)...),
	}
}
