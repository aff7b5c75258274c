package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/portico-iam/portico/internal/app"
	"github.com/portico-iam/portico/internal/config"
	"github.com/portico-iam/portico/internal/file"
	"github.com/portico-iam/portico/internal/history"
)

type historyCommand struct {
	Verify historyVerifyCommand `cmd:"" help:"Tell whether the history is as it was recorded, and name the first record that is not."`
	Export historyExportCommand `cmd:"" help:"Write the history as CSV or as lines of JSON, the oldest entry first."`
}

// historyFlags are common to both. The commands only read, beside a Portico that runs or does not.
type historyFlags struct {
	Config string `required:"" type:"path" placeholder:"FILE" help:"Portico's configuration."`
}

func (f *historyFlags) with(env environment, do func(context.Context, *app.History) error) error {
	cfg, err := config.LoadFile(f.Config, env.environ)
	if err != nil {
		return err
	}
	record, err := app.OpenHistory(env.ctx, cfg, newLogger(env.stderr, config.Observability{LogLevel: "warn"}))
	if err != nil {
		return err
	}
	defer record.Close()
	return plainly(do(env.ctx, record), "")
}

type historyVerifyCommand struct {
	historyFlags
	Checkpoint string `type:"existingfile" placeholder:"FILE" help:"Checkpoints that were kept elsewhere, such as lines of Portico's log: they must be in the history too."`
	JSON       bool   `name:"json" help:"Report as JSON."`

	external []history.Checkpoint
}

const maxCheckpoints = 16 << 20 // bytes of a file

// Validate reads the checkpoints: a file without any would be looked at in vain.
func (c *historyVerifyCommand) Validate() error {
	if c.Checkpoint == "" {
		return nil
	}
	text, err := readBounded(c.Checkpoint, maxCheckpoints, nil)
	if err != nil {
		return fmt.Errorf("--checkpoint: %w", err)
	}
	if c.external = history.FindCheckpoints(text); len(c.external) == 0 {
		return fmt.Errorf("--checkpoint: expected a word that begins with portico-history-1 in %s, as the log has it, found none", c.Checkpoint)
	}
	return nil
}

func (c *historyVerifyCommand) Run(env environment) error {
	return c.with(env, func(ctx context.Context, record *app.History) error {
		said := newMeter(env.stderr)
		report, err := record.Verify(ctx, history.Verification{External: c.external, Progress: func(done, of int64) {
			said.say("verified %d %% of %d entries", 100*done/max(of, done, 1), of/2)
		}})
		if err != nil {
			return err
		}
		if c.JSON {
			err = printJSON(env.stdout, report)
		} else {
			printVerified(env.stdout, report)
		}
		if err == nil && report.Broken != nil {
			err = broken(report.Broken)
		}
		return err
	})
}

func printVerified(w io.Writer, r history.Report) {
	switch {
	case r.Sealed == 0 && r.Broken == nil:
		fmt.Fprintln(w, "No entry is sealed yet: there is nothing to verify.")
	case r.Sealed > 0:
		fmt.Fprintf(w, "%d entries are as they were sealed; the newest is of %s.\n", r.Sealed, stamp(r.NewestAt))
	}
	switch {
	case r.Checkpoint != nil:
		fmt.Fprintf(w, "%d signed checkpoints hold; the last is for entry %d, of %s.\n", r.Checkpoints, r.Checkpoint.Sequence, stamp(r.Checkpoint.At))
	case r.Sealed > 0:
		fmt.Fprintln(w, "There is no signed checkpoint among them: who can write to the store may have made these entries.")
	}
	if r.External > 0 {
		fmt.Fprintf(w, "%d checkpoints of those given hold.\n", r.External)
	}
	if r.Unsealed > 0 {
		fmt.Fprintf(w, "%d entries are not sealed yet, and nothing is known of them; the oldest is of %s. Portico seals within a second while it runs.\n", r.Unsealed, stamp(r.OldestAt))
	}
}

func broken(f *history.Finding) error {
	what := "an entry without a place in the chain"
	if f.Sequence > 0 {
		what = fmt.Sprintf("entry %d", f.Sequence)
	}
	if f.ID != "" {
		what += ", id " + f.ID
	}
	if !f.CreatedAt.IsZero() {
		what += ", made " + f.CreatedAt.UTC().Format(time.RFC3339)
	}
	return fmt.Errorf("the history is broken: %s (%s): %s. Keep a copy of the store as it is, and compare it with a backup: docs/history.md tells more", what, f.Kind, f.Detail)
}

type historyExportCommand struct {
	historyFlags
	Format string `required:"" enum:"csv,jsonl" placeholder:"csv|jsonl" help:"csv, or jsonl for one JSON object per line."`
	From   string `placeholder:"TIME" help:"Only entries made then or later: 2026-01-31, or 2026-01-31T10:00:00Z."`
	To     string `placeholder:"TIME" help:"Only entries made then or earlier; a day counts whole."`
	Output string `type:"path" placeholder:"FILE" help:"Where to write (default: standard output). The file is there when it is complete."`

	what history.Export
}

// Validate reads the times.
func (c *historyExportCommand) Validate() (err error) {
	c.what.Format = c.Format
	if c.what.Filter.After, _, err = readTime("--from", c.From); err != nil {
		return err
	}
	to, day, err := readTime("--to", c.To)
	if day {
		to = to.AddDate(0, 0, 1).Add(-time.Millisecond)
	}
	c.what.Filter.Before = to
	if err == nil && c.From != "" && c.To != "" && to.Before(c.what.Filter.After) {
		err = errors.New("--to is before --from")
	}
	return err
}

func readTime(flag, text string) (t time.Time, day bool, err error) {
	if text == "" {
		return time.Time{}, false, nil
	}
	if t, err := time.Parse(time.DateOnly, text); err == nil {
		return t, true, nil
	}
	if t, err = time.Parse(time.RFC3339, text); err != nil {
		err = fmt.Errorf("%s: expected a day such as 2026-01-31, or a time such as 2026-01-31T10:00:00Z, got %q", flag, text)
	}
	return t, false, err
}

func (c *historyExportCommand) Run(env environment) error {
	return c.with(env, func(ctx context.Context, record *app.History) error {
		said := newMeter(env.stderr)
		c.what.Progress = func(entries int64, until time.Time) {
			said.say("exported %d entries, up to %s", entries, stamp(until))
		}
		if c.Output == "" {
			_, err := record.Export(ctx, c.what, env.stdout)
			return err
		}
		var entries int64
		err := file.Write(c.Output, file.Private, func(w io.Writer) (err error) {
			entries, err = record.Export(ctx, c.what, w)
			return err
		})
		if err == nil {
			fmt.Fprintf(env.stderr, "%d entries are in %s.\n", entries, c.Output)
		}
		return err
	})
}

// meter says how far a long work is: after the first second, and then every two.
type meter struct {
	w    io.Writer
	next time.Time
}

func newMeter(w io.Writer) *meter { return &meter{w: w, next: time.Now().Add(time.Second)} }

func (p *meter) say(format string, args ...any) {
	if now := time.Now(); now.After(p.next) {
		p.next = now.Add(2 * time.Second)
		fmt.Fprintf(p.w, format+"\n", args...)
	}
}
