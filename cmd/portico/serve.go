package main

import (
	"context"
	"fmt"
	"runtime/debug"
	"strings"

	"github.com/portico-iam/portico/internal/app"
	"github.com/portico-iam/portico/internal/config"
)

type serveCommand struct {
	Config string `required:"" type:"path" placeholder:"FILE" help:"The configuration."`
}

func (c *serveCommand) Run(env environment) error {
	cfg, err := config.LoadFile(c.Config, env.environ)
	if err != nil {
		return err
	}
	logger := newLogger(env.stderr, cfg.Observability)
	a, err := app.New(env.ctx, cfg, app.Options{Logger: logger, Now: clock})
	if err != nil {
		return orStopped(env.ctx, err)
	}
	logger.Info("ready", "listen", a.URL(), "public_url", cfg.Server.PublicURL, "version", version())
	tell := func(state string) {
		if err := notify(env.environ, state); err != nil {
			logger.Warn("systemd can't be told", "state", state, "error", err)
		}
	}
	tell("READY=1") // who connects from now on is served
	stopped := context.AfterFunc(env.ctx, func() { tell("STOPPING=1") })
	defer stopped()
	return orStopped(env.ctx, a.Run(env.ctx))
}

type configCommand struct {
	Check configCheckCommand `cmd:"" help:"Report every fault of the configuration at once."`
	Print configPrintCommand `cmd:"" help:"Print the effective values, secrets masked."`
}

type configCheckCommand struct {
	Config string `required:"" type:"path" placeholder:"FILE" help:"The configuration."`
}

func (c *configCheckCommand) Run(env environment) error {
	if _, err := config.LoadFile(c.Config, env.environ); err != nil {
		return err
	}
	fmt.Fprintln(env.stdout, "The configuration is fine.")
	return nil
}

type configPrintCommand struct {
	Config string `required:"" type:"path" placeholder:"FILE" help:"The configuration."`
}

func (c *configPrintCommand) Run(env environment) error {
	cfg, err := config.LoadFile(c.Config, env.environ)
	if err != nil {
		return err
	}
	fmt.Fprint(env.stdout, cfg.Print())
	return nil
}

type versionCommand struct{}

func (versionCommand) Run(env environment) error {
	fmt.Fprintln(env.stdout, "portico", version())
	return nil
}

// The release and its commit, which scripts/build.sh stamps: a build from an archive of the sources knows neither.
var release, commit string

// version is the release, else the module's version, or the commit it was built from.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	if release != "" {
		return strings.Join(strings.Fields(release+" "+commit+" "+info.GoVersion), " ")
	}
	v := info.Main.Version
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" && (v == "" || v == "(devel)") {
			v = s.Value
		}
	}
	return v + " " + info.GoVersion
}
