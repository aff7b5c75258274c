package cluster

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Topic is something that replicas keep in memory.
type Topic string

// The topics.
const (
	Policy      Topic = "policy"     // roles, mappings, organisations
	Keys        Topic = "keys"       // the signing keys
	Revocations Topic = "revocation" // the cuts
	Tokens      Topic = "token"      // app tokens that were revoked by their ids
	Sessions    Topic = "session"    // sessions that were changed or ended elsewhere; the names are their hashes
	BreakGlass  Topic = "breakglass" // break-glass files
	Directory   Topic = "directory"  // people who were provisioned or deactivated; the names are their ids
	beat        Topic = "beat"       // nothing: it measures how long a message takes
)

// Topics are those that have a number in the store, in the order in which they are looked at: what takes away comes first.
var Topics = []Topic{Revocations, Directory, Sessions, Tokens, Keys, BreakGlass, Policy}

// Announcement says that something was changed.
type Announcement struct {
	Topic  Topic
	Number int64     // of this change of the topic: one more than the one before
	Origin string    // the process that changed it
	Sent   time.Time // by the origin's clock
	Names  []string  // what was changed; none: look at everything
}

// MostNames is how many things an announcement names at most: a NOTIFY takes less than 8000 bytes.
const MostNames = 100

const separator = " "

// String writes an announcement as a message.
func (a Announcement) String() string {
	words := append([]string{string(a.Topic), strconv.FormatInt(a.Number, 10), a.Origin, strconv.FormatInt(a.Sent.UnixMilli(), 10)}, a.Names...)
	return strings.Join(words, separator)
}

// errMessage is what any message is that is none of ours.
var errMessage = errors.New("expected topic, number, origin and time")

// ParseAnnouncement reads a message. Anybody who may connect to the database can send one: what does not parse is an error,
// and the worst that one that does can do is to have a topic read anew: what is not looked at is never told by messages.
func ParseAnnouncement(message string) (a Announcement, err error) {
	words := strings.Split(message, separator)
	if len(words) < 4 || len(words) > 4+MostNames {
		return a, fmt.Errorf("%w, got %d words", errMessage, len(words))
	}
	number, err := strconv.ParseInt(words[1], 10, 64)
	if err != nil || number < 0 {
		return a, fmt.Errorf("%w, got no number", errMessage)
	}
	sent, err := strconv.ParseInt(words[3], 10, 64)
	if err != nil {
		return a, fmt.Errorf("%w, got no time", errMessage)
	}
	a = Announcement{Topic: Topic(words[0]), Number: number, Origin: words[2], Sent: time.UnixMilli(sent).UTC()}
	if names := words[4:]; len(names) > 0 {
		a.Names = names
	}
	return a, nil
}
