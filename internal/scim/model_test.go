package scim

import (
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/portico-iam/portico/internal/directory"
	"github.com/portico-iam/portico/internal/store"
	"github.com/portico-iam/portico/internal/testdb"
)

// modelUser and modelGroup are what the directory must be, kept in the simplest way.
type modelUser struct {
	userName, external, title string
	active                    bool
}

type modelGroup struct {
	name    string
	members map[string]bool
}

type model struct {
	users  map[string]modelUser
	groups map[string]modelGroup
}

func (m *model) userTaken(u modelUser, self string) bool {
	for id, other := range m.users {
		if id != self && (strings.EqualFold(other.userName, u.userName) || u.external != "" && other.external == u.external) {
			return true
		}
	}
	return false
}

func (m *model) groupTaken(name, self string) bool {
	for id, g := range m.groups {
		if id != self && g.name == name {
			return true
		}
	}
	return false
}

// TestOperationsGiveWhatTheModelHas: whatever is sent in whatever order, the directory is what a simple model says, and so are the
// answers, on both engines.
func TestOperationsGiveWhatTheModelHas(t *testing.T) {
	testdb.Each(t, func(t *testing.T, db *store.DB) {
		rapid.Check(t, func(rt *rapid.T) {
			b := newBed(t, db, directory.SubjectUserName)
			m := &model{map[string]modelUser{}, map[string]modelGroup{}}
			for range rapid.IntRange(1, 25).Draw(rt, "steps") {
				m.step(rt, b)
			}
			m.compare(rt, b)
			for id := range m.groups {
				b.must(204, "DELETE", "/Groups/"+id, "")
			}
			for id := range m.users {
				b.must(204, "DELETE", "/Users/"+id, "")
			}
		})
	})
}

func draw(rt *rapid.T, all []string, what string) string {
	if len(all) == 0 {
		return "nobody"
	}
	return rapid.SampledFrom(all).Draw(rt, what)
}

