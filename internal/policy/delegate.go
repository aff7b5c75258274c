package policy

import (
	"context"

	"github.com/portico-iam/portico/internal/access"
	"github.com/portico-iam/portico/internal/fault"
	"github.com/portico-iam/portico/internal/history"
)

// Delegated returns everything the service may do there for the user. What
// the user may do there, on which the roles' conditions rest, is held; nil: what their IAM roles give them. An empty set
// is refused and recorded, with both of them.
func (s *Service) Delegated(ctx context.Context, service, user *access.Principal, held *access.PermissionSet, org access.OrganisationID, route string) (access.Rights, error) {
	snapshot := s.Snapshot()
	if user == nil || user.Subject == "" || user.Issuer == "" {
		return access.Rights{}, fault.Unauthenticated.New("a delegated token needs an authenticated user")
	}
	until := snapshot.Until(service, org)
	if held == nil {
		set, _ := snapshot.Effective(user, org)
		held, until = &set, access.First(until, snapshot.Until(user, org))
	}
	set, reason := snapshot.Delegated(service, *held, org)
	if reason == access.Granted {
		return access.Rights{Permissions: set, Version: snapshot.Version(), Until: until}, nil
	}
	return access.Rights{}, s.refuseDelegation(ctx, snapshot, service, user, *held, org, route, reason)
}

func (s *Service) refuseDelegation(ctx context.Context, snapshot *access.Snapshot, service, user *access.Principal, held access.PermissionSet, org access.OrganisationID, route string, reason access.Reason) error {
	if reason == access.NotAuthenticated {
		return fault.Unauthenticated.New("a delegated token needs an authenticated service")
	}
	sentence := delegationSentence(reason)
	key := refusalKey{
		issuer: service.Issuer, subject: service.Subject, iamRoles: hashOf(service.IAMRoles), org: known(snapshot.Organisation(org)),
		reason: reason, asked: held, version: snapshot.Version(), user: user.Issuer + "\x00" + user.Subject,
	}
	r, seen := s.refusals.find(key)
	if !seen {
		entry := s.History.New(history.Entry{
			Action: history.Rejected, EntityType: history.STSToken, Name: route, Source: history.SourceSTS,
			OrganisationID: known(snapshot.Organisation(org)), User: user.Subject,
			Metadata: history.Details(RefusalRecord{
				Route: route, AnyOf: []string{}, Reason: reason.String(), Sentence: sentence, Remedy: delegationRemedy(reason),
				Actor: service.Subject, Issuer: service.Issuer, IAMRoles: service.IAMRoles, Odd: service.Odd,
				Restricted: restrictedRoles(snapshot, service, org), Version: snapshot.Version(),
			}),
		})
		r = refusal{sentence: access.Phrase{Format: sentence}, reference: entry.ID}
		if r, seen = s.refusals.keep(key, r); !seen {
			s.History.Append(ctx, entry)
		}
	}
	f := fault.Forbidden.New("%s", r.sentence)
	f.Reference = r.reference
	return f
}

// delegationSentence is for the service. Of organisations in which it has no such role it learns nothing.
func delegationSentence(reason access.Reason) string {
	if reason == access.UserPermissionMissing {
		return "The user has none of the permissions that the service's roles require of them there."
	}
	return "The service has no role there by which it may act for a user."
}

// delegationRemedy is for the administrator.
func delegationRemedy(reason access.Reason) string {
	switch reason {
	case access.UserPermissionMissing:
		return "Give the user one of the permissions that the restricted role requires, or lessen what it requires."
	case access.OrganisationDeactivated:
		return "Reactivate the organisation."
	case access.NoIAMRoles:
		return "Put the service's role into its token, or check the role path."
	}
	return "Map a role that is restricted to delegation to one of the service's IAM roles there."
}

func restrictedRoles(s *access.Snapshot, service *access.Principal, org access.OrganisationID) []string {
	explanation := s.Explain(service, org)
	var roles []*access.Role
	for _, m := range explanation.Matched {
		for _, role := range m.Roles {
			if role.Delegation != nil {
				roles = append(roles, role)
			}
		}
	}
	return roleNames(roles)
}
