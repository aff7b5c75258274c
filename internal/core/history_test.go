package core

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/portico-iam/portico/internal/coreapi"
	"github.com/portico-iam/portico/internal/httpx"
)

const historyV1 = "/api/history/v1"

// add appends an entry through the API as the user of a token.
func (w *world) add(user, organisation, action, entityType, source, name string) string {
	w.t.Helper()
	body := fmt.Sprintf(`{"action":%q,"name":%q,"entityType":%q,"source":%q`, action, name, entityType, source)
	if organisation != "" {
		body += fmt.Sprintf(`,"organisationId":%q`, organisation)
	}
	token := w.token(in(acme, "HISTORY_CREATE"), claim("sub", user))
	id := read[coreapi.Created](w.t, w.expect(token, "POST", historyV1, body+"}", 201, "")).ID
	w.clock.advance(time.Minute)
	return id
}

// filled is a world with a little history: two of acme, one of beta, one of the system.
func filled(t *testing.T) (w *world, ids []string) {
	t.Helper()
	w = start(t)
	return w, []string{
		w.add("ada", acme, "CREATED", "STS_ROLE", "STS", "a"),
		w.add("ivan", acme, "UPDATED", "CREDENTIAL", "BFF", "b"),
		w.add("ada", beta, "CREATED", "STS_IAM_ROLE", "WRPR", "c"),
		w.add("ivan", "", "DELETED", "USER", "BRIDGE", "d"),
	}
}

func (w *world) names(token, query string) string {
	w.t.Helper()
	list := read[httpx.List[coreapi.HistoryEntry]](w.t, w.expect(token, "GET", historyV1+"?page=0&pageSize=30"+query, "", 200, ""))
	var names []string
	for _, e := range list.Values {
		names = append(names, e.Name)
	}
	return fmt.Sprintf("%s/%d", strings.Join(names, ""), list.TotalItems)
}

func TestHistoryCreate(t *testing.T) {
	w := start(t)
	creator := w.token(in(acme, "HISTORY_CREATE"))
	reader := w.token(in(acme, "HISTORY_DETAIL"))
	plain := read[coreapi.Created](t, w.expect(creator, "POST", historyV1, `{"action":"CREATED","name":"n","entityType":"STS_ROLE","source":"STS","organisationId":"`+acme+`"}`, 201, ""))
	w.expect(reader, "GET", historyV1+"/"+plain.ID, "", 200, `{"id":"`+plain.ID+`","createdDate":"2026-03-01T12:00:00.000Z","action":"CREATED","name":"n","entityType":"STS_ROLE","organisationId":"`+acme+`","source":"STS","user":"user-1"}`)

	full := read[coreapi.Created](t, w.expect(creator, "POST", historyV1, `{"action":"UPDATED","name":"n","entityType":"STS_SESSION","source":"BFF","entityId":"`+beta+`","organisationId":"`+acme+`","target":"t","metadata":{"a":[1,{"b":null}]}}`, 201, ""))
	w.expect(reader, "GET", historyV1+"/"+full.ID, "", 200, `"entityId":"`+beta+`","entityType":"STS_SESSION","organisationId":"`+acme+`","source":"BFF","target":"t","user":"user-1","metadata":{"a":[1,{"b":null}]}}`)
	if list := w.expect(w.token(in(acme, "HISTORY_LIST")), "GET", historyV1+"?page=0&pageSize=30", "", 200, full.ID).Body.String(); strings.Contains(list, "metadata") {
		t.Error("metadata is for the detail only")
	}
	// Of a delegated call the record names the user, not the actor.
	acting := w.token(in(acme, "HISTORY_CREATE"), claim("act", map[string]string{"sub": "svc"}))
	id := read[coreapi.Created](t, w.expect(acting, "POST", historyV1, `{"action":"CREATED","name":"n","entityType":"USER","source":"STS"}`, 201, "")).ID
	for _, e := range w.store.entries {
		if e.ID == id && (e.User != "user-1" || strings.Contains(fmt.Sprint(e), "svc")) {
			t.Errorf("delegated: %+v", e)
		}
	}
	w.expect(w.token(in(acme, "HISTORY_LIST")), "POST", historyV1, `{}`, 403, "")
}

