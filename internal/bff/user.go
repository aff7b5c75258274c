package bff

import (
	"net/http"

	"github.com/portico-iam/portico/internal/access"
	"github.com/portico-iam/portico/internal/authn"
	"github.com/portico-iam/portico/internal/fault"
	"github.com/portico-iam/portico/internal/httpx"
)

// meView is what somebody may know of themselves.
type meView struct {
	Subject            string                 `json:"subject"`
	Issuer             string                 `json:"issuer"`
	Login              string                 `json:"login,omitempty"`
	GivenName          string                 `json:"givenName,omitempty"`
	FamilyName         string                 `json:"familyName,omitempty"`
	IAMRoles           []string               `json:"iamRoles"`
	ActiveOrganisation *access.OrganisationID `json:"activeOrganisationId,omitempty"`
	Organisations      []meOrganisation       `json:"organisations"`
	SystemPermissions  []string               `json:"systemPermissions"`
}

type meOrganisation struct {
	ID          access.OrganisationID `json:"id"`
	Name        string                `json:"name"`
	Permissions []string              `json:"permissions"`
}

func (h *Handler) me(w http.ResponseWriter, r *http.Request, caller *authn.Caller) error {
	if err := noQuery(r); err != nil {
		return err
	}
	snapshot, p := h.Policy.Snapshot(), caller.Principal
	system, _ := snapshot.Effective(p, access.System)
	view := meView{
		Subject: p.Subject, Issuer: p.Issuer, Login: p.Login, GivenName: p.GivenName, FamilyName: p.FamilyName,
		IAMRoles: append([]string{}, p.IAMRoles...), Organisations: []meOrganisation{}, SystemPermissions: system.Names(),
	}
	for _, o := range snapshot.OrganisationsOf(p) {
		set, _ := snapshot.Effective(p, o.ID)
		view.Organisations = append(view.Organisations, meOrganisation{o.ID, o.Name, set.Names()})
	}
	if active, err := caller.Organisation(r, snapshot); err == nil {
		view.ActiveOrganisation = &active
	}
	httpx.WriteJSON(w, http.StatusOK, view)
	return nil
}

type activeOrganisationBody struct {
	OrganisationID *string `json:"organisationId"`
}

// setActiveOrganisation lets a session work in another organisation from now on.
func (h *Handler) setActiveOrganisation(w http.ResponseWriter, r *http.Request, caller *authn.Caller) error {
	var body activeOrganisationBody
	if err := readBody(w, r, &body); err != nil {
		return err
	}
	if body.OrganisationID == nil {
		return fault.InvalidInput.New("organisationId: required").At("organisationId")
	}
	id, err := httpx.ParseUUID(*body.OrganisationID)
	if err != nil {
		return fault.InvalidInput.New("organisationId: %s", fault.Of(err).Detail).At("organisationId")
	}
	org := access.OrganisationID(id)
	if _, err := h.Policy.Permissions(r.Context(), caller.Principal, org, "work in an organisation"); err != nil {
		return err
	}
	if caller.Session == nil {
		return fault.InvalidInput.New("a bearer token has no session: choose the organisation of each call by the header x-organisation-id")
	}
	if _, err := h.Sessions.SetOrganisation(w, r, caller.Session, org); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}
