package desk

import (
	"net/http"
	"strings"
	"testing"

	"github.com/portico-iam/portico/internal/access"
	"github.com/portico-iam/portico/internal/desk/view"
)

// TestExportsAreBounded: so many at a time, for those who may open what they hold.
func TestExportsAreBounded(t *testing.T) {
	b := newBench(t)
	b.Export = b.db
	b.maps("Listers", acme, b.role("Lister", access.SetOf(access.HistoryList)).ID)
	b.maps("Readers", acme, b.role("Reader", access.SetOf(access.HistoryList, access.HistoryDetail)).ID)
	target := view.HistoryExportPath + "?format=jsonl"
	if w := b.open(b.historyExport, target, ada); w.Code != http.StatusOK || strings.Count(w.Body.String(), "\n") < 4 {
		t.Errorf("got %d %s", w.Code, w.Body)
	}
	b.exports.Store(mostExports)
	if w := b.open(b.historyExport, target, ada); w.Code != http.StatusTooManyRequests || w.Header().Get("Content-Disposition") != "" {
		t.Errorf("one too many: got %d %v", w.Code, w.Header())
	}
	if n := b.exports.Swap(0); n != mostExports {
		t.Errorf("it is still counted: %d", n)
	}
	if w := b.open(b.historyExport, target, as("Listers")); w.Code == http.StatusOK {
		t.Errorf("who may only list is sent %s", w.Body)
	}
	if n := b.exports.Load(); n != 0 {
		t.Errorf("%d exports are still counted", n)
	}
}
