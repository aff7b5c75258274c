package okta

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"

	"github.com/portico-iam/portico/internal/file"
)

// record remembers what apply did, so that it can go on after an interruption and undo can take back exactly that. It is
// written before and after every request that changes something. There is no secret in it.
type record struct {
	Version int     `json:"version"`
	OktaURL string  `json:"oktaUrl"`
	Done    []*done `json:"done"` // in the order it was done
	path    string
	byKey   map[string]*done
}

// done is what became of one part.
type done struct {
	Part  string `json:"part"`
	Title string `json:"title"` // for people
	// ID is Okta's; "" while the answer to the request that makes it is still out.
	ID string `json:"id,omitempty"`
	// Made tells that the object is ours as a whole: undo removes it. Else undo puts Before back.
	Made   bool   `json:"made"`
	Before fields `json:"before,omitempty"`
	After  fields `json:"after,omitempty"`

	// Where it is: an object of a collection, recognised by Name while its ID is not known, or a link.
	Collection string `json:"collection,omitempty"`
	Search     string `json:"search,omitempty"`
	Name       fields `json:"name,omitempty"`
	Lifecycle  bool   `json:"lifecycle,omitempty"`
	Link       string `json:"link,omitempty"`
}

const recordVersion = 1

// recordPath is beside the setup file.
func recordPath(setup string) string { return setup + ".applied.json" }

func loadRecord(s *Setup) (*record, error) {
	r := &record{Version: recordVersion, OktaURL: s.Okta.URL, path: recordPath(s.path), byKey: map[string]*done{}}
	text, err := os.ReadFile(r.path)
	if errors.Is(err, fs.ErrNotExist) {
		return r, nil
	}
	if err != nil {
		return nil, fmt.Errorf("record of what was applied: %w", err)
	}
	if err := json.Unmarshal(text, r); err != nil || r.Version != recordVersion {
		return nil, fmt.Errorf("%s is damaged: expected version %d of the record that okta apply writes; restore it, or move it away and undo by hand what was applied", r.path, recordVersion)
	}
	if len(r.Done) > 0 && r.OktaURL != s.Okta.URL {
		return nil, fmt.Errorf("%s tells of changes in %s, but okta.url is %s: undo them there first, or use another setup file", r.path, r.OktaURL, s.Okta.URL)
	}
	r.OktaURL = s.Okta.URL
	for _, d := range r.Done {
		r.byKey[d.Part] = d
	}
	return r, nil
}

// of returns what is known of a part; nil when nothing.
func (r *record) of(part string) *done { return r.byKey[part] }

// settle makes what the record tells of a part tell of the thing that is wanted now. What an earlier setup file meant by it is
// set aside under another name, for ensureWithdrawn; what was set aside and is wanted again comes back. It is written down
// with the next change: until then every run comes to the same.
func (r *record) settle(part string, same func(*done) bool) {
	rename := func(d *done, part string) {
		delete(r.byKey, d.Part)
		d.Part, r.byKey[part] = part, d
	}
	if d := r.of(part); d != nil && !same(d) {
		rename(d, fmt.Sprintf("former %s %s", part, cmp.Or(d.Link, d.ID, d.Title)))
	}
	if i := slices.IndexFunc(r.Done, same); i >= 0 && r.of(part) == nil {
		rename(r.Done[i], part)
	}
}

// put notes a part, on disk before it returns.
func (r *record) put(d *done) error {
	if i := slices.IndexFunc(r.Done, func(old *done) bool { return old.Part == d.Part }); i >= 0 {
		r.Done[i] = d
	} else {
		r.Done = append(r.Done, d)
	}
	r.byKey[d.Part] = d
	return r.save()
}

// forget drops a part; the file goes with the last.
func (r *record) forget(part string) error {
	delete(r.byKey, part)
	r.Done = slices.DeleteFunc(r.Done, func(d *done) bool { return d.Part == part })
	if len(r.Done) == 0 {
		if err := os.Remove(r.path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		return nil
	}
	return r.save()
}

func (r *record) save() error {
	text, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	if err := file.Replace(r.path, append(text, '\n'), file.Private); err != nil {
		return fmt.Errorf("record of what was applied: %w", err)
	}
	return nil
}
