package main

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"golang.org/x/term"

	"github.com/portico-iam/portico/internal/okta"
)

type oktaInitCommand struct {
	File       string `default:"okta.yaml" placeholder:"FILE" help:"The file to write (default okta.yaml)."`
	Accessible bool   `help:"Plain questions, one after the other, for screen readers; so it is anyway where the answers come through a pipe."`
}

// Run asks what the setup file needs and writes it. Nothing is sent to Okta.
func (c *oktaInitCommand) Run(env environment) error {
	if _, err := os.Lstat(c.File); err == nil {
		return fmt.Errorf("%s is there already: edit it, or give another name with --file", c.File)
	}
	ask := asLines(env.ctx, env.stdin, env.stderr)
	if in, ok := env.stdin.(*os.File); ok && !c.Accessible && term.IsTerminal(int(in.Fd())) {
		ask = asForm(env.ctx, env.stdin, env.stderr)
	}
	var answers questions
	if err := answers.ask(ask); err != nil {
		return fmt.Errorf("nothing was written: %w", err)
	}
	if err := answers.setup(c.File).Create(); err != nil {
		return err
	}
	fmt.Fprintf(env.stdout, "Wrote %s. Next, with an API token in OKTA_API_TOKEN:\n\n  portico okta plan --file %s\n", c.File, c.File)
	return nil
}

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
		question{title: "Your Okta organisation's address", hint: "such as https://dev-12345.okta.com, without -admin", answer: &q.oktaURL, check: q.judged("okta.url")},
		question{title: "How browsers reach Portico", hint: "such as https://desk.example.com", answer: &q.publicURL, check: q.judged("publicUrl")},
		question{title: "Which authorization server?", answer: &q.server, usual: "default", options: []option{
			{"the one called default", "default"}, {"a new one for Portico", newServer}, {"the organisation's own: it has no API Access Management", okta.OrgServer},
		}},
	)
	if err == nil && q.server == newServer {
		err = ask(question{title: "Audience of the new server", answer: &q.audience, usual: "api://procivis-one", check: q.judged("authorizationServer.audience")})
	}
	if err == nil {
		err = ask(question{title: "Which groups shall be in the tokens?", answer: &q.claim, usual: existingOrNew, options: []option{
			{"all groups, Everyone too (a roles claim that is there stays as it is)", existingOrNew}, {"only groups whose name begins with certain letters", onlyPrefix},
		}})
	}
	if err == nil && q.claim == onlyPrefix {
		err = ask(question{title: "The beginning of their names", hint: "the administrators' group is let through besides", answer: &q.prefix, check: func(answer string) error {
			if answer == "" {
				return errors.New("expected the letters that the names of the groups begin with, got none")
			}
			return nil
		}})
	}
	if err == nil {
		err = ask(
			question{title: "Group of the first administrators", answer: &q.group, usual: okta.NewSetup("").Bootstrap.Group, check: q.judged("bootstrap.group")},
			question{title: "Who is in it? Logins, separated by commas", hint: "nothing for whoever is in it already", answer: &q.people, check: q.judged("bootstrap.people")},
			question{title: "Further groups that may sign in, separated by commas", hint: "Everyone for everybody, nothing for none", answer: &q.groups, check: q.judged("application.groups")},
		)
	}
	return err
}

// judged makes the check of the answer that becomes a key of the setup file: what plan would say of it is said at once.
func (q *questions) judged(key string) func(string) error {
	return func(answer string) error {
		given := *q
		*map[string]*string{
			"okta.url": &given.oktaURL, "publicUrl": &given.publicURL, "authorizationServer.audience": &given.audience,
			"bootstrap.group": &given.group, "bootstrap.people": &given.people, "application.groups": &given.groups,
		}[key] = answer
		return given.setup("").Fault(key)
	}
}

func (q *questions) setup(path string) *okta.Setup {
	s := okta.NewSetup(path)
	s.Okta.URL, s.PublicURL = q.oktaURL, q.publicURL
	if q.server == newServer {
		s.AuthorizationServer = okta.AuthorizationServer{Name: "procivis", Audience: q.audience}
	} else {
		s.AuthorizationServer.ID = q.server
	}
	if q.claim == onlyPrefix {
		s.Claim.StartsWith = q.prefix
	}
	if q.group != "" {
		s.Bootstrap.Group = q.group
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
