package config

import (
	"strings"
	"testing"
)

// Nobody who is not told of in the configuration is listened to, but the sign-in's own issuer.
func TestSignalsAreClosedByDefault(t *testing.T) {
	s := load(t, least).Signals
	if !s.BackchannelLogout || !s.FrontchannelLogout || s.GlobalTokenRevocation.Enabled || s.SharedSignals.Issuer != "" || s.EventHook.Secret != "" {
		t.Errorf("got %+v", s)
	}
}

func TestWhoMaySignal(t *testing.T) {
	const (
		global = "PORTICO_signals__globalTokenRevocation__"
		shared = "PORTICO_signals__sharedSignals__"
		hook   = "PORTICO_signals__eventHook__secret="
	)
	on := []string{shared + "issuer=https://s.test", shared + "jwksUri=https://s.test/keys", shared + "audience=a"}
	also := func(more ...string) []string { return append(append([]string{}, on...), more...) }
	for _, c := range []struct {
		rule    string
		environ []string
		want    string
	}{
		{"Okta's org", []string{global + "enabled=true"}, ``},
		{"another org", []string{global + "enabled=true", global + "issuer=https://acme.okta.com"}, ``},
		{"an issuer whose org is not known", []string{global + "enabled=true", "PORTICO_iam__issuer=https://login.acme.test/realms/x"}, `signals.globalTokenRevocation.issuer: required`},
		{"an org without TLS", []string{global + "enabled=true", global + "issuer=http://acme.okta.com"}, `signals.globalTokenRevocation.issuer: expected https`},
		{"the console", []string{global + "enabled=true", global + "issuer=https://acme-admin.okta.com"}, `signals.globalTokenRevocation.issuer: acme-admin.okta.com is the address of Okta's console`},
		{"keys without TLS", []string{global + "enabled=true", global + "jwksUri=http://acme.okta.com/keys"}, `signals.globalTokenRevocation.jwksUri: expected https`},
		{"an org that is not listened to", []string{global + "issuer=https://acme.okta.com"}, `signals.globalTokenRevocation.enabled: expected true`},
		{"an org on this machine", []string{global + "enabled=true", global + "issuer=http://localhost:8081", global + "jwksUri=https://acme.okta.com/keys"}, `signals.globalTokenRevocation.issuer: http://localhost:8081 is on this machine`},
		{"pushed", on, ``},
		{"polled", also(shared + "poll__endpoint=https://s.test/poll"), ``},
		{"no audience", on[:2], `signals.sharedSignals.audience: required`},
		{"no keys", []string{on[0], on[2]}, `signals.sharedSignals.jwksUri: required`},
		{"no issuer", on[1:], `signals.sharedSignals.issuer: required`},
		{"polled without TLS", also(shared + "poll__endpoint=http://s.test/poll"), `signals.sharedSignals.poll.endpoint: expected https`},
		{"polled all the time", also(shared+"poll__endpoint=https://s.test/poll", shared+"poll__interval=1s"), `signals.sharedSignals.poll.interval: expected a duration from 5s to 1h0m0s, got 1s`},
		{"a token for nobody", also(shared + "poll__token=x"), `signals.sharedSignals.poll.endpoint: required with a token`},
		{"a token that no header carries", also(shared+"poll__endpoint=https://s.test/poll", shared+"poll__token=a\x01b"), `signals.sharedSignals.poll.token: expected visible characters`},
		{"a hook", []string{hook + strings.Repeat("s", 32)}, ``},
		{"a hook with a scheme", []string{hook + "Bearer " + strings.Repeat("s", 32)}, ``},
		{"a hook that can be guessed", []string{hook + strings.Repeat("s", 31)}, `signals.eventHook.secret: expected 32 to 1024 visible characters`},
		{"a hook with a blank at its end", []string{hook + strings.Repeat("s", 32) + " "}, `signals.eventHook.secret: expected 32 to 1024 visible characters`},
		{"signals behind another gateway", []string{"PORTICO_gateway__mode=bearer", global + "enabled=true"}, `signals.globalTokenRevocation.enabled: only used with gateway.mode: builtin`},
	} {
		if c.want == "" {
			load(t, least, c.environ...)
			continue
		}
		if faults := faultsOf(t, least, c.environ...); len(faults) != 1 || !strings.HasPrefix(faults[0], c.want) {
			t.Errorf("%s: got %q, want %q", c.rule, faults, c.want)
		}
	}
}
