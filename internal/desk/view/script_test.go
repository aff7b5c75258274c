package view

import (
	"context"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/portico-iam/portico/internal/testbrowser"
)

// TestWhatTakesLong is seen to go on, and is sent once; what was done stays until it is closed.
func TestWhatTakesLong(t *testing.T) {
	searched, posted := make(chan struct{}), make(chan struct{})
	search, post := sync.OnceFunc(func() { close(searched) }), sync.OnceFunc(func() { close(posted) })
	var sent atomic.Int32
	pages := preview()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.Method == http.MethodPost:
			sent.Add(1)
			<-posted
			http.Redirect(w, r, "/preview/roles", http.StatusSeeOther)
		case r.URL.Path == "/release":
			post()
		case r.URL.Path == SearchPath:
			<-searched
			fallthrough
		default:
			pages.ServeHTTP(w, r)
		}
	}))
	t.Cleanup(func() {
		search()
		post()
		server.Close()
	})
	ctx := testbrowser.Start(t)
	do := func(what string, steps ...testbrowser.Step) {
		t.Helper()
		limited, cancel := context.WithTimeout(ctx, 20*time.Second)
		defer cancel()
		if err := chromedp.Do(limited, steps...); err != nil {
			t.Fatalf("%s: %v", what, err)
		}
	}
	until := func(condition string) {
		t.Helper()
		for end := time.Now().Add(20 * time.Second); ; time.Sleep(20 * time.Millisecond) {
			holds, err := chromedp.Run(ctx, chromedp.Evaluate[bool](condition))
			if err == nil && holds {
				return
			}
			if time.Now().After(end) {
				t.Fatalf("never: %s (%v)", condition, err)
			}
		}
	}
	do("the search", testbrowser.As(testbrowser.Looks[0]), chromedp.Navigate(server.URL+"/preview/roles"))
	until(`document.querySelector(".toast [data-toast-close]")?.checkVisibility()`)
	do("closes", chromedp.Click(chromedp.CSS("[data-toast-close]"), chromedp.NodeVisible))
	until(`!document.querySelector("[data-toast]") && document.activeElement.id === "main"`)
	do("asks", chromedp.Click(chromedp.CSS("[data-search-open]"), chromedp.NodeVisible))
	until(`document.querySelector("[data-search-waiting]").checkVisibility()`)
	search()
	until(`!document.querySelector("[data-search-waiting]").checkVisibility() && document.querySelector("#search-found [role=option]") !== null`)

	do("a form", chromedp.Navigate(server.URL+"/preview/organisation-rename"))
	// The browser answers no questions while it waits for the next page: this one notes by itself what it sees.
	do("twice, and again when it is seen to work", chromedp.Evaluate[chromedp.Void](`(() => {
		const press = () => document.querySelector("main form button:not([data-enhanced])").click();
		new MutationObserver(() => {
			if (!document.documentElement.classList.contains("working")) return;
			press();
			setTimeout(() => { sessionStorage.said = document.querySelector("[data-live]").textContent; fetch("/release"); });
		}).observe(document.documentElement, {attributes: true});
		press();
		press();
	})()`))
	until(`location.pathname === "/preview/roles" && document.readyState === "complete" && sessionStorage.said === "Working …"`)
	if n := sent.Load(); n != 1 {
		t.Errorf("it was sent %d times", n)
	}
}
