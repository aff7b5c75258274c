package attack

import (
	"bufio"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"
)

// answer is what the target said.
type answer struct {
	status int
	header http.Header
	body   string
}

// in tells whether somebody was let in.
func (a answer) in() bool { return a.status >= 200 && a.status < 300 }

// with changes a request before it is sent.
type with func(*http.Request)

func header(name, value string) with {
	return func(r *http.Request) { r.Header[http.CanonicalHeaderKey(name)] = []string{value} }
}

func bearer(token string) with { return header("Authorization", "Bearer "+token) }

// path sends a path exactly as it is written.
func path(raw string) with {
	return func(r *http.Request) { r.URL.Opaque = "//" + r.URL.Host + raw }
}

// get asks for a path as a program does.
func (r *run) get(at string, changes ...with) (answer, error) {
	return r.send(http.MethodGet, at, "", changes...)
}

// navigate asks for a path as a browser does whose address bar it was typed into.
func (r *run) navigate(at string, changes ...with) (answer, error) {
	return r.get(at, append([]with{
		header("Accept", "text/html"), header("Sec-Fetch-Mode", "navigate"), header("Sec-Fetch-Dest", "document"), header("Sec-Fetch-Site", "none"),
	}, changes...)...)
}

// send sends one request. What is not answered at all is an error.
func (r *run) send(method, at, body string, changes ...with) (answer, error) {
	if err := r.pace.Wait(r.ctx); err != nil {
		return answer{}, err
	}
	ctx, cancel := context.WithTimeout(r.ctx, patience)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, r.base.Scheme+"://"+r.base.Host+at, strings.NewReader(body))
	if err != nil {
		return answer{}, err
	}
	req.Header.Set("Accept", "application/json")
	for _, change := range changes {
		change(req)
	}
	r.now.Requests++
	resp, err := r.client.RoundTrip(req)
	if err != nil {
		return answer{}, err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(io.LimitReader(resp.Body, mostBody))
	got := answer{resp.StatusCode, resp.Header, string(text)}
	if got.status == http.StatusTooManyRequests {
		r.now.Limited++
	}
	return got, err
}

// raw sends bytes, and returns the status of each answer until the target hangs up or stays silent.
func (r *run) raw(bytes string) (statuses []int, err error) {
	if err := r.pace.Wait(r.ctx); err != nil {
		return nil, err
	}
	r.now.Requests++
	conn, err := r.dial()
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(rawPatience))
	if _, err := io.WriteString(conn, bytes); err != nil {
		return nil, nil //nolint:nilerr // it hung up: that is an answer
	}
	reader := bufio.NewReader(io.LimitReader(conn, mostBody))
	for len(statuses) < 5 {
		resp, err := http.ReadResponse(reader, nil)
		if err != nil {
			return statuses, nil //nolint:nilerr // the same
		}
		statuses = append(statuses, resp.StatusCode)
		if _, err := io.Copy(io.Discard, resp.Body); err != nil {
			return statuses, nil //nolint:nilerr // the same
		}
	}
	return statuses, nil
}

// rawPatience is for how long a connection may stay silent.
const rawPatience = 3 * time.Second

func (r *run) dial() (net.Conn, error) {
	ctx, cancel := context.WithTimeout(r.ctx, patience)
	defer cancel()
	address := r.base.Host
	if r.base.Port() == "" {
		address = net.JoinHostPort(r.base.Hostname(), map[string]string{"http": "80", "https": "443"}[r.base.Scheme])
	}
	if r.base.Scheme == "https" {
		dialer := tls.Dialer{Config: &tls.Config{ServerName: r.base.Hostname()}}
		return dialer.DialContext(ctx, "tcp", address)
	}
	return (&net.Dialer{}).DialContext(ctx, "tcp", address)
}

// mustRefuse asks for the protected path, and notes a weakness when that lets somebody in, or breaks something.
func (r *run) mustRefuse(what, fix string, changes ...with) error {
	got, err := r.get(r.Protected, changes...)
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	r.judge(what, fix, "GET "+r.Protected, got)
	return nil
}

func (r *run) judge(what, fix, request string, got answer) {
	switch {
	case got.in():
		r.weak(fix, what+" lets somebody in", "%s: %d", request, got.status)
	case got.status == http.StatusInternalServerError:
		r.weak("answer 4xx to what is malformed", what+" breaks something", "%s: %d", request, got.status)
	}
}
