package coreapi

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"strings"
	"unicode"

	"github.com/portico-iam/portico/internal/fault"
	"github.com/portico-iam/portico/internal/httpx"
)

// transportFault says that no whole answer came. The URL that net/http adds is dropped: a history query names people.
func transportFault(err error) error {
	var inURL *url.Error
	if errors.As(err, &inURL) {
		err = inURL.Err
	}
	switch {
	case errors.Is(err, context.DeadlineExceeded) || os.IsTimeout(err):
		return fault.CoreTimeout.New("Core did not answer in time").Because(err)
	case errors.Is(err, context.Canceled):
		return fault.CoreUnavailable.New("the call to Core was given up").Because(err)
	}
	return fault.CoreUnavailable.New("Core can't be reached: check core.api.url and that Core runs").Because(err)
}

// answerFault turns an answer other than the expected one into a fault.
func answerFault(req *http.Request, status int, body []byte) error {
	call := req.Method + " " + req.URL.Path
	switch {
	case status == http.StatusUnauthorized:
		return fault.Unauthenticated.New("Core did not accept the token for %s; its log names the reason", call)
	case status == http.StatusForbidden:
		return fault.Forbidden.New("Core refused %s: the token lacks the permission, or is for another organisation", call)
	case status >= 300 && status < 400:
		return fault.CoreUnavailable.New("Core answered %s with a redirect (%d), which is not followed: check core.api.url", call, status)
	case status == http.StatusBadRequest || status == http.StatusNotFound:
		if f := foreignFault(status, body); f != nil {
			return f
		}
		return fault.CoreUnavailable.New("%s was answered with %d, but not by Core: check core.api.url", call, status)
	case status == http.StatusServiceUnavailable:
		if f := foreignFault(status, body); f != nil {
			return f
		}
	case status == http.StatusTooManyRequests:
		return fault.TooMany.New("Core asks to slow down")
	}
	answered := fault.CoreUnavailable.New("Core answered %s with %d", call, status)
	if status == http.StatusInternalServerError {
		return answered.Because(ErrFailed)
	}
	return answered
}

// ErrFailed is why a call failed that reached Core, and at which Core itself failed.
var ErrFailed = errors.New("a failure of its own")

var codeID = regexp.MustCompile(`^[A-Z]{2,4}_[0-9]{4}$`)

// foreignFault carries Core's own refusal on, with its status. A code that Portico has too becomes that very one, so
// that Code.Is finds it; any other is carried as it came. It is nil for a body that is not Core's.
func foreignFault(status int, body []byte) error {
	var e httpx.ErrorBody
	if json.Unmarshal(body, &e) != nil || !codeID.MatchString(e.Code) {
		return nil
	}
	detail := ""
	if e.Cause != nil {
		detail = plainText(e.Cause.Message)
	}
	for _, known := range fault.All {
		if known.ID == e.Code && known.Status == status {
			return known.New("%s", detail)
		}
	}
	code := &fault.Code{ID: e.Code, Status: status, Message: plainText(e.Message)}
	return code.New("%s", detail)
}

// plainText bounds what another server says before it is shown to people.
func plainText(s string) string {
	const most = 500
	s = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, "\uFFFD"))
	if len(s) > most {
		s = strings.ToValidUTF8(s[:most], "") + "…"
	}
	return s
}
