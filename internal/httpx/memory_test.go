package httpx

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// inMemory serves h until the test ends.
func inMemory(t *testing.T, h http.HandlerFunc) (*Memory, *http.Client) {
	t.Helper()
	m := NewMemory()
	server := &http.Server{Handler: h}
	done := make(chan error, 1)
	go func() { done <- server.Serve(m) }()
	transport := m.Transport()
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		server.Close()
		if err := <-done; !errors.Is(err, http.ErrServerClosed) {
			t.Errorf("served: %v", err)
		}
	})
	return m, &http.Client{Transport: transport}
}

func TestMemoryServesManyAtOnce(t *testing.T) {
	_, client := inMemory(t, func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		fmt.Fprintf(w, "%s %s %d", r.Host, r.URL.Path, len(b))
	})
	var all sync.WaitGroup
	for i := range 32 {
		all.Go(func() {
			for j := range 20 {
				size := i * j * 997
				answer, err := client.Post(fmt.Sprintf("http://core.memory/%d/%d", i, j), "text/plain", strings.NewReader(strings.Repeat("x", size)))
				if err != nil {
					t.Error(err)
					return
				}
				b, err := io.ReadAll(answer.Body)
				answer.Body.Close()
				if want := fmt.Sprintf("core.memory /%d/%d %d", i, j, size); err != nil || string(b) != want {
					t.Errorf("got %q, want %q: %v", b, want, err)
				}
			}
		})
	}
	all.Wait()
}

func TestMemoryAnswersBeforeALargeBodyIsRead(t *testing.T) {
	_, client := inMemory(t, func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(413) })
	answer, err := client.Post("http://core.memory/", "text/plain", strings.NewReader(strings.Repeat("x", 8<<20)))
	if err == nil {
		answer.Body.Close()
		if answer.StatusCode != 413 {
			t.Errorf("got %d", answer.StatusCode)
		}
	}
}

func TestMemoryStreams(t *testing.T) {
	goOn := make(chan struct{})
	_, client := inMemory(t, func(w http.ResponseWriter, r *http.Request) {
		io.WriteString(w, "first")
		http.NewResponseController(w).Flush()
		<-goOn
		io.WriteString(w, "second")
	})
	answer, err := client.Get("http://core.memory/")
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	first := make([]byte, 5)
	if _, err := io.ReadFull(answer.Body, first); err != nil || string(first) != "first" {
		t.Fatalf("got %q: %v", first, err)
	}
	close(goOn)
	if rest, err := io.ReadAll(answer.Body); err != nil || string(rest) != "second" {
		t.Errorf("got %q: %v", rest, err)
	}
}

func TestMemoryTellsTheServerWhoHungUp(t *testing.T) {
	gone := make(chan struct{})
	arrived := make(chan struct{})
	_, client := inMemory(t, func(w http.ResponseWriter, r *http.Request) {
		close(arrived)
		<-r.Context().Done()
		close(gone)
	})
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-arrived
		cancel()
	}()
	r, _ := http.NewRequestWithContext(ctx, "GET", "http://core.memory/", nil)
	if _, err := client.Do(r); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	<-gone
}

func TestMemoryKeepsDeadlines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := NewMemory()
		accepted := make(chan net.Conn, 1)
		go func() {
			c, _ := m.Accept()
			accepted <- c
		}()
		ours, err := m.Transport().DialContext(t.Context(), "tcp", "core.memory:80")
		if err != nil {
			t.Fatal(err)
		}
		theirs := <-accepted
		theirs.SetReadDeadline(time.Now().Add(time.Minute))
		begin := time.Now()
		if _, err := theirs.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) || time.Since(begin) != time.Minute {
			t.Errorf("got %v after %s", err, time.Since(begin))
		}
		ours.Close()
		theirs.Close()
		m.Close()
	})
}

func TestMemoryDialsNobody(t *testing.T) {
	m := NewMemory()
	dial := m.Transport().DialContext
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := dial(ctx, "tcp", "core.memory:80"); !errors.Is(err, context.Canceled) {
		t.Errorf("nobody accepts: got %v", err)
	}
	waiting := make(chan error, 2)
	go func() { _, err := dial(t.Context(), "tcp", "core.memory:80"); waiting <- err }()
	m.Close()
	if err := <-waiting; err == nil {
		t.Error("a call waited for a listener that is closed")
	}
	go func() { _, err := m.Accept(); waiting <- err }()
	if err := <-waiting; !errors.Is(err, net.ErrClosed) {
		t.Errorf("accept on a closed listener: got %v", err)
	}
	if m.Close() != nil || m.Addr().String() != "memory" || m.Addr().Network() != "memory" {
		t.Error("closing twice is fine")
	}
}

// Whoever dials as the listener closes gets an error or a connection that is closed, never one that hangs.
func TestMemoryClosesWhileDialling(t *testing.T) {
	for range 200 {
		m := NewMemory()
		var all sync.WaitGroup
		all.Go(func() {
			for {
				c, err := m.Accept()
				if err != nil {
					return
				}
				c.Close()
			}
		})
		for range 4 {
			all.Go(func() {
				c, err := m.Transport().DialContext(t.Context(), "tcp", "core.memory:80")
				if err != nil {
					return
				}
				if _, err := c.Read(make([]byte, 1)); err == nil {
					t.Error("read from nobody")
				}
				c.Close()
			})
		}
		all.Go(func() { m.Close() })
		all.Wait()
	}
}
