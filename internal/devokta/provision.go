package devokta

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/portico-iam/portico/internal/devokta/world"
)

// Provisioner pushes the people of the web application, and groups, to a SCIM server, as Okta does: it looks for somebody before it
// creates them, deactivates who is gone and never deletes them, and patches groups. It is for tests: nothing pushes by itself.
type Provisioner struct {
	s           *Server
	base, token string
	client      *http.Client
	users       map[string]string // their ids there, by ours
	active      map[string]bool
	groups      map[string]string
	pushed      map[string]pushedGroup
}

type pushedGroup struct {
	name    string
	members map[string]bool // ids there
}

// NewProvisioner pushes to the SCIM server at base, with its token.
func (s *Server) NewProvisioner(base, token string) *Provisioner {
	return &Provisioner{
		s: s, base: base, token: token, client: &http.Client{Timeout: 10 * time.Second},
		users: map[string]string{}, active: map[string]bool{}, groups: map[string]string{}, pushed: map[string]pushedGroup{},
	}
}

// RenameGroup gives a group another name; its id stays.
func (s *Server) RenameGroup(name, to string) error {
	return s.withGroup(name, func(g *world.Group) error {
		p := g.Profile
		p.Name = to
		return s.world.ReplaceGroup(g, p)
	})
}

// DeleteGroup deletes a group. One that is made later by the same name has another id.
func (s *Server) DeleteGroup(name string) error {
	return s.withGroup(name, s.world.DeleteGroup)
}

func (s *Server) withGroup(name string, do func(*world.Group) error) error {
	return s.change(func() error {
		g := s.world.GroupByName(name)
		if g == nil {
			return fmt.Errorf("development Okta: there is no group %q", name)
		}
		return do(g)
	})
}

// person and group are what is pushed of one.
type person struct {
	id     string
	active bool
	scim   map[string]any
}

type group struct {
	id, name string
	members  []string // ids of people here
}

func (p *Provisioner) read() (people []person, groups []group) {
	s := p.s
	s.mu.Lock()
	defer s.mu.Unlock()
	var web *world.App
	for _, a := range s.world.Apps {
		if a.ID == world.ID("0oa", world.WebLabel) {
			web = a
		}
	}
	for _, u := range s.world.Users {
		active := u.Status == world.Active && web != nil && s.world.Assigned(web, u)
		people = append(people, person{u.ID, active, map[string]any{
			"schemas": []string{"urn:ietf:params:scim:schemas:core:2.0:User"}, "userName": u.Login(), "externalId": u.ID, "active": active,
			"name":   map[string]any{"givenName": u.Profile.FirstName, "familyName": u.Profile.LastName},
			"emails": []any{map[string]any{"primary": true, "value": u.Profile.Email, "type": "work"}}, "groups": []any{},
		}})
	}
	for _, g := range s.world.Groups {
		if g.Type != world.BuiltInGroup {
			groups = append(groups, group{g.ID, g.Profile.Name, append([]string{}, g.Members...)})
		}
	}
	return people, groups
}

// Push brings the server up to date with what changed since the last time.
func (p *Provisioner) Push(ctx context.Context) error {
	people, groups := p.read()
	for _, one := range people {
		if err := p.pushPerson(ctx, one); err != nil {
			return err
		}
	}
	there := map[string]bool{}
	for _, g := range groups {
		there[g.id] = true
		if err := p.pushGroup(ctx, g); err != nil {
			return err
		}
	}
	for id, theirs := range p.groups {
		if there[id] {
			continue
		}
		if err := p.call(ctx, http.MethodDelete, "/Groups/"+theirs, nil, nil); err != nil {
			return err
		}
		delete(p.groups, id)
		delete(p.pushed, id)
	}
	return nil
}

