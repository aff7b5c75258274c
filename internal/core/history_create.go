package core

import (
	"bytes"
	"net/http"
	"slices"

	"github.com/google/uuid"

	"github.com/portico-iam/portico/internal/access"
	"github.com/portico-iam/portico/internal/coreapi"
	"github.com/portico-iam/portico/internal/fault"
	"github.com/portico-iam/portico/internal/history"
	"github.com/portico-iam/portico/internal/httpx"
)

// create appends an entry for another service. As in Core the entry's organisation is not compared with the token's;
// the user can't be chosen.
func (h *historyAPI) create(w http.ResponseWriter, r *http.Request, who caller) error {
	if err := noQuery(r); err != nil {
		return err
	}
	var body coreapi.HistoryCreate
	if err := httpx.ReadJSON(w, r, &body); err != nil {
		return err
	}
	e, err := entryFrom(body)
	if err != nil {
		return err
	}
	e.ID, e.CreatedAt, e.User = uuid.NewString(), h.core.stamp(), who.user()
	if err := h.core.History.AppendHistory(r.Context(), e); err != nil {
		return err
	}
	httpx.WriteJSON(w, http.StatusCreated, coreapi.Created{ID: e.ID})
	return nil
}

func entryFrom(b coreapi.HistoryCreate) (history.Entry, error) {
	e := history.Entry{
		Action: history.Action(b.Action), EntityType: history.EntityType(b.EntityType), Source: history.Source(b.Source),
		Name: b.Name, Target: b.Target,
	}
	switch {
	case !slices.Contains(coreapi.HistoryActions, b.Action):
		return e, fault.InvalidInput.New("action: expected one of Core's actions").At("action")
	case !slices.Contains(coreapi.HistoryEntityTypes, b.EntityType):
		return e, fault.InvalidInput.New("entityType: expected one of Core's entity types").At("entityType")
	case !slices.Contains(coreapi.HistorySources, b.Source):
		return e, fault.InvalidInput.New("source: expected BRIDGE, STS, WRPR or BFF").At("source")
	case e.Source == history.SourceCore: // only Core speaks for itself
		return e, fault.InvalidHistorySource.New("source: expected BRIDGE, STS, WRPR or BFF, got CORE").At("source")
	}
	if err := text("name", b.Name, 1000); err != nil {
		return e, err
	}
	if b.Target != "" {
		if err := text("target", b.Target, 1000); err != nil {
			return e, err
		}
	}
	var err error
	if e.EntityID, err = optionalUUID("entityId", b.EntityID); err != nil {
		return e, err
	}
	organisation, err := optionalUUID("organisationId", b.OrganisationID)
	if err != nil {
		return e, err
	}
	e.OrganisationID = access.OrganisationID(organisation)
	e.Metadata, err = metadata(b.Metadata)
	return e, err
}

// metadata takes what another service adds: a JSON object, for that is what every reader of the record expects.
func metadata(raw []byte) ([]byte, error) {
	raw = bytes.TrimSpace(raw)
	if len(raw) == 0 || string(raw) == "null" {
		return nil, nil
	}
	if raw[0] != '{' {
		return nil, fault.InvalidInput.New("metadata: expected a JSON object").At("metadata")
	}
	if bytes.Contains(raw, []byte(`\u0000`)) { // PostgreSQL can't keep it
		return nil, fault.InvalidInput.New("metadata: expected text without the character NUL").At("metadata")
	}
	return raw, nil
}
