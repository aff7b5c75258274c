package okta

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
)

// signs stand before a step, as readers of other plans know them.
var signs = map[Action]string{Keep: " ", Create: "+", Add: "+", Write: "+", Alter: "~", Revert: "~", Remove: "-"}

// Print writes the plan for people. verb is what it is a plan of, or "applied" and "undone" when it was carried out.
func (p *Plan) Print(w io.Writer, verb string) {
	for _, s := range p.Steps {
		fmt.Fprintf(w, "%s %s", signs[s.Action], s.Title)
		if s.Action == Keep {
			fmt.Fprint(w, ": as it should be")
		}
		fmt.Fprintln(w)
		for _, c := range s.Changes {
			if s.Action == Create || c.From == nil {
				fmt.Fprintf(w, "    %s: %s\n", c.Field, display(c.To))
			} else {
				fmt.Fprintf(w, "    %s: %s -> %s\n", c.Field, display(c.From), display(c.To))
			}
		}
		if s.Action != Keep && s.Console != "" {
			fmt.Fprintf(w, "    (in the console: %s)\n", s.Console)
		}
		if s.Danger != "" {
			fmt.Fprintf(w, "    DANGER: %s\n", s.Danger)
		}
	}
	for _, note := range p.Notes {
		fmt.Fprintf(w, "\nNote: %s\n", note)
	}
	fmt.Fprintln(w)
	p.summary(w, verb)
}

func (p *Plan) summary(w io.Writer, verb string) {
	count := 0
	for _, s := range p.Steps {
		if s.Action != Keep {
			count++
		}
	}
	switch {
	case verb == "undo" && count == 0:
		fmt.Fprintln(w, "Nothing to undo.")
	case verb == "undo":
		fmt.Fprintf(w, "%s to take back.\n", steps(count))
	case verb == "undone":
		fmt.Fprintf(w, "%s taken back.\n", steps(count))
	case verb == "apply" && count == 0:
		fmt.Fprintln(w, "No changes: Okta and the configuration are as they should be.")
	case verb == "apply":
		fmt.Fprintf(w, "%s to do. A service application needs the scopes %s.\n", steps(count), strings.Join(p.Scopes, ", "))
	default:
		if count == 0 {
			fmt.Fprint(w, "No changes were needed.\n\n")
		} else {
			fmt.Fprintf(w, "%s done.\n\n", steps(count))
		}
		p.Values.print(w)
	}
}

func steps(n int) string {
	if n == 1 {
		return "1 step"
	}
	return fmt.Sprintf("%d steps", n)
}

// print writes the guide's table.
func (v Values) print(w io.Writer) {
	table := tabwriter.NewWriter(w, 0, 0, 3, ' ', 0)
	for _, row := range [][2]string{
		{"Client ID", v.ClientID},
		{"Issuer URI", v.Issuer},
		{"OIDC Discovery URL", v.DiscoveryURL},
		{"sts.iam.tokenValidation.aud", v.Audience},
		{"sts.iam.rolePath", v.RolePath},
		{"sts.iam.adminRole", v.AdminRole},
	} {
		fmt.Fprintf(table, "  %s\t%s\n", row[0], row[1])
	}
	_ = table.Flush()
}
