package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"golang.org/x/term"

	"github.com/portico-iam/portico/internal/okta"
)

type oktaCommand struct {
	Init   oktaInitCommand   `cmd:"" help:"Ask a few questions and write the setup file."`
	Plan   oktaPlanCommand   `cmd:"" help:"Say what apply would do. Changes nothing."`
	Apply  oktaApplyCommand  `cmd:"" help:"Do the guide's four steps, and write Portico's configuration."`
	Verify oktaVerifyCommand `cmd:"" help:"Read back what apply made, and try it."`
	Undo   oktaUndoCommand   `cmd:"" help:"Take back what apply did in Okta."`

	Guide     oktaGuideCommand     `cmd:"" help:"Print the same as a click-by-click guide to Okta's console, with your values."`
	Terraform oktaTerraformCommand `cmd:"" help:"Print the same as Terraform resources."`
}

// oktaFlags are common to the commands.
type oktaFlags struct {
	File string `default:"okta.yaml" type:"path" placeholder:"FILE" help:"What Okta shall look like (default okta.yaml; see docs/okta.md)."`
	JSON bool   `name:"json" help:"Report as JSON."`
}

// open reads the setup and makes the client, which tells on stderr when it waits.
func (f *oktaFlags) open(env environment) (*okta.Setup, *okta.Client, error) {
	setup, err := okta.LoadSetup(f.File, env.environ)
	if err != nil {
		return nil, nil, err
	}
	credential, err := setup.Credential()
	if err != nil {
		return nil, nil, err
	}
	client := okta.NewClient(setup.Okta.URL, credential)
	client.Waiting = func(why string, d time.Duration) {
		fmt.Fprintf(env.stderr, "%s: going on in %s\n", why, d.Round(100*time.Millisecond))
	}
	return setup, client, nil
}

func (f *oktaFlags) report(w io.Writer, plan *okta.Plan, verb string) error {
	if !f.JSON {
		plan.Print(w, verb)
		return nil
	}
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	return encoder.Encode(plan)
}

type oktaPlanCommand struct{ oktaFlags }

func (c *oktaPlanCommand) Run(env environment) error {
	setup, client, err := c.open(env)
	if err != nil {
		return err
	}
	plan, err := okta.MakePlan(env.ctx, setup, client)
	if err != nil {
		return err
	}
	return c.report(env.stdout, plan, "apply")
}

// consent is how somebody agrees to a plan that may break something for others.
type consent struct {
	Yes bool `help:"Don't ask, also where the plan may break something for others."`
}

// given asks on a terminal; elsewhere --yes is the only way.
func (c consent) given(env environment, question string) error {
	if c.Yes {
		return nil
	}
	in, ok := env.stdin.(*os.File)
	if !ok || !term.IsTerminal(int(in.Fd())) {
		return errors.New("nothing was changed: read the plan, and agree to it with --yes")
	}
	fmt.Fprintf(env.stderr, "%s Type yes to go on: ", question)
	var answer string
	if _, _ = fmt.Fscanln(in, &answer); answer != "yes" {
		return errors.New("nothing was changed")
	}
	return nil
}

type oktaApplyCommand struct {
	oktaFlags
	consent
}

func (c *oktaApplyCommand) Run(env environment) error {
	setup, client, err := c.open(env)
	if err != nil {
		return err
	}
	plan, err := okta.MakePlan(env.ctx, setup, client)
	if err != nil {
		return err
	}
	if len(plan.Dangers()) > 0 {
		plan.Print(env.stderr, "apply")
		if err := c.given(env, "This may break something for others."); err != nil {
			return err
		}
	}
	taken := 0
	applied, err := okta.Apply(env.ctx, setup, client, plan, func(s okta.Step) {
		taken++
		progress(env.stderr)(s)
	})
	if err != nil && taken > 0 {
		return fmt.Errorf("%w\nWhat was done so far is remembered: run apply again and it goes on, or undo to take it back", err)
	}
	if err != nil {
		return err
	}
	if err := c.report(env.stdout, applied, "applied"); err != nil || c.JSON {
		return err
	}
	_, err = fmt.Fprintf(env.stdout, "\nNext: portico serve --config %s (one that runs already must be started anew)\n", setup.Output.Config)
	return err
}

// progress tells of each step when it was taken.
func progress(w io.Writer) func(okta.Step) {
	return func(s okta.Step) { fmt.Fprintf(w, "  %-7s %s\n", s.Action, s.Title) }
}

type oktaUndoCommand struct {
	oktaFlags
	consent
}

func (c *oktaUndoCommand) Run(env environment) error {
	setup, client, err := c.open(env)
	if err != nil {
		return err
	}
	plan, err := okta.PlanUndo(env.ctx, setup, client)
	if err != nil {
		return err
	}
	if plan.Changes() {
		plan.Print(env.stderr, "undo")
		if err := c.given(env, "Nobody will be able to sign in by this application."); err != nil {
			return err
		}
	}
	undone, err := okta.Undo(env.ctx, setup, client, progress(env.stderr))
	if err != nil {
		return fmt.Errorf("%w\nRun undo again: it goes on where it stopped", err)
	}
	return c.report(env.stdout, undone, "undone")
}

// renderFlags are those of the commands that ask Okta nothing.
type renderFlags struct {
	File string `default:"okta.yaml" type:"path" placeholder:"FILE" help:"What Okta shall look like (default okta.yaml; see docs/okta.md)."`
}

type oktaGuideCommand struct{ renderFlags }

func (c *oktaGuideCommand) Run(env environment) error {
	setup, err := okta.LoadSetup(c.File, env.environ)
	if err != nil {
		return err
	}
	return setup.Guide(env.stdout)
}

type oktaTerraformCommand struct{ renderFlags }

func (c *oktaTerraformCommand) Run(env environment) error {
	setup, err := okta.LoadSetup(c.File, env.environ)
	if err != nil {
		return err
	}
	return setup.Terraform(env.stdout)
}
