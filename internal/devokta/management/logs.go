package management

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/portico-iam/portico/internal/devokta/world"
)

// events is the System Log: the last week, or since and until.
func events() collection[*world.Event] {
	return collection[*world.Event]{
		path: "/api/v1/logs", area: world.AreaLogs, pages: pages{usual: 100, most: 1000},
		id: func(e *world.Event) string { return e.UUID }, show: func(_ *call, e *world.Event) any { return e },
		list: listEvents,
	}
}

const week = 7 * 24 * time.Hour

func listEvents(c *call) ([]*world.Event, error) {
	since, until := c.Now().Add(-week), c.Now().Add(week)
	for name, at := range map[string]*time.Time{"since": &since, "until": &until} {
		raw := c.query.Get(name)
		if raw == "" {
			continue
		}
		parsed, err := time.Parse(time.RFC3339, raw)
		if err != nil {
			return nil, world.Invalid(name, name+": Invalid date. Please use the format 2026-11-25T09:00:00.000Z")
		}
		*at = parsed
	}
	var all []*world.Event
	for _, e := range c.World.Log {
		if !e.Published.Before(since.Truncate(time.Second)) && !e.Published.After(until) {
			all = append(all, e)
		}
	}
	if q := strings.ToLower(c.query.Get("q")); q != "" {
		all = slices.DeleteFunc(all, func(e *world.Event) bool { return !strings.Contains(strings.ToLower(e.EventType), q) })
	}
	if c.query.Get("sortOrder") == "DESCENDING" {
		slices.Reverse(all)
	}
	return selected(c.query.Get("filter"), all, eventAttributes)
}

func eventAttributes(e *world.Event, attribute string) []string {
	switch attribute {
	case "eventType":
		return []string{e.EventType}
	case "uuid":
		return []string{e.UUID}
	case "outcome.result":
		return []string{e.Outcome.Result}
	case "outcome.reason":
		if e.Outcome.Reason == nil {
			return []string{""}
		}
		return []string{*e.Outcome.Reason}
	case "actor.id":
		if e.Actor == nil {
			return []string{""}
		}
		return []string{e.Actor.ID}
	case "target.id":
		ids := []string{""}
		for _, t := range e.Target {
			ids = append(ids, t.ID)
		}
		return ids
	}
	return nil
}

func org(c *call) (answer, error) {
	w := c.World
	return answer{status: http.StatusOK, body: withLinks(map[string]any{
		"id": w.OrgID, "subdomain": strings.ToLower(w.Company), "companyName": w.Company, "status": "ACTIVE", "website": nil,
		"created": w.Created, "lastUpdated": w.Created, "expiresAt": nil, "phoneNumber": nil, "supportPhoneNumber": nil,
		"endUserSupportHelpURL": nil, "address1": nil, "address2": nil, "city": nil, "state": nil, "country": nil, "postalCode": nil,
	}, links{"organization": map[string]any{"href": c.base + "/api/v1/org"}})}, nil
}

func signOnPolicies(c *call) (answer, error) {
	shown := []any{}
	for _, p := range c.World.SignOnPolicies {
		if id := c.r.PathValue("policy"); id != "" && id != p.ID {
			continue
		}
		shown = append(shown, withLinks(map[string]any{
			"id": p.ID, "name": p.Name, "type": "ACCESS_POLICY", "status": world.Active, "system": p == c.World.SignOnPolicies[0], "priority": 1,
		}, links{"self": link(c.base+"/api/v1/policies/"+p.ID, "GET")}))
	}
	if id := c.r.PathValue("policy"); id != "" {
		if len(shown) == 0 {
			return answer{}, world.NotFound(id, "Policy")
		}
		return answer{status: http.StatusOK, body: shown[0]}, nil
	}
	return answer{status: http.StatusOK, body: shown, list: true}, nil
}
