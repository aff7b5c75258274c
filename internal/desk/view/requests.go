package view

import (
	"context"
	"net/url"
)

// RequestsPath lists changes that wait for a second administrator, or did.
const RequestsPath = "/requests"

func RequestPath(id string) string         { return RequestsPath + "/" + url.PathEscape(id) }
func RequestApprovePath(id string) string  { return RequestPath(id) + "/approve" }
func RequestRefusePath(id string) string   { return RequestPath(id) + "/refuse" }
func RequestWithdrawPath(id string) string { return RequestPath(id) + "/withdraw" }

// OrganisationDemandPath has an organisation demand a second administrator; OrganisationReleasePath lets it be again.
func OrganisationDemandPath(id string) string { return OrganisationPath(id) + "/four-eyes/demand" }

func OrganisationReleasePath(id string) string { return OrganisationPath(id) + "/four-eyes/release" }

// RequestsInPath lists those of an organisation.
func RequestsInPath(organisation string) string {
	return RequestsPath + "?" + url.Values{"organisation": {organisation}}.Encode()
}

// RequestList is the list of requests.
type RequestList struct {
	Page
	List          List     // sort: state, name, asked, until; its Filters hold state and organisation
	States        []Choice // waiting for you, and each state
	Organisations []Choice // those that any is about
	Rows          []RequestRow
	CanMatrix     bool
	Demanded      bool // by any organisation
}

// RequestRow is one request.
type RequestRow struct {
	ID            string
	Subject       RequestSubject
	Organisations []string
	State         string
	ForYou        bool // it is open, and this person may decide it
	Asked         Stamp
	Until         When
}

// RequestSubject is what a request changes, in brief: the first thing by name, and how many more.
type RequestSubject struct {
	Kind  string // in words, for people: "access", "role"
	Name  string // empty: the organisation's setting
	Exact bool   // it is an IAM role
	More  int
}

// RequestDetail is one request.
type RequestDetail struct {
	Page
	RequestRow
	Reason     string
	Closed     Stamp // zero as long as it is open
	Answer     string
	Changes    []RequestedChange
	Preview    *Preview
	Obstacle   string // why it can't be approved as things are
	Own        bool
	MayDecide  bool
	Why        string // why they may not
	CanHistory bool
}

// RequestedChange is a row that the request would write.
type RequestedChange struct {
	Kind           string
	Name, Href     string
	Exact          bool
	Added, Removed []string
}

// The states of requests.
const (
	requestOpen      = "OPEN"
	requestApproved  = "APPROVED"
	requestRefused   = "REFUSED"
	requestWithdrawn = "WITHDRAWN"
	requestExpired   = "EXPIRED"
)

// RequestStateWords are the states in words.
var RequestStateWords = map[string]string{
	requestOpen: key("waiting"), requestApproved: key("approved"), requestRefused: key("refused"), requestWithdrawn: key("withdrawn"), requestExpired: key("expired"),
}

func (r RequestRow) tone() string {
	switch {
	case r.ForYou:
		return "accent"
	case r.State == requestOpen:
		return "warning"
	case r.State == requestApproved:
		return "success"
	case r.State == requestRefused:
		return "danger"
	}
	return "neutral"
}

func (r RequestRow) stateText(ctx context.Context) string {
	if r.ForYou {
		return say(ctx, "waits for you")
	}
	return sayKey(ctx, RequestStateWords[r.State])
}

// Title names a request.
func (s RequestSubject) Title(ctx context.Context) string {
	title := s.Name
	if title == "" {
		title = say(ctx, "Second administrator")
	}
	if s.More > 0 {
		title = say(ctx, "%s and %d more", title, s.More)
	}
	return title
}

// approvable tells whether approving can succeed as things are.
func (v RequestDetail) approvable() bool {
	return v.MayDecide && v.Preview != nil && !v.Preview.LastAdministrator && len(v.Preview.Broken) == 0
}

// ended is how it ended, for its fact.
func (v RequestDetail) ended(ctx context.Context) string {
	return map[string]string{
		requestApproved: say(ctx, "Approved"), requestRefused: say(ctx, "Refused"), requestWithdrawn: say(ctx, "Withdrawn"), requestExpired: say(ctx, "Expired"),
	}[v.State]
}

// Question is what a confirmation asks for besides.
type Question struct {
	Label, Help string
	Value       string
}

