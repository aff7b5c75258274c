package policy

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/portico-iam/portico/internal/access"
	"github.com/portico-iam/portico/internal/fault"
)

// ProbationTime is how long a change to one's own administration counts without a confirming sign-in.
const ProbationTime = 10 * time.Minute

// confirmPatience bounds how long a request waits for the change that it confirms: the next one may confirm it too.
const confirmPatience = 2 * time.Second

// nobodyConfirmed is who changes what is undone when its time is over. No subject of an identity provider is trusted to
// be another.
const nobodyConfirmed = access.OwnSubject + "probation is over"

// onProbation begins a probation for somebody who administers by less after the change. What their session says of them may
// be out of date: only a fresh sign-in shows whether they still can. Nil: none is needed.
func (s *Service) onProbation(by *access.Principal, after *access.Snapshot, c access.Change) *access.Probation {
	if by == nil || c.Undoes || !narrows(s.Snapshot(), by, after, c) {
		return nil
	}
	left := after.Reachable(by, access.System) // to confirm it takes a sign-in by which they do hold it
	return &access.Probation{
		Issuer: by.Issuer, Subject: by.Subject, Name: by.DisplayName(), IAMRoles: by.IAMRoles, At: c.At, Until: c.At.Add(ProbationTime),
		Left: left.Intersect(access.Administration),
	}
}

// narrows tells whether somebody administers by less after the change, or will soon.
func narrows(before *access.Snapshot, by *access.Principal, after *access.Snapshot, c access.Change) bool {
	if before.NarrowsAdministration(by, after) {
		return true
	}
	soon := c.At.Add(EndsSoon)
	return endsBy(after, soon) && before.At(soon).NarrowsAdministration(by, after.At(soon))
}

// Confirm ends the probation of a change if p shows, by having signed in after it, that the administration goes on. begun is when
// they signed in, or their token was issued. Without a probation it costs nothing.
func (s *Service) Confirm(ctx context.Context, p *access.Principal, begun time.Time) {
	now := s.Snapshot()
	pending := now.Probation()
	if pending == nil || !begun.After(pending.At) || !s.Now().Before(pending.Until) || !pending.Confirms(now, p) {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, confirmPatience)
	defer cancel()
	err := s.endProbation(ctx, pending, func(*access.Snapshot) access.Change {
		return access.Change{EndsProbation: true, By: p.Subject}
	})
	if err != nil {
		s.Logger.WarnContext(ctx, "a change on probation was not confirmed; the next request tries again", "error", err)
	}
}

// Probation returns what is on probation, for whoever made it and whoever may list mappings; nil when nothing is.
func (s *Service) Probation(p *access.Principal) *access.Probation {
	now := s.Snapshot()
	pending := now.Probation()
	if pending == nil || pending.MadeBy(p) || now.Decide(p, access.System, access.STSIAMRoleList).Allowed {
		return pending
	}
	return nil
}

// UndoProbation undoes what is on probation. Whoever made it may, as long as they hold what it left them; others need what
// changing it takes, and then nobody is held up by another such change of its maker for a while.
func (s *Service) UndoProbation(ctx context.Context, by *access.Principal) error {
	now := s.Snapshot()
	pending := now.Probation()
	if pending == nil {
		return fault.NotFound.New("nothing is on probation")
	}
	if !pending.MayUndo(now, by) {
		for _, p := range []access.Permission{access.STSRoleEdit, access.STSIAMRoleEdit} {
			if err := s.Enforce(ctx, by, access.System, "undo a change that is on probation", p); err != nil {
				return err
			}
		}
	}
	if err := s.undo(ctx, pending, by.Subject); err != nil {
		return err
	}
	if !pending.MadeBy(by) {
		s.rebuked.Store(&rebuke{pending.Issuer, pending.Subject, s.Now().Add(ProbationTime)})
	}
	return nil
}

// rebuke keeps somebody, whose change another administrator undid, from making the next one.
type rebuke struct {
	issuer, subject string
	until           time.Time
}

// keepOthersFree refuses a probation to somebody who would hold up others by one after the other.
func (s *Service) keepOthersFree(c access.Change) error {
	p, r := c.Probation, s.rebuked.Load()
	if p == nil || r == nil || p.Issuer != r.issuer || p.Subject != r.subject || !s.Now().Before(r.until) {
		return nil
	}
	return fault.OnProbation.New("another administrator undid your last change of your own administration: the next one is possible at %s",
		r.until.UTC().Format(time.RFC3339))
}

// EndProbation undoes what is on probation when its time is over. It is to be called every second or so.
func (s *Service) EndProbation(ctx context.Context) error {
	pending := s.Snapshot().Probation()
	if pending == nil || s.Now().Before(pending.Until) {
		return nil
	}
	err := s.undo(ctx, pending, nobodyConfirmed)
	if f := fault.Of(err); err != nil && f.Code.Status < http.StatusInternalServerError {
		// No change can have closed the way back, but another configuration may have. Nothing else could ever be changed then.
		s.Logger.ErrorContext(ctx, "what is on probation can't be undone and stays", "error", err)
		err = s.endProbation(ctx, pending, func(*access.Snapshot) access.Change {
			return access.Change{EndsProbation: true, By: nobodyConfirmed}
		})
	}
	if err != nil {
		return fmt.Errorf("undo what is on probation: %w", err)
	}
	return nil
}

func (s *Service) undo(ctx context.Context, pending *access.Probation, by string) error {
	return s.endProbation(ctx, pending, func(now *access.Snapshot) access.Change {
		back := now.UndoProbation()
		back.By = by
		return back
	})
}

// endProbation makes the change that ends the probation, unless somebody else was faster.
func (s *Service) endProbation(ctx context.Context, pending *access.Probation, end func(now *access.Snapshot) access.Change) error {
	_, err := s.change(ctx, nil, Seen{}, func(now *access.Snapshot) (access.Change, error) {
		if p := now.Probation(); p == nil || !p.At.Equal(pending.At) {
			return access.Change{}, errUnchanged
		}
		c := end(now)
		c.At = s.Now()
		return c, nil
	})
	if errors.Is(err, errUnchanged) {
		return nil
	}
	return err
}

// probationNote says in the record of a change what it has to do with a probation.
func probationNote(c access.Change) string {
	switch {
	case c.Probation != nil:
		return "on probation until " + c.Probation.Until.UTC().Format(time.RFC3339)
	case !c.EndsProbation:
		return ""
	case !c.Undoes:
		return "what was on probation was replaced"
	case c.By == nobodyConfirmed:
		return "undone, since nobody confirmed it by signing in"
	}
	return "undone"
}
