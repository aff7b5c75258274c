package e2e

import (
	"net/http"
	"strings"
	"testing"
	"time"
)

// otto administers by two IAM roles of his.
type twofold struct {
	seed
	otto              *browser
	auditors, readers string // the mappings
}

func administeredTwice(t *testing.T, p *portico) (w twofold) {
	t.Helper()
	w.seed = seeded(t, p)
	role := w.ada.create("/api/sts/role/v1", map[string]any{"name": "Administrator", "permissions": []string{
		"STS_ROLE_CREATE", "STS_ROLE_LIST", "STS_ROLE_DETAIL", "STS_ROLE_EDIT", "STS_ROLE_DELETE", "STS_ACCESS_EXPLAIN",
		"STS_IAM_ROLE_CREATE", "STS_IAM_ROLE_LIST", "STS_IAM_ROLE_DETAIL", "STS_IAM_ROLE_EDIT", "STS_IAM_ROLE_DELETE",
	}})
	w.auditors = w.ada.create("/api/sts/iam-role/v1", map[string]any{"name": "Acme Audit", "systemRoles": []string{role}})
	w.readers = w.ada.create("/api/sts/iam-role/v1", map[string]any{"name": "Acme Verification", "systemRoles": []string{role}})
	w.otto = p.browser()
	w.otto.signIn("/", "otto@acme.test")
	return w
}

// TestAChangeOfOnesOwnAdministrationIsOnProbation in the Desk: it is foreseen, said on every page, and stays only for whoever
// signs in again.
func TestAChangeOfOnesOwnAdministrationIsOnProbation(t *testing.T) {
	onBoth(t, func(t *testing.T, start starter) {
		p := start(t, nil)
		w := administeredTwice(t, p)
		remove := func(b *browser, mapping string) answer {
			page := b.open("/access/" + mapping + "/delete")
			page.mustContain(t, "It changes how you administer yourself.")
			return b.next(page, "")
		}
		exists := func(mapping string, want int) {
			t.Helper()
			mustStatus(t, w.ada.call("GET", "/api/sts/iam-role/v1/"+mapping, nil, nil), want)
		}

		remove(w.otto, w.auditors).mustContain(t, "Your change is on probation", "Sign in again", "Undo the change now")
		exists(w.auditors, http.StatusNotFound)
		w.ada.open("/roles").mustContain(t, "is on probation", "Otto Auditor", "unless they sign in again by then")
		w.otto.open("/access/new").mustContain(t, "Your change is on probation")

		undone := w.otto.submit("/probation/undo", nil)
		undone.mustContain(t, "The change is undone.")
		exists(w.auditors, http.StatusOK)

		again := remove(w.otto, w.auditors)
		otherDevice := p.browser()
		otherDevice.signIn("/", "ada@acme.test")
		otherDevice.open("/").mustContain(t, "is on probation")
		w.otto.open(again.linkTo(t, "Sign in again")).mustContain(t, "You signed in again. Your change stays.")
		exists(w.auditors, http.StatusNotFound)
		w.ada.open("/history?action=ACTIVATED").mustContain(t, "Acme Audit")

		// Now the last way of his own: nothing is left to him, and nobody else signs in.
		remove(w.otto, w.readers).mustContain(t, "Your change is on probation", "unless somebody else who administers signs in")
		mustStatus(t, w.otto.open("/access"), http.StatusForbidden)
		w.otto.open("/").mustContain(t, "Undo the change now")
		p.advance(11 * time.Minute)
		eventually(t, "it is undone", func() bool {
			return w.ada.call("GET", "/api/sts/iam-role/v1/"+w.readers, nil, nil).status == http.StatusOK
		})
		w.ada.open("/history?entityId="+w.readers).mustContain(t, "portico: probation is over")
		mustStatus(t, w.otto.open("/access"), http.StatusOK)
	})
}

// TestProbationByTheAPI: the answer to the change says that it is on probation, and a token of later confirms it.
func TestProbationByTheAPI(t *testing.T) {
	t.Parallel()
	p := start(t, nil)
	w := administeredTwice(t, p)
	nothing := w.otto.call("GET", "/api/sts/probation/v1", nil, nil)
	mustStatus(t, nothing, http.StatusNotFound)
	mustStatus(t, w.otto.call("POST", "/api/sts/probation/v1/undo", nil, nil), http.StatusNotFound)

	changed := w.otto.call("PATCH", "/api/sts/iam-role/v1/"+w.auditors, map[string]any{"systemRoles": []string{}}, nil)
	mustStatus(t, changed, http.StatusNoContent)
	var pending struct {
		Name, UntilDate string
		IAMRoles        []string `json:"iamRoles"`
	}
	decode(t, w.otto.call("GET", "/api/sts/probation/v1", nil, nil), &pending)
	if changed.header.Get("x-portico-probation") != pending.UntilDate || pending.Name != "Otto Auditor" || len(pending.IAMRoles) != 1 || pending.IAMRoles[0] != w.auditors {
		t.Errorf("got %+v, header %q", pending, changed.header.Get("x-portico-probation"))
	}
	for rule, c := range map[string]struct {
		method, path string
		body         any
		status       int
		code         string
	}{
		"the row itself":   {"DELETE", "/api/sts/iam-role/v1/" + w.auditors, nil, 409, "PT_0024"},
		"a second one":     {"PATCH", "/api/sts/iam-role/v1/" + w.readers, map[string]any{"systemRoles": []string{}}, 409, "PT_0024"},
		"without a right":  {"POST", "/api/sts/probation/v1/undo?x=1", nil, 400, "BR_0084"},
		"what is not ours": {"DELETE", "/api/sts/probation/v1", nil, 405, "PT_0003"},
	} {
		got := w.otto.call(c.method, c.path, c.body, nil)
		mustStatus(t, got, c.status)
		if !strings.Contains(got.body, c.code) {
			t.Errorf("%s: got %s", rule, got.body)
		}
	}
	ivan := p.browser()
	ivan.signIn("/", "ivan@acme.test")
	mustStatus(t, ivan.call("GET", "/api/sts/probation/v1", nil, nil), http.StatusNotFound)
	mustStatus(t, ivan.call("POST", "/api/sts/probation/v1/undo", nil, nil), http.StatusForbidden)

	p.advance(2 * time.Second)
	again := p.browser() // otto on another device
	again.signIn("/", "otto@acme.test")
	mustStatus(t, w.otto.call("GET", "/api/sts/probation/v1", nil, nil), http.StatusNotFound)
	mustStatus(t, w.otto.call("DELETE", "/api/sts/iam-role/v1/"+w.auditors, nil, nil), http.StatusNoContent)
}
