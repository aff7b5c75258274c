package desk

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/portico-iam/portico/internal/access"
	"github.com/portico-iam/portico/internal/authn"
	"github.com/portico-iam/portico/internal/desk/view"
	"github.com/portico-iam/portico/internal/desk/wording"
	"github.com/portico-iam/portico/internal/fault"
	"github.com/portico-iam/portico/internal/policy"
)

func (h *Handler) mountRequests(mux *http.ServeMux) {
	mux.Handle("GET "+view.RequestsPath, h.page(h.requestList))
	mux.Handle("GET "+view.RequestsPath+"/{id}", h.page(h.requestDetail))
	for path, page := range map[string]pageHandler{
		view.RequestsPath + "/{id}/approve":                h.requestApprove,
		view.RequestsPath + "/{id}/refuse":                 h.requestRefuse,
		view.RequestsPath + "/{id}/withdraw":               h.requestWithdraw,
		view.OrganisationsPath + "/{id}/four-eyes/demand":  h.fourEyes(true),
		view.OrganisationsPath + "/{id}/four-eyes/release": h.fourEyes(false),
	} {
		mux.Handle("GET "+path, h.page(page))
		mux.Handle("POST "+path, h.page(page))
	}
}

// forYou stands in a filter for what waits for the person.
const forYou = "you"

func (h *Handler) requestList(w http.ResponseWriter, r *http.Request, c *authn.Caller) error {
	all, err := h.Policy.AllRequests(r.Context(), c.Principal)
	if err != nil {
		return err
	}
	if len(all) == 0 { // who asked sees their own, whatever else they may
		if err := h.enforce(r.Context(), c, "list requests", access.STSIAMRoleList); err != nil {
			return err
		}
	}
	ctx, s := r.Context(), h.sight(c)
	v := view.RequestList{
		Page: h.frame(r, c), List: listState(r, view.RequestsPath, "state", "state", "name", "asked", "until"), CanMatrix: h.mayMatrix(c), Demanded: s.DemandsFourEyes(),
		States: []view.Choice{{ID: forYou, Name: say(ctx, "Waiting for you")}},
	}
	state, org := r.URL.Query().Get("state"), access.OrganisationID(r.URL.Query().Get("organisation"))
	for _, known := range policy.RequestStates {
		v.States = append(v.States, view.Choice{ID: string(known), Name: wording.Capital(sayKey(ctx, view.RequestStateWords[string(known)]))})
	}
	if !slices.ContainsFunc(v.States, func(choice view.Choice) bool { return choice.ID == state }) {
		state = ""
	}
	if s.Organisation(org) == nil || !s.seesOrganisation(org) {
		org = ""
	}
	about := map[access.OrganisationID]bool{org: org != ""}
	rows := make([]view.RequestRow, 0, len(all))
	for i := range all {
		for _, id := range all[i].Organisations {
			about[id] = s.seesOrganisation(id)
		}
		row := h.requestRow(ctx, c, s, &all[i])
		wanted := state == "" || row.State == state || state == forYou && row.ForYou
		if wanted && (org == "" || slices.Contains(all[i].Organisations, org)) && contains(row.Subject.Title(ctx), v.List.Query) {
			rows = append(rows, row)
		}
	}
	for id, is := range about {
		if is {
			v.Organisations = append(v.Organisations, s.organisation(id))
		}
	}
	slices.SortFunc(v.Organisations, byChoice)
	v.List.Filters = url.Values{"state": {state}, "organisation": {string(org)}}
	slices.SortFunc(rows, func(a, b view.RequestRow) int {
		order := 0
		switch v.List.Sort {
		case "name":
			order = byName(a.Subject.Title(ctx), b.Subject.Title(ctx))
		case "asked":
			order = a.Asked.When.At.Compare(b.Asked.When.At)
		case "until":
			order = a.Until.At.Compare(b.Until.At)
		case "state":
			order = cmp.Compare(urgency(a), urgency(b))
		}
		return directed(v.List, cmp.Or(order, b.Asked.When.At.Compare(a.Asked.When.At), cmp.Compare(a.ID, b.ID)))
	})
	v.Rows = cut(&v.List, rows)
	h.render(w, r, http.StatusOK, view.RequestListPage(v))
	return nil
}

