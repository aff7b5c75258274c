package view

import (
	"context"
	"strings"
)

// Confirm asks before something goes, and names what goes with it. With blockers it refuses and names
// them instead. It submits version and, where TypeToConfirm is set, confirm; where a question is, reason.
type Confirm struct {
	Page
	Section       Section
	Title         string
	Object        string // the thing's name
	Path          string // where the form posts to
	Action        string // the button: "Delete role"
	Danger        bool
	Effects       []string // what happens, a sentence each
	TypeToConfirm string   // has to be typed when many are affected
	Version       string
	Mapping       string      // of the preview
	Question      *Question   // asked besides, as reason
	Errors        FieldErrors // confirm, reason
	Back          Link
	Blocked       string // why it is refused
	Blockers      []Blocker
}

// Foresee adds who gains and who loses by it.
func (c *Confirm) Foresee(ctx context.Context, p *Preview) {
	if p == nil {
		return
	}
	c.Mapping, c.Effects = p.Version, append(c.Effects, p.Sentences(ctx)...)
	c.ForeseeApproval(ctx, p)
	if p.LastAdministrator {
		c.Blocked = say(ctx, "After this nobody who was seen in the last 90 days could administer. Map a role with the whole administration to another IAM role first, and let one of its people sign in.")
	}
	for _, b := range p.Broken {
		c.Blocked = say(ctx, "It would break an expectation: %s. %s", b.Expectation, b.Why)
	}
}

// ForeseeApproval asks why, where it needs a second administrator.
func (c *Confirm) ForeseeApproval(ctx context.Context, p *Preview) {
	if p == nil {
		return
	}
	if c.Mapping = p.Version; len(p.Demanding) > 0 {
		why := askWhy(ctx, p.Reason)
		c.Question, c.Action, c.Danger = &why, say(ctx, "Ask for approval"), false
		c.Effects = append([]string{demands(ctx, p.Demanding)}, c.Effects...)
	}
}

// crumbs lead to the section, and to what this is about where that has a page of its own.
func (v Confirm) crumbs(ctx context.Context) []Link {
	crumbs := []Link{{sayKey(ctx, string(v.Section)), sectionPaths[v.Section]}}
	if v.Back.Href != crumbs[0].Href {
		crumbs = append(crumbs, v.Back)
	}
	return crumbs
}

// Blocker is something that has to go first.
type Blocker struct{ Label, Href, Detail string }

// ConfirmRoleDelete asks to delete a role, or refuses while it is mapped.
func ConfirmRoleDelete(ctx context.Context, p Page, id, name string, permissions int, mappings []RoleMapping) Confirm {
	c := Confirm{
		Page: p, Section: SectionRoles, Title: say(ctx, "Delete role"), Object: name, Path: RoleDeletePath(id),
		Action: say(ctx, "Delete role"), Danger: true, Back: Link{name, RolePath(id)},
		Effects: []string{
			say(ctx, "The role and its %d permissions are removed. Nobody is affected: no IAM role is mapped to it.", permissions),
			say(ctx, "History keeps its record. The role itself cannot be brought back."),
		},
	}
	for _, m := range mappings {
		c.Blockers = append(c.Blockers, Blocker{m.IAMRole, AccessItemPath(m.IAMRoleID), m.where(ctx)})
	}
	if len(c.Blockers) > 0 {
		c.Blocked = say(ctx, "This role is still given by %d IAM roles. Deleting it would take permissions from people without telling them. Remove it there first.", len(mappings))
	}
	return c
}

// ConfirmAccessDelete asks to delete an IAM role's access. When it covers several organisations the
// name has to be typed.
func ConfirmAccessDelete(ctx context.Context, p Page, id, name string, organisations []string, system bool) Confirm {
	c := Confirm{
		Page: p, Section: SectionAccess, Title: say(ctx, "Delete access"), Object: name, Path: AccessDeletePath(id),
		Action: say(ctx, "Delete access"), Danger: true, Back: Link{name, AccessItemPath(id)},
	}
	if len(organisations) > 3 {
		c.TypeToConfirm = name
	}
	if n := len(organisations); n > 3 {
		c.Effects = append(c.Effects, say(ctx, "People whose token carries this IAM role lose what it gives them in %d organisations: %s.", n, isolated(organisations)))
		organisations = nil
	}
	for _, organisation := range organisations {
		c.Effects = append(c.Effects, say(ctx, "People whose token carries this IAM role lose what it gives them in %s.", organisation))
	}
	if system {
		c.Effects = append(c.Effects, say(ctx, "They lose the system roles it gives them."))
	}
	c.Effects = append(c.Effects, say(ctx, "It takes effect at once; app tokens that are already out die within minutes. Roles and the group in Okta stay as they are."))
	return c
}

// isolated lists names so that one written from right to left does not turn its neighbours round.
func isolated(names []string) string {
	return "\u2068" + strings.Join(names, "\u2069, \u2068") + "\u2069"
}

// ConfirmDeactivate asks to deactivate an organisation.
func ConfirmDeactivate(ctx context.Context, p Page, id, name string, iamRoles int) Confirm {
	return Confirm{
		Page: p, Section: SectionOrganisations, Title: say(ctx, "Deactivate organisation"), Object: name,
		Path: OrganisationDeactivatePath(id), Action: say(ctx, "Deactivate organisation"), Danger: true,
		Back: Link{name, OrganisationPath(id)}, TypeToConfirm: name,
		Effects: []string{
			say(ctx, "Nobody gets a token for this organisation any more: people with %d IAM roles mapped here can no longer work in it.", iamRoles),
			say(ctx, "App tokens that are already out die within minutes."),
			say(ctx, "Credentials, keys and history stay. Access stays mapped and works again after reactivation."),
		},
	}
}

// ConfirmReactivate asks to bring an organisation back.
func ConfirmReactivate(ctx context.Context, p Page, id, name string, iamRoles int) Confirm {
	return Confirm{
		Page: p, Section: SectionOrganisations, Title: say(ctx, "Reactivate organisation"), Object: name,
		Path: OrganisationReactivatePath(id), Action: say(ctx, "Reactivate organisation"),
		Back: Link{name, OrganisationPath(id)},
		Effects: []string{
			say(ctx, "People with %d IAM roles mapped here can work in it again, at once, with the roles that are mapped now.", iamRoles),
		},
	}
}

func (m RoleMapping) where(ctx context.Context) string {
	var parts []string
	switch more := len(m.Organisations) - 1; {
	case more == 0:
		parts = append(parts, say(ctx, "in %s", m.Organisations[0].Name))
	case more > 0:
		parts = append(parts, say(ctx, "in %s and %d more organisations", m.Organisations[0].Name, more))
	}
	if m.System {
		parts = append(parts, say(ctx, "as a system role"))
	}
	return strings.Join(parts, ", ")
}
