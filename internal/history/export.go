package history

import (
	"bufio"
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
)

// The formats of an export.
const (
	CSV       = "csv"
	JSONLines = "jsonl"
)

// Export says what is to be exported.
type Export struct {
	Store    ExportStore
	Format   string                               // CSV or JSONLines
	Filter   Filter                               // which entries; how it sorts and pages does not count
	Progress func(entries int64, until time.Time) // now and then; nil: nobody wants to know
}

const (
	exportPage  = 500
	wholeMillis = "2006-01-02T15:04:05.000Z"
)

// Write writes the entries, the oldest first, and returns how many those were. Memory is bounded by a page of 500, whatever the size.
func (e Export) Write(ctx context.Context, to io.Writer) (entries int64, err error) {
	out := bufio.NewWriterSize(to, 64<<10)
	write, end, err := e.encoder(out)
	if err != nil {
		return 0, err
	}
	for after := (Position{}); ; {
		page, err := e.Store.ReadEntries(ctx, e.Filter, after, exportPage)
		if err != nil {
			return entries, err
		}
		for _, x := range page {
			if x.Unreadable != "" {
				return entries, fmt.Errorf("entry %s can't be read (%s): portico history verify tells more", x.ID, x.Unreadable)
			}
			if err := write(x); err != nil {
				return entries, err
			}
			entries++
		}
		if len(page) < exportPage {
			break
		}
		last := page[len(page)-1]
		after = Position{CreatedAt: last.CreatedAt, Place: last.Place, ID: last.ID}
		if e.Progress != nil {
			e.Progress(entries, last.CreatedAt)
		}
	}
	if err := end(); err != nil {
		return entries, err
	}
	return entries, out.Flush()
}

func (e Export) encoder(out io.Writer) (write func(Exported) error, end func() error, err error) {
	switch e.Format {
	case CSV:
		w := csv.NewWriter(out)
		return func(x Exported) error { return w.Write(cells(x)) }, func() error { w.Flush(); return w.Error() }, w.Write(columns)
	case JSONLines:
		w := json.NewEncoder(out)
		w.SetEscapeHTML(false)
		return func(x Exported) error { return w.Encode(line(x)) }, func() error { return nil }, nil
	}
	return nil, nil, fmt.Errorf("expected the format %s or %s, got %q", CSV, JSONLines, e.Format)
}

var columns = []string{
	"sequence", "id", "createdDate", "action", "entityType", "entityId", "name", "organisationId", "source", "target", "user", "metadata", "hash",
}

func cells(x Exported) []string {
	sequence := ""
	if x.Sequence > 0 {
		sequence = strconv.FormatInt(x.Sequence, 10)
	}
	row := []string{
		sequence, x.ID, x.CreatedAt.UTC().Format(wholeMillis), string(x.Action), string(x.EntityType), x.EntityID, x.Name, string(x.OrganisationID),
		string(x.Source), x.Target, x.User, string(x.Metadata), x.Hash.String(),
	}
	for i := range row {
		row[i] = harmless(row[i])
	}
	return row
}

// harmless puts a ' before what a spreadsheet would take for a formula: names and subjects are other people's text. What
// begins with a ' gets another one, so that who takes one away has what was there.
func harmless(cell string) string {
	if cell != "" && strings.IndexByte("=+-@\t\r\n'", cell[0]) >= 0 {
		return "'" + cell
	}
	return cell
}

// exportedLine is one line of JSON Lines. Absent values are left out.
type exportedLine struct {
	Sequence       int64           `json:"sequence,omitempty"`
	ID             string          `json:"id"`
	CreatedAt      string          `json:"createdDate"`
	Action         Action          `json:"action"`
	EntityType     EntityType      `json:"entityType"`
	EntityID       string          `json:"entityId,omitempty"`
	Name           string          `json:"name,omitempty"`
	OrganisationID string          `json:"organisationId,omitempty"`
	Source         Source          `json:"source"`
	Target         string          `json:"target,omitempty"`
	User           string          `json:"user,omitempty"`
	Metadata       json.RawMessage `json:"metadata,omitempty"`
	Hash           string          `json:"hash,omitempty"`
}

func line(x Exported) exportedLine {
	l := exportedLine{
		Sequence: x.Sequence, ID: x.ID, CreatedAt: x.CreatedAt.UTC().Format(wholeMillis), Action: x.Action, EntityType: x.EntityType, EntityID: x.EntityID,
		Name: x.Name, OrganisationID: string(x.OrganisationID), Source: x.Source, Target: x.Target, User: x.User, Hash: x.Hash.String(),
	}
	if len(x.Metadata) > 0 && json.Valid(x.Metadata) {
		l.Metadata = x.Metadata
	} else if len(x.Metadata) > 0 { // by somebody else's hand
		l.Metadata, _ = json.Marshal(string(bytes.ToValidUTF8(x.Metadata, []byte("\uFFFD"))))
	}
	return l
}