func TestHistoryCreateFaults(t *testing.T) {
	w := start(t)
	creator := w.token(in(acme, "HISTORY_CREATE"))
	good := map[string]string{"action": `"CREATED"`, "name": `"n"`, "entityType": `"STS_ROLE"`, "source": `"STS"`}
	for _, tt := range []struct{ field, value, code string }{
		{"source", `"CORE"`, "BR_0315"},
		{"source", `"OKTA"`, "BR_0084"},
		{"source", ``, "BR_0084"},
		{"source", `"sts"`, "BR_0084"},
		{"action", `"SIGNED_IN"`, "BR_0084"},
		{"action", ``, "BR_0084"},
		{"entityType", `"ROLE"`, "BR_0084"},
		{"entityType", `null`, "BR_0084"},
		{"name", ``, "BR_0084"},
		{"name", `""`, "BR_0084"},
		{"name", `"a\u0000"`, "BR_0084"},
		{"name", `"` + strings.Repeat("x", 1001) + `"`, "BR_0084"},
		{"user", `"somebody else"`, "BR_0084"},
		{"id", `"` + acme + `"`, "BR_0084"},
		{"createdDate", `"2020-01-01T00:00:00Z"`, "BR_0084"},
		{"entityId", `"1"`, "BR_0084"},
		{"organisationId", `"acme"`, "BR_0084"},
		{"target", `"a\u0007"`, "BR_0084"},
		{"metadata", `"text"`, "BR_0084"},
		{"metadata", `[1]`, "BR_0084"},
		{"metadata", `{"a":"\u0000"}`, "BR_0084"},
		{"metadata", `{"a":1,"a":2}`, "BR_0084"},
	} {
		fields := map[string]string{}
		for k, v := range good {
			fields[k] = v
		}
		if fields[tt.field] = tt.value; tt.value == "" {
			delete(fields, tt.field)
		}
		var members []string
		for k, v := range fields {
			members = append(members, fmt.Sprintf("%q:%s", k, v))
		}
		w.expect(creator, "POST", historyV1, "{"+strings.Join(members, ",")+"}", 400, tt.code)
	}
	if len(w.store.entries) != 0 {
		t.Errorf("a refused entry was stored: %+v", w.store.entries)
	}
	w.expect(creator, "POST", historyV1, `{"action":"CREATED","name":"n","entityType":"USER","source":"STS","metadata":null,"target":null,"entityId":null}`, 201, "")
}

func TestHistoryCreateCanBeSwitchedOff(t *testing.T) {
	w := start(t, func(c *Config) { c.EnableHistoryCreateEndpoint = false })
	w.expect(w.token(in(acme, "HISTORY_CREATE")), "POST", historyV1, `{}`, 404, "not part of the embedded Core")
	w.expect(w.token(in(acme)), "POST", historyV1, `{}`, 403, "")
}

