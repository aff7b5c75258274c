package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
	"unicode"

	"github.com/portico-iam/portico/internal/access"
	"github.com/portico-iam/portico/internal/app"
	"github.com/portico-iam/portico/internal/config"
	"github.com/portico-iam/portico/internal/fault"
	"github.com/portico-iam/portico/internal/file"
	"github.com/portico-iam/portico/internal/policy"
	"github.com/portico-iam/portico/internal/policyfile"
)

// policyFlags are common to both. The commands work on the store, beside a Portico that runs or does not.
type policyFlags struct {
	Config string `required:"" type:"path" placeholder:"FILE" help:"Portico's configuration."`
}

func (f *policyFlags) open(env environment) (*app.Tools, error) {
	cfg, err := config.LoadFile(f.Config, env.environ)
	if err != nil {
		return nil, err
	}
	return app.OpenTools(env.ctx, cfg, time.Now, newLogger(env.stderr, config.Observability{LogLevel: "warn"}))
}

type exportCommand struct {
	policyFlags
	Output string `type:"path" placeholder:"FILE" help:"Write there (default: standard output)."`
}

func (c *exportCommand) Run(env environment) error {
	tools, err := c.open(env)
	if err != nil {
		return err
	}
	defer tools.Close()
	var text bytes.Buffer
	if err := policyfile.Write(&text, tools.Policy.Snapshot()); err != nil {
		return err
	}
	if c.Output == "" {
		_, err := env.stdout.Write(text.Bytes())
		return err
	}
	return file.Replace(c.Output, text.Bytes(), 0o644)
}

type importCommand struct {
	policyFlags
	File   string `arg:"" type:"path" help:"The file, as portico export writes it; - for standard input."`
	DryRun bool   `help:"Show what would change, and for whom, and change nothing."`
	JSON   bool   `name:"json" help:"Report as JSON."`

	OverrideFourEyes bool `help:"Change also what a second administrator would have to approve. The history records it."`
	consent
}

// importReport is what --json prints.
type importReport struct {
	Changes           importCounts       `json:"changes"`
	People            []affectedReport   `json:"people"`
	Groups            []affectedReport   `json:"groups"`
	Later             []laterReport      `json:"later,omitempty"`
	Unmet             []policyfile.Unmet `json:"unmet"`
	LastAdministrator bool               `json:"lastAdministrator"`
	FourEyes          []string           `json:"fourEyes"` // organisations for which it needs a second administrator
	Applied           bool               `json:"applied"`
	Mapping           int64              `json:"mapping"`
}

// laterReport is what an end takes away when it comes.
type laterReport struct {
	Date   time.Time        `json:"date"`
	People []affectedReport `json:"people"`
	Groups []affectedReport `json:"groups"`
}

type importCounts struct {
	RolesWritten  int `json:"rolesWritten"`
	RolesDeleted  int `json:"rolesDeleted"`
	AccessWritten int `json:"accessWritten"`
	AccessDeleted int `json:"accessDeleted"`
	FourEyes      int `json:"fourEyes"` // organisations that demand a second administrator from now on, or no longer
}

type affectedReport struct {
	Who    string           `json:"who"`
	Places []affectedPlaces `json:"places"`
}

type affectedPlaces struct {
	Organisation string   `json:"organisation,omitempty"`
	Gained       []string `json:"gained"`
	Lost         []string `json:"lost"`
}

func (c *importCommand) Run(env environment) error {
	f, err := c.read(env.stdin)
	if err != nil {
		return err
	}
	tools, err := c.open(env)
	if err != nil {
		return err
	}
	defer tools.Close()
	now := tools.Policy.Snapshot()
	change, err := f.Change(now)
	if err != nil {
		return fmt.Errorf("%s: nothing was changed:\n%w", c.File, err)
	}
	preview, err := tools.Policy.Preview(env.ctx, nil, change)
	if err != nil {
		return plainly(err, "; nothing was changed")
	}
	report := importReport{
		Changes: importCounts{len(change.PutRoles), len(change.DeleteRoles), len(change.PutIAMRoles), len(change.DeleteIAMRoles), len(change.FourEyes)},
		People:  affectedOf(now, preview.People), Groups: affectedOf(now, preview.Groups), Unmet: []policyfile.Unmet{},
		LastAdministrator: preview.LastAdministrator, FourEyes: []string{}, Mapping: preview.Version,
	}
	for _, org := range preview.Demanding {
		report.FourEyes = append(report.FourEyes, placeName(now, org))
	}
	for _, end := range preview.Later {
		report.Later = append(report.Later, laterReport{end.At, affectedOf(now, end.People), affectedOf(now, end.Groups)})
	}
	if report.Unmet, err = c.unmet(env, tools, f, change); err != nil {
		return err
	}
	if !c.JSON {
		report.print(env.stdout)
	}
	err = c.apply(env, tools, f, &report)
	if c.JSON {
		err = errors.Join(err, printJSON(env.stdout, report))
	}
	return err
}

func (c *importCommand) read(stdin io.Reader) (*policyfile.File, error) {
	text, err := readBounded(c.File, policyfile.MaxSize, stdin)
	if err != nil {
		return nil, err
	}
	f, err := policyfile.Parse(text)
	if err != nil {
		return nil, fmt.Errorf("%s: nothing was changed: %w", c.File, err)
	}
	return f, nil
}

