package access

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// MaxNameLength bounds the names of roles and IAM roles, in characters.
const MaxNameLength = 255

// Change is a set of edits that take effect together or not at all.
//
// An id may stand only once among the roles that are put and deleted, and only once among such IAM roles. Deleted rows
// go first: their names are free for the rows that are put.
//
// A Put row whose Changed.Revision is 0 is new; otherwise it replaces the row of that id, and the revision must be the
// one that the editor saw. Organisations, when not nil, replace the whole list: Core owns them.
type Change struct {
	PutRoles       []*Role
	DeleteRoles    []RoleID
	PutIAMRoles    []*IAMRole
	DeleteIAMRoles []IAMRoleID
	Organisations  []*Organisation
	FourEyes       map[OrganisationID]bool // who demands a second administrator from now on, or no longer
	Request        string                  // the id of the request that is approved by it
	RecordEnds     []Placement             // their ends came, and are recorded with the change
	Groups         []GroupState            // what became of the groups of mappings
	Confirms       []IAMRoleID             // of the IAM roles that are put: those that count for the group that their rows name, or for none

	Probation     *Probation // what begins with the change; Apply fills in the way back
	EndsProbation bool       // what is on probation is confirmed or undone by the change
	Undoes        bool       // the change is the way back from what was on probation: deleted rows go on from their revisions

	By string    // subject of who changes
	At time.Time // when
}

// ChangeFault says what kind of thing is wrong with a change.
type ChangeFault uint8

// The kinds of fault.
const (
	Malformed   ChangeFault = iota + 1 // a value is not acceptable
	Duplicate                          // the name is taken
	Missing                            // the row does not exist (any more)
	Stale                              // the row was changed since the editor saw it
	InUse                              // the role is still mapped
	UnknownLink                        // a mapping names a role or an organisation that does not exist
	OnProbation                        // another change is on probation, and could not be undone after this one
)

// ChangeError refuses a change. Message says what was expected and what came; Field names the field, as in the API.
type ChangeError struct {
	Fault   ChangeFault
	Field   string
	Message Phrase
}

func (e *ChangeError) Error() string { return e.Message.String() }

// Phrase is what Message is made of.
func (e *ChangeError) Phrase() (format string, args []any) { return e.Message.Phrase() }

func refuse(fault ChangeFault, field, format string, args ...any) error {
	return &ChangeError{Fault: fault, Field: field, Message: phrase(format, args...)}
}

// Apply returns the model after the change; m itself stays as it was. The returned change is the one given with the
// rows as they are to be stored: revisions and dates set. Reserved names are refused as names of roles and IAM roles.
func (m Model) Apply(c Change, reserved string) (Model, Change, error) {
	e := editor{
		roles:    make(map[RoleID]*Role, len(m.Roles)),
		iamRoles: make(map[IAMRoleID]*IAMRole, len(m.IAMRoles)),
		orgs:     make(map[OrganisationID]bool, len(m.Organisations)),
		reserved: reserved,
	}
	for _, r := range m.Roles {
		e.roles[r.ID] = r
	}
	for _, im := range m.IAMRoles {
		e.iamRoles[im.ID] = im
	}
	next := Model{Version: m.Version + 1, Organisations: m.Organisations, Probation: m.Probation, FourEyes: m.FourEyes}
	if c.Organisations != nil {
		next.Organisations = c.Organisations
	}
	for _, o := range next.Organisations {
		e.orgs[o.ID] = true
	}
	stored := Change{
		DeleteRoles: c.DeleteRoles, DeleteIAMRoles: c.DeleteIAMRoles, Organisations: c.Organisations, RecordEnds: c.RecordEnds,
		Groups: c.Groups, Confirms: c.Confirms, FourEyes: c.FourEyes, Request: c.Request,
		EndsProbation: c.EndsProbation, Undoes: c.Undoes, By: c.By, At: c.At,
	}
	if err := c.checkIDs(); err != nil {
		return m, c, err
	}
	for _, id := range c.DeleteIAMRoles {
		if e.iamRoles[id] == nil {
			return m, c, refuse(Missing, "id", "IAM role %s does not exist", id)
		}
		delete(e.iamRoles, id)
	}
	for _, r := range c.PutRoles {
		row, err := e.putRole(r, c)
		if err != nil {
			return m, c, err
		}
		stored.PutRoles = append(stored.PutRoles, row)
	}
	for _, id := range c.DeleteRoles {
		if e.roles[id] == nil {
			return m, c, refuse(Missing, "id", "role %s does not exist", id)
		}
		delete(e.roles, id)
	}
	for _, im := range c.PutIAMRoles {
		row, err := e.putIAMRole(im, c)
		if err != nil {
			return m, c, err
		}
		stored.PutIAMRoles = append(stored.PutIAMRoles, row)
	}
	if err := e.recordEnds(c.RecordEnds); err != nil {
		return m, c, err
	}
	if err := e.follow(c.Groups); err != nil {
		return m, c, err
	}
	if err := e.check(c); err != nil {
		return m, c, err
	}
	if err := next.demandFourEyes(c, e.orgs); err != nil {
		return m, c, err
	}
	next.Roles, next.IAMRoles = e.sorted()
	if err := m.putOnProbation(&next, &stored, c, reserved); err != nil {
		return m, c, err
	}
	return next, stored, nil
}

