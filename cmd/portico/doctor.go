package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/portico-iam/portico/internal/config"
	"github.com/portico-iam/portico/internal/doctor"
	"github.com/portico-iam/portico/internal/file"
	"github.com/portico-iam/portico/internal/okta"
)

type doctorCommand struct {
	Config  string `type:"path" placeholder:"FILE" help:"Our configuration."`
	Token   string `type:"path" placeholder:"FILE" help:"A token, or the token endpoint's whole answer; - for standard input."`
	Error   string `placeholder:"TEXT" help:"An error that somebody saw: page, log line, address or words."`
	User    string `placeholder:"LOGIN" help:"The person it is about."`
	Okta    string `type:"path" placeholder:"FILE" help:"The setup file with a credential for the Management API, which is only read."`
	Gateway string `type:"path" placeholder:"FILE" help:"Configuration of APISIX, OAuth2-Proxy, Apache, Grafana or Argo CD."`
	Offline bool   `help:"Ask nobody anything."`
	Fix     bool   `help:"Mend what is marked so, after asking: lines of our configuration, and what okta apply owns. Looks again afterwards."`
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
	in := doctor.Input{Error: c.Error, Login: c.User, Offline: c.Offline, Now: time.Now, ConfigPath: c.Config, Environ: env.environ}
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
	token, err := c.readGiven("--token", "token", c.Token, env.stdin)
	if err != nil {
		return in, err
	}
	in.Token = string(token)
	if in.Gateway, err = c.readGiven("--gateway", "gateway's file", c.Gateway, env.stdin); err != nil {
		return in, err
	}
	if c.Okta != "" {
		if _, err := os.Stat(c.Okta); err != nil { // else its faults may be what is being looked for
			return in, fmt.Errorf("setup file: %w", err)
		}
		setup, err := okta.LoadSetup(c.Okta, env.environ)
		if err != nil {
			in.SetupFault = err.Error()
		}
		in.Setup = setup
	}
	return in, nil
}

// readGiven reads what a flag names. What is empty would be looked at in vain, and be called right.
func (c *doctorCommand) readGiven(flag, what, path string, stdin io.Reader) ([]byte, error) {
	if path == "" {
		return nil, nil
	}
	text, err := readBounded(path, maxDoctorFile, stdin)
	if err == nil && len(bytes.TrimSpace(text)) == 0 {
		err = fmt.Errorf("the %s is empty: expected one in %s %s", what, flag, path)
	}
	return text, err
}

func readBounded(path string, most int64, stdin io.Reader) ([]byte, error) {
	if path == "-" {
		return file.Bounded(stdin, path, most)
	}
	return file.ReadBounded(path, most)
}
