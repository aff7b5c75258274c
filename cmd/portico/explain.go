package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/portico-iam/portico/internal/access"
	"github.com/portico-iam/portico/internal/app"
	"github.com/portico-iam/portico/internal/config"
	"github.com/portico-iam/portico/internal/explain"
	"github.com/portico-iam/portico/internal/httpx"
)

// explainCommand works on the store, beside a Portico that runs or does not.
type explainCommand struct {
	Config string `required:"" type:"path" placeholder:"FILE" help:"Portico's configuration."`
	JSON   bool   `name:"json" help:"Answer as JSON, as POST /api/sts/explain/v1 does."`

	Person    string   `xor:"who" placeholder:"LOGIN" help:"Somebody who was seen in the last 90 days: their login, or their subject."`
	Token     string   `xor:"who" type:"path" placeholder:"FILE" help:"A file with an access token of the identity provider; - for standard input. It is verified, and kept nowhere."`
	IAMRole   []string `name:"iam-role" xor:"who" sep:"none" placeholder:"NAME" help:"What a token would carry; may be repeated."`
	Reference string   `xor:"who" placeholder:"ID" help:"The reference of a refusal, which tells what and where too."`
	Issuer    string   `placeholder:"URL" help:"Of --person or --iam-role, where there are several."`

	Organisation string `placeholder:"NAME" help:"Where: an organisation's name or id (default: the whole system)."`
	Permission   string `xor:"what" placeholder:"NAME" help:"What: a permission, e.g. CREDENTIAL_ISSUE."`
	Route        string `xor:"what" placeholder:"ROUTE" help:"What: a route, e.g. 'POST /api/credential/v1' (default: everything)."`
	AsOf         string `placeholder:"TIME" help:"When: as roles and access were then, e.g. 2026-01-31T09:30:00Z (default: now)."`
}

func (c *explainCommand) Run(env environment) error {
	cfg, err := config.LoadFile(c.Config, env.environ)
	if err != nil {
		return err
	}
	tools, err := app.OpenTools(env.ctx, cfg, time.Now, newLogger(env.stderr, config.Observability{LogLevel: "warn"}))
	if err != nil {
		return err
	}
	defer tools.Close()
	q, err := c.question(tools.Policy.Snapshot(), env.stdin)
	if err != nil {
		return err
	}
	answer, err := tools.Explain.Answer(env.ctx, q)
	if err != nil {
		return inFlags(plainly(err, ""))
	}
	if c.JSON {
		return printJSON(env.stdout, answer)
	}
	printAnswer(env.stdout, &answer)
	return nil
}

func (c *explainCommand) question(snapshot *access.Snapshot, stdin io.Reader) (explain.Question, error) {
	q := explain.Question{IAMRoles: c.IAMRole, Issuer: c.Issuer, Permission: c.Permission, Route: c.Route}
	if c.Person != "" {
		q.Person, q.Issuer = &explain.Person{Login: c.Person, Issuer: c.Issuer}, ""
	}
	if c.Token != "" {
		token, err := readBounded(c.Token, 64<<10, stdin)
		if err != nil {
			return q, err
		}
		q.Token = strings.TrimSpace(string(token))
	}
	if c.Reference != "" {
		id, err := httpx.ParseUUID(c.Reference)
		if err != nil {
			return q, fmt.Errorf("--reference: %w", plainly(err, ""))
		}
		q.Reference = id
	}
	if c.AsOf != "" {
		asOf, err := explain.ParseAsOf(c.AsOf)
		if err != nil {
			return q, inFlags(plainly(err, ""))
		}
		q.AsOf = &asOf
	}
	if q.Person == nil && q.Token == "" && q.IAMRoles == nil && q.Reference == "" {
		return q, errors.New("whose access? Name --person, --token, --iam-role or --reference")
	}
	if c.Organisation == "" {
		return q, nil
	}
	for _, o := range snapshot.Organisations() {
		if o.Name == c.Organisation || string(o.ID) == strings.ToLower(c.Organisation) {
			if q.Organisation != "" {
				return q, fmt.Errorf("several organisations are called %q: name the id", c.Organisation)
			}
			q.Organisation = o.ID
		}
	}
	if q.Organisation == "" {
		return q, fmt.Errorf("there is no organisation %q", c.Organisation)
	}
	return q, nil
}

