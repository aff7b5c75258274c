package view

import (
	"maps"
	"net/url"
	"strconv"
	"time"
)

// HistoryList is the record, newest first.
type HistoryList struct {
	Page
	List           List // sort: createdDate; its Filters hold action, type, user, organisation, from, to, entity, name
	Filter         HistoryFilter
	Actions, Types []string // values that can be filtered by
	Rows           []HistoryRow
	Errors         FieldErrors // of the filters, by name
	Timeline       bool        // drawn as one
	Organisation   string      // the name of the filter's
	Since          time.Time   // when it was made, where it can be followed; zero: it can't
	CanExport      bool
}

// tailHref is where what comes into the list is sent from.
func (v HistoryList) tailHref() string {
	return v.beside(HistoryTailPath, "since", strconv.FormatInt(v.Since.UnixMilli(), 10))
}

// exportHref leads to all that the list is narrowed to, as a file.
func (v HistoryList) exportHref(format string) string {
	return v.beside(HistoryExportPath, "format", format)
}

// beside is another address for the same part of the record.
func (v HistoryList) beside(path, name, value string) string {
	l := v.List
	l.Path = path
	l.Filters = maps.Clone(l.Filters)
	if l.Filters == nil {
		l.Filters = url.Values{}
	}
	l.Filters.Set(name, value)
	return l.address("", false, 1)
}

// HistoryFilter narrows the list; From and To are days, YYYY-MM-DD, in UTC.
type HistoryFilter struct{ Action, Type, User, Organisation, From, To, Entity, Name string }

type HistoryRow struct {
	ID           string
	At           When
	Action       string // CREATED
	Type         string // STS_ROLE
	Name         string
	User         string // name or login, else the subject
	Organisation string
	Refused      bool
}

// HistoryDetail is one entry of the record.
type HistoryDetail struct {
	Page
	HistoryRow
	EntityID, EntityHref string // the thing itself, when it still exists
	Subject              string // the user's exact subject
	Source               string
	Target               string
	Facts                []Fact // what else the entry says
	Refusal              *Refusal
}

// Fact is a labelled value; one that is Exact is shown as it stands.
type Fact struct {
	Label, Value string
	Exact        bool
}

// Refusal explains why something was not allowed.
type Refusal struct {
	Reference    string
	Attempt      string // what was tried, in words or as method and path
	Missing      []Permission
	Organisation string // where it was missing; empty for the system scope
	IAMRoles     []string
	Matched      []MatchedRole
	Remedies     []string // what would grant it
	ExplainHref  string   // how it is now, for who may know
	// ExplainThenHref is how it was then.
	ExplainThenHref string
}

// MatchedRole is a role the person did have, and through which IAM role.
type MatchedRole struct{ Role, Href, IAMRole string }

// tone is how an action is coloured; the word itself always says it too.
func (r HistoryRow) tone() string {
	if r.Refused {
		return "danger"
	}
	switch r.Action {
	case "CREATED", "ACTIVATED", "REACTIVATED", "ACCEPTED", "ISSUED", "RESTORED":
		return "success"
	case "DELETED", "REMOVED", "REVOKED", "ERRORED", "REJECTED", "INTERACTION_ERRORED":
		return "danger"
	case "DEACTIVATED", "SUSPENDED", "WITHDRAWN", "EXPIRED", "RETRACTED":
		return "warning"
	}
	return "neutral"
}