func (p *Provisioner) pushPerson(ctx context.Context, one person) error {
	id, known := p.users[one.id]
	switch {
	case known && one.active == p.active[one.id]:
		return nil
	case known && !one.active:
		if err := p.call(ctx, http.MethodPatch, "/Users/"+id, patch(operation("replace", "", map[string]any{"active": false})), nil); err != nil {
			return err
		}
	case known:
		if err := p.call(ctx, http.MethodPut, "/Users/"+id, one.scim, nil); err != nil {
			return err
		}
	case !one.active:
		return nil
	default:
		var list struct {
			Resources []struct{ ID string }
		}
		filter := url.Values{"filter": {fmt.Sprintf("userName eq %q", one.scim["userName"])}, "startIndex": {"1"}, "count": {"100"}}
		if err := p.call(ctx, http.MethodGet, "/Users?"+filter.Encode(), nil, &list); err != nil {
			return err
		}
		var made struct{ ID string }
		method, path := http.MethodPost, "/Users"
		if len(list.Resources) > 0 {
			method, path = http.MethodPut, "/Users/"+list.Resources[0].ID
		}
		if err := p.call(ctx, method, path, one.scim, &made); err != nil {
			return err
		}
		p.users[one.id] = made.ID
	}
	p.active[one.id] = one.active
	return nil
}

func (p *Provisioner) pushGroup(ctx context.Context, g group) error {
	members := map[string]bool{}
	for _, id := range g.members {
		if theirs, known := p.users[id]; known {
			members[theirs] = true
		}
	}
	id, known := p.groups[g.id]
	was := p.pushed[g.id]
	if !known {
		var made struct{ ID string }
		body := map[string]any{"schemas": []string{"urn:ietf:params:scim:schemas:core:2.0:Group"}, "displayName": g.name, "members": values(members)}
		if err := p.call(ctx, http.MethodPost, "/Groups", body, &made); err != nil {
			return err
		}
		p.groups[g.id], p.pushed[g.id] = made.ID, pushedGroup{g.name, members}
		return nil
	}
	var operations []any
	if was.name != g.name {
		operations = append(operations, operation("replace", "", map[string]any{"id": id, "displayName": g.name}))
	}
	come := map[string]bool{}
	for member := range members {
		if !was.members[member] {
			come[member] = true
		}
	}
	if len(come) > 0 {
		operations = append(operations, operation("add", "members", values(come)))
	}
	for member := range was.members {
		if !members[member] {
			operations = append(operations, operation("remove", fmt.Sprintf("members[value eq %q]", member), nil))
		}
	}
	if len(operations) == 0 {
		return nil
	}
	if err := p.call(ctx, http.MethodPatch, "/Groups/"+id, patch(operations...), nil); err != nil {
		return err
	}
	p.pushed[g.id] = pushedGroup{g.name, members}
	return nil
}

func values(ids map[string]bool) []any {
	list := []any{}
	for id := range ids {
		list = append(list, map[string]any{"value": id})
	}
	return list
}

func operation(op, path string, value any) map[string]any {
	o := map[string]any{"op": op}
	if path != "" {
		o["path"] = path
	}
	if value != nil {
		o["value"] = value
	}
	return o
}

func patch(operations ...any) map[string]any {
	return map[string]any{"schemas": []string{"urn:ietf:params:scim:api:messages:2.0:PatchOp"}, "Operations": operations}
}

// maxAnswer bounds what is read of an answer, in bytes.
const maxAnswer = 16 << 20

func (p *Provisioner) call(ctx context.Context, method, path string, body, into any) error {
	var reader io.Reader = http.NoBody
	if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			return err
		}
		reader = bytes.NewReader(text)
	}
	req, err := http.NewRequestWithContext(ctx, method, p.base+path, reader)
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+p.token)
	req.Header.Set("Content-Type", "application/scim+json; charset=utf-8")
	req.Header.Set("Accept", "application/scim+json")
	req.Header.Set("User-Agent", "Okta SCIM Client 1.0.0")
	resp, err := p.client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	switch {
	case err != nil:
		return err
	case resp.StatusCode >= http.StatusMultipleChoices:
		return fmt.Errorf("development Okta: %s %s: %d %s", method, path, resp.StatusCode, answer)
	case into == nil || len(answer) == 0:
		return nil
	}
	return json.Unmarshal(answer, into)
}
