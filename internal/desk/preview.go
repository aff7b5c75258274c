package desk

import (
	"context"
	"net/http"
	"slices"
	"strconv"

	"github.com/portico-iam/portico/internal/access"
	"github.com/portico-iam/portico/internal/authn"
	"github.com/portico-iam/portico/internal/desk/view"
	"github.com/portico-iam/portico/internal/fault"
	"github.com/portico-iam/portico/internal/policy"
)

// preview shows what a change would do, to whom; nil for one that can't be made as it is: the form says why.
func (h *Handler) preview(r *http.Request, c *authn.Caller, change access.Change) (*view.Preview, error) {
	p, err := h.Policy.Preview(r.Context(), c.Principal, change)
	switch f := fault.Of(err); {
	case err == nil:
	case f.Code.Status < http.StatusInternalServerError:
		return nil, nil
	default:
		return nil, err
	}
	v := h.viewPreview(c, &p)
	v.Reason = r.PostFormValue("reason")
	return v, nil
}

func (h *Handler) viewPreview(c *authn.Caller, p *policy.Preview) *view.Preview {
	v := &view.Preview{Version: strconv.FormatInt(p.Version, 10), LastAdministrator: p.LastAdministrator, Probation: p.Probation}
	for _, u := range p.Broken {
		v.Broken = append(v.Broken, view.Broken(u))
	}
	s := h.sight(c)
	for _, id := range p.Demanding {
		v.Demanding = append(v.Demanding, s.organisation(id).Name)
	}
	v.People, v.Unnamed, v.Groups = h.affected(s, c, v, p.People, p.Groups)
	v.MoreEnds = p.MoreEnd
	for _, end := range p.Later {
		later := view.Later{At: h.when(end.At)}
		later.People, later.Unnamed, later.Groups = h.affected(s, c, v, end.People, end.Groups)
		v.Later = append(v.Later, later)
	}
	return v
}

// affected names who gains or loses, as far as the person may see who was seen.
func (h *Handler) affected(s sight, c *authn.Caller, v *view.Preview, seen, carriers []policy.Affected) (people []view.Affected, unnamed int, groups []view.Affected) {
	if h.may(c, access.STSSessionList) {
		for _, a := range seen {
			who := view.Who{Issuer: a.Person.Issuer, Subject: a.Person.Subject, Name: a.Person.DisplayName()}
			people = append(people, view.Affected{Name: who.Name, Href: who.Path(), Login: a.Person.Login, Places: places(s, a.Effects)})
		}
		slices.SortStableFunc(people, func(a, b view.Affected) int { return byName(a.Name, b.Name) })
	} else {
		unnamed = len(seen)
	}
	for _, a := range carriers {
		groups = append(groups, view.Affected{Name: a.IAMRole, Exact: true, Places: places(s, a.Effects)})
	}
	return listed(v, people), unnamed, listed(v, groups)
}

// listed keeps as many as somebody reads, and counts the others.
func listed(v *view.Preview, all []view.Affected) []view.Affected {
	const most = 50
	v.More += max(0, len(all)-most)
	return all[:min(len(all), most)]
}

func places(s sight, effects []access.Effect) []view.AffectedPlace {
	all := make([]view.AffectedPlace, 0, len(effects))
	for _, e := range effects {
		place := view.AffectedPlace{Gained: permissionsIn(e.Gained), Lost: permissionsIn(e.Lost), Bound: permissionsIn(e.Bound), Freed: permissionsIn(e.Freed)}
		if e.Organisation != access.System {
			place.Name = s.organisation(e.Organisation).Name
		}
		all = append(all, place)
	}
	slices.SortFunc(all, func(a, b view.AffectedPlace) int { return byName(a.Name, b.Name) })
	return all
}

func permissionsIn(set access.PermissionSet) (all []view.Permission) {
	for p := range set.All() {
		all = append(all, viewPermission(p.Info()))
	}
	return all
}

// seenBy is what a form was based on: the row, and what its preview showed.
func seenBy(r *http.Request, version string) policy.Seen {
	return policy.Seen{Revision: revisionOf(version), Mapping: revisionOf(r.PostFormValue("mapping"))}
}

// keptFrom tells, at the review, why saving was refused though the form is fine; "" where that is not why.
func keptFrom(ctx context.Context, err error) string {
	switch {
	case fault.StalePreview.Is(err):
		return say(ctx, "Roles, access or organisations were changed while you were at it. What you see below is what saving does now.")
	case fault.LastAdministrator.Is(err), fault.OnProbation.Is(err), fault.Expectation.Is(err):
		return say(ctx, "Nothing was saved. %s", sayFault(ctx, fault.Of(err)))
	}
	return ""
}
