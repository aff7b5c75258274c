package desk

import (
	"context"
	"errors"
	"io"
	"net/http"
	"time"

	"github.com/portico-iam/portico/internal/authn"
	"github.com/portico-iam/portico/internal/fault"
	"github.com/portico-iam/portico/internal/history"
)

const (
	mostExports = 4                // at a time, of everybody
	exportTime  = 30 * time.Minute // for one
	readTime    = 30 * time.Second // in which somebody takes what we have for them, or is given up
)

var exportTypes = map[string]string{history.CSV: "text/csv; charset=utf-8", history.JSONLines: "application/x-ndjson"}

// historyExport sends what the list is narrowed to, whole. It takes what opening each entry takes: it holds all that they say.
func (h *Handler) historyExport(w http.ResponseWriter, r *http.Request, c *authn.Caller) error {
	v, filter, scope, err := h.historyChosen(r, c)
	if err != nil {
		return err
	}
	if err := h.mayRead(r, c, scope); err != nil {
		return err
	}
	format := r.URL.Query().Get("format")
	if exportTypes[format] == "" {
		return fault.InvalidInput.New("expected the format %s or %s, got %q", history.CSV, history.JSONLines, format)
	}
	if err := usable(&v); err != nil {
		return err
	}
	header := w.Header()
	header.Set("Content-Type", exportTypes[format])
	header.Set("Content-Disposition", `attachment; filename="history-`+h.Now().UTC().Format("2006-01-02-1504")+"."+format+`"`)
	header.Set("Cache-Control", "no-store")
	if r.Method == http.MethodHead {
		return nil
	}
	if h.exports.Add(1) > mostExports {
		h.exports.Add(-1)
		header.Del("Content-Disposition")
		return fault.TooMany.New("%d exports are being made; try again when one of them is done", mostExports)
	}
	defer h.exports.Add(-1)
	h.History.Record(r.Context(), history.Reading(c.Principal, scope, "Desk: history export", chosen(v.List.Filters))) // at once, unlike a look

	ctx, cancel := context.WithTimeout(r.Context(), exportTime)
	defer cancel()
	export := history.Export{Store: h.Export, Format: format, Filter: filter, Progress: func(int64, time.Time) {
		if !h.canRead(c, scope) { // not any more
			cancel()
		}
	}}
	if n, err := export.Write(ctx, patient{w, http.NewResponseController(w)}); err != nil {
		h.Logger.WarnContext(ctx, "an export of the history was not sent whole", "entries", n, "error", err)
		panic(http.ErrAbortHandler) // or what arrived would look whole
	}
	return nil
}

// patient waits for whoever reads, but not for ever.
type patient struct {
	io.Writer
	control *http.ResponseController
}

func (p patient) Write(b []byte) (int, error) {
	if err := p.control.SetWriteDeadline(time.Now().Add(readTime)); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return 0, err
	}
	return p.Writer.Write(b)
}
