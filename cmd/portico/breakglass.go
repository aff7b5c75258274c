package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/portico-iam/portico/internal/app"
	"github.com/portico-iam/portico/internal/breakglass"
	"github.com/portico-iam/portico/internal/config"
	"github.com/portico-iam/portico/internal/file"
)

type breakGlassCommand struct {
	Create breakGlassCreateCommand `cmd:"" help:"Make a file that lets somebody administer without the identity provider, once, and its unlock code."`
	Use    breakGlassUseCommand    `cmd:"" help:"Use such a file: it prints the code to type into Portico's page."`
	List   breakGlassListCommand   `cmd:"" help:"List the files: which were used, and which still count."`
	Revoke breakGlassRevokeCommand `cmd:"" help:"Let a file count no more."`
}

// breakGlassFlags are of the commands that work on the store.
type breakGlassFlags struct {
	Config string `required:"" type:"path" placeholder:"FILE" help:"Portico's configuration."`
}

func (f *breakGlassFlags) with(env environment, do func(cfg *config.Config, files *breakglass.Service) error) error {
	cfg, err := config.LoadFile(f.Config, env.environ)
	if err != nil {
		return err
	}
	files, closeStore, err := app.OpenBreakGlass(env.ctx, cfg, time.Now, newLogger(env.stderr, config.Observability{LogLevel: "warn"}))
	if err != nil {
		return err
	}
	return plainly(errors.Join(do(cfg, files), closeStore()), "")
}

type breakGlassCreateCommand struct {
	breakGlassFlags
	Out   string        `required:"" type:"path" placeholder:"FILE" help:"Where to write it; nothing may be there."`
	Label string        `required:"" placeholder:"TEXT" help:"Where it will be kept, such as 'safe in Bern': the history and the Desk show it."`
	Valid time.Duration `default:"8760h" help:"How long it counts (default: a year)."`
}

func (c *breakGlassCreateCommand) Run(env environment) error {
	if _, err := os.Lstat(c.Out); !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s is there already: a file of this kind replaces none", c.Out)
	}
	if err := file.CheckWritable(c.Out); err != nil {
		return err
	}
	return c.with(env, func(cfg *config.Config, files *breakglass.Service) error {
		made, code, err := files.Create(env.ctx, operator(), c.Label, cfg.Server.PublicURL, c.Valid)
		if err != nil {
			return err
		}
		text, err := json.MarshalIndent(made, "", "  ")
		if err == nil {
			err = file.Replace(c.Out, append(text, '\n'), file.Private)
		}
		if err != nil {
			return errors.Join(err, files.Revoke(env.ctx, operator(), made.ID))
		}
		fmt.Fprintf(env.stdout, "%s counts until %s, once.\n\n", c.Out, stamp(made.ValidUntil))
		fmt.Fprintf(env.stdout, "Unlock code:  %s\n\n", code)
		fmt.Fprintln(env.stdout, "The code is shown this once. Write it down, and keep it apart from the file: whoever has both can administer Portico.")
		fmt.Fprintln(env.stdout, "In need: portico break-glass use "+c.Out)
		return nil
	})
}

type breakGlassUseCommand struct {
	File string `arg:"" type:"existingfile" help:"The file."`
	URL  string `name:"url" placeholder:"URL" help:"Portico's address (default: the one in the file)."`
}

func (c *breakGlassUseCommand) Run(env environment) error {
	text, err := readBounded(c.File, breakglass.MaxFile, nil)
	if err != nil {
		return err
	}
	kept, err := breakglass.ParseFile(text)
	if err != nil {
		return fmt.Errorf("%s: %w", c.File, err)
	}
	if !time.Now().Before(kept.ValidUntil) {
		return fmt.Errorf("%s counted until %s", c.File, stamp(kept.ValidUntil))
	}
	portico := kept.URL
	if c.URL != "" {
		portico = c.URL
	}
	if err := breakglass.CheckAddress(portico); err != nil {
		return err
	}
	fmt.Fprintf(env.stderr, "This uses the file %q at %q. It is spent by it, and every administrator will see it.\nUnlock code: ", kept.Label, portico)
	code, err := bufio.NewReader(io.LimitReader(env.stdin, 1<<10)).ReadString('\n')
	if err != nil && code == "" {
		return errors.New("expected the unlock code, on a line of its own; nothing was spent")
	}
	use, err := kept.NewUse(code)
	if err != nil {
		return fmt.Errorf("%w; nothing was spent", err)
	}
	used, err := breakglass.Send(env.ctx, portico, use, secondOf)
	if err != nil {
		return fmt.Errorf("%w\nIf it was spent all the same, %s counts at %s for 15 minutes", err, use.Ticket, portico+breakglass.Page)
	}
	fmt.Fprintf(env.stdout, "\nOpen  %s\nCode  %s\n\nIt counts until %s, once. You can then administer for an hour.\n",
		strings.TrimSuffix(portico, "/")+breakglass.Page, use.Ticket, used.Until.Local().Format("15:04:05"))
	return nil
}

// secondOf waits for a second, or until it is not worth it.
func secondOf(ctx context.Context) {
	select {
	case <-time.After(time.Second):
	case <-ctx.Done():
	}
}

type breakGlassListCommand struct {
	breakGlassFlags
	JSON bool `name:"json" help:"Report as JSON."`
}

func (c *breakGlassListCommand) Run(env environment) error {
	return c.with(env, func(_ *config.Config, files *breakglass.Service) error {
		rows, err := files.List(env.ctx)
		if err != nil {
			return err
		}
		if c.JSON {
			return printJSON(env.stdout, append([]breakglass.Row{}, rows...))
		}
		if len(rows) == 0 {
			fmt.Fprintln(env.stdout, "There is none. portico break-glass create makes one.")
			return nil
		}
		t := tabwriter.NewWriter(env.stdout, 0, 0, 2, ' ', 0)
		fmt.Fprintln(t, "ID\tLABEL\tMADE\tBY\tCOUNTS UNTIL\tUSED\tREVOKED")
		for _, r := range rows {
			fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", r.ID, r.Label, stamp(r.CreatedAt), r.CreatedBy, stamp(r.ValidUntil), stamp(r.UsedAt), stamp(r.RevokedAt))
		}
		return t.Flush()
	})
}

type breakGlassRevokeCommand struct {
	breakGlassFlags
	ID string `arg:"" help:"The file's id, as list shows it."`
}

func (c *breakGlassRevokeCommand) Run(env environment) error {
	return c.with(env, func(_ *config.Config, files *breakglass.Service) error {
		if err := files.Revoke(env.ctx, operator(), c.ID); err != nil {
			return err
		}
		fmt.Fprintln(env.stdout, "It counts no more.")
		return nil
	})
}