// checkIDs refuses an id that stands twice: what became of its row would depend on an order that a change has not.
func (c *Change) checkIDs() error {
	roles, iamRoles := c.IDs()
	if len(distinct(roles)) < len(roles) || len(distinct(iamRoles)) < len(iamRoles) {
		return refuse(Malformed, "id", "expected every row once in a change")
	}
	return nil
}

// editor holds the rows while a change is applied.
type editor struct {
	roles    map[RoleID]*Role
	iamRoles map[IAMRoleID]*IAMRole
	orgs     map[OrganisationID]bool
	reserved string
}

func (e *editor) putRole(r *Role, c Change) (*Role, error) {
	if err := checkName(r.Name, e.reserved); err != nil {
		return nil, err
	}
	if r.Name != strings.TrimSpace(r.Name) {
		return nil, refuse(Malformed, "name", "name: expected no blanks at its ends, got %q", r.Name)
	}
	old := e.roles[r.ID]
	changed, err := advance("role", string(r.ID), old == nil, changedOf(old), r.Changed.Revision, c)
	if err != nil {
		return nil, err
	}
	row := r.Clone()
	if row.Requires, err = checkRequirement(r); err != nil {
		return nil, err
	}
	row.Changed = changed
	e.roles[r.ID] = row
	return row, nil
}

func (e *editor) putIAMRole(im *IAMRole, c Change) (*IAMRole, error) {
	if err := checkName(im.Name, e.reserved); err != nil {
		return nil, err
	}
	old := e.iamRoles[im.ID]
	changed, err := advance("IAM role", string(im.ID), old == nil, changedOf(old), im.Changed.Revision, c)
	if err != nil {
		return nil, err
	}
	row := *im
	row.Changed = changed
	row.SystemRoles = distinct(im.SystemRoles)
	row.OrganisationRoles = make(map[OrganisationID][]RoleID, len(im.OrganisationRoles))
	for org, roles := range im.OrganisationRoles {
		if len(roles) == 0 {
			continue
		}
		// An organisation that Core no longer lists may stay in a row where it already stood, or that row could
		// not be edited at all.
		if !e.orgs[org] && (old == nil || old.OrganisationRoles[org] == nil) {
			return nil, refuse(UnknownLink, "organisationRoles", "organisationRoles: organisation %s does not exist", org)
		}
		row.OrganisationRoles[org] = distinct(roles)
	}
	if row.Ends, err = e.endsOf(&row, old, c); err != nil {
		return nil, err
	}
	e.iamRoles[im.ID] = &row
	return &row, nil
}

// check holds what must be true of the rows together.
func (e *editor) check(c Change) error {
	names := make(map[string]RoleID, len(e.roles))
	for id, r := range e.roles {
		if other, taken := names[r.Name]; taken && other != id {
			return refuse(Duplicate, "name", "name: another role is already called %q", r.Name)
		}
		names[r.Name] = id
	}
	iamNames := make(map[string]IAMRoleID, len(e.iamRoles))
	for id, im := range e.iamRoles {
		if other, taken := iamNames[im.Name]; taken && other != id {
			return refuse(Duplicate, "name", "name: the IAM role %q is already mapped", im.Name)
		}
		iamNames[im.Name] = id
	}
	for _, im := range c.PutIAMRoles {
		row := e.iamRoles[im.ID]
		for _, id := range row.RoleIDs() {
			if e.roles[id] == nil {
				return refuse(UnknownLink, "organisationRoles", "role %s does not exist", id)
			}
		}
	}
	for _, id := range c.DeleteRoles {
		var users []string
		for _, im := range e.iamRoles {
			if im.Uses(id) {
				users = append(users, fmt.Sprintf("%q", im.Name))
			}
		}
		if len(users) > 0 {
			slices.Sort(users)
			return refuse(InUse, "id", "the role is still mapped to the IAM roles %s: remove it there first", summary(users))
		}
	}
	return nil
}

