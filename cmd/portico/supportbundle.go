package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"runtime/debug"
	"strings"
	"time"

	"github.com/portico-iam/portico/internal/app"
	"github.com/portico-iam/portico/internal/config"
	"github.com/portico-iam/portico/internal/doctor"
	"github.com/portico-iam/portico/internal/support"
)

type supportBundleCommand struct {
	Config string `required:"" type:"path" placeholder:"FILE" help:"Portico's configuration."`
	Output string `type:"path" placeholder:"FILE" help:"The file to make (default: portico-support-TIME.tar.gz, here)."`
	JSON   bool   `name:"json" help:"Report as JSON."`
}

// bundled is what --json prints.
type bundled struct {
	File  string            `json:"file"`
	Parts []support.Written `json:"parts"`
}

func (c *supportBundleCommand) Run(env environment) error {
	now := time.Now()
	if c.Output == "" {
		c.Output = "portico-support-" + now.UTC().Format("20060102T150405Z") + ".tar.gz"
	}
	cfg, err := config.LoadFile(c.Config, env.environ)
	var faults config.Faults
	if err != nil && !errors.As(err, &faults) {
		return err
	}
	parts, secrets := c.ofThisMachine(env, cfg, faults), []string{}
	if cfg != nil {
		secrets = cfg.Secrets()
		more, done := app.SupportParts(env.ctx, cfg, newLogger(io.Discard, config.Observability{}))
		defer done()
		parts = append(parts, more...)
	}
	out, err := os.OpenFile(c.Output, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fmt.Errorf("the bundle can't be made: %w; choose another file with --output", err)
	}
	written, err := support.Write(env.ctx, out, now, parts, secrets)
	if err = errors.Join(err, out.Close()); err != nil {
		return errors.Join(err, os.Remove(c.Output))
	}
	if c.JSON {
		return printJSON(env.stdout, bundled{c.Output, written})
	}
	printBundle(env.stdout, c.Output, written)
	return nil
}

// ofThisMachine are the parts that need neither the store nor a Portico that runs.
func (c *supportBundleCommand) ofThisMachine(env environment, cfg *config.Config, faults config.Faults) []support.Part {
	text := func(s string) func(context.Context) ([]byte, error) {
		return func(context.Context) ([]byte, error) { return []byte(s), nil }
	}
	parts := []support.Part{
		{Name: "version.txt", What: "the version, the system and how the binary was built", Content: text(versionFacts())},
		{Name: "doctor.txt", What: "what portico doctor --offline finds", Content: func(ctx context.Context) ([]byte, error) {
			in, err := (&doctorCommand{Config: c.Config, Offline: true}).input(env)
			if err != nil {
				return nil, err
			}
			report, err := doctor.Examine(ctx, in)
			if err != nil {
				return nil, err
			}
			var b bytes.Buffer
			report.Print(&b)
			return b.Bytes(), nil
		}},
	}
	if cfg == nil {
		return append(parts, support.Part{Name: "config-faults.txt", What: "what is wrong with the configuration", Content: text(faults.Error())})
	}
	return append(parts, support.Part{Name: "config.yaml", What: "the effective configuration, secrets masked", Content: text(cfg.Print())})
}

func versionFacts() string {
	var b strings.Builder
	fmt.Fprintf(&b, "portico %s\n%s/%s, %d CPUs, GOMAXPROCS %d\n\n", version(), runtime.GOOS, runtime.GOARCH, runtime.NumCPU(), runtime.GOMAXPROCS(0))
	if info, ok := debug.ReadBuildInfo(); ok {
		b.WriteString(info.String())
	}
	return b.String()
}

func printBundle(w io.Writer, file string, written []support.Written) {
	fmt.Fprintf(w, "%s holds:\n", file)
	for _, p := range written {
		fmt.Fprintf(w, "  %-18s %s\n", p.Name, p.What)
		if p.Error != "" {
			fmt.Fprintf(w, "  %-18s not included: %s\n", "", p.Error)
		}
	}
	fmt.Fprint(w, "\nIt holds no secrets, tokens, people or entries of the history, but addresses and names of your configuration: look at it before you\npass it on. The log is not in it, since it goes to standard error: add its last lines, e.g. of journalctl -u portico -n 1000.\n")
}
