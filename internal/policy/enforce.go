package policy

import (
	"context"
	"crypto/sha256"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/portico-iam/portico/internal/access"
	"github.com/portico-iam/portico/internal/fault"
	"github.com/portico-iam/portico/internal/history"
)

// Enforce refuses what the principal may not do. route says what was attempted, for the record, e.g.
// "POST /api/credential/v1"; it must not hold anything but a method and a path.
func (s *Service) Enforce(ctx context.Context, p *access.Principal, org access.OrganisationID, route string, anyOf ...access.Permission) error {
	snapshot := s.Snapshot()
	decision := snapshot.Decide(p, org, anyOf...)
	s.decided(decision.Reason)
	if decision.Allowed {
		decision.NoteUse()
		return nil
	}
	return s.refuse(ctx, snapshot, p, org, route, decision.Reason, decision.Requires, slices.Clone(anyOf)) // cloned, so that anyOf stays on the stack
}

// Use tells whether the principal may do something there, and notes that they do. A refusal is not recorded.
func (s *Service) Use(p *access.Principal, org access.OrganisationID, anyOf ...access.Permission) bool {
	decision := s.Snapshot().Decide(p, org, anyOf...)
	s.decided(decision.Reason)
	decision.NoteUse()
	return decision.Allowed
}

func (s *Service) decided(reason access.Reason) {
	if s.Decided != nil {
		s.Decided(reason)
	}
}

// Permissions returns everything the principal may do there. In an
// organisation it refuses, as Enforce does, who may do nothing at all; in the system anybody may hold an empty set.
func (s *Service) Permissions(ctx context.Context, p *access.Principal, org access.OrganisationID, route string) (access.Rights, error) {
	snapshot := s.Snapshot()
	set, reason := snapshot.Effective(p, org)
	if reason == access.NotAuthenticated || set.IsEmpty() && org != access.System {
		return access.Rights{}, s.refuse(ctx, snapshot, p, org, route, reason, snapshot.Decide(p, org, slices.Collect(access.EffectiveIn(org).All())...).Requires, nil)
	}
	return access.Rights{Permissions: set, Version: snapshot.Version(), Until: snapshot.Until(p, org)}, nil
}

func (s *Service) refuse(ctx context.Context, snapshot *access.Snapshot, p *access.Principal, org access.OrganisationID, route string, reason access.Reason, requires *access.Requirement, anyOf []access.Permission) error {
	if reason == access.NotAuthenticated {
		return fault.Unauthenticated.New("sign in, or send an access token of the identity provider")
	}
	key := refusalKey{
		issuer: p.Issuer, subject: p.Subject, iamRoles: hashOf(p.IAMRoles), org: known(snapshot.Organisation(org)),
		reason: reason, asked: access.SetOf(anyOf...), version: snapshot.Version(),
	}
	if requires != nil { // else whoever has signed in anew, and not as required, would be told of the sign-in before
		key.signIn = fmt.Sprint(p.SignIn)
	}
	r, seen := s.refusals.find(key)
	if !seen {
		explanation := snapshot.Explain(p, org, anyOf...)
		entry := s.History.New(refusalEntry(snapshot, p, route, &explanation))
		r = refusal{sentence: told(&explanation, org), reference: entry.ID}
		if r, seen = s.refusals.keep(key, r); !seen {
			s.History.Append(ctx, entry)
		}
	}
	f := fault.Forbidden.New("%s", r.sentence)
	if requires != nil {
		f = fault.StepUp.New("%s", r.sentence)
		f.SignIn = requires
	}
	f.Reference = r.reference
	return f
}

// told is the sentence for the person. Of an organisation in which they have no role they learn nothing, not even that
// it exists or what it is called; the record has it all.
func told(e *access.Explanation, org access.OrganisationID) access.Phrase {
	here := slices.ContainsFunc(e.Matched, func(m access.MatchedIAMRole) bool { return len(m.Roles) > 0 })
	if org != access.System && !here && len(e.Ended) == 0 {
		return access.Phrase{Format: "You have no access to this organisation."}
	}
	return e.Sentence()
}

// RefusalRecord is the metadata of a refusal's history entry: everything an administrator needs to see why.
type RefusalRecord struct {
	Route      string          `json:"route"`
	AnyOf      []string        `json:"anyOf"`
	Reason     string          `json:"reason"`
	Sentence   string          `json:"sentence"`
	Remedy     string          `json:"remedy,omitempty"`
	Actor      string          `json:"actor,omitempty"` // the service that was to act for the user; issuer and IAM roles are its own
	Issuer     string          `json:"issuer"`
	IAMRoles   []string        `json:"iamRoles"`
	Matched    []RecordedMatch `json:"matched,omitempty"`
	Unmatched  []RecordedMiss  `json:"unmatched,omitempty"`
	GrantedBy  []string        `json:"grantedBy,omitempty"` // roles that would grant it
	Elsewhere  []string        `json:"elsewhere,omitempty"` // organisations in which it is granted
	Restricted []string        `json:"restrictedToDelegation,omitempty"`
	Odd        []string        `json:"odd,omitempty"` // what was strange about the token's roles
	SignIn     *RecordedSignIn `json:"signIn,omitempty"`
	Version    int64           `json:"mapping"`
}

