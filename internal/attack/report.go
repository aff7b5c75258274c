package attack

import (
	"encoding/json"
	"fmt"
	"io"
)

// JSON writes the report for programs.
func (r *Report) JSON(w io.Writer) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(r)
}

// Print writes the report for people.
func (r *Report) Print(w io.Writer) {
	requests, tried := 0, 0
	for _, result := range r.Results {
		requests += result.Requests
		word := "held"
		switch {
		case len(result.Findings) > 0:
			word = "WEAK"
		case result.Skipped != "":
			word = "not tried"
		case result.Limited > 0: // nobody was let in, and nobody can tell why
			word = "not told"
			result.Skipped = fmt.Sprintf("%d of %d requests were answered 429: wait, and try again", result.Limited, result.Requests)
		}
		if word != "not tried" && word != "not told" {
			tried++
		}
		fmt.Fprintf(w, "%-10s %s  %s\n", word, result.ID, result.Title)
		if result.Skipped != "" {
			fmt.Fprintf(w, "           %s\n", result.Skipped)
		}
		const most = 5
		for i, f := range result.Findings {
			if i == most {
				fmt.Fprintf(w, "           … and %d more (--json shows all)\n", len(result.Findings)-most)
				break
			}
			fmt.Fprintf(w, "           %s\n             seen: %s\n             do:   %s\n", f.Weakness, f.Evidence, f.Fix)
		}
	}
	fmt.Fprintf(w, "\n%d of %d probes tried with %d requests against %s; weaknesses found: %d\n", tried, len(r.Results), requests, r.Target, r.Weak())
}
