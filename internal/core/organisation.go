package core

import (
	"errors"
	"net/http"

	"github.com/google/uuid"

	"github.com/portico-iam/portico/internal/access"
	"github.com/portico-iam/portico/internal/coreapi"
	"github.com/portico-iam/portico/internal/fault"
	"github.com/portico-iam/portico/internal/history"
	"github.com/portico-iam/portico/internal/httpx"
)

// maxName bounds names, in bytes.
const maxName = 255

// organisations serves the tenants. No route compares the token's organisation: the permissions are the system's.
type organisations struct{ core *Config }

func (o *organisations) create(w http.ResponseWriter, r *http.Request, who caller) error {
	if err := noQuery(r); err != nil {
		return err
	}
	var body coreapi.OrganisationCreate
	if err := httpx.ReadJSON(w, r, &body); err != nil {
		return err
	}
	now := o.core.stamp()
	created := Organisation{CreatedAt: now, ModifiedAt: now, ID: access.OrganisationID(uuid.NewString())}
	if body.ID != nil {
		id, err := httpx.ParseUUID(*body.ID)
		if err != nil {
			return fault.InvalidInput.New("id: %s", fault.Of(err).Detail).At("id")
		}
		created.ID = access.OrganisationID(id)
	}
	created.Name = string(created.ID)
	if body.Name != nil {
		if err := text("name", *body.Name, maxName); err != nil {
			return err
		}
		created.Name = *body.Name
	}
	entry := o.core.entry(who, now, history.Created, created)
	if err := o.core.Organisations.CreateOrganisation(r.Context(), created, entry); err != nil {
		return storeFault(err)
	}
	httpx.WriteJSON(w, http.StatusCreated, coreapi.Created{ID: string(created.ID)})
	return nil
}

func (o *organisations) get(w http.ResponseWriter, r *http.Request, _ caller) error {
	if err := noQuery(r); err != nil {
		return err
	}
	id, err := pathID(r)
	if err != nil {
		return err
	}
	found, ok, err := o.core.Organisations.GetOrganisation(r.Context(), access.OrganisationID(id))
	if err != nil {
		return err
	}
	if !ok { // 400, not 404: Core's choice
		return fault.OrganisationMissing.New("there is no organisation %s", id)
	}
	httpx.WriteJSON(w, http.StatusOK, organisationAnswer(found))
	return nil
}

func (o *organisations) list(w http.ResponseWriter, r *http.Request, _ caller) error {
	f, err := organisationFilter(r)
	if err != nil {
		return err
	}
	found, total, err := o.core.Organisations.ListOrganisations(r.Context(), f)
	if err != nil {
		return err
	}
	values := make([]coreapi.Organisation, len(found))
	for i := range found {
		values[i] = organisationAnswer(found[i])
	}
	httpx.WriteJSON(w, http.StatusOK, httpx.NewList(values, total, f.Size))
	return nil
}

func organisationFilter(r *http.Request) (OrganisationFilter, error) {
	q, err := listQuery(r)
	if err != nil {
		return OrganisationFilter{}, err
	}
	p := page(q, coreapi.OrganisationSorts)
	f := OrganisationFilter{
		Name: q.String("name", ""), NameExact: len(q.AllOf("exact", "name")) > 0,
		CreatedAfter: q.Time("createdDateAfter"), CreatedBefore: q.Time("createdDateBefore"),
		ModifiedAfter: q.Time("lastModifiedAfter"), ModifiedBefore: q.Time("lastModifiedBefore"),
		Sort: p.Sort, Descending: p.Descending, Page: p.Number, Size: p.Size,
	}
	if err := q.Err(); err != nil {
		return f, err
	}
	return f, plain("name", f.Name)
}

func organisationAnswer(o Organisation) coreapi.Organisation {
	return coreapi.Organisation{
		ID: o.ID, Name: o.Name, CreatedDate: coreapi.At(o.CreatedAt), LastModified: coreapi.At(o.ModifiedAt),
		DeactivatedAt: coreapi.At(o.DeactivatedAt), WalletProvider: o.WalletProvider, WalletProviderIssuer: o.WalletProviderIssuer,
	}
}

// storeFault names a collision in Core's codes. Any other error stays what it is.
func storeFault(err error) error {
	switch {
	case errors.Is(err, ErrOrganisationExists):
		return fault.OrganisationExists.New("an organisation with this id or name exists")
	case errors.Is(err, ErrWalletProviderUsed):
		return fault.WalletProviderUsed.New("the wallet provider serves another organisation")
	}
	return err
}
