package explain

import (
	"cmp"
	"context"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/portico-iam/portico/internal/access"
	"github.com/portico-iam/portico/internal/coreapi"
	"github.com/portico-iam/portico/internal/fault"
	"github.com/portico-iam/portico/internal/history"
	"github.com/portico-iam/portico/internal/policy"
	"github.com/portico-iam/portico/internal/session"
)

// The bounds of a question.
const (
	maxIAMRoles = 1000
	maxName     = 1000 // bytes of one IAM role
)

// Policy decides. It is policy.Service.
type Policy interface {
	Snapshot() *access.Snapshot
	AsOf(ctx context.Context, at time.Time) (*access.Snapshot, policy.Known, error)
	Enforce(ctx context.Context, p *access.Principal, org access.OrganisationID, what string, anyOf ...access.Permission) error
}

// People knows who was seen.
type People interface {
	PeopleSeen(ctx context.Context, since time.Time, limit int) ([]session.Person, error)
}

// IAM verifies access tokens of the identity provider.
type IAM interface {
	Principal(ctx context.Context, token string) (*access.Principal, error)
}

// Cuts tell whether a token counts no more in an organisation, by when it was issued.
type Cuts interface {
	EndedIn(org access.OrganisationID, issuedAt time.Time) bool
}

// Service explains.
type Service struct {
	Policy Policy
	People People
	IAM    IAM
	Cuts   Cuts // nil: no organisation was cut off
	// Barred tells whom the directory says is deactivated; nil: nobody.
	Barred   func(issuer, subject string) bool
	History  *history.Recorder
	Reads    *history.Gatherer // records who reads in the history; nil: nothing does
	RolePath string            // as configured
	Issuer   string            // of IAM roles that are asked about by name
	Now      func() time.Time
}

// Question asks about exactly one of Person, Token, IAMRoles and Reference. Of Permission and Route at most one is set;
// with none it is about everything that they may do there.
type Question struct {
	Person    *Person
	Token     string
	IAMRoles  []string
	Issuer    string // with IAMRoles; empty: the configured one
	Reference string // of a refusal, which tells what and where too

	Organisation access.OrganisationID // where it is needed
	Permission   string
	Route        string

	AsOf *time.Time // nil: now
}

// Person is somebody who was seen: by issuer and subject, or by login alone.
type Person struct{ Issuer, Subject, Login string }

// String keeps the token out of logs.
func (Question) String() string { return "[a question]" }

// Explain answers somebody who may know (STS_ACCESS_EXPLAIN; SYSTEM_HISTORY_LIST too where it is about the past); others are refused. A question that can't be answered is
// fault.InvalidInput or fault.NotFound, a token that does not hold fault.InvalidInput with the reason.
func (s *Service) Explain(ctx context.Context, by *access.Principal, q Question) (Answer, error) {
	if err := s.Policy.Enforce(ctx, by, access.System, "explain access", access.STSAccessExplain); err != nil {
		return Answer{}, err
	}
	if q.Reference != "" {
		s.Reads.Note(history.Reading(by, access.System, "explain", q.Reference))
	}
	if q.AsOf != nil {
		if err := s.Policy.Enforce(ctx, by, access.System, "explain access as it was", access.SystemHistoryList); err != nil {
			return Answer{}, err
		}
	}
	return s.Answer(ctx, q)
}

