package policy

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"time"

	"github.com/portico-iam/portico/internal/access"
	"github.com/portico-iam/portico/internal/fault"
	"github.com/portico-iam/portico/internal/history"
)

// The bounds of requests.
const (
	RequestTime     = 7 * 24 * time.Hour  // how long one may be approved
	RequestsKept    = 90 * 24 * time.Hour // how long one that ended is listed; the history keeps it
	MaxReason       = 500                 // characters
	MostRequestsOwn = 20
	MostRequests    = 200
)

// requestOver is who closes a request whose time is over.
const requestOver = access.OwnSubject + "its time is over"

// Request is a change that waits for a second administrator.
type Request struct {
	ID              string
	Issuer, Subject string // who asked
	Name            string // of who asked, for people
	Reason          string
	At, Until       time.Time
	Organisations   []access.OrganisationID // that demand the second one
	Change          access.Change
	Names           map[string]string // of what it deletes, by id
	Closing         Closing           // as long as it is open, only its state
}

// RequestState is what became of a request.
type RequestState string

// The states.
const (
	Open      RequestState = "OPEN"
	Approved  RequestState = "APPROVED"
	Refused   RequestState = "REFUSED"
	Withdrawn RequestState = "WITHDRAWN"
	Expired   RequestState = "EXPIRED"
)

// RequestStates are all of them.
var RequestStates = []RequestState{Open, Approved, Refused, Withdrawn, Expired}

// Closing is how a request ended. One that is approved is closed with the change that it brings.
type Closing struct {
	State  RequestState
	At     time.Time
	By     string // a subject
	Answer string // why it was refused
}

// ErrRequestClosed is what a Store answers to a commit for a request that is not open.
var ErrRequestClosed = errors.New("the request is not open")

// Requests keeps requests.
type Requests interface {
	// AddRequest stores a request with its entry, unless so many are open, of the same person or in all.
	AddRequest(ctx context.Context, r Request, mostOwn, most int, e history.Entry) (added bool, err error)
	// OpenRequests lists those that are open, the newest first.
	OpenRequests(ctx context.Context) ([]Request, error)
	// ClosedRequests lists those that were closed since then, at most so many, the latest first.
	ClosedRequests(ctx context.Context, since time.Time, most int) ([]Request, error)
	// CloseRequest closes one that is open, with its entry.
	CloseRequest(ctx context.Context, id string, c Closing, e history.Entry) (closed bool, err error)
	// ForgetRequests removes those that were closed before then.
	ForgetRequests(ctx context.Context, before time.Time) error
}

// OpenRequests lists what waits for a second administrator, for those who may list mappings, and for whoever asked.
func (s *Service) OpenRequests(ctx context.Context, by *access.Principal) ([]Request, error) {
	if s.Requests == nil {
		return nil, nil
	}
	all, err := s.Requests.OpenRequests(ctx)
	if err != nil {
		return nil, err
	}
	now := s.Now()
	return s.visible(by, slices.DeleteFunc(all, func(r Request) bool { return !now.Before(r.Until) })), nil
}

// AllRequests lists those that are open, and then those that ended in the last 90 days, each the latest first.
func (s *Service) AllRequests(ctx context.Context, by *access.Principal) ([]Request, error) {
	open, err := s.OpenRequests(ctx, by)
	if err != nil || s.Requests == nil {
		return nil, err
	}
	const most = 5000
	closed, err := s.Requests.ClosedRequests(ctx, s.Now().Add(-RequestsKept), most)
	if err != nil {
		return nil, err
	}
	return append(open, s.visible(by, closed)...), nil
}

func (s *Service) visible(by *access.Principal, all []Request) []Request {
	may := s.Snapshot().Decide(by, access.System, access.STSIAMRoleList).Allowed
	return slices.DeleteFunc(all, func(r Request) bool { return !may && !r.askedBy(by) })
}

// WaitingRequests counts the open requests that the person may decide.
func (s *Service) WaitingRequests(ctx context.Context, by *access.Principal) (n int, err error) {
	now := s.Snapshot()
	if !now.DemandsFourEyes() || by.Issuer == access.BreakGlassIssuer {
		return 0, nil
	}
	open, err := s.OpenRequests(ctx, by)
	for i := range open {
		if open[i].Decidable(now, by) {
			n++
		}
	}
	return n, err
}

// openRequest finds one that the person may see.
func (s *Service) openRequest(ctx context.Context, by *access.Principal, id string) (r Request, err error) {
	all, err := s.OpenRequests(ctx, by)
	if err != nil {
		return r, err
	}
	for _, r := range all {
		if r.ID == id {
			return r, nil
		}
	}
	return r, fault.RequestClosed.New("there is no such open request: it was decided or withdrawn, or its time is over")
}