// urgency puts first what waits for the person, then what waits for others.
func urgency(r view.RequestRow) int {
	if r.ForYou {
		return -1
	}
	return slices.Index(policy.RequestStates, policy.RequestState(r.State))
}

func (h *Handler) requestRow(ctx context.Context, c *authn.Caller, s sight, r *policy.Request) view.RequestRow {
	row := view.RequestRow{
		ID: r.ID, State: string(r.Closing.State), Subject: requestSubject(ctx, s, r), Until: h.when(r.Until),
		Asked: view.Stamp{When: h.when(r.At), By: r.Name}, ForYou: r.Decidable(s.Snapshot, c.Principal),
	}
	for _, id := range r.Organisations {
		row.Organisations = append(row.Organisations, s.organisation(id).Name)
	}
	return row
}

// requestSubject says in brief what a request changes.
func requestSubject(ctx context.Context, s sight, r *policy.Request) (v view.RequestSubject) {
	changes := requestedChanges(ctx, s, r)
	if len(changes) > 0 {
		v = view.RequestSubject{Kind: changes[0].Kind, Name: changes[0].Name, Exact: changes[0].Exact, More: len(changes) - 1}
	}
	return v
}

// requestedChanges are the rows that a request writes, with what they become where it is open. Names are those of the request, as far
// as it holds them.
func requestedChanges(ctx context.Context, s sight, r *policy.Request) (all []view.RequestedChange) {
	open := r.Closing.State == policy.Open
	for _, m := range r.Change.PutIAMRoles {
		c := view.RequestedChange{Kind: say(ctx, "access"), Name: m.Name, Exact: true}
		var old access.IAMRole
		if now := s.IAMRole(m.ID); now != nil {
			old, c.Href = *now, view.AccessItemPath(string(m.ID))
		}
		if open {
			c.Removed, c.Added = s.differences(ctx, old, *m), s.differences(ctx, *m, old)
			if old.Name != "" && old.Name != m.Name {
				c.Removed, c.Added = append(c.Removed, say(ctx, "the name %q", old.Name)), append(c.Added, say(ctx, "the name %q", m.Name))
			}
		}
		all = append(all, c)
	}
	for _, id := range r.Change.DeleteIAMRoles {
		c := view.RequestedChange{Kind: say(ctx, "access is deleted"), Name: cmp.Or(r.Names[string(id)], string(id)), Exact: true}
		if now := s.IAMRole(id); now != nil {
			c.Href, c.Removed = view.AccessItemPath(string(id)), s.differences(ctx, *now, access.IAMRole{})
		}
		all = append(all, c)
	}
	for _, role := range r.Change.PutRoles {
		c := view.RequestedChange{Kind: say(ctx, "role"), Name: role.Name}
		var had access.PermissionSet
		if now := s.Role(role.ID); now != nil {
			had, c.Href = now.Permissions, view.RolePath(string(role.ID))
		}
		if open {
			c.Removed, c.Added = titles(ctx, had.Minus(role.Permissions)), titles(ctx, role.Permissions.Minus(had))
		}
		all = append(all, c)
	}
	for _, id := range r.Change.DeleteRoles {
		all = append(all, view.RequestedChange{Kind: say(ctx, "role is deleted"), Name: cmp.Or(r.Names[string(id)], string(id))})
	}
	for org, on := range r.Change.FourEyes {
		kind := say(ctx, "no second administrator any more")
		if on {
			kind = say(ctx, "a second administrator is demanded")
		}
		all = append(all, view.RequestedChange{Kind: kind, Name: s.organisation(org).Name, Href: view.OrganisationPath(string(org))})
	}
	return all
}

func titles(ctx context.Context, set access.PermissionSet) (all []string) {
	for p := range set.All() {
		all = append(all, sayKey(ctx, p.Info().Title))
	}
	return all
}

