package httpx

import (
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// ClientAddress is the client's, as far as the proxies that are trusted tell it by X-Forwarded-For; "" within this process.
func ClientAddress(r *http.Request, trusted []netip.Prefix) string {
	address, _, ok := clientAddress(r, trusted)
	if !ok {
		return ""
	}
	return address.String()
}

// clientAddress also tells whether a proxy that is trusted stands between: then the address is the client's for certain, unless
// it is a trusted proxy's own.
func clientAddress(r *http.Request, trusted []netip.Prefix) (address netip.Addr, told, ok bool) {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}, false, false
	}
	address = peer.Addr().Unmap()
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for i := len(hops) - 1; i >= 0 && isIn(address, trusted); i-- {
		hop, err := parseHop(strings.TrimSpace(hops[i]))
		if err != nil {
			break
		}
		address, told = hop.Unmap(), true
	}
	return address.WithZone(""), told, true
}

// FromTrusted tells whether the connection comes from one of the proxies that are trusted, so that what it says of the request counts.
func FromTrusted(r *http.Request, trusted []netip.Prefix) bool {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	return err == nil && isIn(peer.Addr().Unmap(), trusted)
}

// parseHop takes an address, and one with a port, as some proxies write it.
func parseHop(text string) (netip.Addr, error) {
	if at, err := netip.ParseAddrPort(text); err == nil {
		return at.Addr(), nil
	}
	return netip.ParseAddr(text)
}

func isIn(address netip.Addr, prefixes []netip.Prefix) bool {
	return slices.ContainsFunc(prefixes, func(p netip.Prefix) bool { return p.Contains(address) })
}

// shared is where carriers put many behind one address (RFC 6598).
var shared = netip.MustParsePrefix("100.64.0.0/10")

// LimitedAddress is by what a client is counted: its address, of IPv6 the network that one household has. It is none (false) where
// many may be behind one: at a proxy that is not trusted to tell them apart, or that does not, and on this machine. Somebody who
// can't be told from others must not be able to lock them out.
func LimitedAddress(r *http.Request, trusted []netip.Prefix) (netip.Addr, bool) {
	address, told, ok := clientAddress(r, trusted)
	switch {
	case !ok, address.IsLoopback(), isIn(address, trusted):
		return netip.Addr{}, false
	case !told && (address.IsPrivate() || shared.Contains(address) || r.Header.Get("X-Forwarded-For") != ""):
		return netip.Addr{}, false
	case address.Is6():
		network, err := address.Prefix(64)
		return network.Addr(), err == nil
	}
	return address, true
}
