package okta

import (
	"cmp"
	"context"
	"fmt"
	"strings"
)

// What the doctor needs of a plan beside what it reads itself.

// Line writes a step in one line.
func (s Step) Line() string {
	var changed []string
	for _, c := range s.Changes {
		switch name := cmp.Or(labels[c.Field], c.Field); {
		case s.Action == Create: // its title says it
		case c.From == nil:
			changed = append(changed, fmt.Sprintf("%s: %s", name, inWords(c.Field, c.To)))
		default:
			changed = append(changed, fmt.Sprintf("%s: %s -> %s", name, inWords(c.Field, c.From), inWords(c.Field, c.To)))
		}
	}
	if len(changed) == 0 {
		return fmt.Sprintf("%s: %s", s.Action, s.Title)
	}
	return fmt.Sprintf("%s: %s (%s)", s.Action, s.Title, strings.Join(changed, "; "))
}

// Does tells whether apply has anything to do.
func (s Step) Does() bool { return s.ours() }

// Holds tells whether a step changes a field, and where a value is given, to what has that.
func (s Step) Holds(field, value string) bool {
	for _, c := range s.Changes {
		if c.Field == field && (value == "" || c.To == any(value) || contains(c.To, value)) {
			return true
		}
	}
	return false
}

// Widened is the filter of a claim of groups that lets one more group through, as apply would write it.
func (c *ClaimFacts) Widened(group string) (kind, value string) {
	return "REGEX", withGroup(c.Filter, c.Value, group)
}

// renamed reads the bootstrap group that apply made, whatever it is called now: by its id, as apply finds it. It is nil where
// apply made none, or it is gone.
func (r *reader) renamed(ctx context.Context, s *Setup) object {
	if s == nil {
		return nil
	}
	rec, err := loadRecord(s)
	group := rec.of("group")
	if err != nil || group == nil || group.ID == "" {
		return nil
	}
	if name, told := group.After["profile.name"]; told && name != s.Bootstrap.Group {
		return nil // the setup file names another group since
	}
	return r.one(ctx, groupsPath+"/"+group.ID)
}

// AppClaim reads the groups claim that an application has in ID tokens of the organisation's own server; nil where it has
// none. seen is false where Okta does not show it.
func (c *Client) AppClaim(ctx context.Context, app string) (claim *ClaimFacts, seen bool, err error) {
	live, seen, err := (&run{client: c, application: object{"id": app}}).groupsClaim(ctx)
	if choice(live.text("valueType")) == nil {
		return nil, seen, err
	}
	return &ClaimFacts{
		Name: live.text("name"), Status: active, Type: "IDENTITY", ValueType: live.text("valueType"), Filter: live.text("groupFilterType"), Value: live.text("value"), Always: true,
	}, seen, err
}

// ClaimFilter is the filter of a new claim, widened where it would leave a group out.
func (s *Setup) ClaimFilter(group string) (kind, value string) {
	kind, value = s.Claim.filter()
	if lets, judged := admits(kind, value, group); judged && !lets && group != "" {
		kind, value = "REGEX", withGroup(kind, value, group)
	}
	return kind, value
}

// InWords writes a claim's filter as the console does.
func InWords(kind, value string) string { return filterNames[kind] + " " + value }

// Filter is what a step makes a claim's filter; "" where it changes none.
func (s Step) Filter() (kind, value string) {
	for _, c := range s.Changes {
		text, _ := c.To.(string)
		switch c.Field {
		case "group_filter_type":
			kind = text
		case "value":
			value = text
		}
	}
	return kind, value
}

// AboutSecret are the plan's notes on the client secret's file: where the one that is replaced goes.
func (p *Plan) AboutSecret(s *Setup) (notes []string) {
	for _, note := range p.Notes {
		if strings.HasPrefix(note, s.Output.ClientSecretFile+" ") {
			notes = append(notes, note)
		}
	}
	return notes
}
