package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/portico-iam/portico/internal/config"
	"github.com/portico-iam/portico/internal/doctor"
	"github.com/portico-iam/portico/internal/iam"
	"github.com/portico-iam/portico/internal/okta"
)

type oktaVerifyCommand struct {
	oktaFlags
	SignIn       string `placeholder:"LOGIN" help:"Sign this person in once, by password, and say which roles came out of it."`
	PasswordFile string `type:"path" placeholder:"FILE" help:"The person's password."`
}

// Validate finds wrong usage before anything runs.
func (c *oktaVerifyCommand) Validate() error {
	if (c.SignIn == "") != (c.PasswordFile == "") {
		return errors.New("--sign-in and --password-file belong together")
	}
	return nil
}

// verification is the outcome of verify.
type verification struct {
	Differences []okta.Step      `json:"differences"` // from what the setup file says
	Findings    []doctor.Finding `json:"findings"`
	Notes       []string         `json:"notes,omitempty"` // what is not as the setup file says, and not apply's to change
	SignIn      *signedIn        `json:"signIn,omitempty"`
}

type signedIn struct {
	Login  string   `json:"login"`
	Name   string   `json:"name,omitempty"`
	Roles  []string `json:"roles"`
	Admin  bool     `json:"administrator"`
	Failed string   `json:"failed,omitempty"`
}

func (v *verification) fine() bool {
	return len(v.Differences) == 0 && len(v.Findings) == 0 && (v.SignIn == nil || v.SignIn.Failed == "")
}

// believe takes what Okta does not show for done when a sign-in brought roles.
func (v *verification) believe() {
	if len(v.SignIn.Roles) > 0 {
		v.Differences = slices.DeleteFunc(v.Differences, func(s okta.Step) bool { return s.Unseen })
	}
}

// Run reads back what apply made, asks what everybody may ask, and signs somebody in where that is wanted.
func (c *oktaVerifyCommand) Run(env environment) error {
	var password []byte
	if c.SignIn != "" { // before anything else is waited for
		var err error
		if password, err = os.ReadFile(c.PasswordFile); err != nil {
			return fmt.Errorf("--password-file: %w", err)
		}
	}
	setup, client, err := c.open(env)
	if err != nil {
		return err
	}
	cfg, err := config.LoadFile(setup.Output.Config, env.environ)
	if errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("there is no %s: portico okta apply writes it", setup.Output.Config)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", setup.Output.Config, err)
	}
	plan, err := okta.MakePlan(env.ctx, setup, client)
	if err != nil {
		return err
	}
	report, err := doctor.Examine(env.ctx, doctor.Input{Config: cfg, Setup: setup, Now: time.Now})
	if err != nil {
		return err
	}
	v := &verification{
		Differences: slices.DeleteFunc(plan.Steps, func(s okta.Step) bool { return s.Action == okta.Keep }),
		Findings:    report.Findings,
		Notes:       plan.Notes,
	}
	if c.SignIn != "" {
		v.SignIn = c.try(env.ctx, setup, cfg, strings.TrimRight(string(password), "\r\n"))
		v.believe()
	}
	if err := c.print(env, v); err != nil {
		return err
	}
	if !v.fine() {
		return errors.New("not everything is as it should be")
	}
	return nil
}

func (c *oktaVerifyCommand) try(ctx context.Context, setup *okta.Setup, cfg *config.Config, password string) *signedIn {
	s := &signedIn{Login: c.SignIn, Roles: []string{}}
	connection, err := iam.Connect(cfg, time.Now, slog.New(slog.DiscardHandler))
	if err != nil {
		s.Failed = err.Error()
		return s
	}
	defer func() { _ = connection.Close() }()
	p, err := okta.SignIn(ctx, setup.Okta.URL, connection.Client, c.SignIn, password)
	if err != nil {
		s.Failed = err.Error()
		return s
	}
	s.Name, s.Roles = p.DisplayName(), append(s.Roles, p.IAMRoles...)
	s.Admin = slices.Contains(p.IAMRoles, cfg.STS.IAM.AdminRole)
	if !s.Admin && slices.ContainsFunc(setup.Bootstrap.People, func(login string) bool { return strings.EqualFold(login, s.Login) }) {
		s.Failed = fmt.Sprintf("signed in, but may not administer: expected the role %s, for bootstrap.people names this login; got %s. See that the group of that name has them as a member, and that the claim %s lets it through",
			cfg.STS.IAM.AdminRole, s.roles(), cfg.STS.IAM.RolePath)
	}
	return s
}

func (c *oktaVerifyCommand) print(env environment, v *verification) error {
	if c.JSON {
		encoder := json.NewEncoder(env.stdout)
		encoder.SetIndent("", "  ")
		return encoder.Encode(v)
	}
	w := env.stdout
	for _, s := range v.Differences {
		if s.Action == okta.ByHand {
			fmt.Fprintln(w, "left     One thing is left to you in Okta's console:")
			s.Print(w)
			continue
		}
		fmt.Fprintf(w, "differs  %s: run portico okta apply\n", s.Title)
	}
	if len(v.Differences) == 0 {
		fmt.Fprintln(w, "fine     Okta and the configuration are as the setup file says.")
	}
	for _, note := range v.Notes {
		fmt.Fprintf(w, "note     %s\n", note)
	}
	if len(v.Findings) > 0 {
		for i := range v.Findings {
			v.Findings[i].Fix, v.Findings[i].How = "", nil // they are of another command
		}
		(&doctor.Report{Findings: v.Findings}).Print(w)
	} else {
		fmt.Fprintln(w, "fine     Discovery, keys, redirect URI, client secret and clock.")
	}
	switch s := v.SignIn; {
	case s == nil:
	case s.Failed != "":
		fmt.Fprintf(w, "failed   Signing in as %s: %s\n", s.Login, s.Failed)
	case s.Admin:
		fmt.Fprintf(w, "fine     %s signed in as %s and may administer; roles: %s.\n", s.Login, s.Name, s.roles())
	default:
		fmt.Fprintf(w, "fine     %s signed in as %s; roles: %s.\n", s.Login, s.Name, s.roles())
	}
	return nil
}

func (s *signedIn) roles() string { return cmp.Or(strings.Join(s.Roles, ", "), "none") }