func (c *importCommand) unmet(env environment, tools *app.Tools, f *policyfile.File, change access.Change) ([]policyfile.Unmet, error) {
	after, err := tools.Policy.Snapshot().After(change)
	if err != nil {
		return nil, err
	}
	people, err := tools.Policy.Seen(env.ctx)
	if err != nil {
		return nil, err
	}
	unmet, err := f.Check(after, people, tools.Policy.Bootstrap.Issuer)
	if err != nil {
		return nil, fmt.Errorf("%s: nothing was changed: %w", c.File, err)
	}
	return append([]policyfile.Unmet{}, unmet...), nil
}

func (c *importCommand) apply(env environment, tools *app.Tools, f *policyfile.File, report *importReport) error {
	switch {
	case len(report.Unmet) > 0:
		return fmt.Errorf("nothing was changed: %d of %d expectations would not hold", len(report.Unmet), len(f.Expect))
	case report.LastAdministrator:
		return errors.New("nothing was changed: after this nobody who was seen in the last 90 days could administer; map a role with the whole administration to another IAM role first, and let one of its people sign in")
	case report.Changes == importCounts{}:
		report.Applied = !c.DryRun
		return nil
	case len(report.FourEyes) > 0 && !c.OverrideFourEyes:
		return fmt.Errorf("nothing was changed: a second administrator must approve it for %s; ask for it in the Desk, or by the API with x-portico-request, or override that as the operator of this machine with --override-four-eyes, which the history records",
			strings.Join(report.FourEyes, ", "))
	case c.DryRun:
		return nil
	}
	if err := c.given(env, "This makes roles and access as the file says."); err != nil {
		return err
	}
	version, err := tools.Policy.Import(env.ctx, operator(), c.OverrideFourEyes, func(now *access.Snapshot) (access.Change, error) {
		if now.Version() != report.Mapping {
			return access.Change{}, fault.StalePreview.New("nothing was changed: roles, access or organisations were changed since they were read; run it again")
		}
		return f.Change(now)
	})
	if err != nil {
		return plainly(err, "")
	}
	report.Applied, report.Mapping = true, version
	if !c.JSON {
		fmt.Fprintln(env.stdout, "\nDone. A Portico that runs decides by it within a second.")
	}
	return nil
}

func affectedOf(s *access.Snapshot, all []policy.Affected) []affectedReport {
	reports := make([]affectedReport, 0, len(all))
	for _, a := range all {
		r := affectedReport{Who: fmt.Sprintf("IAM role %q", a.IAMRole)}
		if p := a.Person; p != nil {
			r.Who = printable(p.DisplayName())
			if p.Login != "" && p.Login != p.DisplayName() {
				r.Who += " (" + printable(p.Login) + ")"
			}
		}
		for _, e := range a.Effects {
			place := affectedPlaces{Gained: e.Gained.Names(), Lost: e.Lost.Names()}
			if e.Organisation != access.System {
				place.Organisation = placeName(s, e.Organisation)
			}
			r.Places = append(r.Places, place)
		}
		reports = append(reports, r)
	}
	return reports
}

func placeName(s *access.Snapshot, org access.OrganisationID) string {
	if o := s.Organisation(org); o != nil {
		return o.Name
	}
	return string(org)
}

// printable keeps what the identity provider says of people from steering the terminal.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) {
			return unicode.ReplacementChar
		}
		return r
	}, s)
}

func (r *importReport) print(w io.Writer) {
	if r.Changes == (importCounts{}) {
		fmt.Fprintln(w, "Roles and access are as the file says.")
	} else {
		fmt.Fprintf(w, "Roles: %d written, %d deleted. Access: %d written, %d deleted.\n", r.Changes.RolesWritten, r.Changes.RolesDeleted, r.Changes.AccessWritten, r.Changes.AccessDeleted)
		if r.Changes.FourEyes > 0 {
			fmt.Fprintf(w, "Second administrator: demanded from now on, or no longer, by %d organisations.\n", r.Changes.FourEyes)
		}
		fmt.Fprintln(w, "\nWho gains and who loses (people seen in the last 90 days, then whoever carries an IAM role):")
	}
	printAffected(w, append(r.People, r.Groups...))
	if r.Changes != (importCounts{}) && len(r.People)+len(r.Groups) == 0 {
		fmt.Fprintln(w, "  nobody")
	}
	for _, end := range r.Later {
		fmt.Fprintf(w, "\nWhen it ends on %s:\n", end.Date.UTC().Format("2006-01-02 15:04:05 MST"))
		printAffected(w, append(end.People, end.Groups...))
	}
	if len(r.FourEyes) > 0 {
		fmt.Fprintf(w, "\nA second administrator must approve this for: %s\n", strings.Join(r.FourEyes, ", "))
	}
	for _, u := range r.Unmet {
		fmt.Fprintf(w, "\nNot met: %s\n  %s\n", u.Expectation, u.Why)
	}
}

func printAffected(w io.Writer, all []affectedReport) {
	for _, a := range all {
		for _, p := range a.Places {
			place := "the whole system"
			if p.Organisation != "" {
				place = p.Organisation
			}
			for _, effect := range []struct {
				mark string
				set  []string
			}{{"-", p.Lost}, {"+", p.Gained}} {
				if len(effect.set) > 0 {
					fmt.Fprintf(w, "  %s %s in %s: %s\n", effect.mark, a.Who, place, strings.Join(effect.set, " "))
				}
			}
		}
	}
}
