package desk

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/portico-iam/portico/internal/access"
	"github.com/portico-iam/portico/internal/authn"
	"github.com/portico-iam/portico/internal/desk/view"
	"github.com/portico-iam/portico/internal/desk/wording"
	"github.com/portico-iam/portico/internal/fault"
	"github.com/portico-iam/portico/internal/history"
	"github.com/portico-iam/portico/internal/policy"
)

// historyScope tells which part of the record the caller may list: all of it (System), or the active organisation's.
func (h *Handler) historyScope(r *http.Request, c *authn.Caller) (access.OrganisationID, error) {
	if h.may(c, access.SystemHistoryList) {
		return access.System, nil
	}
	snapshot := h.Policy.Snapshot()
	org, err := c.Organisation(r, snapshot)
	if err != nil {
		return access.System, err
	}
	if !snapshot.Decide(c.Principal, org, access.HistoryList).Allowed {
		return access.System, fault.Forbidden.New("the history is not yours to see")
	}
	return org, nil
}

// historyChosen is the part of the record that an address asks for, kept to what the caller may list.
func (h *Handler) historyChosen(r *http.Request, c *authn.Caller) (v view.HistoryList, f history.Filter, scope access.OrganisationID, err error) {
	scope, err = h.historyScope(r, c)
	if fault.Unauthenticated.Is(err) {
		return v, f, scope, err
	}
	if err != nil { // once more, so that the refusal is recorded and explained
		org, _ := c.Organisation(r, h.Policy.Snapshot())
		return v, f, scope, h.Policy.Enforce(r.Context(), c.Principal, org, "see the history", access.HistoryList, access.SystemHistoryList)
	}
	v = view.HistoryList{
		Page: h.frame(r, c), Actions: recordedActions, Types: recordedTypes,
		List: listState(r, view.HistoryPath, "createdDate", "createdDate"), Timeline: r.URL.Path == view.TimelinePath,
	}
	if v.Timeline {
		v.List.Path = view.TimelinePath
	}
	if r.URL.Query().Get("dir") != "asc" {
		v.List.Descending = true
	}
	if f, err = historyFilter(r, &v); err != nil {
		return v, f, scope, err
	}
	h.inScope(scope, &f, &v)
	return v, f, scope, nil
}

func (h *Handler) historyList(w http.ResponseWriter, r *http.Request, c *authn.Caller) error {
	v, filter, scope, err := h.historyChosen(r, c)
	if err != nil {
		return err
	}
	entries, total, err := h.History.List(r.Context(), filter)
	if err != nil {
		return err
	}
	v.List.Total, v.CanExport = total, len(v.Errors) == 0 && h.canRead(c, scope)
	h.Reads.Note(history.Reading(c.Principal, scope, "Desk: history", chosen(v.List.Filters)))
	if scope == access.System {
		if err := h.sayWhatWaits(r.Context(), &v.Page); err != nil {
			return err
		}
	}
	for _, e := range entries {
		v.Rows = append(v.Rows, h.historyRow(e))
	}
	if now := h.Now(); v.List.Descending && v.List.Page == 1 && !v.Timeline && len(v.Errors) == 0 && (filter.Before.IsZero() || now.Before(filter.Before)) {
		v.Since = now // what comes after is on top of what is shown
	}
	h.render(w, r, http.StatusOK, view.HistoryListPage(v))
	return nil
}

var (
	recordedActions = []string{"CREATED", "UPDATED", "DELETED", "REJECTED", "DEACTIVATED", "REACTIVATED", "ACTIVATED", "REVOKED", "ISSUED", "REQUESTED"}
	recordedTypes   = []string{"ORGANISATION", "STS_ROLE", "STS_IAM_ROLE", "STS_SESSION", "STS_TOKEN", "KEY", "USER"}
)

// chosen writes down what a list is narrowed by.
func chosen(filters url.Values) string {
	set := url.Values{}
	for name, values := range filters {
		if strings.Join(values, "") != "" {
			set[name] = values
		}
	}
	return set.Encode()
}

// sayWhatWaits tells what Core's history lacks.
func (h *Handler) sayWhatWaits(ctx context.Context, page *view.Page) error {
	if h.Posting == nil {
		return nil
	}
	w, err := h.Posting.Waiting(ctx)
	if err != nil || w == nil {
		return err
	}
	text := say(ctx, "%d entries wait to be posted to Core's history, the oldest of them since %s.", w.Entries, w.Since.UTC().Format("2006-01-02 15:04:05 UTC"))
	if w.Why != nil {
		text += " " + say(ctx, "At the last attempt: %s", sayFault(ctx, fault.Of(w.Why)))
	}
	page.Notices = append(page.Notices, view.Notice{Kind: view.Warning, Text: text})
	return nil
}

func (h *Handler) historyRow(e history.Entry) view.HistoryRow {
	row := view.HistoryRow{
		ID: e.ID, At: h.when(e.CreatedAt), Action: string(e.Action), Type: string(e.EntityType), Name: e.Name, User: e.User,
		Refused: e.Action == history.Rejected,
	}
	if e.OrganisationID != access.System {
		row.Organisation = organisationChoice(h.Policy.Snapshot(), e.OrganisationID).Name
	}
	return row
}

