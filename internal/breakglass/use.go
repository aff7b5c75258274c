package breakglass

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// UsePath is where a file is used.
const UsePath = "/break-glass/use"

// Use is what is sent there.
type Use struct {
	ID     string `json:"id"`
	Secret string `json:"secret"`
	Ticket string `json:"ticket"` // made by whoever sends it, so that a lost answer loses nothing
}

// Used is the answer.
type Used struct {
	Until time.Time `json:"until"` // the ticket lives so long
}

// Page is where a ticket is typed.
const Page = "/break-glass"

// NewUse unlocks a file, and makes a ticket for it.
func (f *File) NewUse(code string) (Use, error) {
	secret, err := f.Open(code)
	return Use{ID: f.ID, Secret: secret, Ticket: newCode()}, err
}

const maxAnswer = 64 << 10 // bytes

// Attempts is how often Send tries where no answer came, or none that decides.
const Attempts = 5

// Send uses an opened file at the Portico of that address. The secret is not sent where others could read it, nor on to
// another address. between waits between two attempts.
func Send(ctx context.Context, portico string, use Use, between func(context.Context)) (used Used, err error) {
	target, err := useAddress(portico)
	if err != nil {
		return Used{}, err
	}
	body, err := json.Marshal(use)
	if err != nil {
		return Used{}, err
	}
	for range Attempts {
		var again bool
		if used, again, err = send(ctx, portico, target, body); !again || ctx.Err() != nil {
			return used, err
		}
		between(ctx)
	}
	return Used{}, err
}

// send makes one attempt; again says that another one may fare better.
func send(ctx context.Context, portico, target string, body []byte) (used Used, again bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, target, bytes.NewReader(body))
	if err != nil {
		return Used{}, false, err
	}
	request.Header.Set("Content-Type", "application/json")
	client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	response, err := client.Do(request)
	if err != nil {
		return Used{}, true, fmt.Errorf("%s can't be reached: %w", portico, errors.Unwrap(err))
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer))
	if err != nil {
		return Used{}, true, fmt.Errorf("read the answer of %s: %w", portico, err)
	}
	if response.StatusCode != http.StatusOK {
		return Used{}, response.StatusCode >= http.StatusInternalServerError, refusal(portico, response.StatusCode, answer)
	}
	if err := json.Unmarshal(answer, &used); err != nil || used.Until.IsZero() {
		return Used{}, false, fmt.Errorf("the answer of %s is not Portico's", portico)
	}
	return used, false, nil
}

// CheckAddress tells what is wrong with the address of a Portico; nil when nothing is.
func CheckAddress(portico string) error {
	_, err := useAddress(portico)
	return err
}

func useAddress(portico string) (string, error) {
	u, err := url.Parse(portico)
	if err != nil || u.Host == "" || u.User != nil {
		return "", fmt.Errorf("expected the address of a Portico, such as https://one.acme.test, got %q", portico)
	}
	ip := net.ParseIP(u.Hostname())
	if u.Scheme != "https" && (u.Scheme != "http" || u.Hostname() != "localhost" && (ip == nil || !ip.IsLoopback())) {
		return "", fmt.Errorf("expected an https address, for what is sent there must stay secret, got %q", portico)
	}
	return strings.TrimSuffix(portico, "/") + UsePath, nil
}

// refusal says why Portico refused, in its own words where it has some.
func refusal(portico string, status int, answer []byte) error {
	var told struct {
		Code  string
		Cause struct{ Message string }
	}
	_ = json.Unmarshal(answer, &told) // an answer that is no JSON tells nothing
	if told.Code == "PT_0001" && told.Cause.Message == errRefused.Detail {
		return errors.New(errRefused.Detail)
	}
	if told.Cause.Message != "" {
		return fmt.Errorf("%s refused it: %s", portico, told.Cause.Message)
	}
	return fmt.Errorf("%s answered %d: is that a Portico whose gateway.mode is builtin?", portico, status)
}
