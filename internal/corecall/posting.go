package corecall

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/portico-iam/portico/internal/access"
	"github.com/portico-iam/portico/internal/config"
	"github.com/portico-iam/portico/internal/coreapi"
	"github.com/portico-iam/portico/internal/fault"
	"github.com/portico-iam/portico/internal/history"
	"github.com/portico-iam/portico/internal/httpx"
)

// PostEvery is how often every replica is to call Posting.Post.
const PostEvery = time.Second

const (
	postPage    = 50               // entries read at once
	postPages   = 20               // of one Post
	postLease   = 2 * time.Minute  // of the replica that posts; longer than a call may take
	postBackoff = 5 * time.Minute  // at most, between two attempts
	postAnswers = 5                // so often Core may fail at one entry; twice as often after each that was left out in a row
	lateAfter   = 30 * time.Second // entries wait so long before somebody is told
)

// PostStore keeps how far the history was posted.
type PostStore interface {
	// BeginPosting notes that what is recorded from now on is to be posted. It was noted before: nothing.
	BeginPosting(ctx context.Context) error
	// ClaimPosting makes holder the one who posts until then, and returns the last sequence that was posted, unless somebody else
	// holds it.
	ClaimPosting(ctx context.Context, holder string, now, until time.Time) (sequence int64, mine bool, err error)
	// AdvancePosting notes that everything up to sequence was posted, unless somebody else is at it meanwhile.
	AdvancePosting(ctx context.Context, holder string, sequence int64, until time.Time) (mine bool, err error)
	// Posted returns the last sequence that was posted.
	Posted(ctx context.Context) (int64, error)
	// ReadChain returns the entries after a sequence in the order of the chain.
	ReadChain(ctx context.Context, after int64, most int) ([]history.Sealed, error)
	// ChainState returns the end of the chain.
	ChainState(ctx context.Context) (history.State, error)
}

// Posting posts the history on to an external Core, in the order of the chain, each entry at least once: one that was posted just
// when Portico was killed is posted again, and bears the same reference. Nobody waits for it.
type Posting struct {
	Caller *Caller
	Client *coreapi.Client
	Store  PostStore
	Known  func(access.OrganisationID) bool // whether Core has the organisation
	Holder string                           // names this replica
	Now    func() time.Time
	Logger *slog.Logger

	mu       sync.Mutex
	retryAt  time.Time
	attempts int
	failed   error

	failedAt int64 // sequence of the entry at which Core failed last
	failures int   // so often, at that one
	leftOut  int   // so many in a row, for Core failed at them
}

// Post posts what is new, at most 1,000 entries. While Core is away it tries again after a while that grows to 5 minutes.
func (p *Posting) Post(ctx context.Context) error {
	p.mu.Lock()
	wait := p.Now().Before(p.retryAt)
	p.mu.Unlock()
	if wait {
		return nil
	}
	sequence, mine, err := p.Store.ClaimPosting(ctx, p.Holder, p.Now(), p.Now().Add(postLease))
	if err != nil || !mine {
		return err
	}
	for range postPages {
		page, err := p.Store.ReadChain(ctx, sequence, postPage)
		if err != nil {
			return err
		}
		for _, s := range page {
			if err := p.post(ctx, s); err != nil {
				return p.later(ctx, s, err)
			}
			p.settle(nil)
			if mine, err := p.Store.AdvancePosting(ctx, p.Holder, s.Sequence, p.Now().Add(postLease)); err != nil || !mine {
				return err
			}
			sequence = s.Sequence
		}
		if len(page) < postPage {
			break
		}
	}
	return nil
}

// post posts an entry. One that Core will never take is left out, loudly: nothing may keep the others from it.
func (p *Posting) post(ctx context.Context, s history.Sealed) error {
	if !s.Found || s.Record.Unreadable != "" || s.Record.Source == history.SourceCore {
		return nil // gone, which verify names; or Core's own
	}
	token, err := p.Caller.recordBearer(s.Record.User)
	if err != nil {
		return err
	}
	_, err = p.Client.CreateHistory(ctx, token, p.entry(s.Record.Entry))
	if refusesEntry(err) || p.givesUp(s.Sequence, err) {
		p.Logger.ErrorContext(ctx, "a history entry is left out of Core's history: Core does not take it", "history_id", s.EntryID, "sequence", s.Sequence, "error", err)
		return nil
	}
	return err
}

