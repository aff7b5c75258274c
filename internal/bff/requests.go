package bff

import (
	"cmp"
	"errors"
	"net/http"
	"slices"

	"github.com/portico-iam/portico/internal/access"
	"github.com/portico-iam/portico/internal/authn"
	"github.com/portico-iam/portico/internal/fault"
	"github.com/portico-iam/portico/internal/httpx"
	"github.com/portico-iam/portico/internal/policy"
)

// requestHeader has a change that a second administrator must approve become a request; it says why.
const requestHeader = "x-portico-request"

const requestPath = "/api/sts/request/v1"

func (h *Handler) mountRequests(mux *http.ServeMux) {
	mux.Handle("GET "+requestPath, h.called(h.listRequests))
	mux.Handle("GET "+requestPath+"/{id}", h.called(h.getRequest))
	mux.Handle("POST "+requestPath+"/{id}/approve", h.called(h.approveRequest))
	mux.Handle("POST "+requestPath+"/{id}/refuse", h.called(h.refuseRequest))
	mux.Handle("POST "+requestPath+"/{id}/withdraw", h.called(h.withdrawRequest))
	mux.Handle("GET /api/sts/four-eyes/v1/{organisationId}", h.called(h.getFourEyes))
	mux.Handle("PUT /api/sts/four-eyes/v1/{organisationId}", h.called(h.setFourEyes))
}

// requestView is a change that waits for a second administrator, or did.
type requestView struct {
	ID            string              `json:"id"`
	State         policy.RequestState `json:"state"`
	Issuer        string              `json:"issuer"`
	Subject       string              `json:"subject"`
	Name          string              `json:"name"`
	Reason        string              `json:"reason"`
	CreatedDate   string              `json:"createdDate"`
	UntilDate     string              `json:"untilDate"`
	Organisations []named             `json:"organisations"`
	ClosedDate    string              `json:"closedDate,omitempty"`
	ClosedBy      string              `json:"closedBy,omitempty"`
	Answer        string              `json:"answer,omitempty"`
}

// requestDetail is one with its change, and what approving it does now.
type requestDetail struct {
	requestView
	Change    changeView   `json:"change"`
	Own       bool         `json:"own"`
	MayDecide bool         `json:"mayDecide"`
	Obstacle  string       `json:"obstacle,omitempty"`
	Preview   *previewView `json:"preview,omitempty"`
}

// changeView is what a request would write.
type changeView struct {
	Roles    rowsView[access.RoleID, requestedRole]       `json:"roles"`
	IAMRoles rowsView[access.IAMRoleID, requestedIAMRole] `json:"iamRoles"`
	FourEyes map[access.OrganisationID]bool               `json:"fourEyes"`
}

type rowsView[ID ~string, V any] struct {
	Put    []V  `json:"put"`
	Delete []ID `json:"delete"`
}

type requestedRole struct {
	ID          access.RoleID   `json:"id"`
	Name        string          `json:"name"`
	Permissions []string        `json:"permissions"`
	Delegation  *delegationView `json:"delegation,omitempty"`
	SignIn      *signInView     `json:"signIn,omitempty"`
}

type requestedIAMRole struct {
	ID                access.IAMRoleID                          `json:"id"`
	Name              string                                    `json:"name"`
	OrganisationRoles map[access.OrganisationID][]access.RoleID `json:"organisationRoles"`
	SystemRoles       []access.RoleID                           `json:"systemRoles"`
	Ends              map[access.OrganisationID]string          `json:"ends,omitempty"`
	SystemEnd         string                                    `json:"systemEnd,omitempty"`
}

func viewChange(c access.Change) changeView {
	v := changeView{
		Roles:    rowsView[access.RoleID, requestedRole]{[]requestedRole{}, append([]access.RoleID{}, c.DeleteRoles...)},
		IAMRoles: rowsView[access.IAMRoleID, requestedIAMRole]{[]requestedIAMRole{}, append([]access.IAMRoleID{}, c.DeleteIAMRoles...)},
		FourEyes: c.FourEyes,
	}
	if v.FourEyes == nil {
		v.FourEyes = map[access.OrganisationID]bool{}
	}
	for _, r := range c.PutRoles {
		row := viewRole(r)
		v.Roles.Put = append(v.Roles.Put, requestedRole{row.ID, row.Name, row.Permissions, row.Delegation, row.SignIn})
	}
	for _, m := range c.PutIAMRoles {
		row := viewIAMRole(m)
		asked := requestedIAMRole{row.ID, row.Name, row.OrganisationRoles, append([]access.RoleID{}, row.SystemRoles...), row.Ends, row.SystemEnd}
		if asked.OrganisationRoles == nil {
			asked.OrganisationRoles = map[access.OrganisationID][]access.RoleID{}
		}
		v.IAMRoles.Put = append(v.IAMRoles.Put, asked)
	}
	return v
}

func viewRequest(s *access.Snapshot, r *policy.Request) requestView {
	v := requestView{
		ID: r.ID, State: r.Closing.State, Issuer: r.Issuer, Subject: r.Subject, Name: r.Name, Reason: r.Reason,
		CreatedDate: httpx.Timestamp(r.At), UntilDate: httpx.Timestamp(r.Until), Organisations: []named{},
		ClosedBy: r.Closing.By, Answer: r.Closing.Answer,
	}
	if !r.Closing.At.IsZero() {
		v.ClosedDate = httpx.Timestamp(r.Closing.At)
	}
	for _, id := range r.Organisations {
		org := named{string(id), string(id)}
		if o := s.Organisation(id); o != nil {
			org.Name = o.Name
		}
		v.Organisations = append(v.Organisations, org)
	}
	return v
}

