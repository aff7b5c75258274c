//go:build !linux

package testdb

import (
	"errors"
	"os"
	"os/exec"
)

// account is who runs the server: PostgreSQL refuses to run as root.
type account struct{}

func unprivileged() (*account, error) {
	if os.Geteuid() == 0 {
		return nil, errors.New("root may not run it: run the tests as another user")
	}
	return &account{}, nil
}

func (*account) own(string) error { return nil }

// child does nothing here: a server whose test binary was killed has to be stopped by hand.
func (*account) child(*exec.Cmd) {}

func alive(int) bool { return true }