// MostReason bounds what is answered, in characters.
const MostReason = 500

// askWhy is the question of whoever asks for approval.
func askWhy(ctx context.Context, value string) Question {
	return Question{say(ctx, "Why?"), say(ctx, "Whoever decides reads it, and it stays in the history; at most %d characters.", MostReason), value}
}

// demands says that a change becomes a request.
func demands(ctx context.Context, organisations []string) string {
	if len(organisations) == 1 {
		return say(ctx, "%s demands a second administrator. This becomes a request: nothing changes until somebody else who may make the change approves it, within seven days.", isolated(organisations))
	}
	return say(ctx, "%s demand a second administrator. This becomes a request: nothing changes until somebody else who may make the change approves it, within seven days.", isolated(organisations))
}

// ConfirmApprove asks to approve a request.
func ConfirmApprove(ctx context.Context, p Page, r RequestRow) Confirm {
	return Confirm{
		Page: p, Section: SectionAccess, Title: say(ctx, "Approve request"), Object: r.Subject.Title(ctx), Path: RequestApprovePath(r.ID),
		Action: say(ctx, "Approve"), Back: Link{say(ctx, "Request"), RequestPath(r.ID)},
		Effects: []string{say(ctx, "The change that %s asked for is made at once, in your name and theirs.", isolated([]string{r.Asked.By}))},
	}
}

// ConfirmRefuse asks why a request is refused.
func ConfirmRefuse(ctx context.Context, p Page, r RequestRow) Confirm {
	return Confirm{
		Page: p, Section: SectionAccess, Title: say(ctx, "Refuse request"), Object: r.Subject.Title(ctx), Path: RequestRefusePath(r.ID),
		Action: say(ctx, "Refuse"), Danger: true, Back: Link{say(ctx, "Request"), RequestPath(r.ID)},
		Effects:  []string{say(ctx, "Nothing changes. %s can ask anew.", isolated([]string{r.Asked.By}))},
		Question: &Question{say(ctx, "Why?"), say(ctx, "Whoever asked reads it, and it stays in the history; at most %d characters.", MostReason), ""},
	}
}

// ConfirmWithdraw asks to withdraw a request.
func ConfirmWithdraw(ctx context.Context, p Page, r RequestRow) Confirm {
	return Confirm{
		Page: p, Section: SectionAccess, Title: say(ctx, "Withdraw request"), Object: r.Subject.Title(ctx), Path: RequestWithdrawPath(r.ID),
		Action: say(ctx, "Withdraw"), Back: Link{say(ctx, "Request"), RequestPath(r.ID)},
		Effects: []string{say(ctx, "Nothing changes, and nobody can approve it any more. You can ask anew.")},
	}
}

// ConfirmDemand asks to have an organisation demand a second administrator.
func ConfirmDemand(ctx context.Context, p Page, id, name string) Confirm {
	return Confirm{
		Page: p, Section: SectionOrganisations, Title: say(ctx, "Demand a second administrator"), Object: name, Path: OrganisationDemandPath(id),
		Action: say(ctx, "Demand a second administrator"), Back: Link{name, OrganisationPath(id)},
		Effects: []string{
			say(ctx, "Who gets or loses what in this organisation changes only after somebody else who may make the change has approved it: access, and what its roles permit."),
			say(ctx, "As long as any organisation demands one, giving somebody the administration of roles and access takes a second one too: else one person could make the other."),
			say(ctx, "A request waits for seven days. Both people must sign in at the same identity provider, and a break-glass file counts for neither."),
			say(ctx, "What ends by its date, or is undone on probation, needs nobody. People in groups are managed in Okta, and not guarded here."),
			say(ctx, "To demand it no longer takes a second administrator as well. If there is none any more, an operator can import a policy with --override-four-eyes, which the history records."),
		},
	}
}

// ConfirmRelease asks to let an organisation be without one again.
func ConfirmRelease(ctx context.Context, p Page, id, name string) Confirm {
	return Confirm{
		Page: p, Section: SectionOrganisations, Title: say(ctx, "Demand no second administrator"), Object: name, Path: OrganisationReleasePath(id),
		Action: say(ctx, "Demand no second administrator"), Danger: true, Back: Link{name, OrganisationPath(id)},
		Effects: []string{say(ctx, "Each administrator alone can change again who gets what in this organisation.")},
	}
}