func (m *model) step(rt *rapid.T, b *bed) {
	user := draw(rt, append(slices.Sorted(maps.Keys(m.users)), "nobody"), "user")
	group := draw(rt, append(slices.Sorted(maps.Keys(m.groups)), "nothing"), "group")
	name := rapid.SampledFrom([]string{"ivan", "IVAN", "vera", "Otto"}).Draw(rt, "name")
	external := rapid.SampledFrom([]string{"", "1", "2"}).Draw(rt, "external")
	expect := func(r reply, status int) bool {
		if r.status != status {
			rt.Fatalf("expected %d, got %d %s", status, r.status, r.text)
		}
		return status < 300
	}
	u, known := m.users[user]
	g, there := m.groups[group]
	switch rapid.SampledFrom([]string{"create", "put", "active", "title", "delete", "group", "rename", "add", "remove", "replace", "clear", "drop"}).Draw(rt, "do") {
	case "create":
		next := modelUser{userName: name, external: external, active: true}
		r := b.send("POST", "/Users", userBody(name, `"externalId":`+quote(external)))
		if expect(r, pick(m.userTaken(next, ""), 409, 201)) {
			m.users[r.id()] = next
		}
	case "put":
		next := modelUser{userName: name, external: external, active: !u.active}
		r := b.send("PUT", "/Users/"+user, userBody(name, fmt.Sprintf(`"externalId":%q,"active":%t`, external, next.active)))
		if expect(r, pick(!known, 404, pick(m.userTaken(next, user), 409, 200))) {
			m.users[user] = next
		}
	case "active":
		u.active = !u.active
		if expect(b.send("PATCH", "/Users/"+user, patchBody(fmt.Sprintf(`{"op":"Replace","value":{"active":%t}}`, u.active))), pick(known, 200, 404)) {
			m.users[user] = u
		}
	case "title":
		u.title = name
		if expect(b.send("PATCH", "/Users/"+user, patchBody(`{"op":"add","path":"title","value":`+quote(name)+`}`)), pick(known, 200, 404)) {
			m.users[user] = u
		}
	case "delete":
		if expect(b.send("DELETE", "/Users/"+user, ""), pick(known, 204, 404)) {
			delete(m.users, user)
			for _, g := range m.groups {
				delete(g.members, user)
			}
		}
	case "group":
		members := []string{}
		if known {
			members = append(members, user)
		}
		r := b.send("POST", "/Groups", groupBody(name, members...))
		if expect(r, pick(m.groupTaken(name, ""), 409, 201)) {
			m.groups[r.id()] = modelGroup{name, setOf(members)}
		}
	case "rename":
		r := b.send("PATCH", "/Groups/"+group, patchBody(`{"op":"replace","value":{"id":`+quote(group)+`,"displayName":`+quote(name)+`}}`))
		if expect(r, pick(!there, 404, pick(m.groupTaken(name, group), 409, 204))) {
			g.name = name
			m.groups[group] = g
		}
	case "add":
		r := b.send("PATCH", "/Groups/"+group, patchBody(`{"op":"add","path":"members","value":[{"value":`+quote(user)+`}]}`))
		if expect(r, pick(!there, 404, pick(known, 204, 400))) {
			g.members[user] = true
		}
	case "remove":
		r := b.send("PATCH", "/Groups/"+group, patchBody(`{"op":"remove","path":"members[value eq \"`+user+`\"]"}`))
		if expect(r, pick(there, 204, 404)) {
			delete(g.members, user)
		}
	case "replace":
		r := b.send("PUT", "/Groups/"+group, groupBody(name, user))
		if expect(r, pick(!there, 404, pick(m.groupTaken(name, group), 409, pick(known, 200, 400)))) {
			m.groups[group] = modelGroup{name, setOf([]string{user})}
		}
	case "clear":
		r := b.send("PATCH", "/Groups/"+group, patchBody(`{"op":"remove","path":"members"},{"op":"add","path":"externalId","value":"`+group+`"}`))
		if expect(r, pick(there, 204, 404)) {
			clear(g.members)
		}
	default:
		if expect(b.send("DELETE", "/Groups/"+group, ""), pick(there, 204, 404)) {
			delete(m.groups, group)
		}
	}
}

func pick(is bool, yes, no int) int {
	if is {
		return yes
	}
	return no
}

func setOf(ids []string) map[string]bool {
	set := map[string]bool{}
	for _, id := range ids {
		set[id] = true
	}
	return set
}

func (m *model) compare(rt *rapid.T, b *bed) {
	got := &model{map[string]modelUser{}, map[string]modelGroup{}}
	text := func(o object, name string) string { s, _ := o[name].(string); return s }
	// Page by page, by two.
	pages := func(path string, each func(o object)) {
		for start, total := 1, 1; start <= total; start += 2 {
			r := b.must(200, "GET", fmt.Sprintf("%s?startIndex=%d&count=2", path, start), "")
			total = int(r.body["totalResults"].(float64))
			list, _ := r.body["Resources"].([]any)
			for _, item := range list {
				each(item.(object))
			}
		}
	}
	pages("/Users", func(o object) {
		got.users[text(o, "id")] = modelUser{text(o, "userName"), text(o, "externalId"), text(o, "title"), o["active"] == true}
	})
	pages("/Groups", func(o object) {
		g := modelGroup{text(o, "displayName"), map[string]bool{}}
		list, _ := o["members"].([]any)
		for _, item := range list {
			g.members[text(item.(object), "value")] = true
		}
		got.groups[text(o, "id")] = g
		if stored, _, err := b.db.DirectoryGroup(b.t.Context(), text(o, "id")); err != nil || stored.Members != len(g.members) {
			rt.Errorf("%s: counted %d members of %d, %v", g.name, stored.Members, len(g.members), err)
		}
	})
	if fmt.Sprint(got.users) != fmt.Sprint(m.users) || fmt.Sprint(got.groups) != fmt.Sprint(m.groups) {
		rt.Errorf("got  %v\nwant %v", *got, *m)
	}
	for id, u := range m.users {
		if b.dir.Barred(issuer, u.userName) == u.active {
			rt.Errorf("%s: active %t, barred otherwise", id, u.active)
		}
		r := b.must(200, "GET", "/Users?filter="+url.QueryEscape(fmt.Sprintf(`userName eq %q and active eq %t`, strings.ToUpper(u.userName), u.active)), "")
		if r.body["totalResults"] != 1.0 {
			rt.Errorf("%s is not found: %s", u.userName, r.text)
		}
	}
}

