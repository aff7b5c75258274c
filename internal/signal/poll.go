package signal

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"sync"
	"time"
)

const (
	pollMost    = 50 // tokens that are asked for at once
	pollRounds  = 20 // requests in a row, while there are more
	pollBody    = 4 << 20
	pollLongest = 10 * time.Minute // between two tries, however many failed
)

// polling is what there is to say at the next request.
type polling struct {
	mu       sync.Mutex
	ack      []string
	errs     map[string]setError
	failures int
	next     time.Time
}

type pollRequest struct {
	MaxEvents         int                 `json:"maxEvents"`
	ReturnImmediately bool                `json:"returnImmediately"`
	Ack               []string            `json:"ack,omitempty"`
	SetErrs           map[string]setError `json:"setErrs,omitempty"`
}

// Polls tells whether Poll has something to do, and how often.
func (s *Service) Polls() (every time.Duration, polls bool) {
	poll := s.Settings.SharedSignals.Poll
	return poll.Interval, s.Shared != nil && poll.Endpoint != ""
}

// Poll fetches security event tokens until there are no more (RFC 8936), acts on them and acknowledges them. It is to be called again
// and again; after a failure it waits, longer each time. Several replicas may: whatever comes twice is heard once.
func (s *Service) Poll(ctx context.Context) error {
	p := &s.poll
	p.mu.Lock()
	defer p.mu.Unlock()
	now := s.Now()
	if now.Before(p.next) {
		return nil
	}
	for range pollRounds {
		more, err := s.pollOnce(ctx)
		if err != nil {
			p.failures = min(p.failures+1, 10)
			wait := min(s.Settings.SharedSignals.Poll.Interval<<p.failures, pollLongest)
			p.next = now.Add(wait)
			return fmt.Errorf("poll for shared signals (again in %s): %w", wait, err)
		}
		p.failures = 0
		if !more && len(p.ack) == 0 && len(p.errs) == 0 {
			return nil
		}
	}
	return nil
}

// pollOnce needs the lock. What is to be acknowledged is so only when the request was answered.
func (s *Service) pollOnce(ctx context.Context) (more bool, err error) {
	p := &s.poll
	body, err := s.askForSETs(ctx, pollRequest{MaxEvents: pollMost, ReturnImmediately: true, Ack: p.ack, SetErrs: p.errs})
	if err != nil {
		return false, err
	}
	p.ack, p.errs = nil, map[string]setError{}
	sets, more, err := readSETs(body)
	if err != nil {
		return false, err
	}
	for _, name := range slices.Sorted(maps.Keys(sets)) {
		switch err := s.hearSET(ctx, sets[name], name); {
		case err == nil:
			p.ack = append(p.ack, name)
		case passing(err):
			return false, err // it comes again
		default:
			p.errs[name] = setErrorOf(err)
		}
	}
	return more, nil
}

// readSETs reads the answer to a poll (RFC 8936 section 2.3).
func readSETs(body []byte) (sets map[string]string, more bool, err error) {
	var answer struct {
		Sets map[string]string `json:"sets"`
		More bool              `json:"moreAvailable"`
	}
	if err := json.Unmarshal(body, &answer); err != nil {
		return nil, false, fmt.Errorf("expected an answer to a poll: %w", err)
	}
	if len(answer.Sets) > 2*pollMost {
		return nil, false, fmt.Errorf("expected at most %d tokens, got %d", pollMost, len(answer.Sets))
	}
	for name := range answer.Sets {
		if !plain(name) {
			return nil, false, fmt.Errorf("expected names of 1 to %d plain characters for the tokens", maxName)
		}
	}
	return answer.Sets, answer.More && len(answer.Sets) > 0, nil
}

func (s *Service) askForSETs(ctx context.Context, ask pollRequest) ([]byte, error) {
	content, err := json.Marshal(ask)
	if err != nil {
		return nil, err
	}
	poll := s.Settings.SharedSignals.Poll
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, poll.Endpoint, bytes.NewReader(content))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Accept", "application/json")
	if poll.Token != "" {
		req.Header.Set("Authorization", "Bearer "+poll.Token.Reveal())
	}
	resp, err := s.HTTP.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("expected status 200, got %d", resp.StatusCode)
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, pollBody+1))
	if err == nil && len(body) > pollBody {
		err = fmt.Errorf("expected at most %d bytes", pollBody)
	}
	return body, err
}
