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
}

// SignedOut is the message after signing out.
func SignedOut(theme Theme) Message {
	return Message{
		Theme: theme, Title: "You are signed out",
		Text:    "Your session here and at your identity provider has ended.",
		Actions: []Link{{"Sign in again", LoginPath}},
	}
}

// LoginProblem is the message when signing in did not work.
func LoginProblem(theme Theme, text, reference string, details ...string) Message {
	return Message{
		Theme: theme, Title: "Signing in did not work", Text: text, Details: details,
		Reference: reference, Actions: []Link{{"Try again", LoginPath}},
	}
}
