package httpx

import (
	"net/http"

	"github.com/portico-iam/portico/internal/fault"
)

// Message is a page for somebody who is not signed in: what happened, in plain words, and where to go on. Its
// words are fixed: whoever shows it may say them in another language.
type Message struct {
	Status    int
	Code      string // of the fault, for who observes; empty: none fits
	Title     string
	Text      string // one or two plain sentences, with the verbs of Args
	Args      []any
	Reference string // under which an administrator finds more
	ActionURL string // a path of our own
	Action    string // what the link says
	Form      *Form  // nil: none
}

// Form asks for one thing, in place of the link.
type Form struct {
	Path, Field, Label, Help, Submit string
	Refused                          *fault.Fault // what was wrong with what came; nil: nothing came
}

// MessageRenderer shows messages. The Desk does; the sign-in needs it.
type MessageRenderer interface {
	RenderMessage(w http.ResponseWriter, r *http.Request, m Message)
}