// Reviewed is a request as somebody sees it.
type Reviewed struct {
	Request
	Own      bool     // they asked
	Decider  error    // why they may not decide; nil: they may
	Preview  *Preview // of what approving does now; nil where it is closed, can't be made, or is not theirs to see
	Obstacle error    // why it can't be made any more
}

// Request shows one, and what approving it does now to those who asked, may decide, or may preview any change.
func (s *Service) Request(ctx context.Context, by *access.Principal, id string) (v Reviewed, err error) {
	all, err := s.AllRequests(ctx, by)
	if err != nil {
		return v, err
	}
	at := slices.IndexFunc(all, func(r Request) bool { return r.ID == id })
	if at < 0 {
		return v, fault.NotFound.New("there is no request %s, or it ended more than 90 days ago", id)
	}
	v.Request = all[at]
	v.Own = v.askedBy(by)
	if v.Closing.State != Open {
		return v, nil
	}
	now := s.Snapshot()
	lacks := missing(now, by, v.Change)
	if v.Decider = v.decider(by); v.Decider == nil && len(lacks) > 0 {
		v.Decider = fault.Forbidden.New("deciding it takes what the change itself takes: %s", lacks[0])
	}
	if len(lacks) > 0 && !v.Own && !now.Decide(by, access.System, access.STSAccessExplain).Allowed {
		return v, nil
	}
	people, err := s.Seen(ctx)
	if err != nil {
		return v, err
	}
	if v.Obstacle = v.askerStill(now, people); v.Obstacle != nil {
		return v, nil
	}
	p, err := s.Preview(ctx, by, v.Change)
	switch f := fault.Of(err); {
	case err == nil:
		v.Preview = &p
	case f.Code.Status < http.StatusInternalServerError:
		v.Obstacle = outdated(f)
	default:
		return v, err
	}
	return v, nil
}

// ApproveRequest makes the change of a request. Whoever approves is somebody else than who asked, vouched for by the same issuer,
// holds what the change itself takes, and has seen its present preview: mapping is the version of that.
func (s *Service) ApproveRequest(ctx context.Context, by *access.Principal, id string, mapping int64) error {
	r, err := s.decidable(ctx, by, id, "approve a request")
	if err != nil {
		return err
	}
	if mapping == 0 {
		return fault.StalePreview.New("expected the mapping of the preview that is approved")
	}
	people, err := s.Seen(ctx)
	if err != nil {
		return err
	}
	_, err = s.change(ctx, by, Seen{Mapping: mapping, approved: &approval{request: r}}, func(now *access.Snapshot) (access.Change, error) {
		lacks := func(p access.Permission) bool { return !now.Decide(by, access.System, p).Allowed }
		if slices.ContainsFunc(needed(now, r.Change), lacks) { // as of the very snapshot upon which it is made
			return access.Change{}, fault.StalePreview.New("you may no longer do what the request changes")
		}
		if err := r.askerStill(now, people); err != nil {
			return access.Change{}, err
		}
		c := r.Change
		c.By, c.At, c.Request = by.Subject, s.Now(), r.ID
		if !c.At.Before(r.Until) {
			return c, fault.RequestClosed.New("the request's time is over")
		}
		return c, nil
	})
	if errors.Is(err, ErrRequestClosed) {
		return fault.RequestClosed.New("the request was decided or withdrawn in the meantime")
	}
	return outdated(err)
}

// outdated says of a change that is refused for what its rows have become, that the request no longer applies.
func outdated(err error) error {
	for _, code := range []*fault.Code{fault.NotFound, fault.LostUpdate, fault.NameTaken, fault.StillMapped, fault.InvalidInput} {
		if f := fault.Of(err); err != nil && f.Code == code {
			return fault.StalePreview.New("what was asked for can’t be done any more, since something was changed in the meantime: %s", access.Phrase{Format: f.Format, Args: f.Args})
		}
	}
	return err
}

// RefuseRequest ends a request, for whoever could approve it, and tells why.
func (s *Service) RefuseRequest(ctx context.Context, by *access.Principal, id, why string) error {
	r, err := s.decidable(ctx, by, id, "refuse a request")
	if err != nil {
		return err
	}
	if !ValidReason(why) {
		return fault.InvalidInput.New("reason: expected 1 to %d printable characters", MaxReason).At("reason")
	}
	return s.closeRequest(ctx, &r, Closing{State: Refused, By: by.Subject, Answer: why})
}

