package main

import (
	"net"
	"strings"
)

// notify tells systemd how this process is, where it asks for that (Type=notify: sd_notify(3)): one datagram to the socket that it
// names. That it can't be told must not keep Portico from running; systemd then ends what it did not hear of.
func notify(environ []string, state string) error {
	socket := ""
	for _, entry := range environ {
		if name, value, _ := strings.Cut(entry, "="); name == "NOTIFY_SOCKET" {
			socket = value
		}
	}
	if socket == "" {
		return nil
	}
	conn, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: socket, Net: "unixgram"}) // @name is of the abstract kind, here too
	if err != nil {
		return err
	}
	defer conn.Close()
	_, err = conn.Write([]byte(state))
	return err
}
