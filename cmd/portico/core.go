package main

import (
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/portico-iam/portico/internal/app"
	"github.com/portico-iam/portico/internal/config"
	"github.com/portico-iam/portico/internal/dev"
)

type coreCommand struct {
	Listen   string        `default:"127.0.0.1:8090" placeholder:"HOST:PORT" help:"Core's address, on loopback (default 127.0.0.1:8090)."`
	Issuer   string        `required:"" placeholder:"URL" help:"The issuer of the app tokens: Portico's sts.issuer."`
	JWKSURI  string        `name:"jwks-uri" placeholder:"URL" help:"Where their keys are published (default: issuer + /.well-known/jwks.json)."`
	Audience string        `default:"one-core" help:"The audience of the app tokens (default one-core)."`
	Refresh  time.Duration `name:"jwks-refresh-after" default:"1m" placeholder:"DURATION" help:"When the keys are fetched anew (default 1m)."`
	Data     string        `default:".portico-core" placeholder:"DIR" help:"Where everything is kept (default .portico-core)."`
	LogLevel string        `default:"warn" enum:"debug,info,warn,error" help:"What is logged (default warn)."`
}

// Validate finds wrong usage before anything runs.
func (c *coreCommand) Validate() error { return dev.CheckAddress("--listen", c.Listen) }

func (c *coreCommand) Run(env environment) (err error) {
	release, err := dev.OpenDataDir(c.Data)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, release()) }()
	listener, err := dev.ListenLoopback("--listen", c.Listen)
	if err != nil {
		return err
	}
	if c.JWKSURI == "" {
		c.JWKSURI = c.Issuer + "/.well-known/jwks.json"
	}
	options := app.CoreOptions{
		Listener: listener, Issuer: c.Issuer, JWKSURI: c.JWKSURI, Audience: c.Audience, Refresh: c.Refresh,
		Database: filepath.Join(c.Data, "core.db"), Logger: newLogger(env.stderr, config.Observability{LogLevel: c.LogLevel}),
	}
	return orStopped(env.ctx, app.RunCore(env.ctx, options, func() {
		fmt.Fprintf(env.stdout, "Core is ready at http://%s\n", listener.Addr())
	}))
}