// RecordedSignIn is what the token told of the sign-in, and what the roles here require of it, where that is why.
type RecordedSignIn struct {
	ACR      string           `json:"acr,omitempty"`
	AMR      []string         `json:"amr,omitempty"`
	AuthTime string           `json:"authTime,omitempty"`
	Required []RequiredSignIn `json:"required"`
}

// RequiredSignIn is what one role requires.
type RequiredSignIn struct {
	Role string `json:"role"`
	signInRecord
}

func recordSignIn(p *access.Principal, requiring []*access.Role) *RecordedSignIn {
	if len(requiring) == 0 {
		return nil
	}
	record := &RecordedSignIn{ACR: p.SignIn.Class, AMR: p.SignIn.Methods}
	if p.SignIn.At > 0 {
		record.AuthTime = time.Unix(p.SignIn.At, 0).UTC().Format(time.RFC3339)
	}
	for _, role := range requiring {
		record.Required = append(record.Required, RequiredSignIn{role.Name, *recordRequirement(role.Requires)})
	}
	return record
}

// RecordedMatch is an IAM role that is mapped, and the roles that it gives there.
type RecordedMatch struct {
	IAMRole string   `json:"iamRole"`
	Roles   []string `json:"roles"`
}

// RecordedMiss is an IAM role that is not mapped, and the mapped names that it nearly equals.
type RecordedMiss struct {
	IAMRole string   `json:"iamRole"`
	Near    []string `json:"near,omitempty"`
}

func refusalEntry(snapshot *access.Snapshot, p *access.Principal, route string, e *access.Explanation) history.Entry {
	record := RefusalRecord{
		Route: route, Reason: e.Decision.Reason.String(), Sentence: e.Sentence().String(), Remedy: e.Remedy().String(),
		Issuer: p.Issuer, IAMRoles: p.IAMRoles, Odd: p.Odd, Version: snapshot.Version(),
		GrantedBy: roleNames(e.Granting), Restricted: roleNames(e.Restricted), SignIn: recordSignIn(p, e.Requiring),
	}
	for _, permission := range e.AnyOf {
		record.AnyOf = append(record.AnyOf, permission.String())
	}
	for _, m := range e.Matched {
		record.Matched = append(record.Matched, RecordedMatch{IAMRole: m.Name, Roles: roleNames(m.Roles)})
	}
	for _, u := range e.Unmatched {
		record.Unmatched = append(record.Unmatched, RecordedMiss{IAMRole: u.Name, Near: u.Near})
	}
	for _, o := range e.Elsewhere {
		record.Elsewhere = append(record.Elsewhere, o.Name)
	}
	return history.Entry{
		Action: history.Rejected, EntityType: history.STSToken, Name: route, Source: history.SourceBFF,
		OrganisationID: known(e.Organisation), User: p.Subject, Metadata: history.Details(record),
	}
}

func roleNames(roles []*access.Role) []string {
	names := make([]string, 0, len(roles))
	for _, r := range roles {
		names = append(names, r.Name)
	}
	return names
}

// refusals remembers refusals for a minute, so that a client that insists does not fill the history with one sentence,
// nor cost an explanation each time.
type refusals struct {
	now  func() time.Time
	mu   sync.Mutex
	seen map[refusalKey]refusal
}

// refusalKey is all that the explanation rests on. An organisation that does not exist is the caller's own text, and
// the IAM roles may be many: neither is kept as it came.
type refusalKey struct {
	issuer, subject string
	iamRoles        [sha256.Size]byte
	org             access.OrganisationID
	reason          access.Reason
	asked           access.PermissionSet
	version         int64
	user            string // for whom a service was to act
	signIn          string // where that is why
}

type refusal struct {
	sentence  access.Phrase
	reference string
	until     time.Time
}

const (
	refusalsKept   = 4096
	refusalKeptFor = time.Minute
)

func newRefusals(now func() time.Time) *refusals {
	return &refusals{now: now, seen: map[refusalKey]refusal{}}
}

func (r *refusals) find(key refusalKey) (refusal, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	known, ok := r.seen[key]
	return known, ok && r.now().Before(known.until)
}

// keep remembers a refusal, unless somebody else was faster: then it returns theirs.
func (r *refusals) keep(key refusalKey, fresh refusal) (_ refusal, seen bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := r.now()
	if known, ok := r.seen[key]; ok && now.Before(known.until) {
		return known, true
	}
	if len(r.seen) >= refusalsKept {
		maps.DeleteFunc(r.seen, func(_ refusalKey, old refusal) bool { return !now.Before(old.until) })
	}
	if len(r.seen) >= refusalsKept { // still full: any half goes, the map's order is as good as another
		for k := range r.seen {
			if delete(r.seen, k); len(r.seen) <= refusalsKept/2 {
				break
			}
		}
	}
	fresh.until = now.Add(refusalKeptFor)
	r.seen[key] = fresh
	return fresh, false
}

// hashOf tells lists apart.
func hashOf(names []string) [sha256.Size]byte {
	h := sha256.New()
	for _, name := range names {
		fmt.Fprintf(h, "%d:%s", len(name), name)
	}
	return [sha256.Size]byte(h.Sum(nil))
}

// known returns the organisation for the record: an id that does not exist is a caller's text, not an organisation.
func known(o *access.Organisation) access.OrganisationID {
	if o == nil {
		return access.System
	}
	return o.ID
}
