package desk

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"

	"github.com/portico-iam/portico/internal/access"
	"github.com/portico-iam/portico/internal/authn"
	"github.com/portico-iam/portico/internal/desk/view"
	"github.com/portico-iam/portico/internal/desk/wording"
)

// looseKinds are the kinds of loose ends in a few words.
var looseKinds = map[access.FindingKind]string{
	access.GroupRenamed:      key("group renamed"),
	access.GroupDeleted:      key("group deleted"),
	access.GroupEmpty:        key("group without members"),
	access.RoleNotMapped:     key("role that nobody has"),
	access.PermissionsIdle:   key("permissions without effect"),
	access.RoleIdle:          key("role without effect"),
	access.DelegationIdle:    key("delegation never met"),
	access.OrganisationGone:  key("organisation is no more"),
	access.IAMRoleGivesNone:  key("gives nothing"),
	access.IAMRoleNotCarried: key("nobody lately"),
}

// wholeSystem stands in a filter for no organisation.
const wholeSystem = "system"

// looseEnds lists what leads nowhere. Only the rows of the page at hand are put into words.
func (h *Handler) looseEnds(w http.ResponseWriter, r *http.Request, c *authn.Caller) error {
	all, err := h.Policy.Nowhere(r.Context(), c.Principal)
	if err != nil {
		return err
	}
	ctx, s := r.Context(), h.sight(c)
	v := view.LooseEnds{
		Page: h.frame(r, c), List: listState(r, view.LooseEndsPath, "kind", "name", "kind", "changed"), CanMatrix: h.mayMatrix(c), Blind: all.Blind,
	}
	where := r.URL.Query().Get("organisation")
	org := access.OrganisationID(where)
	if where == wholeSystem {
		org = access.System
	} else if s.Organisation(org) == nil || !s.seesOrganisation(org) {
		where = ""
	}
	v.Kinds, v.Organisations = looseChoices(ctx, s, all.Findings, where != "", org)
	kind := r.URL.Query().Get("kind")
	if !slices.ContainsFunc(v.Kinds, func(choice view.Choice) bool { return choice.ID == kind }) {
		kind = ""
	}
	v.List.Filters = url.Values{"kind": {kind}, "organisation": {where}}
	rows := all.Where(func(f *access.Finding) bool {
		named := contains(f.Subject(), v.List.Query) || f.Role != nil && contains(f.Role.Name, v.List.Query)
		return named && (kind == "" || f.Kind.String() == kind) && (where == "" || f.In(org))
	}).Findings
	slices.SortStableFunc(rows, func(a, b access.Finding) int {
		order := 0
		switch v.List.Sort {
		case "kind":
			order = cmp.Compare(a.Kind, b.Kind)
		case "changed":
			order = a.Changed().ModifiedAt.Compare(b.Changed().ModifiedAt)
		}
		return directed(v.List, cmp.Or(order, byName(a.Subject(), b.Subject())))
	})
	said := map[access.FindingKind]bool{}
	for _, f := range cut(&v.List, rows) {
		v.Rows = append(v.Rows, h.looseEnd(ctx, c, s, &all, &f))
		if !said[f.Kind] {
			said[f.Kind] = true
			v.Remedies = append(v.Remedies, view.Fact{Label: wording.Capital(sayKey(ctx, looseKinds[f.Kind])), Value: wording.SayPhrase(ctx, f.Remedy())})
		}
	}
	h.render(w, r, http.StatusOK, view.LooseEndsPage(v))
	return nil
}

// looseChoices are the kinds and the places to choose from: those that any is about, and the one that is chosen.
func looseChoices(ctx context.Context, s sight, all []access.Finding, chosen bool, org access.OrganisationID) (kinds, places []view.Choice) {
	count, in := map[access.FindingKind]int{}, map[access.OrganisationID]bool{org: chosen}
	for i := range all {
		f := &all[i]
		count[f.Kind]++
		switch {
		case f.Placed():
			in[f.Organisation] = true
		case f.IAMRole != nil:
			for org := range f.IAMRole.OrganisationRoles {
				in[org] = true
			}
			in[access.System] = in[access.System] || len(f.IAMRole.SystemRoles) > 0
		}
	}
	for _, kind := range access.FindingKinds {
		kinds = append(kinds, view.Choice{ID: kind.String(), Name: fmt.Sprintf("%s (%d)", sayKey(ctx, looseKinds[kind]), count[kind])})
	}
	for org, is := range in {
		if is && org != access.System && s.seesOrganisation(org) {
			places = append(places, s.organisation(org))
		}
	}
	slices.SortFunc(places, byChoice)
	if in[access.System] {
		places = append([]view.Choice{{ID: wholeSystem, Name: say(ctx, "The whole system")}}, places...)
	}
	return kinds, places
}

