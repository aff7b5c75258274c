package desk

import (
	"context"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/portico-iam/portico/internal/access"
	"github.com/portico-iam/portico/internal/authn"
	"github.com/portico-iam/portico/internal/desk/view"
	"github.com/portico-iam/portico/internal/desk/wording"
	"github.com/portico-iam/portico/internal/explain"
	"github.com/portico-iam/portico/internal/fault"
	"github.com/portico-iam/portico/internal/httpx"
	"github.com/portico-iam/portico/internal/session"
)

func (h *Handler) mountExplain(mux *http.ServeMux) {
	h.mountForm(mux, view.ExplainPath, h.explainShow, h.explainAsk)
}

// explainShow answers what the address asks, so that an answer can be shared.
func (h *Handler) explainShow(w http.ResponseWriter, r *http.Request, c *authn.Caller) error {
	asked := r.URL.Query()
	asked.Del("token") // in an address it has been seen already: it is not taken from there
	return h.explainPage(w, r, c, asked)
}

// explainAsk leads to the address of the answer. Only a token is answered at once: it must not stand in an address.
func (h *Handler) explainAsk(w http.ResponseWriter, r *http.Request, c *authn.Caller) error {
	if r.Method == http.MethodGet { // shown again
		r.PostForm.Set("do", "filter:person")
	}
	if strings.TrimSpace(r.PostForm.Get("token")) != "" || filters(r.PostForm) {
		return h.explainPage(w, r, c, r.PostForm)
	}
	query := url.Values{}
	for _, name := range []string{"person", "organisation", "what", "asOf"} {
		if value := r.PostForm.Get(name); value != "" {
			query.Set(name, value)
		}
	}
	if names := lines(r.PostForm.Get("iamRoles")); len(names) > 0 {
		query["iamRole"] = names
	}
	target := url.URL{Path: view.ExplainPath, RawQuery: query.Encode()}
	http.Redirect(w, r, target.String(), http.StatusSeeOther)
	return nil
}

func (h *Handler) explainPage(w http.ResponseWriter, r *http.Request, c *authn.Caller, asked url.Values) error {
	if err := h.enforce(r.Context(), c, "explain access", access.STSAccessExplain); err != nil {
		return err
	}
	people, err := h.Explainer.Seen(r.Context())
	if err != nil {
		return err
	}
	v := h.explainForm(r, c, people, asked)
	q := questionOf(asked)
	if asked.Get("asOf") != "" {
		if err := h.enforce(r.Context(), c, "explain access as it was", access.SystemHistoryList); err != nil {
			return err
		}
	}
	if filters(asked) {
		h.render(w, r, http.StatusOK, view.ExplainPage(v))
		return nil
	}
	if q == nil {
		if r.Method == http.MethodPost || asked.Get("organisation") != "" || asked.Get("what") != "" {
			v.Errors = view.FieldErrors{{Field: "who", Text: say(r.Context(), "Whose access? Choose a person, or name IAM roles.")}}
		}
		h.render(w, r, http.StatusOK, view.ExplainPage(v))
		return nil
	}
	status := http.StatusOK
	if q.AsOf, err = asOf(asked.Get("asOf")); err != nil {
		v.Errors = view.FieldErrors{{Field: "asOf", Text: say(r.Context(), "Expected a date and a time, such as 2026-01-31T09:30.")}}
		h.render(w, r, http.StatusUnprocessableEntity, view.ExplainPage(v))
		return nil
	}
	answer, err := h.Explainer.Explain(r.Context(), c.Principal, *q)
	switch f := fault.Of(err); { // the field is named where it stands
	case err == nil:
		v.Answer = h.explained(r.Context(), c, people, &answer)
		if v.Answer.AsOf != nil && r.Method == http.MethodGet { // by a token there is no address
			now := maps.Clone(asked)
			now.Del("asOf")
			v.Answer.AsOf.NowHref = view.ExplainPath + "?" + now.Encode()
		}
	case fault.InvalidInput.Is(err) || fault.NotFound.Is(err):
		status = http.StatusUnprocessableEntity
		v.Errors = view.FieldErrors{{Field: explainField(f.Field), Text: sayFault(r.Context(), f)}}
	default:
		return err
	}
	h.render(w, r, status, view.ExplainPage(v))
	return nil
}