// Answer answers whoever has the store in their hands anyway.
func (s *Service) Answer(ctx context.Context, q Question) (Answer, error) {
	snapshot, past, err := s.snapshot(ctx, q.AsOf)
	if err != nil {
		return Answer{}, err
	}
	var refusal *Refusal
	subject := ""
	if q.Reference != "" {
		entry, record, err := s.refusal(ctx, &q)
		if err != nil {
			return Answer{}, err
		}
		subject, refusal = entry.User, &Refusal{Reference: entry.ID, At: entry.CreatedAt, Sentence: record.Sentence}
	}
	p, seen, err := s.principal(ctx, &q)
	if err != nil {
		return Answer{}, err
	}
	org, anyOf, found, err := what(snapshot, p, &q)
	if err != nil {
		return Answer{}, err
	}
	if q.Token != "" && org != access.System && s.Cuts != nil && s.Cuts.EndedIn(org, p.IssuedAt) {
		return Answer{}, fault.InvalidInput.New("token: it does not count there: access to this organisation was revoked since it was issued").At("token")
	}
	explanation := snapshot.Explain(p, org, anyOf...)
	a := answerTo(snapshot, p, org, &explanation)
	switch found.kind {
	case coreapi.Authenticated:
		if org == access.System || a.Allowed { // in an organisation somebody without any access is not let in
			a = anybody(a, found.kind)
		}
	case coreapi.Public, coreapi.ProtocolBearer:
		a = anybody(a, found.kind)
	}
	a.Route, a.Refusal, a.AsOf = found.name, refusal, past
	a.Who = Who{
		Issuer: p.Issuer, Subject: p.Subject, Name: p.DisplayName(), Login: p.Login, IAMRoles: append([]string{}, p.IAMRoles...), RolePath: s.RolePath, Odd: p.Odd,
	}
	if q.IAMRoles != nil && q.Person == nil {
		a.Who.Subject, a.Who.Name = subject, ""
	}
	if !seen.IsZero() {
		a.Who.SeenAt = &seen
	}
	if known := q.IAMRoles == nil || subject != ""; known && q.AsOf == nil && s.barred(p.Issuer, cmp.Or(subject, p.Subject)) {
		a = deactivated(a)
	}
	return a, s.renamed(ctx, snapshot, &a)
}

func (s *Service) barred(issuer, subject string) bool {
	return s.Barred != nil && s.Barred(issuer, subject)
}

// deactivated answers for somebody to whom nothing is open, whatever is mapped.
func deactivated(a Answer) Answer {
	a.Allowed, a.Reason, a.Suggestions, a.Permissions = false, "DEACTIVATED", []Suggestion{}, nil
	a.Sentence = access.Phrase{Format: "The directory that the identity provider provisions says that this person is deactivated: no session and no token of theirs counts."}
	return a
}

// snapshot is what decides, or decided then.
func (s *Service) snapshot(ctx context.Context, asOf *time.Time) (*access.Snapshot, *AsOf, error) {
	if asOf == nil {
		return s.Policy.Snapshot(), nil, nil
	}
	snapshot, known, err := s.Policy.AsOf(ctx, *asOf)
	if err != nil {
		return nil, nil, err
	}
	then := access.Phrase{Format: "Roles and access are as they were then. Organisations, people's groups, ended sessions and the first administrator's role are as they are now."}
	oldest := access.Phrase{Format: "The oldest change that the history tells of is of %s: before it nothing is known.", Args: []any{known.Oldest.UTC().Format(time.RFC3339)}}
	past := &AsOf{At: known.At, Oldest: known.Oldest, Notes: []access.Phrase{then, oldest}}
	const most = 10
	past.Notes = append(past.Notes, known.Unknown[:min(len(known.Unknown), most)]...)
	if more := len(known.Unknown) - most; more > 0 {
		past.Notes = append(past.Notes, access.Phrase{Format: "And of %d more it can't be told what they were then.", Args: []any{more}})
	}
	return snapshot, past, nil
}

// anybody answers for a route that asks for no permission.
func anybody(a Answer, kind coreapi.Kind) Answer {
	a.Allowed, a.Reason, a.Suggestions, a.Permissions = true, "NOTHING_NEEDED", []Suggestion{}, nil
	a.Sentence = access.Phrase{Format: "Whoever is signed in may use this; it needs no permission."}
	if kind != coreapi.Authenticated {
		a.Sentence = access.Phrase{Format: "This is open to wallets and needs no token of ours."}
	}
	return a
}

