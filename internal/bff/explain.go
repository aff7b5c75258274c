package bff

import (
	"net/http"

	"github.com/portico-iam/portico/internal/authn"
	"github.com/portico-iam/portico/internal/explain"
	"github.com/portico-iam/portico/internal/fault"
	"github.com/portico-iam/portico/internal/httpx"
)

// explainBody is a question; see explain.Question.
type explainBody struct {
	Person *struct {
		Issuer  string `json:"issuer"`
		Subject string `json:"subject"`
		Login   string `json:"login"`
	} `json:"person"`
	Token          string   `json:"token"`
	IAMRoles       []string `json:"iamRoles"`
	Issuer         string   `json:"issuer"`
	Reference      string   `json:"reference"`
	OrganisationID string   `json:"organisationId"`
	Permission     string   `json:"permission"`
	Route          string   `json:"route"`
	AsOf           string   `json:"asOf"`
}

func (b *explainBody) question() (explain.Question, error) {
	q := explain.Question{Token: b.Token, IAMRoles: b.IAMRoles, Issuer: b.Issuer, Permission: b.Permission, Route: b.Route}
	if b.Person != nil {
		q.Person = &explain.Person{Issuer: b.Person.Issuer, Subject: b.Person.Subject, Login: b.Person.Login}
	}
	for _, id := range []struct {
		field, value string
		into         *string
	}{{"organisationId", b.OrganisationID, (*string)(&q.Organisation)}, {"reference", b.Reference, &q.Reference}} {
		if id.value == "" {
			continue
		}
		parsed, err := httpx.ParseUUID(id.value)
		if err != nil {
			return q, fault.InvalidInput.New("%s: %s", id.field, fault.Of(err).Detail).At(id.field)
		}
		*id.into = parsed
	}
	if b.AsOf != "" {
		asOf, err := explain.ParseAsOf(b.AsOf)
		if err != nil {
			return q, err
		}
		q.AsOf = &asOf
	}
	return q, nil
}

func (h *Handler) explain(w http.ResponseWriter, r *http.Request, caller *authn.Caller) error {
	var body explainBody
	if err := readBody(w, r, &body); err != nil {
		return err
	}
	q, err := body.question()
	if err != nil {
		return err
	}
	answer, err := h.Explainer.Explain(r.Context(), caller.Principal, q)
	if err != nil {
		return err
	}
	httpx.WriteJSON(w, http.StatusOK, answer)
	return nil
}
