package app

import (
	"errors"
	"fmt"
	"os"
	"syscall"
)

func listenError(address string, err error) error {
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return fmt.Errorf("%s is already in use: stop what listens there, or choose another address", address)
	case errors.Is(err, syscall.EACCES) || errors.Is(err, os.ErrPermission):
		return fmt.Errorf("%s may not be listened on by this user: choose a port from 1024 on, or grant CAP_NET_BIND_SERVICE", address)
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		return fmt.Errorf("%s is not an address of this machine", address)
	}
	return fmt.Errorf("listen on %s: %w", address, err)
}
