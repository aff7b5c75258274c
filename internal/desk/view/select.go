package view

import "context"

// Select chooses, or drops, what the filter shows of a group. What it hides stays as it is.
func (p Picker) Select(ctx context.Context, group string, chosen bool) {
	for _, g := range p.Groups {
		if g.ID != group {
			continue
		}
		for _, permission := range g.Permissions {
			if p.matches(ctx, permission) {
				p.Chosen[permission.ID] = chosen
			}
		}
	}
}
