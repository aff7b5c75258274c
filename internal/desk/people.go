package desk

import (
	"cmp"
	"net/http"
	"slices"
	"strings"

	"github.com/portico-iam/portico/internal/access"
	"github.com/portico-iam/portico/internal/authn"
	"github.com/portico-iam/portico/internal/desk/view"
	"github.com/portico-iam/portico/internal/fault"
	"github.com/portico-iam/portico/internal/httpx"
	"github.com/portico-iam/portico/internal/revocation"
	"github.com/portico-iam/portico/internal/session"
)

func (h *Handler) mountPeople(mux *http.ServeMux) {
	mux.Handle("GET "+view.PeoplePath, h.page(h.personList))
	mux.Handle("GET "+view.PersonPath, h.page(h.personDetail))
	for path, ask := range map[string]pageHandler{
		view.PersonRevokePath: h.revoking(h.personRevoke), view.EverybodyRevokePath: h.revoking(h.everybodyRevoke),
		view.PeoplePath + "/session/{id}/end": h.revoking(h.sessionEnd), view.OrganisationsPath + "/{id}/revoke": h.revoking(h.organisationRevoke),
	} {
		mux.Handle("GET "+path, h.page(ask))
		mux.Handle("POST "+path, h.page(ask))
	}
}

func (h *Handler) personList(w http.ResponseWriter, r *http.Request, c *authn.Caller) error {
	people, err := h.Revocations.People(r.Context(), c.Principal)
	if err != nil {
		return err
	}
	live, _, err := h.Revocations.List(r.Context(), c.Principal, revocation.Filter{})
	if err != nil {
		return err
	}
	sessions := map[revocation.Person]int{}
	for _, s := range live {
		sessions[revocation.Person{Issuer: s.Principal.Issuer, Subject: s.Principal.Subject}]++
	}
	v := view.PersonList{
		Page: h.frame(r, c), CanRevoke: h.offers(c, access.STSSessionRevoke), List: listState(r, view.PeoplePath, "name", "name", "sessions", "seen"),
	}
	var rows []view.PersonRow
	for _, p := range people {
		row := view.PersonRow{
			Who: who(p), Login: p.Login, IAMRoles: p.IAMRoles, Seen: h.when(p.SeenAt),
			Sessions: sessions[revocation.Person{Issuer: p.Issuer, Subject: p.Subject}],
		}
		if slices.ContainsFunc(append([]string{row.Name, p.Login, p.Subject}, p.IAMRoles...), func(s string) bool { return contains(s, v.List.Query) }) {
			rows = append(rows, row)
		}
	}
	slices.SortFunc(rows, func(a, b view.PersonRow) int {
		order := 0
		switch v.List.Sort {
		case "sessions":
			order = cmp.Compare(a.Sessions, b.Sessions)
		case "seen":
			order = a.Seen.At.Compare(b.Seen.At)
		}
		return directed(v.List, cmp.Or(order, byName(a.Name, b.Name), strings.Compare(a.Subject, b.Subject), strings.Compare(a.Issuer, b.Issuer)))
	})
	v.Rows = cut(&v.List, rows)
	h.render(w, r, http.StatusOK, view.PersonListPage(v))
	return nil
}

func who(p session.Person) view.Who {
	principal := access.Principal{Subject: p.Subject, GivenName: p.GivenName, FamilyName: p.FamilyName, Login: p.Login}
	return view.Who{Issuer: p.Issuer, Subject: p.Subject, Name: principal.DisplayName()}
}

// person finds who the address is about among those who were seen.
func (h *Handler) person(r *http.Request, c *authn.Caller) (session.Person, []session.Record, error) {
	id := revocation.Person{Issuer: r.URL.Query().Get("issuer"), Subject: r.URL.Query().Get("subject")}
	people, err := h.Revocations.People(r.Context(), c.Principal)
	if err != nil {
		return session.Person{}, nil, err
	}
	at := slices.IndexFunc(people, func(p session.Person) bool { return p.Issuer == id.Issuer && p.Subject == id.Subject })
	if at < 0 {
		return session.Person{}, nil, fault.NotFound.New("this person was not seen in the last 90 days")
	}
	live, _, err := h.Revocations.List(r.Context(), c.Principal, revocation.Filter{Person: id})
	return people[at], live, err
}

