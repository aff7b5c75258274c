package testdb

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
)

// server is a running PostgreSQL that listens on a socket in its own folder, and nowhere else.
type server struct {
	bin     string
	user    *account
	folder  string
	process *os.Process
	ended   chan struct{} // closed when the process has gone
	free    chan string   // databases that no test uses
	made    atomic.Int64  // databases in all
}

// findPostgres returns the folder of PostgreSQL's programs. Debian keeps them out of the PATH.
func findPostgres() (string, error) {
	folders := filepath.SplitList(os.Getenv("PATH"))
	debian, _ := filepath.Glob("/usr/lib/postgresql/*/bin") // fails only on a malformed pattern
	slices.SortFunc(debian, func(a, b string) int { return versionOf(b) - versionOf(a) })
	for _, folder := range append(folders, debian...) {
		initdb, err := exec.LookPath(filepath.Join(folder, "initdb"))
		if err != nil {
			continue
		}
		if real, err := filepath.EvalSymlinks(initdb); err == nil {
			folder = filepath.Dir(real)
		}
		if _, err := exec.LookPath(filepath.Join(folder, "postgres")); err == nil {
			return folder, nil
		}
	}
	return "", errors.New("PostgreSQL is not installed here: expected initdb and postgres in the PATH or in /usr/lib/postgresql/*/bin (Debian: apt-get install postgresql)")
}

func versionOf(bin string) int {
	version, _ := strconv.Atoi(filepath.Base(filepath.Dir(bin)))
	return version
}

// startServer makes a cluster and serves it.
func startServer(bin string, settings ...string) (*server, error) {
	user, err := unprivileged()
	if err != nil {
		return nil, err
	}
	sweep()
	folder, err := os.MkdirTemp(temporary(), fmt.Sprintf("%s%d-", prefix, os.Getpid()))
	if err != nil {
		return nil, err
	}
	s := &server{bin: bin, user: user, folder: folder, free: make(chan string, 100)}
	err = user.own(folder)
	if err == nil {
		err = s.initialise()
	}
	if err == nil {
		err = s.start(settings...)
	}
	if err != nil {
		return nil, errors.Join(err, s.stop())
	}
	return s, nil
}