// TestFiltersAgree: a filter over the database finds whom it finds in memory.
func TestFiltersAgree(t *testing.T) {
	people := []string{"ivan", "IVA%", "vera_", "Otto\\", "éva", "ivan2", "x'y", "日本"}
	testdb.Each(t, func(t *testing.T, db *store.DB) {
		b := newBed(t, db, directory.SubjectUserName)
		var all []object
		for i, name := range people {
			more := fmt.Sprintf(`"active":%t`, i%2 == 0)
			if i%3 == 0 {
				more += `,"displayName":` + quote("The "+name) + `,"externalId":` + quote(name)
			}
			id := b.user(name, more)
			all = append(all, b.must(200, "GET", "/Users/"+id, "").body)
		}
		attributes := append(slices.Clone(userAttributes), with(text("externalId", ""), func(a *attribute) { a.CaseExact = true }))
		rapid.Check(t, func(rt *rapid.T) {
			filter := drawFilter(rt, 3, people)
			e, err := parseFilter(filter)
			if err != nil {
				rt.Fatalf("%s: %v", filter, err)
			}
			var want []string
			for _, o := range all {
				if e.matches(attributes, o) {
					want = append(want, o["userName"].(string))
				}
			}
			r := b.send("GET", "/Users?filter="+url.QueryEscape(filter), "")
			if r.status != http.StatusOK {
				rt.Fatalf("%s: %s", filter, r.text)
			}
			var got []string
			list, _ := r.body["Resources"].([]any)
			for _, item := range list {
				got = append(got, item.(object)["userName"].(string))
			}
			slices.Sort(got)
			slices.Sort(want)
			if !slices.Equal(got, want) {
				rt.Errorf("%s: found %q, want %q", filter, got, want)
			}
		})
	})
}

func drawFilter(rt *rapid.T, depth int, people []string) string {
	if depth > 0 {
		switch rapid.IntRange(0, 4).Draw(rt, "shape") {
		case 0:
			return "not (" + drawFilter(rt, depth-1, people) + ")"
		case 1:
			return "(" + drawFilter(rt, depth-1, people) + ") AND " + drawFilter(rt, depth-1, people)
		case 2:
			return drawFilter(rt, depth-1, people) + " or " + drawFilter(rt, depth-1, people)
		}
	}
	attr := rapid.SampledFrom([]string{"userName", "displayName", "externalId", "active"}).Draw(rt, "attribute")
	if attr == "active" {
		return fmt.Sprintf("active %s %t", rapid.SampledFrom([]string{"eq", "Ne"}).Draw(rt, "op"), rapid.Bool().Draw(rt, "flag"))
	}
	op := rapid.SampledFrom([]string{"eq", "co", "SW", "ew", "pr"}).Draw(rt, "op")
	if op == "pr" {
		return attr + " pr"
	}
	name := []rune(rapid.SampledFrom(people).Draw(rt, "value"))
	from := rapid.IntRange(0, len(name)-1).Draw(rt, "from")
	value := string(name[from:rapid.IntRange(from+1, len(name)).Draw(rt, "to")])
	return fmt.Sprintf("%s %s %s", attr, op, quote(value))
}
