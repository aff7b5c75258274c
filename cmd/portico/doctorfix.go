package main

import (
	"errors"
	"fmt"
	"io"

	"github.com/portico-iam/portico/internal/doctor"
	"github.com/portico-iam/portico/internal/okta"
)

// fix says what it would do and why, asks once, does that, and looks again.
func (c *doctorCommand) fix(env environment, in doctor.Input, report *doctor.Report) (*doctor.Report, error) {
	mend := report.Mend()
	if mend.Nothing() {
		fmt.Fprintln(env.stderr, "--fix mends none of these: each says under \"fix\", or \"set\", what to do.")
		return report, nil
	}
	report.Print(env.stderr)
	if unasked := mend.Unasked(); len(unasked) > 0 {
		for _, s := range unasked {
			s.Print(env.stderr)
		}
		return nil, errors.New("nothing was changed: portico okta apply would also do the above, which may break something for others and mends nothing that was found; run portico okta apply, which asks about it, or change the setup file")
	}
	printMend(env.stderr, mend)
	if err := c.given(env, "This changes what is listed above."); err != nil {
		return nil, err
	}
	if err := mend.EditConfig(); err != nil {
		return nil, err
	}
	for _, line := range mend.Lines {
		fmt.Fprintf(env.stderr, "  change  %s\n", line)
	}
	if mend.Plan != nil {
		if err := c.apply(env, in.Setup, mend.Plan); err != nil {
			return nil, err
		}
	}
	anew := ""
	if mend.Restart {
		anew = " A Portico that runs already must be started anew."
	}
	fmt.Fprintf(env.stderr, "Looked again.%s\n\n", anew)
	again, err := c.input(env)
	if err != nil {
		return nil, err
	}
	again.Token, again.Error = "", "" // they tell of the time before
	return doctor.Examine(env.ctx, again)
}

// printMend lists every change, apart those that mend what was found and those that go along.
func printMend(w io.Writer, mend doctor.Mend) {
	fmt.Fprintln(w, "\n--fix would do this:")
	for _, line := range mend.Lines {
		fmt.Fprintf(w, "~ %s\n    in %s\n", line, mend.Path)
	}
	for _, s := range mend.Asked {
		s.Print(w)
	}
	if len(mend.Along) > 0 {
		fmt.Fprintln(w, "and this too, which mends nothing that was found: portico okta apply does all that the setup file says.")
		for _, s := range mend.Along {
			s.Print(w)
		}
	}
	for _, note := range mend.Notes {
		fmt.Fprintf(w, "Note: %s\n", note)
	}
}

func (c *doctorCommand) apply(env environment, setup *okta.Setup, plan *okta.Plan) error {
	credential, err := setup.Credential()
	if err != nil {
		return err
	}
	if _, err := okta.Apply(env.ctx, setup, okta.NewClient(setup.Okta.URL, credential), plan, progress(env.stderr)); err != nil {
		return fmt.Errorf("%w\nWhat was done so far is remembered: portico okta apply goes on, undo takes it back", err)
	}
	return nil
}
