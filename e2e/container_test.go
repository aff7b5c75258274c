package e2e

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/portico-iam/portico/internal/store"
	"github.com/portico-iam/portico/internal/testdb"
)

// TestContainer runs what deploy/docker/Dockerfile builds where it will run: in a root that holds nothing but the program and its
// configuration, is read-only, and whose user is a number. Only root can make such a place.
func TestContainer(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("optional: only root can change the root")
	}
	root := t.TempDir()
	build := exec.Command("sh", "../scripts/build.sh", filepath.Join(root, "portico"))
	build.Env = append(os.Environ(), "VERSION=v0.0.0-test", "COMMIT=abc")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	s := prepared(t, testdb.Config(t, store.SQLite), "")
	for _, folder := range []string{root, filepath.Dir(root), s.folder} { // those of tests are for their owner alone
		if err := os.Chmod(folder, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.MkdirAll(filepath.Join(root, "data"), 0o700); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(s.folder, "portico.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	inside := strings.NewReplacer(s.folder+"/", "/", s.database.DSN, "/data/portico.db").Replace(string(text))
	write(t, filepath.Join(root, "portico.yaml"), inside)
	for _, name := range []string{"key", "secret"} {
		secret, err := os.ReadFile(filepath.Join(s.folder, name))
		if err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(root, name), string(secret))
	}
	if err := os.Mkdir(filepath.Join(root, "etc"), 0o755); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(root, "etc/hosts"), "127.0.0.1 localhost\n") // whatever runs containers puts this there
	if err := os.Chmod(filepath.Join(root, "etc/hosts"), 0o644); err != nil {
		t.Fatal(err)
	}
	const nobody = 65532
	for _, name := range []string{"portico.yaml", "key", "secret", "data"} {
		if err := os.Chown(filepath.Join(root, name), nobody, nobody); err != nil {
			t.Fatal(err)
		}
	}
	// A mount of its own, read-only, with one folder in it that is not. Nothing of it is seen outside, and it goes with the process.
	script := `set -e
mount --make-rprivate /
mount --bind "$0" "$0"
mount --bind "$0/data" "$0/data"
mount -o remount,bind,ro "$0"
exec chroot --userspec=65532:65532 --groups= "$0" /portico "$@"`
	in := func(args ...string) *exec.Cmd {
		cmd := exec.Command("unshare", append([]string{"--mount", "sh", "-c", script, root}, args...)...)
		cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
		return cmd
	}
	if out, err := in("version").CombinedOutput(); err != nil {
		t.Skipf("optional: no root of its own can be made here: %v\n%s", err, out)
	} else if !strings.HasPrefix(string(out), "portico v0.0.0-test abc go1.") {
		t.Errorf("version: %s", out)
	}

	socket := filepath.Join(root, "data", "notify") // as systemd's, for the same program
	heard, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: socket, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer heard.Close()
	if err := os.Chown(socket, nobody, nobody); err != nil {
		t.Fatal(err)
	}
	hears := func(want string) {
		t.Helper()
		said := make([]byte, 100)
		_ = heard.SetReadDeadline(time.Now().Add(20 * time.Second))
		if n, err := heard.Read(said); err != nil || string(said[:n]) != want {
			t.Errorf("systemd hears %q, %v; want %s", said[:n], err, want)
		}
	}
	serving := in("serve", "--config", "/portico.yaml")
	serving.Env = append(os.Environ(), "NOTIFY_SOCKET=/data/notify")
	var log bytes.Buffer
	serving.Stderr = &log
	if err := serving.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- serving.Wait() }()
	t.Cleanup(func() { _ = serving.Process.Kill() })
	hears("READY=1")
	eventually(t, "its own health check is content", func() bool {
		out, err := in("health", "--config", "/portico.yaml").CombinedOutput()
		return err == nil && string(out) == "ready\n"
	})
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", serving.Process.Pid))
	if err != nil || !strings.Contains(string(status), "\nUid:\t65532\t65532\t65532\t65532\n") || !strings.Contains(string(status), "\nGid:\t65532\t65532\t65532\t65532\n") || !strings.Contains(string(status), "\nCapEff:\t0000000000000000\n") {
		t.Errorf("it is not that user: %v\n%s", err, status)
	}
	ada := browserAt(t, s.publicURL)
	ada.signIn("/", "ada@acme.test").mustContain(t, "Ada Admin")
	ada.create("/api/organisation/v1", map[string]any{"name": "Acme"})
	if names, err := os.ReadDir(root); err != nil || len(names) != 6 {
		t.Errorf("it wrote where it must not: %v %v", names, err)
	}
	if err := serving.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	hears("STOPPING=1")
	select {
	case err := <-ended:
		if err != nil {
			t.Errorf("%v\n%s", err, &log)
		}
	case <-time.After(20 * time.Second):
		t.Error("it does not end")
	}
	if out, err := in("health", "--config", "/portico.yaml").CombinedOutput(); err == nil || !strings.Contains(string(out), "does not answer") {
		t.Errorf("nobody is there, and it says %s", out)
	}
}
