// Package fault is the one error type whose text may reach a user.
//
// Every refusal has a Code: its number, its HTTP status and its fixed message. A Fault adds the concrete detail, what
// was expected and what came, and never a secret. Any other error is shown as Internal; its text goes to the log only.
// Codes that begin with BR_ are Core's own catalogue, which the platform's services share; PT_ are Portico's.
package fault

import (
	"errors"
	"fmt"

	"github.com/portico-iam/portico/internal/access"
)

// Code is one kind of refusal.
type Code struct {
	ID      string
	Status  int    // HTTP status
	Message string // fixed text, for people
}

// Fault is a refusal.
type Fault struct {
	Code      *Code
	Detail    string // what was expected, what came, what to do
	Format    string // of which Detail was made, with Args: for who says it in another language
	Args      []any
	Field     string              // the field of the request that is meant, if one is
	Reference string              // id of the history entry that holds the full reason
	SignIn    *access.Requirement // of StepUp: the sign-in that would do
	cause     error
}

// New makes a fault with its detail.
func (c *Code) New(format string, args ...any) *Fault {
	return &Fault{Code: c, Detail: fmt.Sprintf(format, args...), Format: format, Args: args}
}

// At names the request's field that is meant.
func (f *Fault) At(field string) *Fault {
	f.Field = field
	return f
}

// Because keeps the cause for the log. It is never shown.
func (f *Fault) Because(err error) *Fault {
	f.cause = err
	return f
}

// Phrase is what Detail is made of.
func (f *Fault) Phrase() (format string, args []any) { return f.Format, f.Args }

func (f *Fault) Error() string {
	s := f.Code.ID + ": " + f.Detail
	if f.cause != nil {
		s += ": " + f.cause.Error()
	}
	return s
}

func (f *Fault) Unwrap() error { return f.cause }

// Of returns the fault in err's chain. An error without one becomes Internal with err as its cause.
func Of(err error) *Fault {
	var f *Fault
	if errors.As(err, &f) {
		return f
	}
	return Internal.New("an internal error occurred").Because(err)
}

// Is tells whether err is a fault of that code.
func (c *Code) Is(err error) bool {
	var f *Fault
	return errors.As(err, &f) && f.Code == c
}
