package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/portico-iam/portico/internal/config"
	"github.com/portico-iam/portico/internal/doctor"
	"github.com/portico-iam/portico/internal/okta"
)

type doctorCommand struct {
	Config  string `type:"existingfile" placeholder:"FILE" help:"Our configuration."`
	Token   string `type:"existingfile" placeholder:"FILE" help:"A token, or the token endpoint's whole answer; - for standard input."`
	Error   string `placeholder:"TEXT" help:"An error that somebody saw: page, log line, address or words."`
	User    string `placeholder:"LOGIN" help:"The person it is about."`
	Okta    string `type:"existingfile" placeholder:"FILE" help:"The setup file with a credential for the Management API, which is only read."`
	Gateway string `type:"existingfile" placeholder:"FILE" help:"Configuration of APISIX, OAuth2-Proxy, Apache, Grafana or Argo CD."`
	Offline bool   `help:"Ask nobody anything."`
	Fix     bool   `help:"Mend what our configuration and okta apply own."`
	JSON    bool   `name:"json" help:"Report as JSON."`
	consent
}

// Validate makes wrong usage of what could not lead anywhere.
func (c *doctorCommand) Validate() error {
	switch {
	case c.Config+c.Token+c.Error+c.Okta+c.Gateway == "":
		return errors.New("give at least one of --config, --token, --error, --okta, --gateway")
	case c.Fix && c.Config+c.Okta == "":
		return errors.New("--fix needs --config or --okta: it mends nothing else")
	case c.Fix && c.Offline:
		return errors.New("--fix and --offline exclude each other")
	}
	return nil
}

const maxDoctorFile = 1 << 20

func (c *doctorCommand) Run(env environment) error {
	in, err := c.input(env)
	if err != nil {
		return err
	}
	report, err := doctor.Examine(env.ctx, in)
	if err != nil {
		return err
	}
	if c.Fix && len(report.Findings) > 0 {
		if report, err = c.fix(env, in, report); err != nil {
			return err
		}
	}
	if c.JSON {
		err = report.JSON(env.stdout)
	} else {
		report.Print(env.stdout)
	}
	switch {
	case err != nil:
	case len(report.Findings) > 0:
		err = fmt.Errorf("found: %d", len(report.Findings))
	case report.UnknownError:
		err = errors.New("the error is not explained")
	}
	return err
}

func (c *doctorCommand) input(env environment) (doctor.Input, error) {
	in := doctor.Input{Error: c.Error, Login: c.User, Offline: c.Offline, Now: time.Now}
	if c.Config != "" {
		cfg, err := config.LoadFile(c.Config, env.environ)
		var faults config.Faults
		if errors.As(err, &faults) {
			// What can be read of it is still worth looking at: the faults may be what is being looked for.
			partial := config.Default()
			_ = config.Decode(c.Config, &partial)
			_ = partial.Check()
			cfg, in.Faults = &partial, faults
		} else if err != nil {
			return in, err
		}
		in.Config = cfg
	}
	if c.Token != "" {
		text, err := readBounded(c.Token, env.stdin)
		if err != nil {
			return in, err
		}
		in.Token = string(text)
	}
	if c.Gateway != "" {
		text, err := readBounded(c.Gateway, env.stdin)
		if err != nil {
			return in, err
		}
		in.Gateway = text
	}
	if c.Okta != "" {
		setup, err := okta.LoadSetup(c.Okta, env.environ)
		if err != nil {
			in.SetupFault = err.Error()
		}
		in.Setup = setup
	}
	return in, nil
}

func readBounded(path string, stdin io.Reader) ([]byte, error) {
	if path != "-" {
		f, err := os.Open(path)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		stdin = f
	}
	text, err := io.ReadAll(io.LimitReader(stdin, maxDoctorFile+1))
	if err == nil && len(text) > maxDoctorFile {
		err = fmt.Errorf("%s: expected at most %d bytes", path, maxDoctorFile)
	}
	return text, err
}

// fix asks once, mends, and looks again.
func (c *doctorCommand) fix(env environment, in doctor.Input, report *doctor.Report) (*doctor.Report, error) {
	mend := report.Mend()
	mend.Apply = mend.Apply && in.Setup != nil
	if c.Config == "" {
		mend.Settings = nil
	}
	if mend.Nothing() {
		hint := ""
		if report.Mend().Apply && in.Setup == nil {
			hint = " Some are what okta apply owns: give the setup file with --okta."
		}
		fmt.Fprintln(env.stderr, "--fix can mend none of these."+hint)
		return report, nil
	}
	report.Print(env.stderr)
	fmt.Fprintln(env.stderr, "\n--fix would do this:")
	if len(mend.Settings) > 0 {
		edited, err := mend.PlanConfig(c.Config)
		if err != nil {
			return nil, err
		}
		for _, change := range edited {
			fmt.Fprintf(env.stderr, "  %s: %v -> %v (%s)\n", change.Key, orNothing(change.From), change.To, c.Config)
		}
	}
	var client *okta.Client
	var plan *okta.Plan
	if mend.Apply {
		credential, err := in.Setup.Credential()
		if err != nil {
			return nil, err
		}
		client = okta.NewClient(in.Setup.Okta.URL, credential)
		if plan, err = okta.MakePlan(env.ctx, in.Setup, client); err != nil {
			return nil, err
		}
		plan.Print(env.stderr, "apply")
	}
	if err := c.given(env, "This changes what is listed above."); err != nil {
		return nil, err
	}
	if len(mend.Settings) > 0 {
		if err := mend.EditConfig(c.Config); err != nil {
			return nil, err
		}
	}
	if client != nil {
		if _, err := okta.Apply(env.ctx, in.Setup, client, plan, progress(env.stderr)); err != nil {
			return nil, fmt.Errorf("%w\nWhat was done so far is remembered: portico okta apply goes on, undo takes it back", err)
		}
	}
	again, err := c.input(env)
	if err != nil {
		return nil, err
	}
	again.Token, again.Error = "", "" // they tell of the time before
	return doctor.Examine(env.ctx, again)
}

func orNothing(v any) any {
	if list, ok := v.([]string); ok {
		return strings.Join(list, " ")
	}
	if v == nil {
		return "(default)"
	}
	return v
}