// start serves the cluster. settings are name=value.
func (s *server) start(settings ...string) error {
	log, err := os.OpenFile(filepath.Join(s.folder, "log"), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	args := []string{"-D", s.data(), "-k", s.folder}
	// Nothing here needs to outlive a loss of power.
	for _, setting := range append([]string{
		"listen_addresses=", "max_connections=200", "shared_buffers=32MB", "fsync=off", "synchronous_commit=off", "full_page_writes=off",
	}, settings...) {
		args = append(args, "-c", setting)
	}
	cmd := exec.Command(filepath.Join(s.bin, "postgres"), args...)
	cmd.Dir, cmd.Env, cmd.Stdout, cmd.Stderr = s.folder, environment(), log, log
	s.user.child(cmd)
	s.process, s.ended = nil, make(chan struct{})
	if err := s.launch(cmd); err != nil {
		return err
	}
	return s.await()
}

// launch starts the process from a thread that lives as long: the kernel ends the child with the thread that made it.
func (s *server) launch(cmd *exec.Cmd) error {
	started := make(chan error)
	go func() {
		runtime.LockOSThread()
		err := cmd.Start()
		s.process = cmd.Process
		started <- err
		if err == nil {
			_ = cmd.Wait() // how it ended is in its log
			close(s.ended)
		}
	}()
	return <-started
}

func (s *server) initialise() error {
	common := []string{"-D", s.data(), "--auth=trust", "--username=postgres", "--encoding=UTF8", "--locale=C", "--no-sync"}
	// PostgreSQL before 15, or one built without ICU, sorts by bytes then.
	for _, more := range [][]string{{"--locale-provider=icu", "--icu-locale=en-US"}, nil} {
		cmd := exec.Command(filepath.Join(s.bin, "initdb"), append(common, more...)...)
		cmd.Dir, cmd.Env = s.folder, environment()
		s.user.child(cmd)
		output, err := cmd.CombinedOutput()
		switch {
		case err == nil:
			return s.passwords()
		case more == nil:
			return fmt.Errorf("initdb: %w: %s", err, bytes.TrimSpace(output))
		}
		if err := os.RemoveAll(s.data()); err != nil {
			return err
		}
	}
	return nil
}

// passwords makes the server ask the user named secret for one, and nobody else.
func (s *server) passwords() error {
	file := filepath.Join(s.data(), "pg_hba.conf")
	const rules = "local all secret scram-sha-256\nlocal all all trust\n"
	return os.WriteFile(file, []byte(rules), 0o600)
}

// await waits until the server answers.
func (s *server) await() error {
	deadline := time.Now().Add(time.Minute)
	for {
		err := s.run(context.Background(), "postgres", "SELECT 1")
		if err == nil {
			return nil
		}
		select {
		case <-s.ended:
			return fmt.Errorf("it ended: %s", s.lastWords())
		case <-time.After(10 * time.Millisecond):
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("it does not answer: %w: %s", err, s.lastWords())
		}
	}
}

func (s *server) lastWords() string {
	text, err := os.ReadFile(filepath.Join(s.folder, "log"))
	if err != nil {
		return err.Error()
	}
	return strings.TrimSpace(string(text[max(0, len(text)-2000):]))
}

// take returns the name of an empty database. Making one costs a quarter of a second, clearing one a few milliseconds.
func (s *server) take(ctx context.Context) (string, error) {
	select {
	case name := <-s.free:
		return name, nil
	default:
	}
	name := fmt.Sprintf("test%d", s.made.Add(1))
	return name, s.run(ctx, "postgres", "CREATE DATABASE "+name)
}

// clear ends what a test left connected, and drops everything that it made.
const clear = `DO $$
DECLARE name TEXT;
BEGIN
	PERFORM pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid();
	FOR name IN SELECT nspname FROM pg_namespace WHERE nspname NOT LIKE 'pg\_%' AND nspname <> 'information_schema' LOOP
		EXECUTE format('DROP SCHEMA %I CASCADE', name);
	END LOOP;
	CREATE SCHEMA public;
END $$`

// giveBack clears a database for the next test.
func (s *server) giveBack(name string) error {
	// The test's own context has ended by now.
	if err := s.run(context.Background(), name, clear); err != nil {
		return err
	}
	select {
	case s.free <- name:
	default:
	}
	return nil
}

// run runs one statement as the administrator.
func (s *server) run(ctx context.Context, database, statement string) error {
	conn, err := pgx.Connect(ctx, s.dsn(database))
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	_, err = conn.Exec(ctx, statement)
	return err
}

// stop ends the server and removes what it wrote.
func (s *server) stop() error {
	if err := s.crash(); err != nil {
		return err
	}
	return os.RemoveAll(s.folder)
}

// crash ends the server without a farewell.
func (s *server) crash() error {
	if s.process == nil {
		return nil
	}
	if err := s.process.Signal(syscall.SIGQUIT); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("stop PostgreSQL: %w", err)
	}
	<-s.ended
	return nil
}

func (s *server) data() string { return filepath.Join(s.folder, "data") }

func (s *server) dsn(database string) string {
	return "postgres://postgres@/" + database + "?host=" + url.QueryEscape(s.folder)
}

// environment keeps the machine's PG… variables and its language out.
func environment() []string { return []string{"PATH=" + os.Getenv("PATH"), "LC_ALL=C", "TZ=UTC"} }

const prefix = "portico-testdb-"

// temporary is where the folders lie. A socket's path may have 107 bytes.
func temporary() string {
	if dir := os.TempDir(); len(dir) < 50 {
		return dir
	}
	return "/tmp"
}

// sweep removes the folders of binaries that were killed.
func sweep() {
	folders, _ := filepath.Glob(filepath.Join(temporary(), prefix+"*")) // fails only on a malformed pattern
	for _, folder := range folders {
		owner, _, _ := strings.Cut(strings.TrimPrefix(filepath.Base(folder), prefix), "-")
		pid, err := strconv.Atoi(owner)
		if err != nil || alive(pid) {
			continue
		}
		// A folder that is still being made belongs to somebody whose process ids we don't share.
		if info, err := os.Stat(folder); err == nil && time.Since(info.ModTime()) > time.Hour {
			_ = os.RemoveAll(folder) // the next run tries again
		}
	}
}
