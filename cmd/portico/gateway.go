package main

import (
	"fmt"

	"github.com/portico-iam/portico/internal/config"
	"github.com/portico-iam/portico/internal/file"
	"github.com/portico-iam/portico/internal/gateway"
)

type gatewayCommand struct {
	APISIX      gatewayAPISIXCommand      `cmd:"" name:"apisix" help:"Print APISIX's configuration."`
	OAuth2Proxy gatewayOAuth2ProxyCommand `cmd:"" name:"oauth2-proxy" help:"Print OAuth2-Proxy's configuration."`
}

// gatewayFlags are common to the gateways.
type gatewayFlags struct {
	Config   string `required:"" type:"path" placeholder:"FILE" help:"Portico's configuration."`
	Upstream string `placeholder:"HOST:PORT" help:"Portico's address as the gateway reaches it (default: server.listen)."`
	Redis    string `placeholder:"HOST:PORT" help:"The Redis that keeps the gateway's sessions (default 127.0.0.1:6379)."`
	Output   string `type:"path" placeholder:"FILE" help:"Write a file, whole or not at all, instead of printing."`
}

type gatewayAPISIXCommand struct {
	gatewayFlags
	Format string `default:"yaml" enum:"yaml,adc" help:"yaml: conf/apisix.yaml of the standalone mode; adc: a file of the APISIX Declarative CLI (default yaml)."`
}

func (c *gatewayAPISIXCommand) Run(env environment) error {
	return c.print(env, "APISIX", gateway.APISIX, c.Format)
}

type gatewayOAuth2ProxyCommand struct {
	gatewayFlags
	Format string `default:"cfg" enum:"cfg,alpha,core" help:"cfg: one complete file; alpha and core: the two files of the form that can send the shared secret (default cfg)."`
}

func (c *gatewayOAuth2ProxyCommand) Run(env environment) error {
	return c.print(env, "OAuth2-Proxy", gateway.OAuth2Proxy, c.Format)
}

func (f *gatewayFlags) print(env environment, name string, write func(*config.Config, gateway.Options, string) (string, error), format string) error {
	cfg, err := config.LoadFile(f.Config, env.environ)
	if err != nil {
		return err
	}
	text, err := write(cfg, gateway.Options{Upstream: f.Upstream, Redis: f.Redis}, format)
	if err != nil {
		return err
	}
	if f.Output != "" {
		if err := file.Replace(f.Output, []byte(text), 0o644); err != nil { // no secret is in it
			return err
		}
		_, err = fmt.Fprintf(env.stdout, "Wrote %s: %s's configuration, format %s, from %s.\n", f.Output, name, format, f.Config)
		return err
	}
	_, err = fmt.Fprint(env.stdout, text)
	return err
}
