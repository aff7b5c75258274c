package support

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
	"time"
)

// MaxPart bounds one part, in bytes.
const MaxPart = 8 << 20

// Part is one file of the bundle.
type Part struct {
	Name    string
	What    string // one line
	Content func(ctx context.Context) ([]byte, error)
}

// Written is a part as it went into the bundle, or why it did not.
type Written struct {
	Name  string `json:"name"`
	What  string `json:"what"`
	Bytes int    `json:"bytes"`
	Error string `json:"error,omitempty"`
}

// errSecret leaves a part out.
var errSecret = errors.New("left out: it holds something like a secret, which it should not; please report that")

// Write writes the bundle: every part, and the list of them. A part that can't be had keeps none of the others out. secrets are those
// of the configuration.
func Write(ctx context.Context, w io.Writer, now time.Time, parts []Part, secrets []string) ([]Written, error) {
	zipped := gzip.NewWriter(w)
	archive := tar.NewWriter(zipped)
	var done []Written
	var list bytes.Buffer
	for _, p := range parts {
		content, err := p.Content(ctx)
		switch {
		case err != nil:
		case len(content) > MaxPart:
			err = fmt.Errorf("left out: expected at most %d bytes, got %d", MaxPart, len(content))
		case HoldsSecret(content, secrets):
			err = errSecret
		}
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		written := Written{Name: p.Name, What: p.What}
		if err != nil {
			if written.Error = err.Error(); HoldsSecret([]byte(written.Error), secrets) {
				written.Error = errSecret.Error()
			}
			fmt.Fprintf(&list, "%s: %s\n  not included: %s\n", p.Name, p.What, written.Error)
		} else {
			written.Bytes = len(content)
			fmt.Fprintf(&list, "%s: %s\n", p.Name, p.What)
			if err := add(archive, p.Name, content, now); err != nil {
				return nil, err
			}
		}
		done = append(done, written)
	}
	err := add(archive, "CONTENTS.txt", list.Bytes(), now)
	return done, errors.Join(err, archive.Close(), zipped.Close())
}

func add(archive *tar.Writer, name string, content []byte, now time.Time) error {
	header := &tar.Header{Name: "portico-support/" + name, Mode: 0o600, Size: int64(len(content)), ModTime: now.Truncate(time.Second), Format: tar.FormatPAX}
	if err := archive.WriteHeader(header); err != nil {
		return err
	}
	_, err := archive.Write(content)
	return err
}

// tokenLike is a JWT, a PEM block, or a password in a connection string.
var tokenLike = regexp.MustCompile(`(?i:\bpassword=[^\s'"\[]{3,})|eyJ[\w-]{10,}\.[\w-]+\.|-----BEGIN [A-Z ]*PRIVATE KEY|://[^\s/:@]+:[^\s/@]+@`)

// shortest is how long a secret must be to be looked for: a shorter one stands in any text by chance.
const shortest = 6

// HoldsSecret tells whether one of the secrets stands in a text, or something that looks like one.
func HoldsSecret(text []byte, secrets []string) bool {
	if tokenLike.Match(text) {
		return true
	}
	all := string(text)
	for _, s := range secrets {
		if len(s) >= shortest && strings.Contains(all, s) {
			return true
		}
	}
	return false
}
