package history

import (
	"crypto/ed25519"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/portico-iam/portico/internal/access"
	"github.com/portico-iam/portico/internal/seal"
)

// TestTheHashIsThatOfTheDocumentation: docs/history.md has the encoding, and another program computed these by it.
func TestTheHashIsThatOfTheDocumentation(t *testing.T) {
	first := Record{Place: 1, Entry: Entry{
		ID: "5f0c9c6e-1111-4222-8333-444455556666", CreatedAt: time.UnixMilli(1769855400123), Action: Created, EntityType: STSRole, EntityID: "entity",
		Name: "Zürich", OrganisationID: "org", Source: SourceSTS, Target: "target", User: "ada", Metadata: json.RawMessage(`{"a": 1}`),
	}}
	links, head := Extend(Head{}, []Record{first, {Entry: Entry{ID: "b"}}})
	for i, want := range []string{"45aeab141b8ecdd5e0c250e31c8dcf9ab0eca9328c2504d3d98581a948534f31", "5339ec85229549dcf001d8dc5aa512f1b5d4fd03c2d6fd6ad4cc2e9e4419783a"} {
		if got := links[i].Hash.String(); got != want || links[i].Sequence != int64(i+1) {
			t.Errorf("link %d: expected %s, got %s, %+v", i+1, want, got, links[i])
		}
	}
	if links[0].Previous != origin || links[1].Previous != links[0].Hash || head.Hash != links[1].Hash || head.Sequence != 2 || !head.NewestAt.Equal(first.CreatedAt) {
		t.Errorf("got %+v and %+v", links, head)
	}
	if text, err := json.Marshal(links[0].Hash); err != nil || string(text) != `"45aeab141b8ecdd5e0c250e31c8dcf9ab0eca9328c2504d3d98581a948534f31"` {
		t.Errorf("got %s, %v", text, err)
	}
}

// TestEveryFieldCounts, and where one ends and the next begins.
func TestEveryFieldCounts(t *testing.T) {
	text := rapid.SampledFrom([]string{"", "a", "b", "ab", "1", "0", "\x00"})
	record := rapid.Custom(func(t *rapid.T) Record {
		return Record{Place: rapid.Int64Range(0, 1).Draw(t, "place"), Entry: Entry{
			ID: text.Draw(t, "id"), CreatedAt: time.UnixMilli(rapid.Int64Range(1, 2).Draw(t, "at")), Action: Action(text.Draw(t, "action")),
			EntityType: EntityType(text.Draw(t, "type")), EntityID: text.Draw(t, "entity"), Name: text.Draw(t, "name"),
			OrganisationID: access.OrganisationID(text.Draw(t, "org")), Source: Source(text.Draw(t, "source")), Target: text.Draw(t, "target"),
			User: text.Draw(t, "user"), Metadata: json.RawMessage(text.Draw(t, "metadata")),
		}}
	})
	rapid.Check(t, func(t *rapid.T) {
		a, b := record.Draw(t, "a"), record.Draw(t, "b")
		same := fmt.Sprintf("%#v", a) == fmt.Sprintf("%#v", b)
		if got := origin.next(1, a) == origin.next(1, b); got != same {
			t.Fatalf("the same: %v, the same hash: %v", same, got)
		}
		if origin.next(1, a) == origin.next(2, a) || origin.next(1, a) == origin.next(1, a).next(1, a) {
			t.Fatal("the place does not count")
		}
	})
}

func TestCheckpointsAreFoundInAnyLog(t *testing.T) {
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	signer := &Signer{kid: seal.Thumbprint(public), private: private}
	c := signer.checkpoint(Head{Sequence: 1000, Hash: origin.next(1, Record{})}, time.UnixMilli(1769855400123).UTC())
	if !c.by(public) {
		t.Fatal("its own signature does not hold")
	}
	word := c.String()
	for rule, text := range map[string]string{
		"alone":          word,
		"text":           "time=x level=INFO msg=\"history checkpoint\" sequence=1000 checkpoint=" + word + "\n",
		"JSON":           `{"msg":"history checkpoint","sequence":1000,"checkpoint":"` + word + `"}`,
		"among others":   "x\r\n" + word + "\r\ny",
		"several":        word + "\n" + word + "\n",
		"of a container": "2026-01-31T10:00:00Z stdout F checkpoint=" + word + " \n",
	} {
		found := FindCheckpoints([]byte(text))
		if len(found) != strings.Count(text, word) || len(found) > 0 && (found[0].String() != word || !found[0].by(public)) {
			t.Errorf("%s: found %v", rule, found)
		}
	}
	for rule, text := range map[string]string{
		"nothing": "", "cut": word[:len(word)-1], "longer": word + "0", "another version": strings.Replace(word, "history-1", "history-2", 1),
		"a number too large": strings.Replace(word, ".1000.", ".99999999999999999999.", 1),
	} {
		if found := FindCheckpoints([]byte(text)); len(found) != 0 {
			t.Errorf("%s: found %v", rule, found)
		}
	}
	for rule, change := range map[string]func(*Checkpoint){
		"sequence":  func(c *Checkpoint) { c.Sequence++ },
		"hash":      func(c *Checkpoint) { c.Hash = origin },
		"time":      func(c *Checkpoint) { c.At = c.At.Add(time.Millisecond) },
		"key":       func(c *Checkpoint) { c.KID = "x" },
		"signature": func(c *Checkpoint) { c.Signature = nil },
	} {
		other := c
		if change(&other); other.by(public) {
			t.Errorf("%s: the signature holds", rule)
		}
	}
}