// filters tells whether a form only narrows one of its choices, which it does without the script.
func filters(form url.Values) bool {
	do := form.Get("do")
	if do == "enter" && (form.Get("person") != "" || strings.TrimSpace(form.Get("iamRoles")) != "" || form.Get("what") != "") {
		return false // something is asked; the script filters by itself
	}
	for _, field := range []string{"person", "organisation"} {
		if do == "filter:"+field || do == "enter" && form.Get(field+"Filter") != form.Get(field+"FilterWas") {
			return true
		}
	}
	return false
}

// explainField is where on the page a question is wrong.
func explainField(field string) string {
	switch field {
	case "token", "iamRoles", "person", "asOf":
		return field
	case "organisationId":
		return "organisation"
	case "permission", "route":
		return "what"
	}
	return "who"
}

func lines(text string) (all []string) {
	for line := range strings.Lines(text) {
		if line = strings.TrimRight(line, "\r\n"); line != "" {
			all = append(all, line) // blanks at its ends belong to a name
		}
	}
	return all
}

// questionOf is nil where nobody is asked about.
func questionOf(asked url.Values) *explain.Question {
	q := &explain.Question{Token: strings.TrimSpace(asked.Get("token")), IAMRoles: asked["iamRole"]}
	if q.IAMRoles == nil {
		q.IAMRoles = lines(asked.Get("iamRoles"))
	}
	if id, err := url.ParseQuery(asked.Get("person")); err == nil && id.Get("subject") != "" {
		q.Person = &explain.Person{Issuer: id.Get("issuer"), Subject: id.Get("subject")}
	}
	q.Reference, _ = httpx.ParseUUID(asked.Get("reference"))
	if q.Reference != "" {
		return &explain.Question{Reference: q.Reference}
	}
	if q.Token == "" && q.IAMRoles == nil && q.Person == nil {
		return nil
	}
	if id := asked.Get("organisation"); id != "" {
		q.Organisation = access.OrganisationID(id)
	}
	if what := strings.TrimSpace(asked.Get("what")); strings.Contains(what, "/") {
		q.Route = what
	} else {
		q.Permission = what
	}
	return q
}

// asOf reads a moment in UTC as a browser sends it; nil: none.
func asOf(text string) (*time.Time, error) {
	if text == "" {
		return nil, nil
	}
	if len(text) == len("2006-01-02T15:04") {
		text += ":00"
	}
	at, err := time.Parse("2006-01-02T15:04:05", text) // also with a fraction
	return &at, err
}

// mostPeople is how many are offered, the last seen first. Everybody's own page leads here too.
const mostPeople = 500

// explainForm is the form with what was asked.
func (h *Handler) explainForm(r *http.Request, c *authn.Caller, people []session.Person, asked url.Values) view.Explain {
	ctx := r.Context()
	label := say(ctx, "A person who was seen in the last 90 days")
	if len(people) > mostPeople {
		label = say(ctx, "A person: the %d who were seen last; everybody else is under People", mostPeople)
	}
	v := view.Explain{
		Page:         h.frame(r, c),
		Person:       view.Chooser{Field: "person", Label: label, Empty: say(ctx, "Choose a person"), Chosen: asked.Get("person"), Filter: r.PostForm.Get("personFilter")},
		Organisation: view.Chooser{Field: "organisation", Label: say(ctx, "Where?"), Empty: say(ctx, "The whole system"), Chosen: asked.Get("organisation"), Filter: r.PostForm.Get("organisationFilter")},
		IAMRoles:     asked.Get("iamRoles"), What: asked.Get("what"), WhatOptions: whatOptions,
		AsOf: asked.Get("asOf"), MayAsOf: h.may(c, access.SystemHistoryList),
	}
	if names := asked["iamRole"]; names != nil {
		v.IAMRoles = strings.Join(names, "\n")
	}
	for i, p := range people {
		id := view.PersonID(p.Issuer, p.Subject)
		if i >= mostPeople && id != v.Person.Chosen {
			continue
		}
		name := who(p).Name
		if p.Login != "" && p.Login != name {
			name += " (" + p.Login + ")"
		}
		v.Person.Choices = append(v.Person.Choices, view.Choice{ID: id, Name: name})
	}
	s := h.sight(c)
	for _, o := range s.Organisations() {
		if s.seesOrganisation(o.ID) {
			v.Organisation.Choices = append(v.Organisation.Choices, organisationChoice(s.Snapshot, o.ID))
		}
	}
	slices.SortFunc(v.Person.Choices, byChoice)
	slices.SortFunc(v.Organisation.Choices, byChoice)
	return v
}

