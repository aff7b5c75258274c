package core

import (
	"net/http"
	"slices"

	"github.com/portico-iam/portico/internal/access"
	"github.com/portico-iam/portico/internal/coreapi"
	"github.com/portico-iam/portico/internal/fault"
	"github.com/portico-iam/portico/internal/history"
	"github.com/portico-iam/portico/internal/httpx"
)

// historyAPI serves the record.
type historyAPI struct{ core *Config }

func (h *historyAPI) list(w http.ResponseWriter, r *http.Request, who caller) error {
	f, system, err := historyFilter(r)
	if err != nil {
		return err
	}
	if f.OrganisationIDs, err = visible(who, system, f.OrganisationIDs); err != nil {
		return err
	}
	entries, total := []history.Entry(nil), 0
	if f.EntityIDs == nil || len(f.EntityIDs) > 0 { // present and empty: the filters leave no entity
		if entries, total, err = h.core.History.ListHistory(r.Context(), f); err != nil {
			return err
		}
	}
	values := make([]coreapi.HistoryEntry, len(entries))
	for i := range entries {
		values[i] = historyAnswer(entries[i])
	}
	httpx.WriteJSON(w, http.StatusOK, httpx.NewList(values, total, f.Size))
	return nil
}

// visible tells which organisations' entries a caller sees; nil is all, and the entries without one.
func visible(who caller, system bool, asked []access.OrganisationID) ([]access.OrganisationID, error) {
	if system {
		if !who.holds(access.SystemHistoryList) {
			return nil, fault.Forbidden.New("showSystemHistory needs SYSTEM_HISTORY_LIST")
		}
		return asked, nil
	}
	own := who.organisation()
	switch {
	case len(asked) == 0 && own == access.System:
		return nil, fault.OrganisationNotChosen.New("expected organisationIds[] or a token for an organisation")
	case len(asked) == 0:
		return []access.OrganisationID{own}, nil
	case who.session == nil: // UNSAFE modes compare nothing
		return asked, nil
	case len(asked) != 1 || own == access.System || asked[0] != own:
		return nil, fault.Forbidden.New("organisationIds[] names another organisation than the token's")
	}
	return asked, nil
}

func historyFilter(r *http.Request) (f history.Filter, system bool, err error) {
	q, err := listQuery(r)
	if err != nil {
		return f, false, err
	}
	p := page(q, coreapi.HistorySorts)
	entities, err := entityIDs(q)
	if err != nil {
		return f, false, err
	}
	f = history.Filter{
		Actions: q.AllOf("actions", coreapi.HistoryActions...), EntityTypes: q.AllOf("entityTypes", coreapi.HistoryEntityTypes...),
		Sources: q.AllOf("sources", coreapi.HistorySources...), Users: q.Strings("users"), EntityIDs: entities,
		After: q.Time("createdDateAfter"), Before: q.Time("createdDateBefore"),
		Sort: p.Sort, Descending: p.Descending, Page: p.Number, Size: p.Size,
	}
	for _, id := range q.UUIDs("organisationIds") {
		f.OrganisationIDs = append(f.OrganisationIDs, access.OrganisationID(id))
	}
	system = q.Bool("showSystemHistory")
	if err := q.Err(); err != nil {
		return f, system, err
	}
	return f, system, plain("users[]", f.Users...)
}

// relatedTo are the filters by which Core finds the entries around an entity: a credential's schema, say. The entries
// that are kept here know only the entity that they are about, so each filter narrows to that one.
var relatedTo = []string{"identifierId", "credentialId", "credentialSchemaId", "proofId", "proofSchemaId"}

// entityIDs intersects the filters by entity. Nil does not filter; empty lets nothing through.
func entityIDs(q *httpx.Query) ([]string, error) {
	ids := q.UUIDs("entityIds")
	for _, name := range relatedTo {
		id, err := optionalUUID(name, q.String(name, ""))
		switch {
		case err != nil:
			return nil, err
		case id == "":
		case ids == nil || slices.Contains(ids, id):
			ids = []string{id}
		default:
			ids = []string{}
		}
	}
	return ids, nil
}

func (h *historyAPI) get(w http.ResponseWriter, r *http.Request, who caller) error {
	if err := noQuery(r); err != nil {
		return err
	}
	id, err := pathID(r)
	if err != nil {
		return err
	}
	e, found, err := h.core.History.GetHistory(r.Context(), id)
	if err != nil {
		return err
	}
	if !found {
		return fault.HistoryEntryMissing.New("there is no history entry %s", id)
	}
	// Two that are empty are not the same organisation: an entry of the system's is not for a token without one.
	if !who.holds(access.SystemHistoryDetail) && (e.OrganisationID == access.System || e.OrganisationID != who.organisation()) {
		return fault.Forbidden.New("the entry is not of the token's organisation")
	}
	httpx.WriteJSON(w, http.StatusOK, coreapi.HistoryDetail{HistoryEntry: historyAnswer(e), Metadata: e.Metadata})
	return nil
}

func historyAnswer(e history.Entry) coreapi.HistoryEntry {
	return coreapi.HistoryEntry{
		ID: e.ID, CreatedDate: coreapi.At(e.CreatedAt), Action: string(e.Action), Name: e.Name, EntityID: e.EntityID,
		EntityType: string(e.EntityType), OrganisationID: e.OrganisationID, Source: string(e.Source), Target: e.Target, User: e.User,
	}
}