func (h *Handler) personDetail(w http.ResponseWriter, r *http.Request, c *authn.Caller) error {
	p, live, err := h.person(r, c)
	if err != nil {
		return err
	}
	snapshot := h.Policy.Snapshot()
	principal := &access.Principal{Issuer: p.Issuer, Subject: p.Subject, IAMRoles: p.IAMRoles}
	v := view.PersonDetail{
		Page: h.frame(r, c), Who: who(p), Login: p.Login, IAMRoles: carried(r.Context(), snapshot, principal), Seen: h.when(p.SeenAt),
		CanRevoke: h.offers(c, access.STSSessionRevoke), CanHistory: h.may(c, access.SystemHistoryList), CanExplain: h.may(c, access.STSAccessExplain),
	}
	for _, o := range snapshot.OrganisationsOf(principal) {
		set, _ := snapshot.Effective(principal, o.ID)
		v.Organisations = append(v.Organisations, view.OrganisationAccess{ID: string(o.ID), Name: o.Name, Roles: rolesIn(snapshot, principal, o.ID), Permissions: set.Len()})
	}
	system, _ := snapshot.Effective(principal, access.System)
	v.System = system.Len()
	for i := range live {
		v.Sessions = append(v.Sessions, h.sessionRow(snapshot, c, &live[i]))
	}
	h.render(w, r, http.StatusOK, view.PersonDetailPage(v))
	return nil
}

func (h *Handler) sessionRow(s *access.Snapshot, c *authn.Caller, r *session.Record) view.SessionRow {
	row := view.SessionRow{
		ID: r.Ref, Began: h.when(r.CreatedAt), Used: h.when(r.SeenAt), Ends: h.when(r.EndsAt), Own: r.Ref == c.SessionRef(), From: view.From(r.From),
	}
	if o := s.Organisation(r.ActiveOrganisation); o != nil {
		row.Organisation = o.Name
	}
	return row
}

// revocable is something that can be ended: how it is asked for, what it is, and the page to go to afterwards.
type revocable struct {
	confirm view.Confirm
	target  revocation.Target
	then    string
}

// revoking asks, and then ends.
func (h *Handler) revoking(find func(*http.Request, *authn.Caller) (revocable, error)) pageHandler {
	return func(w http.ResponseWriter, r *http.Request, c *authn.Caller) error {
		if err := h.enforce(r.Context(), c, "end sessions", access.STSSessionRevoke); err != nil {
			return err
		}
		asked, err := find(r, c)
		if err != nil {
			return err
		}
		status := http.StatusOK
		if r.Method == http.MethodPost {
			if confirmed(r, &asked.confirm) {
				if _, err := h.Revocations.Revoke(r.Context(), c.Principal, asked.target); err != nil {
					return err
				}
				return h.done(w, r, c, accessEnded, asked.then, access.STSSessionList)
			}
			status = http.StatusUnprocessableEntity
		}
		h.render(w, r, status, view.ConfirmPage(asked.confirm))
		return nil
	}
}

func (h *Handler) personRevoke(r *http.Request, c *authn.Caller) (revocable, error) {
	p, live, err := h.person(r, c)
	if err != nil {
		return revocable{}, err
	}
	return revocable{
		view.ConfirmPersonRevoke(r.Context(), h.frame(r, c), who(p), len(live), h.Revocations.TokenTTL),
		revocation.Target{Person: revocation.Person{Issuer: p.Issuer, Subject: p.Subject}},
		view.PeoplePath,
	}, nil
}

func (h *Handler) everybodyRevoke(r *http.Request, c *authn.Caller) (revocable, error) {
	_, live, err := h.Revocations.List(r.Context(), c.Principal, revocation.Filter{Size: 1})
	if err != nil {
		return revocable{}, err
	}
	return revocable{view.ConfirmEverybodyRevoke(r.Context(), h.frame(r, c), live, h.Revocations.TokenTTL), revocation.Target{Everything: true}, view.PeoplePath}, nil
}

func (h *Handler) sessionEnd(r *http.Request, c *authn.Caller) (revocable, error) {
	id, err := httpx.ParseUUID(r.PathValue("id"))
	if err != nil {
		return revocable{}, fault.NotFound.New("there is no such session")
	}
	s, err := h.Revocations.Get(r.Context(), c.Principal, id)
	if err != nil {
		return revocable{}, err
	}
	p := &s.Principal
	return revocable{
		view.ConfirmSessionEnd(r.Context(), h.frame(r, c), view.Who{Issuer: p.Issuer, Subject: p.Subject, Name: p.DisplayName()}, h.sessionRow(h.Policy.Snapshot(), c, s), h.Revocations.TokenTTL),
		revocation.Target{Session: id},
		view.PeoplePath,
	}, nil
}

func (h *Handler) organisationRevoke(r *http.Request, c *authn.Caller) (revocable, error) {
	o, err := h.organisation(r, c)
	if err != nil {
		return revocable{}, err
	}
	return revocable{
		view.ConfirmOrganisationRevoke(r.Context(), h.frame(r, c), string(o.ID), o.Name, h.Revocations.TokenTTL),
		revocation.Target{Organisation: o.ID},
		view.PeoplePath,
	}, nil
}
