package doctor_test

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/portico-iam/portico/internal/doctor"
)

// injected is a fault in an otherwise healthy world, and what the doctor must name first.
type injected struct {
	row     int
	want    string // the finding
	name    string
	profile string // "" = licensed
	near    string // what it must say that it was nearly
	set     string // what the setting must have
	inject  func(*bed)
}

// outcome is what it did name.
type outcome struct {
	injected
	got    string
	gotRow int
	also   int
}

func (o outcome) right() bool { return o.got == o.want && o.gotRow == o.row }

const (
	atLeast = 100 // faults
	share   = 0.95
	rows    = 55 // of the catalogue
)

// TestScore injects every fault and counts the first findings that are right. make doctor-score prints the table.
func TestScore(t *testing.T) {
	faults := slices.Concat(probeFaults, clientFaults, policyFaults, claimFaults, tokenFaults, managementFaults, gatewayFaults, toldFaults, idTokenFaults, newcomerFaults, secondFaults, combined)
	if len(faults) < atLeast {
		t.Fatalf("%d faults, expected %d at least", len(faults), atLeast)
	}
	covered := map[int]bool{}
	var mu sync.Mutex
	var outcomes []outcome
	t.Run("faults", func(t *testing.T) {
		for _, f := range faults {
			covered[f.row] = true
			t.Run(fmt.Sprintf("%d %s", f.row, f.name), func(t *testing.T) {
				t.Parallel()
				profile := f.profile
				if profile == "" {
					profile = "licensed"
				}
				b := newBed(t, profile)
				f.inject(b)
				report := b.examine()
				o := outcome{injected: f}
				if len(report.Findings) > 0 {
					o.got, o.gotRow, o.also = report.Findings[0].ID, report.Findings[0].Row, len(report.Findings)-1
				}
				showsNoSecret(b, report)
				if f.near != "" && o.right() && !strings.Contains(report.Findings[0].Near, f.near) {
					t.Errorf("the near miss is told as %q, expected %q", report.Findings[0].Near, f.near)
				}
				if f.set != "" && o.right() && !strings.Contains(report.Findings[0].Setting, f.set) {
					t.Errorf("to be set is %q, expected %q", report.Findings[0].Setting, f.set)
				}
				mu.Lock()
				defer mu.Unlock()
				outcomes = append(outcomes, o)
				if !o.right() {
					t.Errorf("expected %s, got %q: %+v", f.want, o.got, report.Findings) // it was right once
				}
			})
		}
	})
	for row := 1; row <= rows; row++ {
		if !covered[row] {
			t.Errorf("no fault of row %d", row)
		}
	}
	right := 0
	for _, o := range outcomes {
		if o.right() {
			right++
		}
	}
	if os.Getenv("DOCTOR_SCORE") != "" { // make doctor-score
		print(outcomes, right)
	}
	if float64(right) < share*float64(len(outcomes)) || len(outcomes) != len(faults) {
		t.Errorf("%d of %d first findings are right, expected %.0f %%", right, len(faults), 100*share)
	}
}

// showsNoSecret looks for every secret that was about in what is printed.
func showsNoSecret(b *bed, report *doctor.Report) {
	b.Helper()
	var out strings.Builder
	report.Print(&out)
	if err := report.JSON(&out); err != nil {
		b.Error(err)
	}
	w := b.World()
	secrets := []string{w.APIToken, w.WebClient.Secret, b.cfg.IAM.ClientSecret.Reveal(), strings.TrimSpace(b.in.Token)}
	for _, name := range []string{"access_token", "id_token", "refresh_token"} {
		secrets = append(secrets, part(b.in.Token, name))
	}
	if i := strings.LastIndex(b.in.Token, "."); i > 0 {
		secrets = append(secrets, b.in.Token[i+1:])
	}
	for _, secret := range secrets {
		if len(secret) > 3 && strings.Contains(out.String(), secret) {
			b.Errorf("a secret is printed: %s", out.String())
		}
	}
}

func print(outcomes []outcome, right int) {
	slices.SortStableFunc(outcomes, func(a, b outcome) int {
		if a.row != b.row {
			return a.row - b.row
		}
		return strings.Compare(a.name, b.name)
	})
	fmt.Fprintf(os.Stdout, "%-4s %-8s %-20s %-20s %s\n", "row", "", "expected first", "first", "fault (further findings)")
	for _, o := range outcomes {
		verdict := "ok"
		if !o.right() {
			verdict = "WRONG"
		}
		fmt.Fprintf(os.Stdout, "%-4d %-8s %-20s %-20s %s (%d)\n", o.row, verdict, o.want, o.got, o.name, o.also)
	}
	fmt.Fprintf(os.Stdout, "score: %d of %d first findings are right, %.1f %%\n", right, len(outcomes), 100*float64(right)/float64(len(outcomes)))
}
