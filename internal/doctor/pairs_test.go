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

// TestPairs injects two faults at once that have nothing to do with each other: one of them must come first, and with what
// mends it. What stays of both is not told by a third.
func TestPairs(t *testing.T) {
	var singles []injected
	for _, f := range slices.Concat(clientFaults, policyFaults, claimFaults, newcomerFaults, secondFaults) {
		alone := strings.HasPrefix(f.want, "told-") || strings.HasPrefix(f.want, "gateway-") || strings.Contains(f.name, "without credentials") || strings.Contains(f.name, "error")
		if f.profile == "" && !alone {
			singles = append(singles, f)
		}
	}
	var mu sync.Mutex
	right, wrong := 0, 0
	t.Run("pairs", func(t *testing.T) {
		for i, a := range singles {
			for _, b := range []injected{singles[(7*i+13)%len(singles)], singles[(11*i+29)%len(singles)]} {
				t.Run(a.name+" + "+b.name, func(t *testing.T) {
					t.Parallel()
					bed := newBed(t, "licensed")
					bed.pair = true
					a.inject(bed)
					b.inject(bed)
					report := bed.examine()
					got := ""
					if len(report.Findings) > 0 {
						got = report.Findings[0].ID
					}
					mu.Lock()
					defer mu.Unlock()
					if got == a.want || got == b.want {
						right++
						return
					}
					wrong++
					if os.Getenv("DOCTOR_SCORE") != "" {
						fmt.Printf("pair: %s (%s) + %s (%s): first is %q of %v\n", a.name, a.want, b.name, b.want, got, ids(report.Findings))
					}
				})
			}
		}
	})
	if os.Getenv("DOCTOR_SCORE") != "" {
		fmt.Printf("pairs: in %d of %d one of the two comes first\n", right, right+wrong)
	}
	if float64(right) < share*float64(right+wrong) || right < atLeast {
		t.Errorf("in %d of %d pairs one of the two comes first, expected %.0f %%", right, right+wrong, 100*share)
	}
}

func ids(found []doctor.Finding) (all []string) {
	for _, f := range found {
		all = append(all, f.ID)
	}
	return all
}