func (h *Handler) requestDetail(w http.ResponseWriter, r *http.Request, c *authn.Caller) error {
	request, v, err := h.request(r, c)
	if err != nil {
		return err
	}
	if request.Preview != nil {
		v.Preview = h.viewPreview(c, request.Preview)
	}
	h.render(w, r, http.StatusOK, view.RequestDetailPage(v))
	return nil
}

// request reads the request of the address.
func (h *Handler) request(r *http.Request, c *authn.Caller) (policy.Reviewed, view.RequestDetail, error) {
	ctx := r.Context()
	request, err := h.Policy.Request(ctx, c.Principal, r.PathValue("id"))
	if err != nil {
		return request, view.RequestDetail{}, err
	}
	s := h.sight(c)
	open := request.Closing.State == policy.Open
	v := view.RequestDetail{
		Page: h.frame(r, c), RequestRow: h.requestRow(ctx, c, s, &request.Request), Reason: request.Reason, Answer: request.Closing.Answer,
		Changes: requestedChanges(ctx, s, &request.Request), Own: request.Own, MayDecide: open && request.Decider == nil, CanHistory: h.may(c, access.SystemHistoryList),
	}
	if !open {
		v.Closed = view.Stamp{When: h.when(request.Closing.At), By: request.Closing.By}
	}
	if request.Decider != nil {
		v.Why = sayFault(ctx, fault.Of(request.Decider))
	}
	if request.Obstacle != nil {
		v.Obstacle = sayFault(ctx, fault.Of(request.Obstacle))
	}
	return request, v, nil
}

// requestApprove asks, and then makes the change of a request.
func (h *Handler) requestApprove(w http.ResponseWriter, r *http.Request, c *authn.Caller) error {
	request, detail, err := h.request(r, c)
	if err != nil {
		return err
	}
	v := view.ConfirmApprove(r.Context(), detail.Page, detail.RequestRow)
	if request.Preview != nil {
		would := h.viewPreview(c, request.Preview)
		would.Demanding = nil // it is what approves
		v.Foresee(r.Context(), would)
	}
	return h.requestDecide(w, r, c, &request, v, requestApproved, func() error {
		return h.Policy.ApproveRequest(r.Context(), c.Principal, request.ID, max(0, revisionOf(r.PostFormValue("mapping"))))
	})
}

// requestRefuse asks why, and then refuses a request.
func (h *Handler) requestRefuse(w http.ResponseWriter, r *http.Request, c *authn.Caller) error {
	request, detail, err := h.request(r, c)
	if err != nil {
		return err
	}
	v := view.ConfirmRefuse(r.Context(), detail.Page, detail.RequestRow)
	return h.requestDecide(w, r, c, &request, v, requestRefused, func() error {
		return h.Policy.RefuseRequest(r.Context(), c.Principal, request.ID, reasonOf(r))
	})
}

// requestWithdraw asks, and then withdraws a request.
func (h *Handler) requestWithdraw(w http.ResponseWriter, r *http.Request, c *authn.Caller) error {
	request, detail, err := h.request(r, c)
	if err != nil {
		return err
	}
	v := view.ConfirmWithdraw(r.Context(), detail.Page, detail.RequestRow)
	return h.requestDecide(w, r, c, &request, v, requestWithdrawn, func() error {
		return h.Policy.WithdrawRequest(r.Context(), c.Principal, request.ID)
	})
}

// requestDecide shows a confirmation, and does what was confirmed. One that is no longer open leads to what became of it.
func (h *Handler) requestDecide(w http.ResponseWriter, r *http.Request, c *authn.Caller, request *policy.Reviewed, v view.Confirm, what outcome, do func() error) error {
	here := url.URL{Path: view.RequestPath(request.ID)}
	if request.Closing.State != policy.Open {
		leadTo(w, r, here, requestClosed)
		return nil
	}
	status := http.StatusOK
	if r.Method == http.MethodPost {
		err := do()
		switch {
		case err == nil:
			leadTo(w, r, here, what)
			return nil
		case fault.RequestClosed.Is(err):
			leadTo(w, r, here, requestClosed)
			return nil
		case fault.StalePreview.Is(err), fault.LastAdministrator.Is(err), fault.OnProbation.Is(err), fault.Expectation.Is(err), fault.FourEyes.Is(err):
			status, v.Notices = http.StatusConflict, append(v.Notices, view.Notice{Kind: view.Warning, Text: nothingChanged(r.Context(), fault.Of(err))})
		case fault.InvalidInput.Is(err) && v.Question != nil:
			v.Question.Value = r.PostFormValue("reason")
			status, v.Errors = http.StatusUnprocessableEntity, view.FieldErrors{{Field: "reason", Text: reasonText(r.Context())}}
		default:
			return err
		}
	}
	h.render(w, r, status, view.ConfirmPage(v))
	return nil
}

