package directory

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"time"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"github.com/portico-iam/portico/internal/history"
	"github.com/portico-iam/portico/internal/revocation"
)

// User is a person as provisioned.
type User struct {
	ID          string // a UUID of ours
	UserName    string // as it came
	ExternalID  string // the client's own name for them; empty: none
	DisplayName string
	Active      bool
	Attributes  json.RawMessage // a JSON object of what is kept besides
	Changed
}

// Group is a group as provisioned.
type Group struct {
	ID         string // a UUID of ours
	Name       string // exactly, as in a token
	ExternalID string
	Members    int // how many
	Changed
}

// Changed says when a row was written, and counts its writes.
type Changed struct {
	CreatedAt, ModifiedAt time.Time
	Revision              int64 // 1 for a new row
}

// Member is somebody in a group.
type Member struct{ ID, Display string }

// MemberChange is one step of a change of who is in a group. Steps are taken in their order.
type MemberChange struct {
	Clear  bool // everybody goes
	Remove bool // these go; else they come
	Users  []string
}

// The bounds.
const (
	MaxMembers   = 100_000 // of a group
	MaxPage      = 200     // rows of a list
	MaxName      = 255     // characters of a name of a person or a group
	MaxAttribute = 1024    // bytes of any other text
)

// What a Store answers.
var (
	ErrTaken    = errors.New("another row has this name")
	ErrTakenID  = errors.New("another row has this external id")
	ErrChanged  = errors.New("the row has another revision")
	ErrGone     = errors.New("there is no such row")
	ErrStranger = errors.New("a member is nobody who is provisioned")
	ErrTooMany  = errors.New("the group would have too many members")
)

// Store keeps people and groups. Each change is one transaction with its entry of the history.
type Store interface {
	InsertUser(ctx context.Context, u User, e history.Entry) error
	// SaveUser stores u, whose revision is one more than that of what it replaces: ErrChanged where the stored one is another.
	// A cut, nil for none, is stored with it.
	SaveUser(ctx context.Context, u User, cut *revocation.Cut, e history.Entry) error
	DeleteUser(ctx context.Context, id string, revision int64, cut *revocation.Cut, e history.Entry) error
	DirectoryUser(ctx context.Context, id string) (User, bool, error)
	DirectoryUsers(ctx context.Context, q Query) (page []User, total int, err error)

	InsertGroup(ctx context.Context, g Group, members []MemberChange, e history.Entry) (Group, error)
	// SaveGroup returns the group with the number of its members.
	SaveGroup(ctx context.Context, g Group, members []MemberChange, e history.Entry) (Group, error)
	DeleteGroup(ctx context.Context, id string, revision int64, e history.Entry) error
	DirectoryGroup(ctx context.Context, id string) (Group, bool, error)
	DirectoryGroups(ctx context.Context, q Query) (page []Group, total int, err error)
	// Members returns who is in the groups, most at the most.
	Members(ctx context.Context, groups []string, most int) (map[string][]Member, error)

	// Inactive returns those of the people named who are deactivated; nil: of everybody.
	Inactive(ctx context.Context, ids []string) ([]User, error)
}

// Query chooses a page of a list, in the order of creation.
type Query struct {
	Filter        *Filter // nil: everything
	Offset, Limit int     // Limit 0: only the total
}

// Attribute is what a filter may compare.
type Attribute uint8

// The attributes, all of them columns.
const (
	AttrID Attribute = iota + 1
	AttrExternalID
	AttrName // userName without case; the name of a group
	AttrDisplayName
	AttrActive
	AttrCreated
	AttrModified
	AttrMember // the id of a member
)

// Operator is how it is compared, or what joins several filters.
type Operator uint8

// The operators (RFC 7644 section 3.4.2.2).
const (
	Equal Operator = iota + 1
	NotEqual
	Contains
	StartsWith
	EndsWith
	Present
	Greater
	GreaterOrEqual
	Less
	LessOrEqual
	And
	Or
	Not
)

// Filter is one comparison, or several joined.
type Filter struct {
	Operator  Operator
	Attribute Attribute
	Text      string // folded (Fold) where the attribute has no case
	Active    bool
	At        time.Time
	Terms     []*Filter // of And, Or and Not
}

// Fold drops the case of a name, as far as it is certain: a letter counts as its lower case only if that one's upper case is it
// again. So ſ is no s and İ no i: a name that only looks alike must never find somebody else (RFC 8265 section 3.3 folds as much
// at the most). Names that Unicode has for the same (NFC) are one, such as those that differ in how accents are written.
func Fold(name string) string {
	return strings.Map(func(r rune) rune {
		if lower := unicode.ToLower(r); unicode.ToUpper(lower) == r {
			return lower
		}
		return r
	}, norm.NFC.String(name))
}