func TestHistoryListFilters(t *testing.T) {
	w, ids := filled(t)
	system := w.token(in("", "SYSTEM_HISTORY_LIST"))
	for query, want := range map[string]string{
		"":                                     "dcba/4",
		"&sortDirection=ASC":                   "dcba/4",
		"&sortDirection=DESC":                  "dcba/4",
		"&sort=createdDate":                    "abcd/4",
		"&sort=source&sortDirection=DESC":      "cadb/4",
		"&sort=entityType":                     "bcad/4",
		"&users[]=ada":                         "ca/2",
		"&users[]=ada&users[]=ivan":            "dcba/4",
		"&users[]=nobody":                      "/0",
		"&actions[]=CREATED":                   "ca/2",
		"&actions[]=UPDATED&actions[]=DELETED": "db/2",
		"&entityTypes[]=STS_ROLE":              "a/1",
		"&sources[]=BRIDGE&sources[]=WRPR":     "dc/2",
		"&organisationIds[]=" + beta:           "c/1",
		"&organisationIds[]=" + acme + "&organisationIds[]=" + beta:                     "cba/3",
		"&createdDateAfter=2026-03-01T12:01:00Z&createdDateBefore=2026-03-01T12:02:00Z": "cb/2",
		"&entityIds[]=" + other: "/0", "&credentialId=" + other: "/0", "&entityIds[]=" + acme + "&proofId=" + other: "/0",
	} {
		if got := w.names(system, "&showSystemHistory=true"+query); got != want {
			t.Errorf("%s: got %s, want %s", query, got, want)
		}
	}
	w.expect(system, "GET", historyV1+"?page=1&pageSize=3&showSystemHistory=true", "", 200, ids[0])
	w.expect(system, "GET", historyV1+"?page=1&pageSize=3&showSystemHistory=true", "", 200, `"totalItems":4,"totalPages":2`)
}

func TestHistoryListFaults(t *testing.T) {
	w := start(t)
	for query, part := range listFaults {
		if rec := w.expect(w.token(in(acme, "HISTORY_LIST")), "GET", historyV1+"?"+query, "", 400, "BR_0084"); !strings.Contains(rec.Body.String(), part) {
			t.Errorf("%q: expected %q in %s", query, part, rec.Body)
		}
	}
	for _, query := range []string{
		"actions[]=SIGNED_IN", "entityTypes[]=x", "sources[]=OKTA", "showSystemHistory=yes", "showSystemHistory=1", "entityIds[]=1",
		"credentialId=x", "organisationIds[]=acme", "users[]=%00", "users[]=%ff", "sort=name", "search=x", "users=ada",
	} {
		w.expect(w.token(in(acme, "HISTORY_LIST")), "GET", historyV1+"?page=0&pageSize=1&"+query, "", 400, "BR_0084")
	}
}

func TestHistoryListByOrganisation(t *testing.T) {
	w, _ := filled(t)
	for _, tt := range []struct {
		name         string
		organisation string
		permission   string
		query        string
		status       int
		names        string
	}{
		{"own, by the token", acme, "HISTORY_LIST", "", 200, "ba/2"},
		{"own, named", acme, "HISTORY_LIST", "&organisationIds[]=" + acme, 200, "ba/2"},
		{"own, named in capitals", acme, "HISTORY_LIST", "&organisationIds[]=" + strings.ToUpper(acme), 200, "ba/2"},
		{"the other's own", beta, "HISTORY_LIST", "", 200, "c/1"},
		{"another", acme, "HISTORY_LIST", "&organisationIds[]=" + beta, 403, ""},
		{"own and another", acme, "HISTORY_LIST", "&organisationIds[]=" + acme + "&organisationIds[]=" + beta, 403, ""},
		{"own twice", acme, "HISTORY_LIST", "&organisationIds[]=" + acme + "&organisationIds[]=" + acme, 403, ""},
		{"none anywhere", "", "HISTORY_LIST", "", 400, "BR_0290"},
		{"named, but none in the token", "", "HISTORY_LIST", "&organisationIds[]=" + acme, 403, ""},
		{"system without its permission", acme, "HISTORY_LIST", "&showSystemHistory=true", 403, ""},
		{"system with the permission, own by default", acme, "SYSTEM_HISTORY_LIST", "", 200, "ba/2"},
		{"system with the permission, another without the flag", acme, "SYSTEM_HISTORY_LIST", "&organisationIds[]=" + beta, 403, ""},
		{"system, flag false", "", "SYSTEM_HISTORY_LIST", "&showSystemHistory=false", 400, "BR_0290"},
		{"system", "", "SYSTEM_HISTORY_LIST", "&showSystemHistory=true", 200, "dcba/4"},
		{"system from within an organisation", acme, "SYSTEM_HISTORY_LIST", "&showSystemHistory=true", 200, "dcba/4"},
		{"detail permission does not list", acme, "HISTORY_DETAIL", "", 403, ""},
	} {
		token := w.token(in(tt.organisation, tt.permission))
		if tt.status == 200 {
			if got := w.names(token, tt.query); got != tt.names {
				t.Errorf("%s: got %s, want %s", tt.name, got, tt.names)
			}
			continue
		}
		w.expect(token, "GET", historyV1+"?page=0&pageSize=30"+tt.query, "", tt.status, tt.names)
	}
}