// principal finds who is asked about, and when they were seen.
func (s *Service) principal(ctx context.Context, q *Question) (_ *access.Principal, seen time.Time, err error) {
	given := 0
	for _, is := range []bool{q.Person != nil, q.Token != "", q.IAMRoles != nil} {
		if is {
			given++
		}
	}
	if given != 1 {
		return nil, seen, fault.InvalidInput.New("expected one of person, token, iamRoles and reference")
	}
	switch {
	case q.Person != nil:
		p, err := s.person(ctx, *q.Person)
		if err != nil {
			return nil, seen, err
		}
		return &access.Principal{
			Issuer: p.Issuer, Subject: p.Subject, Login: p.Login, GivenName: p.GivenName, FamilyName: p.FamilyName, IAMRoles: p.IAMRoles,
		}, p.SeenAt, nil
	case q.Token != "":
		p, err := s.IAM.Principal(ctx, strings.TrimSpace(q.Token))
		if fault.Unauthenticated.Is(err) || fault.Deactivated.Is(err) {
			return nil, seen, fault.InvalidInput.New("token: it does not count: %s", fault.Of(err).Detail).At("token")
		}
		return p, seen, err
	}
	if len(q.IAMRoles) > maxIAMRoles || slices.ContainsFunc(q.IAMRoles, func(name string) bool { return name == "" || len(name) > maxName }) {
		return nil, seen, fault.InvalidInput.New("iamRoles: expected at most %d names of 1 to %d bytes", maxIAMRoles, maxName).At("iamRoles")
	}
	issuer := q.Issuer
	if issuer == "" {
		issuer = s.Issuer
	}
	return &access.Principal{Issuer: issuer, Subject: "somebody", IAMRoles: q.IAMRoles}, seen, nil
}

func (s *Service) person(ctx context.Context, id Person) (session.Person, error) {
	people, err := s.Seen(ctx)
	if err != nil {
		return session.Person{}, err
	}
	var found []session.Person
	for _, p := range people {
		byLogin := id.Subject == "" && (strings.EqualFold(p.Login, id.Login) || p.Subject == id.Login)
		if byLogin && id.Login != "" && (id.Issuer == "" || p.Issuer == id.Issuer) || id.Subject != "" && p.Subject == id.Subject && p.Issuer == id.Issuer {
			found = append(found, p)
		}
	}
	switch len(found) {
	case 1:
		return found[0], nil
	case 0:
		return session.Person{}, fault.NotFound.New("person: nobody like this was seen in the last 90 days; ask by their token or their IAM roles").At("person")
	}
	return session.Person{}, fault.InvalidInput.New("person: %d people have this login; name issuer and subject", len(found)).At("person")
}

// Seen lists who was seen lately, the latest first.
func (s *Service) Seen(ctx context.Context) ([]session.Person, error) {
	return s.People.PeopleSeen(ctx, s.Now().Add(-session.SeenWithin), session.MostPeople)
}

// refusal takes who, what and where from the record of a refusal.
func (s *Service) refusal(ctx context.Context, q *Question) (history.Entry, policy.RefusalRecord, error) {
	var record policy.RefusalRecord
	if q.Person != nil || q.Token != "" || q.IAMRoles != nil || q.Permission != "" || q.Route != "" || q.Organisation != "" {
		return history.Entry{}, record, fault.InvalidInput.New("reference: expected nothing beside it; it tells who, what and where").At("reference")
	}
	entry, found, err := s.History.Get(ctx, q.Reference)
	if err != nil {
		return entry, record, err
	}
	if !found || entry.Action != history.Rejected || json.Unmarshal(entry.Metadata, &record) != nil || record.Issuer == "" {
		return entry, record, fault.NotFound.New("reference: there is no refusal of this reference").At("reference")
	}
	if record.Actor != "" {
		return entry, record, fault.InvalidInput.New("reference: this was refused to a service that acts for a user; its history entry tells the whole reason").At("reference")
	}
	if record.Reason == access.OrganisationUnknown.String() || record.Reason == access.OrganisationRequired.String() {
		return entry, record, fault.InvalidInput.New("reference: the request named no organisation that there is, so that there is nothing to explain: %s", record.Sentence).At("reference")
	}
	q.IAMRoles, q.Issuer, q.Organisation = append([]string{}, record.IAMRoles...), record.Issuer, entry.OrganisationID
	if len(record.AnyOf) > 0 {
		q.Permission = strings.Join(record.AnyOf, " ")
	}
	return entry, record, nil
}

