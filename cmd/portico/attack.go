package main

import (
	"fmt"
	"net"
	"net/url"
	"strings"

	"github.com/portico-iam/portico/internal/attack"
	"github.com/portico-iam/portico/internal/file"
)

type attackCommand struct {
	Target    string `required:"" placeholder:"URL" help:"The gateway: scheme, host and port."`
	Protected string `default:"/api/user/v1/me" placeholder:"PATH" help:"A path that only who is let in gets an answer from."`
	Login     string `default:"/login" placeholder:"PATH" help:"Where a sign-in begins."`
	Callback  string `default:"/.apisix/redirect" placeholder:"PATH" help:"Where a sign-in comes back to."`
	Change    string `default:"PUT /api/user/v1/active-organisation" placeholder:"\"METHOD PATH\"" help:"A change that a session may make, and that an empty body does not make."`
	Token     string `type:"path" placeholder:"FILE" help:"An access token that is accepted: forgeries of it are tried."`
	Cookie    string `type:"path" placeholder:"FILE" help:"A session cookie that is accepted, as name=value: forgeries of it are tried."`
	Issuer    string `placeholder:"URL" help:"The identity provider, when no token tells it: its public keys are tried as secrets."`
	IMay      bool   `name:"i-may-attack-it" help:"The target is not on this machine, and I am allowed to try this on it."`
	JSON      bool   `name:"json" help:"Report as JSON."`
}

const (
	maxAttackFile = 64 << 10
	politePace    = 20 // requests a second, off this machine
)

// Validate keeps anybody from trying it on somebody else's gateway by mistake.
func (c *attackCommand) Validate() error {
	target, err := url.Parse(c.Target)
	if err != nil || target.Hostname() == "" {
		return fmt.Errorf("--target: expected scheme and host, such as https://desk.example.com, got %q", c.Target)
	}
	if !onThisMachine(target.Hostname()) && !c.IMay {
		return fmt.Errorf("%s is not on this machine: add --i-may-attack-it if you are allowed to try this on it", target.Hostname())
	}
	return nil
}

func onThisMachine(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

func (c *attackCommand) Run(env environment) error {
	t := attack.Target{URL: strings.TrimSuffix(c.Target, "/"), Protected: c.Protected, Login: c.Login, Callback: c.Callback, Change: c.Change, Issuer: c.Issuer}
	if target, err := url.Parse(c.Target); err == nil {
		t.Local = onThisMachine(target.Hostname())
	}
	if !t.Local {
		t.Pace = politePace
	}
	for _, given := range []struct {
		path string
		into *string
	}{{c.Token, &t.Token}, {c.Cookie, &t.Cookie}} {
		if given.path == "" {
			continue
		}
		text, err := file.ReadBounded(given.path, maxAttackFile)
		if err != nil {
			return err
		}
		*given.into = strings.TrimSpace(string(text))
	}
	report, err := attack.Run(env.ctx, t, func(p attack.Probe) {
		if !c.JSON {
			fmt.Fprintf(env.stderr, "%s %s\n", p.ID, p.Title)
		}
	})
	if err != nil {
		return err
	}
	if c.JSON {
		err = report.JSON(env.stdout)
	} else {
		report.Print(env.stdout)
	}
	if n := report.Weak(); err == nil && n > 0 {
		return fmt.Errorf("weaknesses found: %d", n)
	}
	return err
}