// WithdrawRequest ends a request, for whoever asked.
func (s *Service) WithdrawRequest(ctx context.Context, by *access.Principal, id string) error {
	r, err := s.openRequest(ctx, by, id)
	if err != nil {
		return err
	}
	if !r.askedBy(by) {
		return fault.Forbidden.New("only who asked may withdraw a request; others may refuse it")
	}
	return s.closeRequest(ctx, &r, Closing{State: Withdrawn, By: by.Subject})
}

// ExpireRequests closes those whose time is over, each once however many replicas there are, and forgets those that ended long ago.
func (s *Service) ExpireRequests(ctx context.Context) error {
	if s.Requests == nil {
		return nil
	}
	all, err := s.Requests.OpenRequests(ctx)
	if err != nil {
		return err
	}
	for _, r := range all {
		if s.Now().Before(r.Until) {
			continue
		}
		if err := s.closeRequest(ctx, &r, Closing{State: Expired, By: requestOver}); err != nil && !fault.RequestClosed.Is(err) {
			return err
		}
	}
	return s.Requests.ForgetRequests(ctx, s.Now().Add(-RequestsKept))
}

// decidable finds a request that the person may decide.
func (s *Service) decidable(ctx context.Context, by *access.Principal, id, wanted string) (Request, error) {
	r, err := s.openRequest(ctx, by, id)
	if err != nil {
		return r, err
	}
	for _, p := range needed(s.Snapshot(), r.Change) {
		if err := s.Enforce(ctx, by, access.System, wanted, p); err != nil {
			return r, err
		}
	}
	return r, r.decider(by)
}

func (s *Service) closeRequest(ctx context.Context, r *Request, c Closing) error {
	c.At, r.Closing = s.Now(), c
	closed, err := s.Requests.CloseRequest(ctx, r.ID, c, s.requestEntry(s.Snapshot(), r, c.By))
	if err == nil && !closed {
		err = fault.RequestClosed.New("the request was decided or withdrawn in the meantime")
	}
	return err
}

// requestRecord is the metadata of a request's entries.
type requestRecord struct {
	Request       string       `json:"request"`
	State         RequestState `json:"state"`
	AskedBy       string       `json:"askedBy"`
	Issuer        string       `json:"issuer"`
	Reason        string       `json:"reason,omitempty"`
	Answer        string       `json:"answer,omitempty"` // why it was refused
	Organisations []string     `json:"organisations"`
	Roles         []string     `json:"roles,omitempty"`
	IAMRoles      []string     `json:"iamRoles,omitempty"`
	Until         string       `json:"until"`
}

// requestActions are what becomes of a request, as the history calls it.
var requestActions = map[RequestState]history.Action{
	Open: history.Requested, Approved: history.Accepted, Refused: history.Rejected, Withdrawn: history.Withdrawn, Expired: history.Expired,
}

// OfRequest tells whether an entry is of a request: its entity is the request then.
func OfRequest(e *history.Entry) bool {
	switch e.Action {
	case history.Requested, history.Accepted, history.Rejected, history.Withdrawn, history.Expired:
		var record requestRecord
		return e.EntityType == history.STSIAMRole && e.Source == history.SourceSTS && json.Unmarshal(e.Metadata, &record) == nil && record.Request == e.EntityID
	}
	return false
}

// requestEntry records what becomes of a request, under the name of the first thing that it concerns.
func (s *Service) requestEntry(now *access.Snapshot, r *Request, by string) history.Entry {
	record := requestRecord{
		Request: r.ID, State: r.Closing.State, AskedBy: r.Subject, Issuer: r.Issuer, Reason: r.Reason, Answer: r.Closing.Answer, Organisations: []string{}, Until: recordTime(r.Until),
	}
	for _, id := range r.Organisations {
		name := string(id)
		if o := now.Organisation(id); o != nil {
			name = o.Name
		}
		record.Organisations = append(record.Organisations, name)
	}
	for _, role := range r.Change.PutRoles {
		record.Roles = append(record.Roles, role.Name)
	}
	for _, m := range r.Change.PutIAMRoles {
		record.IAMRoles = append(record.IAMRoles, m.Name)
	}
	for _, id := range r.Change.DeleteIAMRoles {
		record.IAMRoles = append(record.IAMRoles, r.Names[string(id)])
	}
	name := slices.Concat(record.IAMRoles, record.Roles, record.Organisations, []string{r.ID})[0]
	return s.History.New(history.Entry{
		Action: requestActions[r.Closing.State], EntityType: history.STSIAMRole, EntityID: r.ID, Name: name, Source: history.SourceSTS, User: by, Metadata: history.Details(record),
	})
}

// ValidReason tells whether somebody said why: one line of printable text.
func ValidReason(text string) bool {
	return text != "" && access.CheckText(text, MaxReason)
}
