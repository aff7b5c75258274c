package desk

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/portico-iam/portico/internal/access"
	"github.com/portico-iam/portico/internal/desk/view"
	"github.com/portico-iam/portico/internal/fault"
	"github.com/portico-iam/portico/internal/history"
)

// narrowing is what an address narrows the record by. A value that can't be used is noted at its field: were it only left out, more
// would be shown, and sent, than was asked for.
type narrowing struct {
	ctx  context.Context
	list *view.HistoryList
	raw  url.Values
}

func (n narrowing) fault(field, text string) {
	n.list.Errors = append(n.list.Errors, view.FieldError{Field: field, Text: text})
}

// text is a value, and how it is shown where it can't be used.
func (n narrowing) text(field string) (value, shown string) {
	var given []string
	for _, raw := range n.raw[field] {
		if raw = strings.TrimSpace(raw); len(raw) > access.MaxNameLength*utf8.UTFMax { // links repeat it: still too long there
			raw = raw[:access.MaxNameLength*utf8.UTFMax] + "…"
		}
		if raw != "" && len(given) < 2 {
			given = append(given, raw)
		}
	}
	if len(given) == 0 {
		return "", ""
	}
	n.list.List.Filters[field] = given
	raw := given[0]
	shown = strings.ReplaceAll(strings.ToValidUTF8(raw, "\uFFFD"), "\x00", "\uFFFD")
	switch {
	case len(given) > 1:
		n.fault(field, say(n.ctx, "Expected one value, got several."))
	case utf8.RuneCountInString(raw) > access.MaxNameLength:
		n.fault(field, say(n.ctx, "Expected at most %d characters.", access.MaxNameLength))
	case shown != raw:
		n.fault(field, say(n.ctx, "Expected text in UTF-8 without NUL."))
	default:
		return raw, shown
	}
	return "", shown
}

// oneOf is a value of a list.
func (n narrowing) oneOf(field string, list []string) string {
	value, _ := n.text(field)
	if value != "" && !slices.Contains(list, value) {
		n.fault(field, say(n.ctx, "Expected one of the list, got %q.", value))
		return ""
	}
	return value
}

// day is a day, moved.
func (n narrowing) day(field string, add time.Duration) (t time.Time, shown string) {
	value, shown := n.text(field)
	if value == "" {
		return time.Time{}, shown
	}
	t, err := time.Parse(time.DateOnly, value)
	if err != nil {
		n.fault(field, say(n.ctx, "Expected a day such as 2026-01-31."))
		return time.Time{}, shown
	}
	return t.Add(add), shown
}

// historyFilter is what an address narrows the record by; what can't be used is in the list's errors.
func historyFilter(r *http.Request, v *view.HistoryList) (f history.Filter, err error) {
	raw, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil { // it would leave out the parameters that it can't read
		return f, fault.InvalidInput.New("malformed query")
	}
	v.List.Filters = url.Values{}
	n := narrowing{r.Context(), v, raw}
	f = history.Filter{Descending: v.List.Descending, Sort: "createdDate", Page: v.List.Page - 1, Size: pageSize}
	v.Filter.Action, v.Filter.Type = n.oneOf("action", recordedActions), n.oneOf("type", recordedTypes)
	f.Actions, f.EntityTypes = given(v.Filter.Action), given(v.Filter.Type)
	var user, organisation, entity string
	user, v.Filter.User = n.text("user")
	organisation, v.Filter.Organisation = n.text("organisation")
	entity, v.Filter.Entity = n.text("entity")
	f.Name, v.Filter.Name = n.text("name")
	f.Users, f.EntityIDs, f.OrganisationIDs = given(user), given(entity), given(access.OrganisationID(organisation))
	f.After, v.Filter.From = n.day("from", 0)
	f.Before, v.Filter.To = n.day("to", 24*time.Hour-time.Millisecond)
	return f, nil
}

func given[T ~string](value T) []T {
	if value == "" {
		return nil
	}
	return []T{value}
}

// usable refuses what is narrowed by a value that can't be used.
func usable(v *view.HistoryList) error {
	if len(v.Errors) == 0 {
		return nil
	}
	said := make([]string, 0, len(v.Errors))
	for _, e := range v.Errors {
		said = append(said, e.Field+": "+e.Text)
	}
	return fault.InvalidInput.New("this filter can’t be used: %s", strings.Join(said, " ")).At(v.Errors[0].Field)
}

// inScope keeps a filter to what its reader may list, and says of which organisation it is.
func (h *Handler) inScope(scope access.OrganisationID, f *history.Filter, v *view.HistoryList) {
	if scope != access.System {
		f.OrganisationIDs = []access.OrganisationID{scope}
		v.Filter.Organisation = ""
		v.List.Filters.Del("organisation")
	}
	if v.Filter.Organisation != "" {
		v.Organisation = organisationChoice(h.Policy.Snapshot(), access.OrganisationID(v.Filter.Organisation)).Name
	}
}