func (h *Handler) historyDetail(w http.ResponseWriter, r *http.Request, c *authn.Caller) error {
	e, found, err := h.History.Get(r.Context(), r.PathValue("id"))
	if err != nil {
		return err
	}
	// Who may not read an entry must not learn that it exists, so what is missing is refused alike.
	org := access.System
	if found {
		org = e.OrganisationID
	}
	if err := h.mayRead(r, c, org); err != nil {
		return err
	}
	if !found {
		return fault.HistoryEntryMissing.New("there is no such entry")
	}
	h.Reads.Note(history.Reading(c.Principal, org, "Desk: history entry", e.ID))
	v := view.HistoryDetail{
		Page: h.frame(r, c), HistoryRow: h.historyRow(e), EntityID: e.EntityID, EntityHref: h.entityHref(c, e),
		Subject: e.User, Source: string(e.Source), Target: e.Target,
	}
	var refusal policy.RefusalRecord
	if e.Action == history.Rejected && json.Unmarshal(e.Metadata, &refusal) == nil && len(refusal.Reason) > 0 && refusal.Route != "" {
		v.Refusal = h.refusalOf(c, e, refusal)
	} else {
		v.Facts = facts(e.Metadata)
	}
	h.render(w, r, http.StatusOK, view.HistoryDetailPage(v))
	return nil
}

// canRead tells whether the caller may open the entries of an organisation, or of none. It enforces nothing.
func (h *Handler) canRead(c *authn.Caller, org access.OrganisationID) bool {
	if h.may(c, access.SystemHistoryDetail) {
		return true
	}
	return org != access.System && c.Admit(org) == nil && h.Policy.Snapshot().Decide(c.Principal, org, access.HistoryDetail).Allowed
}

func (h *Handler) mayRead(r *http.Request, c *authn.Caller, org access.OrganisationID) error {
	if h.canRead(c, org) {
		return nil
	}
	if err := c.Admit(org); err != nil {
		return err
	}
	// Who may list an organisation's entries sees that this one exists: say what it takes to open it.
	if org != access.System && h.Policy.Snapshot().Decide(c.Principal, org, access.HistoryList).Allowed {
		return h.Policy.Enforce(r.Context(), c.Principal, org, "open a history entry", access.HistoryDetail)
	}
	return h.enforce(r.Context(), c, "open a history entry", access.SystemHistoryDetail)
}

// entityHref links the thing itself while it exists, for who may open it.
func (h *Handler) entityHref(c *authn.Caller, e history.Entry) string {
	snapshot := h.Policy.Snapshot()
	switch {
	case policy.OfRequest(&e):
		return view.RequestPath(e.EntityID)
	case e.EntityType == history.STSRole && h.may(c, access.STSRoleDetail) && snapshot.Role(access.RoleID(e.EntityID)) != nil:
		return view.RolePath(e.EntityID)
	case e.EntityType == history.STSIAMRole && h.may(c, access.STSIAMRoleDetail) && snapshot.IAMRole(access.IAMRoleID(e.EntityID)) != nil:
		return view.AccessItemPath(e.EntityID)
	case e.EntityType == history.Organisation && h.may(c, access.STSOrganisationDetail) && snapshot.Organisation(access.OrganisationID(e.EntityID)) != nil:
		return view.OrganisationPath(e.EntityID)
	}
	return ""
}

// refusalOf shows a recorded refusal. Where they may know, a link explains how it is now.
func (h *Handler) refusalOf(c *authn.Caller, e history.Entry, record policy.RefusalRecord) *view.Refusal {
	v := &view.Refusal{Reference: e.ID, Attempt: record.Route, IAMRoles: record.IAMRoles}
	if e.OrganisationID != access.System {
		v.Organisation = organisationChoice(h.Policy.Snapshot(), e.OrganisationID).Name
	}
	for _, name := range record.AnyOf {
		v.Missing = append(v.Missing, permissionNamed(name))
	}
	snapshot := h.Policy.Snapshot()
	for _, match := range record.Matched {
		for _, role := range match.Roles {
			m := view.MatchedRole{Role: role, IAMRole: match.IAMRole}
			if now := roleNamed(snapshot, role); now != nil && h.may(c, access.STSRoleDetail) {
				m.Href = view.RolePath(string(now.ID))
			}
			v.Matched = append(v.Matched, m)
		}
	}
	if record.Remedy != "" {
		v.Remedies = append(v.Remedies, record.Remedy)
	}
	if record.Actor == "" && h.may(c, access.STSAccessExplain) {
		v.ExplainHref = view.ExplainReferencePath(e.ID)
		if h.may(c, access.SystemHistoryList) {
			v.ExplainThenHref = view.ExplainReferenceThenPath(e.ID, e.CreatedAt)
		}
	}
	return v
}

// facts shows what else an entry says: each member of its metadata, in a fixed order.
func facts(metadata json.RawMessage) []view.Fact {
	var members map[string]json.RawMessage
	if json.Unmarshal(metadata, &members) != nil {
		return nil
	}
	var out []view.Fact
	for _, name := range sortedKeys(members) {
		var text string
		if json.Unmarshal(members[name], &text) == nil {
			out = append(out, view.Fact{Label: wording.Capital(name), Value: text})
			continue
		}
		pretty, err := json.MarshalIndent(members[name], "", "  ")
		if err != nil || string(pretty) == "null" {
			continue
		}
		out = append(out, view.Fact{Label: wording.Capital(name), Value: string(pretty), Exact: true})
	}
	return out
}

func sortedKeys(m map[string]json.RawMessage) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	// What was before comes before what is after.
	slices.SortFunc(keys, func(a, b string) int {
		if (a == "before") != (b == "before") {
			if a == "before" {
				return -1
			}
			return 1
		}
		return strings.Compare(a, b)
	})
	return keys
}
