package e2e

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// binary is the built product, built once for all tests.
var binary = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "portico-binary-")
	if err != nil {
		return "", err
	}
	// It goes when this process does, however that ends: the shell's standard input is closed then.
	sweeper := exec.Command("sh", "-c", `read -r _; rm -rf "$0"`, dir)
	if keepOpen, err = sweeper.StdinPipe(); err != nil {
		return "", err
	}
	if err := sweeper.Start(); err != nil {
		return "", err
	}
	path := filepath.Join(dir, "portico")
	if out, err := exec.Command("go", "build", "-o", path, "../cmd/portico").CombinedOutput(); err != nil {
		return "", errors.New(string(out))
	}
	return path, nil
})

// keepOpen is the sweeper's standard input. Were it forgotten, the garbage collector would close it.
var keepOpen io.Closer

// command prepares the built binary; it does not outlive the test.
func command(t *testing.T, args ...string) *exec.Cmd { return commandWithin(t, nil, args...) }

// commandWithin is command, run by another command.
func commandWithin(t *testing.T, within []string, args ...string) *exec.Cmd {
	t.Helper()
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	all := slices.Concat(within, []string{path}, args)
	cmd := exec.Command(all[0], all[1:]...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	return cmd
}

// running is a process of the built binary that said it is ready.
type running struct {
	cmd    *exec.Cmd
	output *lockedBuffer
	errors *lockedBuffer
	exited chan error
}

// launch starts the binary and waits for a line that begins with ready.
func launch(t *testing.T, ready string, args ...string) *running {
	t.Helper()
	r := &running{cmd: command(t, args...), output: &lockedBuffer{}, errors: &lockedBuffer{}, exited: make(chan error, 1)}
	out, err := r.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	r.cmd.Stderr = r.errors
	if err := r.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	isReady := make(chan bool, 1)
	go func() {
		lines := bufio.NewScanner(out)
		for lines.Scan() {
			_, _ = r.output.Write(append(lines.Bytes(), '\n'))
			if strings.HasPrefix(lines.Text(), ready) {
				isReady <- true
			}
		}
		r.exited <- r.cmd.Wait()
	}()
	t.Cleanup(func() {
		http.DefaultTransport.(*http.Transport).CloseIdleConnections()
		_ = r.cmd.Process.Kill()
	})
	select {
	case <-isReady:
	case err := <-r.exited:
		t.Fatalf("%v ended before it was ready: %v\n%s%s", args, err, r.output, r.errors)
	case <-time.After(20 * time.Second):
		t.Fatalf("%v was not ready in 20 s", args)
	}
	return r
}

// interrupt is Ctrl-C; the process must end by itself, with status 0.
func (r *running) interrupt(t *testing.T) {
	t.Helper()
	if err := r.cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	select {
	case err := <-r.exited:
		if err != nil {
			t.Errorf("expected status 0, got %v\n%s", err, r.errors)
		}
	case <-time.After(20 * time.Second):
		t.Fatal("it did not end within 20 s of Ctrl-C")
	}
}

// freePorts returns two loopback addresses that nobody listens on.
func freePorts(t *testing.T) (a, b string) {
	t.Helper()
	var addresses [2]string
	for i := range addresses {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		addresses[i] = l.Addr().String()
	}
	return addresses[0], addresses[1]
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
