package world

import (
	"strings"
	"unicode/utf8"
)

// Error is a refusal of the Management API: HTTP status, Okta's code, and why.
type Error struct {
	Status  int
	Code    string
	Summary string
	Causes  []string
}

func (e *Error) Error() string {
	if len(e.Causes) == 0 {
		return e.Code + " " + e.Summary
	}
	return e.Code + " " + e.Summary + ": " + strings.Join(e.Causes, "; ")
}

var _ error = (*Error)(nil)

// The codes of okta.md, section 4. Summaries are Okta's own.
var (
	ErrMalformed   = &Error{Status: 400, Code: "E0000003", Summary: "The request body was not well-formed."}
	ErrMedia       = &Error{Status: 400, Code: "E0000021", Summary: "Bad request. Accept and/or Content-Type headers likely do not match supported values."}
	ErrAuthn       = &Error{Status: 401, Code: "E0000004", Summary: "Authentication failed"}
	ErrToken       = &Error{Status: 401, Code: "E0000011", Summary: "Invalid token provided"}
	ErrLicence     = &Error{Status: 401, Code: "E0000015", Summary: "You do not have permission to access the feature you are requesting"}
	ErrSession     = &Error{Status: 403, Code: "E0000005", Summary: "Invalid session"}
	ErrPermission  = &Error{Status: 403, Code: "E0000006", Summary: "You do not have permission to perform the requested action"}
	ErrMethod      = &Error{Status: 405, Code: "E0000022", Summary: "The endpoint does not support the provided HTTP method"}
	ErrReconciling = &Error{Status: 423, Code: "E0000239", Summary: "Policy priorities are being reconciled. Please try again later."}
	ErrTransition  = &Error{Status: 403, Code: "E0000016", Summary: "Activation failed because the user is already active"}
	ErrRate        = &Error{Status: 429, Code: "E0000047", Summary: "API call exceeded rate limit due to too many requests."}
	ErrInternal    = &Error{Status: 500, Code: "E0000009", Summary: "Internal Server Error"}
	ErrUnsupported = &Error{Status: 501, Code: "E0000060", Summary: "Unsupported operation."}
	ErrClientQuery = &Error{Status: 400, Code: "invalid_client", Summary: "Invalid value for `client_id` parameter"}
)

// NotFound leaks the type's name, as Okta does.
func NotFound(id, kind string) *Error {
	return &Error{Status: 404, Code: "E0000007", Summary: "Not found: Resource not found: " + id + " (" + kind + ")"}
}

// NoPath is for an address that leads to no resource.
func NoPath(path string) *Error {
	return &Error{Status: 404, Code: "E0000007", Summary: "Not found: Resource not found: " + path}
}

// Invalid is a value that Okta does not take: the field in the summary, the reasons as causes.
func Invalid(field string, causes ...string) *Error {
	return &Error{Status: 400, Code: "E0000001", Summary: "Api validation failed: " + field, Causes: causes}
}

// BadSettings is what an application's settings are refused with.
func BadSettings(cause string) *Error {
	return &Error{Status: 403, Code: "E0000039", Summary: "Operation on application settings failed.", Causes: []string{cause}}
}

// Conflict is something that can't be done in the resource's present state.
func Conflict(summary string) *Error { return &Error{Status: 409, Code: "E0000195", Summary: summary} }

const (
	blank     = "The field cannot be left blank"
	duplicate = "An object with this field already exists in the current organization"
)

// checks collects everything that is wrong with an object, so that a client learns it all at once.
type checks struct {
	fields []string
	causes []string
}

func (c *checks) that(ok bool, field, cause string) {
	if ok {
		return
	}
	c.fields = append(c.fields, field)
	c.causes = append(c.causes, field+": "+cause)
}

// atMost bounds a text, in characters as Okta counts them.
func (c *checks) atMost(n int, field, text string) {
	c.that(utf8.RuneCountInString(text) <= n, field, "The field is too long")
}

// err names the first field in the summary, as Okta does; the causes have them all.
func (c *checks) err() error {
	if len(c.causes) == 0 {
		return nil
	}
	return Invalid(c.fields[0], c.causes...)
}
