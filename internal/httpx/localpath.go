package httpx

import (
	"net/url"
	"strings"
)

// maxLocalPath bounds an address to return to, in bytes.
const maxLocalPath = 1024

// LocalPath returns the address if it is a plain path of our own, with or without a query, and / otherwise: a page to
// return to must never lead to another host.
func LocalPath(address string) string {
	if len(address) > maxLocalPath || !strings.HasPrefix(address, "/") {
		return "/"
	}
	path, query, _ := strings.Cut(address, "?")
	if Ambiguous(path) != "" || strings.ContainsFunc(query, func(r rune) bool { return r <= 0x20 || r >= 0x7f || r == '\\' || r == '#' }) {
		return "/"
	}
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "" || u.Host != "" || u.User != nil || u.Opaque != "" {
		return "/"
	}
	return address
}
