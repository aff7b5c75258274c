package httpx

import (
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// ClientAddress is the client's, as far as the proxies that are trusted tell it by X-Forwarded-For; "" within this process.
func ClientAddress(r *http.Request, trusted []netip.Prefix) string {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return ""
	}
	trusts := func(address netip.Addr) bool {
		return slices.ContainsFunc(trusted, func(p netip.Prefix) bool { return p.Contains(address) })
	}
	address := peer.Addr().Unmap()
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for i := len(hops) - 1; i >= 0 && trusts(address); i-- {
		hop, err := netip.ParseAddr(strings.TrimSpace(hops[i]))
		if err != nil {
			break
		}
		address = hop.Unmap()
	}
	return address.WithZone("").String()
}

// LimitedAddress is by what a client is counted: its address, of IPv6 the network that one household has. It is none (false) when
// that can't be told: from this machine, and through a proxy of the own network that is not trusted to tell it.
func LimitedAddress(r *http.Request, trusted []netip.Prefix) (netip.Addr, bool) {
	address, err := netip.ParseAddr(ClientAddress(r, trusted))
	if err != nil || address.IsLoopback() || address.IsPrivate() && r.Header.Get("X-Forwarded-For") != "" && address == peerOf(r) {
		return netip.Addr{}, false
	}
	if address.Is6() {
		network, err := address.Prefix(64)
		return network.Addr(), err == nil
	}
	return address, true
}

func peerOf(r *http.Request) netip.Addr {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	return peer.Addr().Unmap().WithZone("")
}

// FromTrusted tells whether the peer's word on what came before it counts. Nobody's does unless it is configured.
func FromTrusted(r *http.Request, trusted []netip.Prefix) bool {
	peer := peerOf(r)
	return peer.IsValid() && slices.ContainsFunc(trusted, func(p netip.Prefix) bool { return p.Contains(peer) })
}