// what finds the permissions that are asked for, and where they have effect. Where a permission acts is its own matter: one
// of the system is looked for there, whichever organisation was named.
func what(snapshot *access.Snapshot, p *access.Principal, q *Question) (org access.OrganisationID, anyOf []access.Permission, found route, err error) {
	switch {
	case q.Permission != "" && q.Route != "":
		return "", nil, route{}, fault.InvalidInput.New("expected permission or route, not both")
	case q.Route != "":
		if found, err = findRoute(q.Route); err != nil {
			return "", nil, route{}, err
		}
		anyOf = found.anyOf
	}
	for _, name := range strings.Fields(q.Permission) {
		permission, known := access.ParsePermission(name)
		if !known {
			return "", nil, route{}, fault.InvalidInput.New("permission: there is no permission %s", clip(name)).At("permission")
		}
		anyOf = append(anyOf, permission)
	}
	org = q.Organisation
	if org != access.System && snapshot.Organisation(org) == nil {
		return "", nil, route{}, fault.NotFound.New("organisationId: there is no such organisation").At("organisationId")
	}
	if found.mixed {
		org, err := placeOfMixed(snapshot, p, org, found)
		return org, anyOf, found, err
	}
	if len(anyOf) > 0 {
		asked := access.SetOf(anyOf...)
		if asked.Intersect(access.EffectiveIn(org)).IsEmpty() {
			if org == access.System {
				return "", nil, route{}, fault.InvalidInput.New("organisationId: expected one, for this acts in an organisation").At("organisationId")
			}
			org = access.System
		}
	}
	return org, anyOf, found, nil
}

// placeOfMixed finds where a route acts that may be used in an organisation and on the system, as the edge does: in the one
// that is named, else the only one that they have; on the system where that is asked for, or where only that is granted.
func placeOfMixed(snapshot *access.Snapshot, p *access.Principal, org access.OrganisationID, r route) (access.OrganisationID, error) {
	if r.whole {
		return access.System, nil
	}
	several := false
	if org == access.System {
		var only *access.Organisation
		if only, several = snapshot.OnlyOrganisation(p); only != nil {
			org = only.ID
		}
	}
	onSystem := snapshot.Decide(p, access.System, r.anyOf...).Allowed
	switch {
	case several && !onSystem:
		return "", fault.InvalidInput.New("organisationId: expected one, for they have several, and one of them may allow it").At("organisationId")
	case onSystem && !snapshot.Decide(p, org, r.anyOf...).Allowed:
		return access.System, nil
	}
	return org, nil
}

// renamed points out mapped names that nobody carries any more and that look like one that is carried and mapped to nothing:
// so does a group look that was renamed at the identity provider.
func (s *Service) renamed(ctx context.Context, snapshot *access.Snapshot, a *Answer) error {
	if !slices.ContainsFunc(a.Path, func(step Step) bool { return step.State == Unmapped }) {
		return nil
	}
	people, err := s.Seen(ctx)
	if err != nil {
		return err
	}
	carried := map[string]bool{}
	for _, p := range people {
		for _, name := range p.IAMRoles {
			carried[name] = true
		}
	}
	for _, name := range a.Who.IAMRoles {
		carried[name] = true
	}
	var left []string
	for _, mapping := range snapshot.IAMRoles() {
		if !carried[mapping.Name] {
			left = append(left, mapping.Name)
		}
	}
	names := access.NamesOf(left)
	for i := range a.Path {
		if step := &a.Path[i]; step.State == Unmapped {
			if err := ctx.Err(); err != nil {
				return err
			}
			step.Renamed = names.Renamed(step.IAMRole)
		}
	}
	return nil
}
