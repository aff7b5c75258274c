package bff

import (
	"net/http"
	"net/url"
	"slices"

	"github.com/portico-iam/portico/internal/access"
	"github.com/portico-iam/portico/internal/authn"
	"github.com/portico-iam/portico/internal/fault"
	"github.com/portico-iam/portico/internal/httpx"
)

// findingView is a role or a mapping that leads nowhere.
type findingView struct {
	Kind         string        `json:"kind"`
	Role         *named        `json:"role,omitempty"`
	IAMRole      *named        `json:"iamRole,omitempty"`
	Organisation *named        `json:"organisation,omitempty"`
	System       bool          `json:"system,omitempty"` // it is about the whole system
	Permissions  []string      `json:"permissions,omitempty"`
	Sentence     access.Phrase `json:"sentence"`
	Remedy       access.Phrase `json:"remedy"`
	Near         []string      `json:"near,omitempty"`
	Renamed      []string      `json:"renamed,omitempty"`
	Page         string        `json:"page"` // of the Desk, where it is mended
}

type named struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

func (h *Handler) listFindings(w http.ResponseWriter, r *http.Request, caller *authn.Caller) error {
	q := httpx.NewQuery(r.URL.RawQuery)
	page := q.Window()
	var kinds []string
	for _, kind := range access.FindingKinds {
		kinds = append(kinds, kind.String())
	}
	wanted, organisation := q.AllOf("kind", kinds...), q.String("organisationId", "")
	if err := q.Err(); err != nil {
		return err
	}
	if organisation != "" {
		id, err := httpx.ParseUUID(organisation)
		if err != nil {
			return fault.InvalidInput.New("organisationId: %s", fault.Of(err).Detail).At("organisationId")
		}
		organisation = id
	}
	found, err := h.Policy.Nowhere(r.Context(), caller.Principal)
	if err != nil {
		return err
	}
	found = found.Where(func(f *access.Finding) bool {
		return (len(wanted) == 0 || slices.Contains(wanted, f.Kind.String())) && (organisation == "" || f.In(access.OrganisationID(organisation)))
	})
	snapshot, values := h.Policy.Snapshot(), []findingView{}
	for _, f := range httpx.Slice(found.Findings, page) {
		values = append(values, viewFinding(snapshot, &found, &f))
	}
	httpx.WriteJSON(w, http.StatusOK, httpx.NewList(values, len(found.Findings), page.Size))
	return nil
}

func viewFinding(s *access.Snapshot, all *access.Nowhere, f *access.Finding) findingView {
	v := findingView{Kind: f.Kind.String(), Permissions: f.Permissions.Names(), Remedy: f.Remedy()}
	v.Near, v.Renamed = all.Carried(f)
	place := any(access.TheSystem)
	if f.Placed() && f.Organisation != access.System {
		v.Organisation = &named{string(f.Organisation), string(f.Organisation)}
		if o := s.Organisation(f.Organisation); o != nil {
			v.Organisation.Name = o.Name
		}
		place = v.Organisation.Name
	}
	v.System = f.Placed() && f.Organisation == access.System
	if f.Role != nil {
		v.Role, v.Page = &named{string(f.Role.ID), f.Role.Name}, "/roles/"+url.PathEscape(string(f.Role.ID))
	}
	if f.IAMRole != nil {
		v.IAMRole, v.Page = &named{string(f.IAMRole.ID), f.IAMRole.Name}, "/access/"+url.PathEscape(string(f.IAMRole.ID))
	}
	v.Sentence = f.Sentence(place)
	return v
}
