package view

import "context"

func (g *GroupFacts) canTie() bool { return g != nil && g.CanTie }

// tie is what the button says.
func (g *GroupFacts) tie(ctx context.Context) string {
	if g.State == GroupUntied {
		return say(ctx, "Tie to the group")
	}
	return say(ctx, "Confirm access")
}

// ConfirmAccessGroup asks to have access count for whoever carries its name.
func ConfirmAccessGroup(ctx context.Context, p Page, id, name string, provisioned bool) Confirm {
	c := Confirm{
		Page: p, Section: SectionAccess, Title: say(ctx, "Confirm access"), Object: name, Path: AccessConfirmPath(id),
		Action: say(ctx, "Confirm access"), Back: Link{name, AccessItemPath(id)},
		Effects: []string{say(ctx, "The access counts for whoever carries exactly this name, whichever group it was made for.")},
	}
	if provisioned {
		c.Effects = append(c.Effects, say(ctx, "It is tied to the group of this name in the directory: if that one is renamed or deleted, the access does not count until it is confirmed again."))
	} else {
		c.Effects = append(c.Effects, say(ctx, "No group of this name is in the directory, so that nothing tells whether the name is given to another group some day."))
	}
	return c
}
