package history

import (
	"context"
	"encoding/json"
	"log/slog"
	"time"

	"github.com/google/uuid"

	"github.com/portico-iam/portico/internal/access"
)

// Action, EntityType and Source are Core's enumerations, as on the wire.
type (
	Action     string
	EntityType string
	Source     string
)

// The actions that Portico records.
const (
	Created     Action = "CREATED"
	Updated     Action = "UPDATED"
	Deleted     Action = "DELETED"
	Rejected    Action = "REJECTED"
	Errored     Action = "ERRORED"
	Deactivated Action = "DEACTIVATED"
	Reactivated Action = "REACTIVATED"
	Activated   Action = "ACTIVATED"
	Revoked     Action = "REVOKED"
	Issued      Action = "ISSUED"    // tokens of a session, gathered
	Requested   Action = "REQUESTED" // reads of the history, gathered; a change that waits for a second administrator
	Accepted    Action = "ACCEPTED"  // such a change; or it was Rejected, Withdrawn, Expired
	Withdrawn   Action = "WITHDRAWN"
	Expired     Action = "EXPIRED"
)

// The entity types that Portico records.
const (
	Organisation EntityType = "ORGANISATION"
	STSRole      EntityType = "STS_ROLE"
	STSIAMRole   EntityType = "STS_IAM_ROLE"
	STSSession   EntityType = "STS_SESSION"
	STSToken     EntityType = "STS_TOKEN"
	Key          EntityType = "KEY"
	User         EntityType = "USER"
)

// The sources.
const (
	SourceCore   Source = "CORE"
	SourceBridge Source = "BRIDGE"
	SourceSTS    Source = "STS"
	SourceWRPR   Source = "WRPR"
	SourceBFF    Source = "BFF"
)

// Entry is one record. Absent values are empty.
type Entry struct {
	ID             string // UUID; also the reference that a refusal shows
	CreatedAt      time.Time
	Action         Action
	EntityType     EntityType
	EntityID       string
	Name           string
	OrganisationID access.OrganisationID
	Source         Source
	Target         string
	User           string          // subject of who did it
	Metadata       json.RawMessage // a JSON object; shown in detail only
}

// Filter chooses entries. Zero values do not filter; several values of one field mean any of them.
type Filter struct {
	Actions         []string
	EntityTypes     []string
	EntityIDs       []string
	Users           []string
	Sources         []string
	OrganisationIDs []access.OrganisationID
	Name            string    // a part of it; upper and lower case count only beyond ASCII, and not even there on PostgreSQL
	After, Before   time.Time // inclusive

	Sort       string // createdDate (default), action, entityType, source, user, organisationId
	Descending bool
	Page, Size int // 0-based; Size at most 1000
}

// Store keeps the entries.
type Store interface {
	AppendHistory(ctx context.Context, e Entry) error
	ListHistory(ctx context.Context, f Filter) (entries []Entry, total int, err error)
	GetHistory(ctx context.Context, id string) (e Entry, found bool, err error)
}

// Recorder writes and reads the record.
type Recorder struct {
	Store  Store
	Now    func() time.Time
	Logger *slog.Logger
	Lost   func() // is told of an entry that could not be stored; nil: nobody is
}

// New fills in what every entry has: its id and its time.
func (r *Recorder) New(e Entry) Entry {
	e.ID = uuid.NewString()
	e.CreatedAt = r.Now().UTC().Truncate(time.Millisecond)
	return e
}

// Record stores an entry and returns it with its id. As in Core, a record that can't be written does not undo what
// happened: it is logged, and the id is still returned.
func (r *Recorder) Record(ctx context.Context, e Entry) Entry {
	e = r.New(e)
	r.Append(ctx, e)
	return e
}

// Append stores an entry that New made, as Record does.
func (r *Recorder) Append(ctx context.Context, e Entry) {
	// The record outlives the request that caused it: a caller who hangs up must not go unrecorded.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	if err := r.Store.AppendHistory(ctx, e); err != nil {
		if r.Lost != nil {
			r.Lost()
		}
		r.Logger.ErrorContext(ctx, "history entry lost", "history_id", e.ID, "action", e.Action, "entity_type", e.EntityType, "error", err)
	}
}

// List returns a page of entries and how many there are in all.
func (r *Recorder) List(ctx context.Context, f Filter) ([]Entry, int, error) {
	return r.Store.ListHistory(ctx, f)
}

// Get returns one entry.
func (r *Recorder) Get(ctx context.Context, id string) (Entry, bool, error) {
	return r.Store.GetHistory(ctx, id)
}

// Details marshals what only the detail of an entry shows. v must marshal: a value that can't is a mistake in the
// code, and is recorded as such rather than lost.
func Details(v any) json.RawMessage {
	b, err := json.Marshal(v)
	if err != nil {
		b, _ = json.Marshal(map[string]string{"unrecordable": err.Error()})
	}
	return b
}
