package fault

import (
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"
)

func TestCodes(t *testing.T) {
	form := regexp.MustCompile(`^(BR|PT)_\d{4}$`)
	seen := map[string]bool{}
	last := map[string]string{}
	for _, c := range All {
		prefix := c.ID[:2]
		if !form.MatchString(c.ID) || seen[c.ID] || c.ID <= last[prefix] {
			t.Errorf("%s: malformed, not unique or out of order", c.ID)
		}
		seen[c.ID], last[prefix] = true, c.ID
		if c.Status < 400 || c.Status > 599 || http.StatusText(c.Status) == "" {
			t.Errorf("%s has the status %d", c.ID, c.Status)
		}
		if c.Message == "" || strings.HasSuffix(c.Message, ".") || strings.ContainsAny(c.Message, "%\n") {
			t.Errorf("%s says %q", c.ID, c.Message)
		}
	}
	if len(All) < 25 {
		t.Errorf("%d codes are listed", len(All))
	}
}

// The statuses that callers rely on, as the specifications name them.
func TestStatuses(t *testing.T) {
	for c, want := range map[*Code]int{
		Internal: 500, InvalidInput: 400, OrganisationMissing: 400, Forbidden: 403, OrganisationNotChosen: 400, HistoryEntryMissing: 404,
		Unauthenticated: 401, NotFound: 404, MethodNotAllowed: 405, NameTaken: 409, StillMapped: 409, LostUpdate: 412, TooLarge: 413,
		NotJSON: 415, TooMany: 429, CoreUnavailable: 502, Unavailable: 503, CoreTimeout: 504, CrossOrigin: 403, AmbiguousPath: 400,
		InsufficientMethod: 428,
	} {
		if c.Status != want {
			t.Errorf("%s: got %d, want %d", c.ID, c.Status, want)
		}
	}
}

func TestOfAndIs(t *testing.T) {
	plain := errors.New("disk full")
	refused := NotFound.New("there is no role %d", 7)
	for _, c := range []struct {
		rule string
		err  error
		want *Code
	}{
		{"a fault", refused, NotFound},
		{"a wrapped fault", fmt.Errorf("open: %w", refused), NotFound},
		{"a joined fault", errors.Join(plain, refused), NotFound},
		{"a fault that another caused", Unavailable.New("later").Because(refused), Unavailable},
		{"another error", plain, Internal},
		{"a wrapped error", fmt.Errorf("open: %w", plain), Internal},
		{"none", nil, Internal},
	} {
		got := Of(c.err)
		if got.Code != c.want {
			t.Errorf("%s: got %s, want %s", c.rule, got.Code.ID, c.want.ID)
		}
		isFault := c.err != nil && !strings.HasSuffix(c.rule, "error")
		if c.want.Is(c.err) != isFault || TooMany.Is(c.err) {
			t.Errorf("%s: Is says %v", c.rule, c.want.Is(c.err))
		}
		if c.err != nil && !isFault && !errors.Is(got, plain) {
			t.Errorf("%s: the cause is lost", c.rule)
		}
	}
}

func TestTheCauseIsForTheLogOnly(t *testing.T) {
	cause := errors.New("password=hunter2")
	f := InvalidInput.New("expected %s, got %q", "a name", "").At("name").Because(cause)
	if f.Detail != `expected a name, got ""` || f.Field != "name" || strings.Contains(f.Detail+f.Code.Message, "hunter2") {
		t.Errorf("got %+v", f)
	}
	if want := `BR_0084: expected a name, got "": password=hunter2`; f.Error() != want || errors.Unwrap(f) != cause {
		t.Errorf("got %s", f.Error())
	}
	if strings.Contains(Of(cause).Detail, "hunter2") {
		t.Error("an error of unknown kind is shown")
	}
	if a, b := NotFound.New("a"), NotFound.New("b"); a == b || a.Detail == b.Detail {
		t.Error("two faults share what they say")
	}
}