// whatOptions is everything that can be asked for.
var whatOptions = func() (all []string) {
	for _, info := range access.Permissions() {
		all = append(all, info.Name)
	}
	return append(all, explain.Routes()...)
}()

// explained shows an answer, with links for what this person may open and change.
func (h *Handler) explained(ctx context.Context, c *authn.Caller, people []session.Person, a *explain.Answer) *view.ExplainAnswer {
	v := &view.ExplainAnswer{
		Allowed: a.Allowed, Sentence: wording.SayPhrase(ctx, a.Sentence), Reason: a.Reason, RolePath: a.Who.RolePath, Odd: a.Who.Odd, Route: a.Route,
		Who: view.Who{Issuer: a.Who.Issuer, Subject: a.Who.Subject, Name: a.Who.Name},
	}
	known := slices.ContainsFunc(people, func(p session.Person) bool { return p.Issuer == a.Who.Issuer && p.Subject == a.Who.Subject })
	if known && h.may(c, access.STSSessionList) {
		v.PersonHref = v.Who.Path()
	}
	if v.Who.Name == "" {
		v.Who.Name = v.Who.Subject
	}
	if a.Who.SeenAt != nil {
		v.Seen = h.when(*a.Who.SeenAt)
	}
	for _, name := range a.AnyOf {
		v.Needs = append(v.Needs, permissionNamed(name))
	}
	if a.Organisation != nil {
		v.Where = a.Organisation.Name
	}
	const most = 12
	v.MoreElsewhere = max(0, len(a.Elsewhere)-most)
	for _, o := range a.Elsewhere[:min(len(a.Elsewhere), most)] {
		link := view.Link{Label: o.Name}
		if h.may(c, access.STSOrganisationDetail) {
			link.Href = view.OrganisationPath(o.ID)
		}
		v.Elsewhere = append(v.Elsewhere, link)
	}
	for _, step := range a.Path {
		v.Path = append(v.Path, h.explainStep(ctx, c, step, len(a.AnyOf) == 0))
	}
	for _, g := range a.Suggestions {
		suggestion := view.ExplainSuggestion{Text: wording.SayPhrase(ctx, g.Sentence)}
		if a.AsOf == nil { // the past is not changed any more
			suggestion.Links = h.editLinks(ctx, c, g.Edits)
		}
		v.Suggestions = append(v.Suggestions, suggestion)
	}
	for _, held := range a.Permissions {
		v.Held = append(v.Held, view.ExplainHeld{Permission: permissionNamed(held.Permission), IAMRole: held.IAMRole, Role: held.Role})
	}
	if a.Refusal != nil {
		v.Refused = &view.ExplainRefused{Href: view.HistoryEntryPath(a.Refusal.Reference), At: h.when(a.Refusal.At), Sentence: a.Refusal.Sentence}
		if a.AsOf == nil && h.may(c, access.SystemHistoryList) {
			v.Refused.ThenHref = view.ExplainReferenceThenPath(a.Refusal.Reference, a.Refusal.At)
		}
	}
	if a.AsOf != nil {
		v.AsOf = &view.ExplainAsOf{At: h.when(a.AsOf.At)}
		for _, note := range a.AsOf.Notes {
			v.AsOf.Notes = append(v.AsOf.Notes, wording.SayPhrase(ctx, note))
		}
	}
	return v
}

