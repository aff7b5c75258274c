package session

import (
	"context"
	"time"

	"github.com/portico-iam/portico/internal/access"
	"github.com/portico-iam/portico/internal/history"
)

// Record is a session as it is stored. The cookie's value is never stored: only its hash.
type Record struct {
	Ref       string // UUID, not secret: names the session in logs, lists and the history
	Hash      string // hex SHA-256 of the cookie's value
	Principal access.Principal
	Sealed    []byte // the IAM's tokens, encrypted; see tokens
	// ActiveOrganisation is the one that the person chose to work in; System for none.
	ActiveOrganisation access.OrganisationID
	CreatedAt          time.Time
	SeenAt             time.Time // last use, to within a minute
	EndsAt             time.Time // absolute expiry
	Version            int64     // counts writes
	From               From      // when it began; it stays
	// IDSubject and SID are how the identity provider names whose it is, and which it is, in its ID token. Empty: it did not say.
	IDSubject, SID string

	// A renewed cookie leaves the one before it usable for a moment, for requests that are already under way.
	PreviousHash  string
	PreviousUntil time.Time
}

// Person is somebody who was seen: what the latest valid token said of them.
type Person struct {
	Issuer, Subject              string
	GivenName, FamilyName, Login string
	IAMRoles                     []string
	SeenAt                       time.Time

	// What the identity provider calls them besides, as the last ID token says; Email only where it has verified it. PeopleSeen
	// leaves them out.
	IDSubject, Username, Email string
}

// People are remembered for so long after they were last seen, and so many of them, the last seen first, are looked at.
const (
	SeenWithin = 90 * 24 * time.Hour
	MostPeople = 10_000
)

// Store keeps sessions. Every method is atomic.
type Store interface {
	// BeginSession stores a session, whose it is, and the record of its beginning, all or nothing. Of the person's sessions it leaves
	// the newest and those used last, most in all, and returns the others, which it removed; most 0 leaves all.
	BeginSession(ctx context.Context, r Record, p Person, e history.Entry, most int) (over []Record, err error)
	// GetSession finds a session by the hash of its cookie, or by the previous one while that is usable at now.
	GetSession(ctx context.Context, hash string, now time.Time) (r Record, found bool, err error)
	// UpdateSession replaces the row of r.Ref if its version is still r.Version, and stores r.Version+1.
	UpdateSession(ctx context.Context, r Record) (updated bool, err error)
	TouchSession(ctx context.Context, ref string, seen time.Time) error
	// DeleteSession returns what it removed, as it was last stored; nil: there was no such session.
	DeleteSession(ctx context.Context, ref string) (*Record, error)
	// DeleteSessionsBefore removes what ended before now or was last seen before idleSince. Of each it returns what its end
	// takes: Ref, Hash, PreviousHash and Sealed.
	DeleteSessionsBefore(ctx context.Context, now, idleSince time.Time) ([]Record, error)

	// UseFlow marks a sign-in as used. It returns false, and the session that the first use began, when it already was.
	// Marks may be dropped after until.
	UseFlow(ctx context.Context, flow, sessionRef string, until time.Time) (fresh bool, firstRef string, err error)

	SeePerson(ctx context.Context, p Person) error
	// PeopleSeen lists who was seen since then, latest first, at most limit.
	PeopleSeen(ctx context.Context, since time.Time, limit int) ([]Person, error)
}
