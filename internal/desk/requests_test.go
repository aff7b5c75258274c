package desk

import (
	"errors"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/portico-iam/portico/internal/access"
	"github.com/portico-iam/portico/internal/authn"
	"github.com/portico-iam/portico/internal/desk/view"
	"github.com/portico-iam/portico/internal/policy"
	"github.com/portico-iam/portico/internal/session"
)

// demanding has Acme demand a second administrator, who is otto, and some of its mappings in requests: one to be deleted that
// waits for otto, one of otto's own, and one that is withdrawn. It returns their ids.
func demanding(t *testing.T, b *bench) (otto *authn.Caller, waiting, own, withdrawn string) {
	t.Helper()
	otto = as("ONE_STS_ADMIN")
	otto.Principal.Subject = "otto"
	if err := b.db.SeePerson(t.Context(), session.Person{Issuer: issuer, Subject: "otto", IAMRoles: []string{"ONE_STS_ADMIN"}, SeenAt: time.Now()}); err != nil {
		t.Fatal(err)
	}
	role := b.role("Issuer", access.SetOf(access.CredentialIssue))
	first, second, third := b.maps("Acme Issuance", acme, role.ID), b.maps("acme Audit", acme, role.ID), b.maps("Zebra", acme, role.ID)
	if err := b.Policy.SetFourEyes(t.Context(), ada.Principal, acme, true, policy.Seen{}); err != nil {
		t.Fatal(err)
	}
	ask := func(by *authn.Caller, m *access.IAMRole) string {
		var asked *policy.Asked
		if err := b.Policy.DeleteIAMRole(t.Context(), by.Principal, m.ID, policy.Seen{}.Asking("they left")); !errors.As(err, &asked) {
			t.Fatal(err)
		}
		return asked.Request.ID
	}
	waiting, own, withdrawn = ask(ada, first), ask(otto, second), ask(ada, third)
	if err := b.Policy.WithdrawRequest(t.Context(), ada.Principal, withdrawn); err != nil {
		t.Fatal(err)
	}
	return otto, waiting, own, withdrawn
}

// TestRequestsAreListed: by their address filtered, sorted and turned over; and who may decide sees what waits.
func TestRequestsAreListed(t *testing.T) {
	b := newBench(t)
	otto, _, _, _ := demanding(t, b)
	row := regexp.MustCompile(`(?s)<th role="rowheader".*?<bdi[^>]*>([^<]*)</bdi>.*?<span class="badge \w+">([^<]*)</span>`)
	waits, own, gone := "Acme Issuance: waits for you", "acme Audit: waiting", "Zebra: withdrawn"
	for query, want := range map[string][]string{
		"":                                {waits, own, gone},
		"?sort=name&dir=desc":             {gone, waits, own},
		"?state=you":                      {waits},
		"?state=OPEN":                     {waits, own},
		"?state=WITHDRAWN":                {gone},
		"?q=ACME&sort=name":               {own, waits},
		"?organisation=" + string(acme):   {waits, own, gone},
		"?organisation=" + string(zeta):   nil,
		"?state=x&organisation=y&page=-1": {waits, own, gone},
	} {
		w := b.open(b.requestList, view.RequestsPath+query, otto)
		var got []string
		for _, m := range row.FindAllStringSubmatch(w.Body.String(), -1) {
			got = append(got, m[1]+": "+m[2])
		}
		if w.Code != http.StatusOK || !slices.Equal(got, want) {
			t.Errorf("%s: %d, got %q, want %q", query, w.Code, got, want)
		}
		if !strings.Contains(w.Body.String(), "waiting for you") {
			t.Errorf("%s: nothing says that one waits", query)
		}
	}
	stranger := as()
	stranger.Principal.Subject = "eve"
	if page := b.open(b.requestList, view.RequestsPath, stranger).Body.String(); strings.Contains(page, "Acme Issuance") || strings.Contains(page, "waiting for you") {
		t.Error("who may not list mappings sees them")
	}
}

// TestARequestIsDecidedByItsForms: as the pages send them, and as they could be sent by hand.
func TestARequestIsDecidedByItsForms(t *testing.T) {
	b := newBench(t)
	otto, waiting, own, withdrawn := demanding(t, b)
	for _, c := range []struct {
		rule   string
		page   pageHandler
		id     string
		form   url.Values
		by     *authn.Caller
		status int
		says   string
	}{
		{"without its preview", b.requestApprove, waiting, url.Values{}, otto, 409, "Expected the mapping of the preview"},
		{"of another preview", b.requestApprove, waiting, url.Values{"mapping": {"1"}}, otto, 409, "changed since you looked"},
		{"a preview that is none", b.requestApprove, waiting, url.Values{"mapping": {"x"}}, otto, 409, "mapping of the preview"},
		{"by who asked", b.requestApprove, waiting, url.Values{"mapping": {"9"}}, ada, 409, "You asked for it yourself"},
		{"refused without a reason", b.requestRefuse, waiting, url.Values{"reason": {" \n "}}, otto, 422, "Enter a reason"},
		{"refused with something hidden", b.requestRefuse, waiting, url.Values{"reason": {"a\u202eb"}}, otto, 422, "Enter a reason"},
		{"refused at length", b.requestRefuse, waiting, url.Values{"reason": {strings.Repeat("x ", 300)}}, otto, 422, "Enter a reason"},
		{"refused", b.requestRefuse, waiting, url.Values{"reason": {"no,\n not now"}}, otto, 303, "done=request-refused"},
		{"refused again", b.requestRefuse, waiting, url.Values{"reason": {"no"}}, otto, 303, "done=request-closed"},
		{"withdrawn already", b.requestWithdraw, withdrawn, url.Values{}, ada, 303, "done=request-closed"},
		{"withdrawn by who asked", b.requestWithdraw, own, url.Values{}, otto, 303, "done=request-withdrawn"},
	} {
		w := b.postAs(c.by, c.page, view.RequestPath(c.id), c.id, c.form)
		if said := w.Body.String() + w.Header().Get("Location"); w.Code != c.status || !strings.Contains(said, c.says) {
			t.Errorf("%s: got %d %s", c.rule, w.Code, w.Header().Get("Location"))
		}
	}
	if r, err := b.Policy.Request(t.Context(), ada.Principal, waiting); err != nil || r.Closing.Answer != "no, not now" {
		t.Errorf("got %+v, %v", r.Closing, err)
	}
}
