package doctor

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
)

// Print writes the report for people: the likeliest root first.
func (r *Report) Print(w io.Writer) {
	if r.UnknownError {
		fmt.Fprint(w, "The error text is none that is known here. Give the whole page or log line, and a configuration or a token beside it.\n\n")
	}
	for i, v := range r.Findings {
		if i > 0 {
			fmt.Fprintln(w)
		}
		row := ""
		if v.Row > 0 {
			row = fmt.Sprintf(" [row %d]", v.Row)
		}
		fmt.Fprintf(w, "%d. %s%s\n", i+1, v.What, row)
		for _, line := range [][2]string{
			{"seen", v.Seen},
			{"nearly", v.Near},
			{"set", v.Setting},
			{"console", v.Console},
			{"call", v.Call},
			{"explains", strings.Join(v.covers, " ")},
			{"fix", v.fix()},
		} {
			if line[1] != "" {
				fmt.Fprintf(w, "   %-9s %s\n", line[0]+":", line[1])
			}
		}
	}
	switch {
	case len(r.Findings) > 0:
	case len(r.Notes) > 0:
		fmt.Fprintln(w, "Nothing wrong was found in what was looked at.")
	case !r.UnknownError:
		fmt.Fprintln(w, "Nothing wrong was found.")
	}
	for _, note := range r.Notes {
		fmt.Fprintf(w, "\nNote: %s\n", note)
	}
}

// fix says whether --fix mends it, and what that changes.
func (v *Finding) fix() string {
	by := map[string]string{fixApply: "--fix mends this, by portico okta apply:", fixConfig: "--fix mends this in our configuration:"}[v.Fix]
	if by == "" {
		return strings.Join(v.How, "; ")
	}
	return strings.Join(append([]string{by}, v.How...), "\n             - ")
}

// JSON writes the report for programs.
func (r *Report) JSON(w io.Writer) error {
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	return encoder.Encode(r)
}
