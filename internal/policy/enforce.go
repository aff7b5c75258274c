package policy

import (
	"context"
	"strings"
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
	if snapshot.Decide(p, org, anyOf...).Allowed {
		return nil
	}
	return s.refuse(ctx, snapshot, p, org, route, anyOf)
}

// Permissions returns everything the principal may do there, and the version of the snapshot that says so. In an
// organisation it refuses, as Enforce does, who may do nothing at all; in the system anybody may hold an empty set.
func (s *Service) Permissions(ctx context.Context, p *access.Principal, org access.OrganisationID, route string) (access.PermissionSet, int64, error) {
	snapshot := s.Snapshot()
	set, _ := snapshot.Effective(p, org)
	if p == nil || set.IsEmpty() && org != access.System {
		return set, 0, s.refuse(ctx, snapshot, p, org, route, nil)
	}
	return set, snapshot.Version(), nil
}

func (s *Service) refuse(ctx context.Context, snapshot *access.Snapshot, p *access.Principal, org access.OrganisationID, route string, anyOf []access.Permission) error {
	if p == nil {
		return fault.Unauthenticated.New("sign in, or send an access token of the identity provider")
	}
	explanation := snapshot.Explain(p, org, anyOf...)
	f := fault.Forbidden.New("%s", explanation.Sentence())
	f.Reference = s.refusals.reference(refusalKey{
		issuer: p.Issuer, subject: p.Subject, org: org, version: snapshot.Version(),
		iamRoles: strings.Join(p.IAMRoles, "\x00"), asked: access.SetOf(anyOf...),
	}, func() string {
		return s.recordRefusal(ctx, p, route, &explanation)
	})
	return f
}

// RefusalRecord is the metadata of a refusal's history entry: everything an administrator needs to see why.
type RefusalRecord struct {
	Route      string          `json:"route"`
	AnyOf      []string        `json:"anyOf"`
	Reason     string          `json:"reason"`
	Sentence   string          `json:"sentence"`
	Remedy     string          `json:"remedy,omitempty"`
	Issuer     string          `json:"issuer"`
	IAMRoles   []string        `json:"iamRoles"`
	Matched    []RecordedMatch `json:"matched,omitempty"`
	Unmatched  []RecordedMiss  `json:"unmatched,omitempty"`
	GrantedBy  []string        `json:"grantedBy,omitempty"` // roles that would grant it
	Elsewhere  []string        `json:"elsewhere,omitempty"` // organisations in which it is granted
	Restricted []string        `json:"restrictedToDelegation,omitempty"`
	Odd        []string        `json:"odd,omitempty"` // what was strange about the token's roles
	Version    int64           `json:"mapping"`
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

func (s *Service) recordRefusal(ctx context.Context, p *access.Principal, route string, e *access.Explanation) string {
	record := RefusalRecord{
		Route: route, Reason: e.Decision.Reason.String(), Sentence: e.Sentence(), Remedy: e.Remedy(),
		Issuer: p.Issuer, IAMRoles: p.IAMRoles, Odd: p.Odd, Version: s.Snapshot().Version(),
		GrantedBy: roleNames(e.Granting), Restricted: roleNames(e.Restricted),
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
	return s.History.Record(ctx, history.Entry{
		Action: history.Rejected, EntityType: history.STSToken, Name: route, Source: history.SourceBFF,
		OrganisationID: known(e.Organisation), User: p.Subject, Metadata: history.Details(record),
	}).ID
}

func roleNames(roles []*access.Role) []string {
	names := make([]string, 0, len(roles))
	for _, r := range roles {
		names = append(names, r.Name)
	}
	return names
}

// refusals remembers the reference of a refusal for a minute, so that a client that insists does not fill the history
// with one sentence.
type refusals struct {
	now  func() time.Time
	mu   sync.Mutex
	seen map[refusalKey]refusal
}

type refusalKey struct {
	issuer, subject, iamRoles string
	org                       access.OrganisationID
	asked                     access.PermissionSet
	version                   int64
}

type refusal struct {
	reference string
	until     time.Time
}

const (
	refusalsKept     = 4096
	refusalKeptFor   = time.Minute
	refusalsPerRound = refusalsKept / 2
)

func newRefusals(now func() time.Time) *refusals {
	return &refusals{now: now, seen: map[refusalKey]refusal{}}
}

func (r *refusals) reference(key refusalKey, record func() string) string {
	r.mu.Lock()
	known, ok := r.seen[key]
	r.mu.Unlock()
	if ok && r.now().Before(known.until) {
		return known.reference
	}
	reference := record()
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.seen) >= refusalsKept {
		for k := range r.seen { // any half: the map's order is as good as another
			if delete(r.seen, k); len(r.seen) <= refusalsPerRound {
				break
			}
		}
	}
	r.seen[key] = refusal{reference: reference, until: r.now().Add(refusalKeptFor)}
	return reference
}

// known returns the organisation for the record: an id that does not exist is a caller's text, not an organisation.
func known(o *access.Organisation) access.OrganisationID {
	if o == nil {
		return access.System
	}
	return o.ID
}