// reasonOf is what was answered, on one line.
func reasonOf(r *http.Request) string {
	return strings.Join(strings.Fields(r.PostFormValue("reason")), " ")
}

func reasonText(ctx context.Context) string {
	return say(ctx, "Enter a reason of at most %d characters.", policy.MaxReason)
}

// asking reads, where a form asks why, what it is told. It notes at the field when that is none.
func asking(r *http.Request, seen policy.Seen, errs *view.FieldErrors) policy.Seen {
	if !r.PostForm.Has("reason") {
		return seen
	}
	reason := reasonOf(r)
	if !policy.ValidReason(reason) {
		*errs = append(*errs, view.FieldError{Field: "reason", Text: reasonText(r.Context())})
	}
	return seen.Asking(reason)
}

// asked leads to the request that a change became; it tells whether err is that.
func asked(w http.ResponseWriter, r *http.Request, err error) bool {
	var made *policy.Asked
	if !errors.As(err, &made) {
		return false
	}
	leadTo(w, r, url.URL{Path: view.RequestPath(made.Request.ID)}, requestMade)
	return true
}

// fourEyes asks, and then has an organisation demand a second administrator, or no longer.
func (h *Handler) fourEyes(demand bool) pageHandler {
	return func(w http.ResponseWriter, r *http.Request, c *authn.Caller) error {
		if err := h.enforce(r.Context(), c, "change who approves", access.STSIAMRoleEdit); err != nil {
			return err
		}
		o, err := h.organisation(r, c)
		if err != nil {
			return err
		}
		v, what := view.ConfirmRelease(r.Context(), h.frame(r, c), string(o.ID), o.Name), fourEyesReleased
		if demand {
			v, what = view.ConfirmDemand(r.Context(), h.frame(r, c), string(o.ID), o.Name), fourEyesDemanded
		}
		if h.Policy.Snapshot().FourEyes(o.ID) != demand {
			would, err := h.preview(r, c, access.Change{FourEyes: map[access.OrganisationID]bool{o.ID: demand}})
			if err != nil {
				return err
			}
			v.ForeseeApproval(r.Context(), would)
		}
		status := http.StatusOK
		if r.Method == http.MethodPost {
			status = http.StatusUnprocessableEntity
			seen := asking(r, policy.Seen{Mapping: max(0, revisionOf(r.PostFormValue("mapping")))}, &v.Errors)
			if len(v.Errors) == 0 {
				err := h.Policy.SetFourEyes(r.Context(), c.Principal, o.ID, demand, seen)
				switch {
				case err == nil:
					return h.done(w, r, c, what, view.OrganisationPath(string(o.ID)), access.STSOrganisationDetail)
				case asked(w, r, err):
					return nil
				case fault.NoSecond.Is(err), fault.StalePreview.Is(err), fault.FourEyes.Is(err):
					status, v.Notices = http.StatusConflict, append(v.Notices, view.Notice{Kind: view.Warning, Text: nothingChanged(r.Context(), fault.Of(err))})
				default:
					return err
				}
			}
		}
		h.render(w, r, status, view.ConfirmPage(v))
		return nil
	}
}

// waiting counts what waits for the person. A page does without where that can't be told.
func (h *Handler) waiting(r *http.Request, c *authn.Caller) int {
	n, err := h.Policy.WaitingRequests(r.Context(), c.Principal)
	if err != nil {
		h.Logger.WarnContext(r.Context(), "requests not counted", "error", err)
	}
	return n
}
