package main

import (
	"errors"
	"fmt"

	"github.com/portico-iam/portico/internal/config"
	"github.com/portico-iam/portico/internal/dev"
)

type devCommand struct {
	Listen     string `default:"127.0.0.1:8080" placeholder:"HOST:PORT" help:"Portico's address, on loopback (default 127.0.0.1:8080)."`
	OktaListen string `default:"127.0.0.1:8081" placeholder:"HOST:PORT" help:"The development Okta's address, on loopback (default 127.0.0.1:8081)."`
	Data       string `default:".portico-dev" placeholder:"DIR" help:"Where everything is kept (default .portico-dev)."`
	Profile    string `placeholder:"NAME" help:"Which kind of Okta organisation to be: licensed (default; all set up), fresh-free (nothing set up), unlicensed, custom-domain."`
	LogLevel   string `default:"warn" enum:"debug,info,warn,error" help:"What is logged (default warn)."`
}

// Validate finds wrong usage before anything runs.
func (c *devCommand) Validate() error {
	return errors.Join(dev.CheckAddress("--listen", c.Listen), dev.CheckAddress("--okta-listen", c.OktaListen), dev.CheckProfile("--profile", c.Profile))
}

func (c *devCommand) Run(env environment) error {
	d, err := dev.Start(env.ctx, dev.Options{
		Listen: c.Listen, OktaListen: c.OktaListen, DataDir: c.Data, Profile: c.Profile,
		Logger: newLogger(env.stderr, config.Observability{LogLevel: c.LogLevel}),
	})
	if err != nil {
		return orStopped(env.ctx, err)
	}
	d.Info.Print(env.stdout, c.Data)
	if err := d.Run(env.ctx); err != nil {
		return orStopped(env.ctx, err)
	}
	fmt.Fprintln(env.stdout, "Stopped.")
	return nil
}
