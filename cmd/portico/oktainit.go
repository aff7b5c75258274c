package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"charm.land/huh/v2"
	"golang.org/x/term"

	"github.com/portico-iam/portico/internal/okta"
)

type oktaInitCommand struct {
	File       string `default:"okta.yaml" placeholder:"FILE" help:"The file to write (default okta.yaml)."`
	Accessible bool   `help:"Plain questions, one after the other, for screen readers and pipes."`
}

// Run asks what the setup file needs and writes it. Nothing is sent to Okta.
func (c *oktaInitCommand) Run(env environment) error {
	if _, err := os.Lstat(c.File); err == nil {
		return fmt.Errorf("%s is there already: edit it, or give another name with --file", c.File)
	}
	if in, ok := env.stdin.(*os.File); !c.Accessible && (!ok || !term.IsTerminal(int(in.Fd()))) {
		return errors.New("questions need a terminal: use --accessible for plain ones, or write the file by hand (docs/okta.md)")
	}
	var answers questions
	if err := answers.ask(c.asker(env)); err != nil {
		return fmt.Errorf("nothing was written: %w", err)
	}
	setup := answers.setup(c.File)
	if err := setup.Create(); err != nil {
		return err
	}
	fmt.Fprintf(env.stdout, "Wrote %s. Next, with an API token in OKTA_API_TOKEN:\n\n  portico okta plan --file %s\n", c.File, c.File)
	return nil
}

// asker shows some questions and waits for the answers.
type asker func(...huh.Field) error

func (c *oktaInitCommand) asker(env environment) asker {
	in := env.stdin
	if c.Accessible {
		in = byteReader{in}
	}
	return func(fields ...huh.Field) error {
		form := huh.NewForm(huh.NewGroup(fields...)).WithAccessible(c.Accessible).WithInput(in).WithOutput(env.stderr)
		return form.RunWithContext(env.ctx)
	}
}

// byteReader reads no further than it must: each plain question buffers for itself and would swallow the next answers.
type byteReader struct{ io.Reader }

func (r byteReader) Read(p []byte) (int, error) { return r.Reader.Read(p[:min(len(p), 1)]) }

// questions are the answers as they were typed.
type questions struct {
	oktaURL, publicURL, server, audience, claim, prefix, group, people, groups string
}

const (
	newServer     = "new"
	existingOrNew = "any"
	onlyPrefix    = "prefix"
)

func (q *questions) ask(ask asker) error {
	err := ask(
		huh.NewInput().Title("Your Okta organisation's address").Description("https://dev-12345.okta.com, without -admin").Value(&q.oktaURL).Validate(needed),
		huh.NewInput().Title("How browsers reach Portico").Description("https://desk.example.com").Value(&q.publicURL).Validate(needed),
		huh.NewSelect[string]().Title("Which authorization server?").Options(
			huh.NewOption("the one called default", "default"), huh.NewOption("a new one for Portico", newServer),
		).Value(&q.server),
	)
	if err == nil && q.server == newServer {
		err = ask(huh.NewInput().Title("Audience of the new server").Description("api://procivis-one").Value(&q.audience).Validate(needed))
	}
	if err == nil {
		err = ask(huh.NewSelect[string]().Title("Which groups shall be in the tokens?").Options(
			huh.NewOption("all groups (a roles claim that is there stays as it is)", existingOrNew), huh.NewOption("only groups whose name begins with certain letters", onlyPrefix),
		).Value(&q.claim))
	}
	if err == nil && q.claim == onlyPrefix {
		err = ask(huh.NewInput().Title("The beginning of their names").Description("the administrators' group is let through besides").Value(&q.prefix).Validate(needed))
	}
	if err == nil {
		err = ask(
			huh.NewInput().Title("Group of the first administrators").Description("empty for ONE_STS_ADMIN").Value(&q.group),
			huh.NewInput().Title("Who is in it? Logins, separated by commas").Value(&q.people),
			huh.NewInput().Title("Further groups that may sign in, separated by commas").Description("Everyone for everybody").Value(&q.groups),
		)
	}
	return err
}

func needed(text string) error {
	if strings.TrimSpace(text) == "" {
		return errors.New("please answer")
	}
	return nil
}

func (q *questions) setup(path string) *okta.Setup {
	s := okta.NewSetup(path)
	s.Okta.URL, s.PublicURL = strings.TrimSpace(q.oktaURL), strings.TrimSpace(q.publicURL)
	if q.server == newServer {
		s.AuthorizationServer = okta.AuthorizationServer{Name: "procivis", Audience: strings.TrimSpace(q.audience)}
	} else {
		s.AuthorizationServer.ID = q.server
	}
	if q.claim == onlyPrefix {
		s.Claim.StartsWith = strings.TrimSpace(q.prefix)
	}
	if group := strings.TrimSpace(q.group); group != "" {
		s.Bootstrap.Group = group
	}
	s.LetBootstrapThrough()
	s.Bootstrap.People, s.Application.Groups = split(q.people), split(q.groups)
	return s
}

func split(text string) (items []string) {
	for item := range strings.SplitSeq(text, ",") {
		if item = strings.TrimSpace(item); item != "" {
			items = append(items, item)
		}
	}
	return items
}