// inFlags says where a question is wrong by the flag instead of by the API's field.
func inFlags(err error) error {
	text := err.Error()
	for field, flag := range map[string]string{"organisationId": "--organisation", "iamRoles": "--iam-role", "person": "--person", "token": "--token", "reference": "--reference", "permission": "--permission", "route": "--route", "asOf": "--as-of"} {
		if rest, is := strings.CutPrefix(text, field+": "); is {
			return errors.New(flag + ": " + rest)
		}
	}
	return err
}

func printAnswer(w io.Writer, a *explain.Answer) {
	place := "the whole system"
	if a.Organisation != nil {
		place = a.Organisation.Name
	}
	verdict := "No"
	if a.Allowed {
		verdict = "Yes"
	}
	if a.AsOf != nil {
		fmt.Fprintf(w, "As of %s:\n", a.AsOf.At.Format(time.RFC3339Nano))
	}
	fmt.Fprintf(w, "%s. %s\n\n", verdict, a.Sentence)
	if a.Refusal != nil {
		fmt.Fprintf(w, "It was refused on %s: %s\n\n", stamp(a.Refusal.At), a.Refusal.Sentence)
	}
	if who := printable(cmp.Or(a.Who.Name, a.Who.Subject)); who != "" {
		fmt.Fprintf(w, "Who    %s (%s)\n", who, a.Who.Issuer)
	}
	if a.Who.SeenAt != nil {
		fmt.Fprintf(w, "Seen   %s\n", stamp(*a.Who.SeenAt))
	}
	if a.Route != "" {
		fmt.Fprintf(w, "Route  %s\n", a.Route)
	}
	if len(a.AnyOf) > 0 {
		fmt.Fprintf(w, "Needs  %s\n", strings.Join(a.AnyOf, " or "))
	}
	fmt.Fprintf(w, "Where  %s\n", place)
	fmt.Fprintf(w, "\nThe claim %s carries:\n", a.Who.RolePath)
	if len(a.Path) == 0 {
		fmt.Fprintln(w, "  no IAM role")
	}
	for _, step := range a.Path {
		fmt.Fprintf(w, "  %q %s\n", step.IAMRole, describe(step))
		for _, role := range step.Roles {
			fmt.Fprintf(w, "      role %q%s\n", role.Name, grantNote(role, len(a.AnyOf) == 0))
		}
	}
	for _, odd := range a.Who.Odd {
		fmt.Fprintf(w, "  Odd: %s\n", odd)
	}
	if len(a.Permissions) > 0 {
		fmt.Fprintln(w, "\nWhat they may do there:")
		for _, held := range a.Permissions {
			fmt.Fprintf(w, "  %s by %q\n", held.Permission, held.IAMRole)
		}
	}
	for _, o := range a.Elsewhere {
		fmt.Fprintf(w, "\nIt is granted in %s.\n", o.Name)
	}
	if len(a.Suggestions) > 0 {
		would := "would grant it"
		if a.AsOf != nil {
			would = "would have granted it"
		}
		fmt.Fprintf(w, "\nAny one of these %s:\n", would)
	}
	for _, g := range a.Suggestions {
		fmt.Fprintf(w, "  - %s\n", g.Sentence)
	}
	if a.AsOf != nil {
		fmt.Fprintln(w)
		for _, note := range a.AsOf.Notes {
			fmt.Fprintln(w, printable(note.String()))
		}
	}
}

func describe(s explain.Step) string {
	text := map[explain.State]string{
		explain.Grants: "grants it:", explain.Bootstrap: "is the first administrator's, which grants the administration only", explain.Here: "is mapped here to:",
		explain.Elsewhere: "is mapped, but not here", explain.Nearly: "is not mapped", explain.Unmapped: "is not mapped", explain.Ended: "was mapped here until",
	}[s.State]
	if s.Ended != nil {
		text += " " + s.Ended.UTC().Format("2006-01-02 15:04 MST")
	}
	for _, near := range s.Near {
		text += fmt.Sprintf("; %q is, which differs in case or blanks only", near)
	}
	for _, other := range s.Renamed {
		text += fmt.Sprintf("; was %q renamed? Nobody carries that any more", other)
	}
	return text
}

func grantNote(role explain.Role, everything bool) string {
	switch {
	case role.Restricted:
		return ", only where a service acts for a user"
	case everything:
		return ""
	case role.Grants:
		return ", which holds it"
	}
	return ", which does not hold it"
}