func (e *editor) sorted() ([]*Role, []*IAMRole) {
	roles := make([]*Role, 0, len(e.roles))
	for _, r := range e.roles {
		roles = append(roles, r)
	}
	slices.SortFunc(roles, func(a, b *Role) int { return newestFirst(a.Changed, b.Changed, string(a.ID), string(b.ID)) })
	iamRoles := make([]*IAMRole, 0, len(e.iamRoles))
	for _, im := range e.iamRoles {
		iamRoles = append(iamRoles, im)
	}
	slices.SortFunc(iamRoles, func(a, b *IAMRole) int { return newestFirst(a.Changed, b.Changed, string(a.ID), string(b.ID)) })
	return roles, iamRoles
}

// newestFirst is the order of every list that nobody sorted otherwise: by creation, then by id, descending.
func newestFirst(a, b Changed, idA, idB string) int {
	return cmp.Or(b.CreatedAt.Compare(a.CreatedAt), cmp.Compare(idB, idA))
}

// row is what roles and IAM roles have in common for concurrency.
type row interface{ changed() Changed }

func (r *Role) changed() Changed    { return r.Changed }
func (m *IAMRole) changed() Changed { return m.Changed }

func changedOf[T interface {
	comparable
	row
}](old T,
) Changed {
	var none T
	if old == none {
		return Changed{}
	}
	return old.changed()
}

func advance(kind, id string, isNew bool, old Changed, seen int64, c Change) (Changed, error) {
	if isNew {
		if seen != 0 && !c.Undoes {
			return Changed{}, refuse(Missing, "id", "%s %s does not exist any more", kind, id)
		}
		return Changed{CreatedAt: c.At, ModifiedAt: c.At, ModifiedBy: c.By, Revision: seen + 1}, nil
	}
	if seen != old.Revision {
		return Changed{}, refuse(Stale, "", "%s %s was changed by %s in the meantime: expected revision %d, got %d",
			kind, id, old.ModifiedBy, old.Revision, seen)
	}
	return Changed{CreatedAt: old.CreatedAt, ModifiedAt: c.At, ModifiedBy: c.By, Revision: old.Revision + 1}, nil
}

func checkName(name, reserved string) error {
	if !utf8.ValidString(name) {
		return refuse(Malformed, "name", "name: expected UTF-8 text")
	}
	if n := utf8.RuneCountInString(name); n == 0 || n > MaxNameLength {
		return refuse(Malformed, "name", "name: expected 1 to %d characters, got %d", MaxNameLength, n)
	}
	var before rune
	for _, r := range name {
		if invisible(r) && !joinsEmoji(before, r) {
			return refuse(Malformed, "name", "name: expected no control or invisible characters, got %U", r)
		}
		before = r
	}
	if strings.TrimSpace(name) == "" {
		return refuse(Malformed, "name", "name: expected more than blanks")
	}
	if fold(name) == fold(BreakGlassRole) {
		return refuse(Malformed, "name", "name: %q is reserved for break-glass files", BreakGlassRole)
	}
	if reserved != "" && fold(name) == fold(reserved) {
		return refuse(Malformed, "name", "name: %q is reserved for the first administrator and needs no mapping", reserved)
	}
	return nil
}

// CheckText tells whether a text of people is UTF-8, of so many characters at most, and without invisible ones.
func CheckText(text string, most int) bool {
	var before rune
	for _, r := range text {
		if invisible(r) && !joinsEmoji(before, r) {
			return false
		}
		before = r
	}
	return utf8.ValidString(text) && utf8.RuneCountInString(text) <= most
}

// invisible tells of a character that can make two names look alike, or one look like what it is not.
func invisible(r rune) bool {
	return unicode.IsControl(r) ||
		unicode.In(r, unicode.Cf, unicode.Zl, unicode.Zp, unicode.Co, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector)
}

// joinsEmoji tells of the invisible parts of an emoji: groups of an identity provider have them in their names.
func joinsEmoji(before, r rune) bool {
	const joiner, emojiStyle = '\u200d', '\ufe0f'
	return r == emojiStyle && unicode.Is(unicode.So, before) ||
		r == joiner && (before == emojiStyle || unicode.In(before, unicode.So, unicode.Sk))
}

// RoleIDs returns every role of the mapping, once for each place where it stands.
func (m *IAMRole) RoleIDs() []RoleID {
	ids := slices.Clone(m.SystemRoles)
	for _, roles := range m.OrganisationRoles {
		ids = append(ids, roles...)
	}
	return ids
}

// distinct keeps the first of every id.
func distinct[T comparable](ids []T) []T {
	out, seen := make([]T, 0, len(ids)), make(map[T]bool, len(ids))
	for _, id := range ids {
		if !seen[id] {
			seen[id] = true
			out = append(out, id)
		}
	}
	return out
}

// summary joins names, and counts those past the tenth.
func summary(names []string) string {
	if len(names) > 10 {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:10], ", "), len(names)-10)
	}
	return strings.Join(names, ", ")
}