func (h *Handler) looseEnd(ctx context.Context, c *authn.Caller, s sight, all *access.Nowhere, f *access.Finding) view.LooseEnd {
	e := view.LooseEnd{
		Name: f.Subject(), Kind: sayKey(ctx, looseKinds[f.Kind]), Quiet: quiet(f), Exact: f.IAMRole != nil,
		Sentence: looseSentence(ctx, s, f), Changed: h.changed(f.Changed()),
	}
	e.Near, e.Renamed = all.Carried(f)
	switch {
	case f.IAMRole == nil:
		e.Href = view.RolePath(string(f.Role.ID))
	default:
		e.Href = view.AccessItemPath(string(f.IAMRole.ID))
	}
	switch {
	case f.MovesTo() != "" && h.may(c, access.STSIAMRoleEdit):
		e.EditHref, e.EditLabel = view.AccessMovePath(string(f.IAMRole.ID), f.MovesTo()), say(ctx, "Move to the new name")
	case f.Kind == access.GroupDeleted && h.may(c, access.STSIAMRoleEdit):
		e.EditHref, e.EditLabel = view.AccessConfirmPath(string(f.IAMRole.ID)), say(ctx, "Confirm access")
	case f.Kind == access.PermissionsIdle && h.may(c, access.STSRoleEdit):
		e.EditHref, e.EditLabel = view.RoleSmallerPath(string(f.Role.ID), f.Permissions.Names()), say(ctx, "Edit role")
	case f.IAMRole != nil && h.may(c, access.STSIAMRoleEdit):
		e.EditHref, e.EditLabel = view.AccessEditPath(string(f.IAMRole.ID)), say(ctx, "Edit access")
	case f.Kind == access.RoleNotMapped && h.may(c, access.STSRoleDelete):
		e.EditHref, e.EditLabel = view.RoleDeletePath(string(f.Role.ID)), say(ctx, "Delete role")
	}
	return e
}

// quiet tells of what need not be wrong.
func quiet(f *access.Finding) bool {
	return f.Kind == access.IAMRoleNotCarried || f.Kind == access.GroupEmpty
}

func looseSentence(ctx context.Context, s sight, f *access.Finding) string {
	place := any(access.TheSystem)
	if f.Placed() && f.Organisation != access.System {
		place = s.organisation(f.Organisation).Name
	}
	return wording.SayPhrase(ctx, f.Sentence(place))
}

// loose is what leads nowhere, as far as the caller may know, for pages of something else. They do without where it can't be found.
func (h *Handler) loose(r *http.Request, c *authn.Caller) access.Nowhere {
	all, err := h.Policy.NowhereSeen(r.Context(), c.Principal)
	if err != nil {
		h.Logger.WarnContext(r.Context(), "loose ends not found", "error", err)
	}
	return all
}

func (h *Handler) looseCount(r *http.Request, c *authn.Caller) (n view.LooseCount) {
	for _, f := range h.loose(r, c).Findings {
		n.All++
		if f.Kind == access.IAMRoleNotCarried {
			n.Quiet++
		}
	}
	return n
}

// looseNotice points out what leads nowhere of one thing; nil where nothing does.
func (h *Handler) looseNotice(r *http.Request, c *authn.Caller, name string, about func(*access.Finding) bool) *view.LooseNotice {
	const most = 5
	found := h.loose(r, c).Where(about).Findings
	if len(found) == 0 {
		return nil
	}
	s := h.sight(c)
	v := &view.LooseNotice{Quiet: true, Href: view.LooseEndsOfPath(name)}
	for i := range found {
		f := &found[i]
		v.Quiet = v.Quiet && quiet(f)
		if i < most {
			v.Texts = append(v.Texts, looseSentence(r.Context(), s, f)+" "+wording.SayPhrase(r.Context(), f.Remedy()))
		}
	}
	if more := len(found) - most; more > 0 {
		v.Texts = append(v.Texts, say(r.Context(), "And %d more.", more))
	}
	return v
}

// markLoose marks the rows of a list, with each kind once.
func (h *Handler) markLoose(r *http.Request, c *authn.Caller, rows []view.AccessRow) {
	at := map[string]*view.AccessRow{}
	for i := range rows {
		at[rows[i].ID] = &rows[i]
	}
	for _, f := range h.loose(r, c).Findings {
		if f.IAMRole == nil || at[string(f.IAMRole.ID)] == nil {
			continue
		}
		row, kind := at[string(f.IAMRole.ID)], sayKey(r.Context(), looseKinds[f.Kind])
		if !slices.ContainsFunc(row.Loose, func(e view.LooseEnd) bool { return e.Kind == kind }) {
			row.Loose = append(row.Loose, view.LooseEnd{Kind: kind, Quiet: quiet(&f)})
		}
	}
}
