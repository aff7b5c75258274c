package sts

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/portico-iam/portico/internal/history"
)

// refused records an exchange that was refused after its tokens were found valid, so that it is known who tried, and puts
// the record's id into the answer; of a service whose actor token was valid also when the subject token was not. Refusals
// of the policy are recorded there. Of tokens that are refused themselves nobody knows whose they are.
func (x *Exchange) refused(ctx context.Context, req *Request, err error) error {
	var e *Error
	user := req.Principal
	if user == nil {
		user = req.Actor
	}
	if user == nil || !errors.As(err, &e) {
		return err
	}
	who := refusalKey{user.Issuer, user.Subject, "", "", e.Code}
	details := map[string]any{"error": e.Code, "reason": e.Description, "client": req.client(), "issuer": user.Issuer}
	if req.Actor != nil {
		who.actorIssuer, who.actor = req.Actor.Issuer, req.Actor.Subject
		details["actor"], details["actorIssuer"] = req.Actor.Subject, req.Actor.Issuer
	}
	entry := x.History.New(history.Entry{
		Action: history.Rejected, EntityType: history.STSToken, Name: req.Route, Source: history.SourceSTS,
		User: user.Subject, Metadata: history.Details(details),
	})
	reference := x.refusals.reference(who, x.Service.Now(), entry.ID)
	if reference == entry.ID {
		x.History.Append(ctx, entry)
	}
	return &Error{e.Code, fmt.Sprintf("%s (reference %s)", e.Description, reference)}
}

// refusals are those of the last minute: whoever repeats one gets the reference of the first, and no entry more.
type refusals struct {
	mu    sync.Mutex
	since time.Time
	seen  map[refusalKey]string
}

// refusalKey leaves out what the caller may vary at will.
type refusalKey struct {
	issuer, subject, actorIssuer, actor string
	code                                ErrorCode
}

const (
	refusalsKept   = 4096
	refusalKeptFor = time.Minute
)

// reference returns the id of the entry that stands for the refusal: this one, or one of before.
func (r *refusals) reference(key refusalKey, now time.Time, fresh string) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.seen == nil || now.Sub(r.since).Abs() >= refusalKeptFor || len(r.seen) >= refusalsKept {
		r.seen, r.since = map[refusalKey]string{}, now
	}
	if id, known := r.seen[key]; known {
		return id
	}
	r.seen[key] = fresh
	return fresh
}
