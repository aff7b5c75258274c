package e2e

import (
	"testing"

	"github.com/portico-iam/portico/internal/testbrowser"
)

// TestHistoryIsFollowed in a browser: what happens appears on top, marked and announced; what is filtered out does not.
func TestHistoryIsFollowed(t *testing.T) {
	t.Parallel()
	p := start(t, nil)
	s := seeded(t, p)
	ctx := testbrowser.Start(t)
	const first = `document.querySelector("[data-tail-rows] tbody tr")`
	role := func(name string) {
		s.ada.create("/api/sts/role/v1", map[string]any{"name": name, "permissions": []string{"KEY_LIST"}})
	}
	do(t, ctx, "signs in", wide, visit(p.Info.PublicURL+"/history?type=STS_ROLE"), credentials("ada@acme.test"), title("History"))
	role("Before it was followed")
	do(t, ctx, "follows", click("[data-tail]"), until(`document.querySelector("[data-tail]").textContent === "Stop"`),
		until(first+`.textContent.includes("Before it was followed")`), until(`document.querySelectorAll("[data-tail-rows] tbody tr").length === 2`))
	s.ada.create("/api/organisation/v1", map[string]any{"name": "Not asked for"})
	role("While it is followed")
	do(t, ctx, "sees it arrive", until(first+`.classList.contains("fresh") && `+first+`.textContent.includes("While it is followed")`),
		until(`document.querySelectorAll("[data-tail-rows] tbody tr").length === 3`), until(`/new entr/.test(document.querySelector("[data-live]").textContent)`))
	do(t, ctx, "stops", click("[data-tail]"), until(`document.querySelector("[data-tail]").textContent === "Follow live"`))
}
