package httpx

import (
	"io"
	"net/http"
	"time"
)

// bodyWithin is how long a body that Portico itself reads may take to come: who sends it byte by byte holds up nobody.
const bodyWithin = 30 * time.Second

// Body bounds what is read of a request's body, in bytes and in time.
func Body(w http.ResponseWriter, r *http.Request, most int64) io.ReadCloser {
	return &timedBody{ReadCloser: http.MaxBytesReader(w, r.Body, most), control: http.NewResponseController(w)}
}

// timedBody has a deadline while it is being read. After that there is none: the server watches the connection for the caller
// hanging up, and would take the deadline for that.
type timedBody struct {
	io.ReadCloser
	control *http.ResponseController
	begun   bool
}

func (b *timedBody) Read(p []byte) (int, error) {
	if !b.begun {
		b.begun = true
		_ = b.control.SetReadDeadline(time.Now().Add(bodyWithin)) // fails where there is no connection, as in tests
	}
	n, err := b.ReadCloser.Read(p)
	if err == io.EOF { //nolint:errorlint // as readers return it; what was too slow stays too slow
		_ = b.control.SetReadDeadline(time.Time{})
	}
	return n, err
}
