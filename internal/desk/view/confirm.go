package view

import "strings"

// Confirm asks before something goes, and names what goes with it. With blockers it refuses and names
// them instead. It submits version and, where TypeToConfirm is set, confirm.
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
	Errors        FieldErrors // confirm
	Back          Link
	Blocked       string // why it is refused
	Blockers      []Blocker
}

// Foresee adds who gains and who loses by it.
func (c *Confirm) Foresee(p *Preview) {
	if p == nil {
		return
	}
	c.Mapping, c.Effects = p.Version, append(c.Effects, p.Sentences()...)
	if p.LastAdministrator {
		c.Blocked = "After this nobody who was seen in the last 90 days could administer. Map a role with the whole administration to another IAM role first, and let one of its people sign in."
	}
}

// crumbs lead to the section, and to what this is about where that has a page of its own.
func (v Confirm) crumbs() []Link {
	crumbs := []Link{{string(v.Section), sectionPaths[v.Section]}}
	if v.Back.Href != crumbs[0].Href {
		crumbs = append(crumbs, v.Back)
	}
	return crumbs
}

// Blocker is something that has to go first.
type Blocker struct{ Label, Href, Detail string }

// ConfirmRoleDelete asks to delete a role, or refuses while it is mapped.
func ConfirmRoleDelete(p Page, id, name string, permissions int, mappings []RoleMapping) Confirm {
	c := Confirm{
		Page: p, Section: SectionRoles, Title: "Delete role", Object: name, Path: RoleDeletePath(id),
		Action: "Delete role", Danger: true, Back: Link{name, RolePath(id)},
		Effects: []string{
			"The role and its " + count(permissions, "permission") + " are removed. Nobody is affected: no IAM role is mapped to it.",
			"History keeps its record. The role itself cannot be brought back.",
		},
	}
	for _, m := range mappings {
		c.Blockers = append(c.Blockers, Blocker{m.IAMRole, AccessItemPath(m.IAMRoleID), m.where()})
	}
	if len(c.Blockers) > 0 {
		c.Blocked = "This role is still given by " + count(len(mappings), "IAM role") +
			". Deleting it would take permissions from people without telling them. Remove it there first."
	}
	return c
}

// ConfirmAccessDelete asks to delete an IAM role's access. When it covers several organisations the
// name has to be typed.
func ConfirmAccessDelete(p Page, id, name string, organisations []string, system bool) Confirm {
	c := Confirm{
		Page: p, Section: SectionAccess, Title: "Delete access", Object: name, Path: AccessDeletePath(id),
		Action: "Delete access", Danger: true, Back: Link{name, AccessItemPath(id)},
	}
	if len(organisations) > 3 {
		c.TypeToConfirm = name
	}
	if n := len(organisations); n > 3 {
		c.Effects = append(c.Effects, "People whose token carries this IAM role lose what it gives them in "+count(n, "organisation")+": "+isolated(organisations)+".")
		organisations = nil
	}
	for _, organisation := range organisations {
		c.Effects = append(c.Effects, "People whose token carries this IAM role lose what it gives them in "+organisation+".")
	}
	if system {
		c.Effects = append(c.Effects, "They lose the system roles it gives them.")
	}
	c.Effects = append(c.Effects, "It takes effect at once; app tokens that are already out die within minutes. Roles and the group in Okta stay as they are.")
	return c
}

// isolated lists names so that one written from right to left does not turn its neighbours round.
func isolated(names []string) string {
	return "\u2068" + strings.Join(names, "\u2069, \u2068") + "\u2069"
}

// ConfirmDeactivate asks to deactivate an organisation.
func ConfirmDeactivate(p Page, id, name string, iamRoles int) Confirm {
	return Confirm{
		Page: p, Section: SectionOrganisations, Title: "Deactivate organisation", Object: name,
		Path: OrganisationDeactivatePath(id), Action: "Deactivate organisation", Danger: true,
		Back: Link{name, OrganisationPath(id)}, TypeToConfirm: name,
		Effects: []string{
			"Nobody gets a token for this organisation any more: people with " + count(iamRoles, "IAM role") + " mapped here can no longer work in it.",
			"App tokens that are already out die within minutes.",
			"Credentials, keys and history stay. Access stays mapped and works again after reactivation.",
		},
	}
}

// ConfirmReactivate asks to bring an organisation back.
func ConfirmReactivate(p Page, id, name string, iamRoles int) Confirm {
	return Confirm{
		Page: p, Section: SectionOrganisations, Title: "Reactivate organisation", Object: name,
		Path: OrganisationReactivatePath(id), Action: "Reactivate organisation",
		Back: Link{name, OrganisationPath(id)},
		Effects: []string{
			"People with " + count(iamRoles, "IAM role") + " mapped here can work in it again, at once, with the roles that are mapped now.",
		},
	}
}

func (m RoleMapping) where() string {
	s := ""
	if len(m.Organisations) > 0 {
		s = "in " + m.Organisations[0].Name
		if more := len(m.Organisations) - 1; more > 0 {
			s += " and " + count(more, "more organisation")
		}
	}
	if m.System {
		if s != "" {
			s += ", "
		}
		s += "as a system role"
	}
	return s
}