func TestHistoryDetailByOrganisation(t *testing.T) {
	w, ids := filled(t)
	of := map[string]string{acme: ids[0], beta: ids[2], "": ids[3]}
	for _, tt := range []struct {
		token, permission, entry string
		status                   int
	}{
		{acme, "HISTORY_DETAIL", acme, 200},
		{acme, "HISTORY_DETAIL", beta, 403},
		{acme, "HISTORY_DETAIL", "", 403},
		{"", "HISTORY_DETAIL", acme, 403},
		{"", "HISTORY_DETAIL", "", 403},
		{"", "SYSTEM_HISTORY_DETAIL", acme, 200},
		{"", "SYSTEM_HISTORY_DETAIL", "", 200},
		{beta, "SYSTEM_HISTORY_DETAIL", acme, 200},
		{acme, "HISTORY_LIST", acme, 403},
		{acme, "SYSTEM_HISTORY_LIST", acme, 403},
	} {
		w.expect(w.token(in(tt.token, tt.permission)), "GET", historyV1+"/"+of[tt.entry], "", tt.status, "")
	}
	w.expect(w.token(in(acme, "HISTORY_DETAIL")), "GET", historyV1+"/"+ids[0], "", 200, `"user":"ada"`)
	w.expect(w.token(in(acme, "HISTORY_DETAIL")), "GET", historyV1+"/"+other, "", 404, "BR_0100")
	w.expect(w.token(in(acme, "HISTORY_DETAIL")), "GET", historyV1+"/x", "", 400, "BR_0084")
	w.expect(w.token(in(acme, "HISTORY_DETAIL")), "GET", historyV1+"/"+ids[0]+"?x=1", "", 400, "BR_0084")
}

// Without a session nothing is compared, and the organisation must be given.
func TestHistoryInUnsafeModes(t *testing.T) {
	for name, set := range map[string]func(*Config){"": mode(ModeUnsafeNone, ""), "static": mode(ModeUnsafeStatic, "static")} {
		w := start(t, set)
		for i, o := range []string{acme, beta, ""} {
			body := fmt.Sprintf(`{"action":"CREATED","name":"%c","entityType":"USER","source":"STS"`, 'a'+i)
			if o != "" {
				body += `,"organisationId":"` + o + `"`
			}
			w.expect(name, "POST", historyV1, body+"}", 201, "")
			w.clock.advance(time.Minute)
		}
		w.expect(name, "GET", historyV1+"?page=0&pageSize=30", "", 400, "BR_0290")
		if got := w.names(name, "&organisationIds[]="+acme+"&organisationIds[]="+beta); got != "ba/2" {
			t.Errorf("%s: two organisations: got %s", name, got)
		}
		if got := w.names(name, "&showSystemHistory=true"); got != "cba/3" {
			t.Errorf("%s: system: got %s", name, got)
		}
		for _, e := range slices.Clone(w.store.entries) {
			if e.User != "" {
				t.Errorf("%s: an entry is attributed to %q", name, e.User)
			}
			w.expect(name, "GET", historyV1+"/"+e.ID, "", 200, "")
		}
		w.expect(name, "PATCH", orgs+"/"+acme, `{}`, 204, "")
		wantRecord(t, w, acme, "CREATED "+acme+" by  from CORE")
	}
}