func (h *Handler) explainStep(ctx context.Context, c *authn.Caller, step explain.Step, everything bool) view.ExplainStep {
	v := view.ExplainStep{IAMRole: step.IAMRole}
	switch step.State {
	case explain.Grants:
		v.Tone, v.Word = "success", say(ctx, "mapped here")
		if step.MappingID == "" {
			v.Word = say(ctx, "first administrator")
		}
	case explain.Bootstrap:
		v.Word = say(ctx, "first administrator")
		v.Notes = []string{say(ctx, "It grants the administration of the whole system, and nothing else.")}
	case explain.OnHold:
		v.Tone, v.Word = "warning", say(ctx, "does not count")
		v.Notes = []string{say(ctx, "In the directory its group was deleted or renamed. An administrator can confirm it.")}
	case explain.Ended:
		v.Tone, v.Word = "warning", say(ctx, "ended")
		v.Notes = []string{say(ctx, "It was mapped here until %s.", exactTime(*step.Ended))}
	case explain.Here:
		v.Word = say(ctx, "mapped here")
	case explain.Elsewhere:
		v.Word = say(ctx, "mapped, but not here")
	case explain.Nearly:
		v.Tone, v.Word = "warning", say(ctx, "not mapped")
	default:
		v.Word = say(ctx, "not mapped")
	}
	now := h.Policy.Snapshot() // an answer about the past names what may be gone
	if now.IAMRole(access.IAMRoleID(step.MappingID)) != nil && h.may(c, access.STSIAMRoleDetail) {
		v.Href = view.AccessItemPath(step.MappingID)
	}
	for _, near := range step.Near {
		v.Notes = append(v.Notes, say(ctx, "nearly “%s”, which is mapped: they differ in case or blanks", near))
	}
	for _, other := range step.Renamed {
		v.Tone = "warning"
		v.Notes = append(v.Notes, say(ctx, "was “%s” renamed to this? It is mapped, and nobody carries it any more", other))
	}
	for _, role := range step.Roles {
		shown := view.ExplainRole{Name: role.Name, Leads: role.Grants}
		switch {
		case role.Restricted:
			shown.Note = say(ctx, "only where a service acts for a user")
		case role.Lacking:
			shown.Note = say(ctx, "counts only after a sign-in %s", *role.SignIn)
		case role.SignIn != nil && role.Grants && !everything:
			shown.Note = say(ctx, "holds the permission, after a sign-in %s", *role.SignIn)
		case role.Grants && !everything:
			shown.Note = say(ctx, "holds the permission")
		case !everything:
			shown.Note = say(ctx, "lacks the permission")
		}
		if now.Role(access.RoleID(role.ID)) != nil && h.may(c, access.STSRoleDetail) {
			shown.Href = view.RolePath(role.ID)
		}
		v.Roles = append(v.Roles, shown)
	}
	return v
}

// editLinks leads to where the steps of a suggestion are made, with what is to be done filled in; for who may do it.
func (h *Handler) editLinks(ctx context.Context, c *authn.Caller, edits []explain.Edit) (links []view.Link) {
	for _, e := range edits {
		if l := h.editLink(ctx, c, e); l.Href != "" {
			links = append(links, l)
		}
	}
	return links
}

func (h *Handler) editLink(ctx context.Context, c *authn.Caller, e explain.Edit) view.Link {
	switch e.Kind {
	case access.Reactivate.String():
		if h.may(c, access.STSOrganisationEdit) {
			return view.Link{Label: say(ctx, "Reactivate"), Href: view.OrganisationReactivatePath(e.OrganisationID)}
		}
	case access.Join.String():
		if e.MappingID != "" && h.may(c, access.STSIAMRoleDetail) {
			return view.Link{Label: say(ctx, "See what it gives"), Href: view.AccessItemPath(e.MappingID)}
		}
	case access.AddPermission.String():
		if h.may(c, access.STSRoleEdit) {
			return view.Link{Label: say(ctx, "Edit the role"), Href: view.RoleEditPath(e.RoleID) + "?" + url.Values{"permission": {e.Permission}}.Encode()}
		}
	case access.MapRole.String():
		if address := h.mappingAddress(c, e, e.RoleID); e.IAMRole != "" && address != "" {
			return view.Link{Label: say(ctx, "Map it"), Href: address}
		}
	case access.Prolong.String():
		if e.MappingID != "" && h.may(c, access.STSIAMRoleEdit) {
			return view.Link{Label: say(ctx, "Prolong it"), Href: view.AccessEditPath(e.MappingID)}
		}
	case access.MapNewRole.String():
		if address := h.mappingAddress(c, e, ""); e.IAMRole != "" && address != "" && h.may(c, access.STSRoleCreate) {
			return view.Link{Label: say(ctx, "Create the role"), Href: view.RoleNewPath + "?" + url.Values{"permission": {e.Permission}, "then": {address}}.Encode()}
		}
	}
	return view.Link{}
}

// mappingAddress is the wizard at its second step, with the role as a row that is not saved yet.
func (h *Handler) mappingAddress(c *authn.Caller, e explain.Edit, role string) string {
	query := url.Values{"step": {"2"}}
	if e.OrganisationID != "" && role != "" {
		query.Set("organisation", e.OrganisationID)
		query.Set("role", role)
	} else if role != "" {
		query.Set("systemRole", role)
	}
	switch {
	case e.MappingID != "" && h.may(c, access.STSIAMRoleEdit):
		return view.AccessEditPath(e.MappingID) + "?" + query.Encode()
	case e.MappingID == "" && h.may(c, access.STSIAMRoleCreate):
		query.Set("name", e.IAMRole)
		return view.AccessNewPath + "?" + query.Encode()
	}
	return ""
}
