// Command portico is the identity plane: login gateway, BFF, STS and Desk in one binary.
//
// Exit status: 0 fine, 1 a problem was found or the work failed, 2 wrong usage.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"github.com/alecthomas/kong"

	"github.com/portico-iam/portico/internal/config"
)

const (
	exitFine    = 0
	exitProblem = 1
	exitUsage   = 2
)

type commands struct {
	Dev        devCommand           `cmd:"" help:"Run everything on this machine: development Okta, gateway, BFF, STS, Desk and Core."`
	Serve      serveCommand         `cmd:"" help:"Run Portico in production."`
	Core       coreCommand          `cmd:"" help:"Run the embedded Core by itself, to stand in for an external one in development."`
	Config     configCommand        `cmd:"" help:"Check or print the configuration."`
	Gateway    gatewayCommand       `cmd:"" help:"Print the configuration of the gateway that stands in front, from ours."`
	Okta       oktaCommand          `cmd:"" help:"Set Okta up for Portico: plan, apply, verify, undo."`
	Keys       keysCommand          `cmd:"" help:"List, rotate and cut the keys that sign app tokens."`
	Explain    explainCommand       `cmd:"" help:"Say why somebody may do something, or why not, and what would grant it."`
	Export     exportCommand        `cmd:"" help:"Write roles and access as a file."`
	Import     importCommand        `cmd:"" help:"Make roles and access as a file says: all of it, or nothing."`
	History    historyCommand       `cmd:"" help:"Verify that the history was not changed, and export it."`
	BreakGlass breakGlassCommand    `cmd:"" name:"break-glass" help:"Let somebody administer without the identity provider, once."`
	Doctor     doctorCommand        `cmd:"" help:"Say what is wrong with a sign-in through Okta, and which setting mends it."`
	Attack     attackCommand        `cmd:"" help:"Try the known weaknesses of gateways on one that runs."`
	Backup     backupCommand        `cmd:"" help:"Copy the SQLite database, while Portico runs or does not."`
	Health     healthCommand        `cmd:"" help:"Ask a running Portico whether it is ready."`
	Version    versionCommand       `cmd:"" help:"Print the version."`
	Support    supportBundleCommand `cmd:"" name:"support-bundle" help:"Put what describes this installation into one file, without secrets, for whoever helps you."`
}

// environment is what commands use of the world.
type environment struct {
	ctx            context.Context
	stdin          io.Reader
	stdout, stderr io.Writer
	environ        []string
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	status := run(environment{ctx, os.Stdin, os.Stdout, os.Stderr, os.Environ()}, os.Args[1:])
	stop()
	os.Exit(status)
}

func run(env environment, args []string) int {
	var cli commands
	exited := -1
	parser, err := kong.New(&cli, kong.Name("portico"), kong.Description("Okta groups become permissions per organisation, and short-lived tokens for Core."),
		kong.Writers(env.stdout, env.stderr), kong.Exit(func(code int) { exited = code }), kong.UsageOnError())
	if err != nil {
		fmt.Fprintln(env.stderr, "portico:", err)
		return exitProblem
	}
	if len(args) == 0 {
		args = []string{"--help"}
	}
	parsed, err := parser.Parse(args)
	if exited >= 0 { // --help
		return exited
	}
	if err != nil {
		fmt.Fprintf(env.stderr, "portico: %v\nTry: portico --help\n", err)
		return exitUsage
	}
	parsed.Bind(env)
	if err := parsed.Run(); err != nil {
		fmt.Fprintln(env.stderr, "portico:", err)
		return exitProblem
	}
	return exitFine
}

// newLogger makes the logger that the configuration asks for.
func newLogger(w io.Writer, o config.Observability) *slog.Logger {
	var level slog.Level
	if err := level.UnmarshalText([]byte(o.LogLevel)); err != nil {
		level = slog.LevelInfo
	}
	options := &slog.HandlerOptions{Level: level}
	if o.LogFormat == "json" {
		return slog.New(slog.NewJSONHandler(w, options))
	}
	return slog.New(slog.NewTextHandler(w, options))
}

// orStopped takes the end of the process's context for what it is: the user stopped it.
func orStopped(ctx context.Context, err error) error {
	if err != nil && ctx.Err() != nil && errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}