func (h *Handler) listRequests(w http.ResponseWriter, r *http.Request, caller *authn.Caller) error {
	q := httpx.NewQuery(r.URL.RawQuery)
	page := q.Page("createdDate", "untilDate")
	var states []string
	for _, state := range policy.RequestStates {
		states = append(states, string(state))
	}
	wanted, organisations := q.AllOf("state", states...), q.UUIDs("organisationId")
	sorted := r.URL.Query().Has("sort")
	if err := q.Err(); err != nil {
		return err
	}
	all, err := h.Policy.AllRequests(r.Context(), caller.Principal)
	if err != nil {
		return err
	}
	all = slices.DeleteFunc(all, func(r policy.Request) bool {
		return len(wanted) > 0 && !slices.Contains(wanted, string(r.Closing.State)) ||
			len(organisations) > 0 && !slices.ContainsFunc(r.Organisations, func(id access.OrganisationID) bool { return slices.Contains(organisations, string(id)) })
	})
	if sorted {
		slices.SortFunc(all, func(a, b policy.Request) int {
			order := a.At.Compare(b.At)
			if page.Sort == "untilDate" {
				order = a.Until.Compare(b.Until)
			}
			if order = cmp.Or(order, cmp.Compare(a.ID, b.ID)); page.Descending {
				return -order
			}
			return order
		})
	}
	snapshot, values := h.Policy.Snapshot(), []requestView{}
	for _, request := range httpx.Slice(all, page) {
		values = append(values, viewRequest(snapshot, &request))
	}
	httpx.WriteJSON(w, http.StatusOK, httpx.NewList(values, len(all), page.Size))
	return nil
}

func (h *Handler) getRequest(w http.ResponseWriter, r *http.Request, caller *authn.Caller) error {
	id, err := pathID[string](r)
	if err != nil {
		return err
	}
	if err := noQuery(r); err != nil {
		return err
	}
	request, err := h.Policy.Request(r.Context(), caller.Principal, id)
	if err != nil {
		return err
	}
	v := requestDetail{
		requestView: viewRequest(h.Policy.Snapshot(), &request.Request), Change: viewChange(request.Change),
		Own: request.Own, MayDecide: request.Closing.State == policy.Open && request.Decider == nil,
	}
	if request.Preview != nil {
		preview := viewPreview(request.Preview)
		v.Preview = &preview
	}
	if request.Obstacle != nil {
		v.Obstacle = fault.Of(request.Obstacle).Detail
	}
	httpx.WriteJSON(w, http.StatusOK, v)
	return nil
}

func (h *Handler) approveRequest(w http.ResponseWriter, r *http.Request, caller *authn.Caller) error {
	return decide(w, r, func(id string) error {
		mapping, err := seenMapping(r)
		if err != nil {
			return err
		}
		if err := h.Policy.ApproveRequest(r.Context(), caller.Principal, id, mapping); err != nil {
			return err
		}
		h.onProbation(w, caller)
		return nil
	})
}

func (h *Handler) refuseRequest(w http.ResponseWriter, r *http.Request, caller *authn.Caller) error {
	var body struct {
		Reason string `json:"reason"`
	}
	if err := readBody(w, r, &body); err != nil {
		return err
	}
	return decide(w, r, func(id string) error { return h.Policy.RefuseRequest(r.Context(), caller.Principal, id, body.Reason) })
}

func (h *Handler) withdrawRequest(w http.ResponseWriter, r *http.Request, caller *authn.Caller) error {
	return decide(w, r, func(id string) error { return h.Policy.WithdrawRequest(r.Context(), caller.Principal, id) })
}

// decide has do close the request of the address.
func decide(w http.ResponseWriter, r *http.Request, do func(id string) error) error {
	id, err := pathID[string](r)
	if err != nil {
		return err
	}
	if err := noQuery(r); err != nil {
		return err
	}
	if err := do(id); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// fourEyesView tells whether an organisation demands a second administrator.
type fourEyesView struct {
	Demanded bool `json:"demanded"`
}

func pathOrganisation(r *http.Request) (access.OrganisationID, error) {
	id, err := httpx.ParseUUID(r.PathValue("organisationId"))
	if err != nil {
		err = fault.InvalidInput.New("organisationId: %s", fault.Of(err).Detail).At("organisationId")
	}
	return access.OrganisationID(id), err
}

func (h *Handler) getFourEyes(w http.ResponseWriter, r *http.Request, caller *authn.Caller) error {
	org, err := pathOrganisation(r)
	if err != nil {
		return err
	}
	if err := noQuery(r); err != nil {
		return err
	}
	demanded, err := h.Policy.FourEyes(r.Context(), caller.Principal, org)
	if err != nil {
		return err
	}
	httpx.WriteJSON(w, http.StatusOK, fourEyesView{demanded})
	return nil
}

func (h *Handler) setFourEyes(w http.ResponseWriter, r *http.Request, caller *authn.Caller) error {
	org, err := pathOrganisation(r)
	if err != nil {
		return err
	}
	var body struct {
		Demanded *bool `json:"demanded"`
	}
	if err := readBody(w, r, &body); err != nil {
		return err
	}
	if body.Demanded == nil {
		return fault.InvalidInput.New("demanded: expected true or false").At("demanded")
	}
	seen, err := seenPreview(r)
	if err != nil {
		return err
	}
	if err := h.Policy.SetFourEyes(r.Context(), caller.Principal, org, *body.Demanded, seen); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// asked answers for a change that became a request; it tells whether err is that.
func (h *Handler) asked(w http.ResponseWriter, err error) bool {
	var asked *policy.Asked
	if !errors.As(err, &asked) {
		return false
	}
	w.Header().Set("Location", requestPath+"/"+asked.Request.ID)
	httpx.WriteJSON(w, http.StatusAccepted, viewRequest(h.Policy.Snapshot(), &asked.Request))
	return true
}
