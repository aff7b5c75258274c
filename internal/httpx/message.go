package httpx

import "net/http"

// Message is a page for somebody who is not signed in: what happened, in plain words, and where to go on.
type Message struct {
	Status    int
	Title     string
	Text      string // one or two plain sentences
	Reference string // under which an administrator finds more
	ActionURL string // a path of our own
	Action    string // what the link says
}

// MessageRenderer shows messages. The Desk does; the sign-in needs it.
type MessageRenderer interface {
	RenderMessage(w http.ResponseWriter, r *http.Request, m Message)
}
