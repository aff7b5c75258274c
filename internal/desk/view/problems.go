package view

// Refused is shown with 403 for a page the person may not use.
type Refused struct {
	Page
	Sentence  string // why, in one sentence
	Refusal   Refusal
	EntryHref string // the history entry, for one who may read it
}

// NotFound is shown with 404.
type NotFound struct{ Page }

// Failure is shown for whatever else went wrong.
type Failure struct {
	Page
	Title, Text string // what happened; without them it is our fault
	Reference   string
	Again       Link // empty where the same would fail again
}

// Message is a page on its own: it needs nobody signed in. The login gateway shows its problems with it.
type Message struct {
	Theme     Theme
	Title     string
	Text      string
	Details   []string // further sentences
	Reference string   // to quote
	Actions   []Link   // the first one is the primary action
	Form      *Form
	Again     *Again
}

// Again carries a form that was sent too late, sealed, to have it shown again.
type Again struct{ Path, Field, Box, SignIn string }

// Form asks for one thing.
type Form struct{ Path, Field, Label, Help, Submit, Error string }

func (f Form) errors() FieldErrors {
	if f.Error == "" {
		return nil
	}
	return FieldErrors{{f.Field, f.Error}}
}