// givesUp tells whether Core failed at the entry so often that the entry is why. Where it was not, Core fails at the next one too:
// so each costs more, and a Core that is broken for a night lacks a few of its entries, not all.
func (p *Posting) givesUp(sequence int64, err error) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if err == nil {
		p.leftOut = 0
	}
	if !errors.Is(err, coreapi.ErrFailed) {
		return false
	}
	if p.failedAt != sequence {
		p.failedAt, p.failures = sequence, 0
	}
	if p.failures++; p.failures < postAnswers<<min(p.leftOut, 6) {
		return false
	}
	p.leftOut++
	return true
}

// refusesEntry tells whether Core's own code refuses what the entry says.
func refusesEntry(err error) bool {
	if err == nil {
		return false
	}
	status := fault.Of(err).Code.Status
	return status == http.StatusBadRequest || status == http.StatusNotFound
}

// later notes a failed attempt, and tells of the first one; the others are in Waiting.
func (p *Posting) later(ctx context.Context, s history.Sealed, err error) error {
	if ctx.Err() != nil {
		return nil
	}
	if p.settle(err) == 1 {
		p.Logger.WarnContext(ctx, "the history can't be posted to Core; it waits, and is tried again", "sequence", s.Sequence, "error", err)
	}
	return nil
}

// settle notes how an attempt ended, and returns how many failed since one did not.
func (p *Posting) settle(err error) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.failed = err
	if err == nil {
		p.attempts, p.retryAt = 0, time.Time{}
		return 0
	}
	p.attempts++
	p.retryAt = p.Now().Add(min(time.Second<<min(p.attempts, 12), postBackoff))
	return p.attempts
}

// Waiting is what Core does not have yet.
type Waiting struct {
	Entries int64
	Since   time.Time // when the oldest of them was recorded
	Why     error     // of the last attempt of this replica; nil: none failed
}

// Waiting returns what waits for longer than half a minute; nil when nothing does.
func (p *Posting) Waiting(ctx context.Context) (*Waiting, error) {
	posted, err := p.Store.Posted(ctx)
	if err != nil {
		return nil, err
	}
	page, err := p.Store.ReadChain(ctx, posted, 1)
	if err != nil || len(page) == 0 || p.Now().Sub(page[0].Record.CreatedAt) < lateAfter {
		return nil, err
	}
	state, err := p.Store.ChainState(ctx)
	if err != nil {
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return &Waiting{Entries: state.Sequence - posted, Since: page[0].Record.CreatedAt, Why: p.failed}, nil
}

// posted is the metadata of an entry in Core's history. Core sets id and time by itself.
type posted struct {
	Reference    string                `json:"reference"` // the entry's id here
	CreatedDate  string                `json:"createdDate"`
	EntityID     string                `json:"entityId,omitempty"`       // where it is none of Core's kind
	Organisation access.OrganisationID `json:"organisationId,omitempty"` // where Core has it no more
	User         string                `json:"user,omitempty"`           // where the token can't tell
	Details      any                   `json:"details,omitempty"`
}

func (p *Posting) entry(e history.Entry) coreapi.HistoryCreate {
	about := posted{Reference: e.ID, CreatedDate: e.CreatedAt.UTC().Format("2006-01-02T15:04:05.000Z")}
	body := coreapi.HistoryCreate{
		Action: string(e.Action), Name: e.Name, EntityType: string(e.EntityType), Source: string(e.Source), Target: e.Target,
		EntityID: e.EntityID, OrganisationID: string(e.OrganisationID),
	}
	if body.Name == "" {
		body.Name = string(e.EntityType) // Core wants one
	}
	if _, err := httpx.ParseUUID(e.EntityID); err != nil {
		body.EntityID, about.EntityID = "", e.EntityID
	}
	if !p.Known(e.OrganisationID) {
		body.OrganisationID, about.Organisation = "", e.OrganisationID
	}
	if !slices.Contains(coreapi.HistorySources, body.Source) {
		body.Source = string(history.SourceSTS)
	}
	if p.Caller.Mode != config.AuthSTS {
		about.User = e.User
	}
	if len(e.Metadata) > 0 {
		about.Details = e.Metadata
	}
	body.Metadata = history.Details(about)
	return body
}

// recordBearer returns the token by which Core is told what user did. In the unsafe modes it says nothing of who that is.
func (c *Caller) recordBearer(user string) (string, error) {
	if c.Mode != config.AuthSTS {
		return c.unsafeBearer(), nil
	}
	token, err := c.STS.IssueRecord(user)
	return token.Value, err
}
