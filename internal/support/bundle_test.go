package support

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"strings"
	"testing"
	"time"
)

func part(name, content string, err error) Part {
	return Part{name, "about " + name, func(context.Context) ([]byte, error) { return []byte(content), err }}
}

// unpack returns the files of a bundle.
func unpack(t *testing.T, bundle []byte) map[string]string {
	t.Helper()
	z, err := gzip.NewReader(bytes.NewReader(bundle))
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	for archive := tar.NewReader(z); ; {
		h, err := archive.Next()
		if err == io.EOF {
			return files
		}
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(archive)
		if err != nil || h.Mode != 0o600 {
			t.Fatalf("%s: mode %o, %v", h.Name, h.Mode, err)
		}
		files[strings.TrimPrefix(h.Name, "portico-support/")] = string(content)
	}
}

func TestNT51_ABundleLeavesSecretsOut(t *testing.T) {
	secrets := []string{"canary-secret", "", "short"}
	parts := []Part{
		part("fine.txt", "all is well, in short", nil),
		part("away.txt", "", errors.New("connection refused")),
		part("secret.txt", "the password is canary-secret.", nil),
		part("token.txt", "Bearer eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiJhIn0.c2ln", nil),
		part("key.txt", "-----BEGIN EC PRIVATE KEY-----", nil),
		part("address.txt", "postgres://portico:hunter2@db/portico", nil),
		part("words.txt", "host=db user=portico password=hunter2", nil),
		part("large.txt", strings.Repeat("x", MaxPart+1), nil),
		part("error.txt", "", errors.New("can't connect with canary-secret")),
		part("last.txt", "the end", nil),
	}
	var out bytes.Buffer
	done, err := Write(t.Context(), &out, time.Now(), parts, secrets)
	if err != nil {
		t.Fatal(err)
	}
	files := unpack(t, out.Bytes())
	if len(files) != 3 || files["fine.txt"] != "all is well, in short" || files["last.txt"] != "the end" {
		t.Errorf("got %d files: %v", len(files), files)
	}
	for _, d := range done {
		if _, included := files[d.Name]; included != (d.Error == "") || !strings.Contains(files["CONTENTS.txt"], d.Name+": "+d.What) {
			t.Errorf("%+v, included: %v", d, included)
		}
	}
	if got := done[1].Error; got != "connection refused" {
		t.Errorf("got %q", got)
	}
	if strings.Contains(files["CONTENTS.txt"], "canary") {
		t.Error("the list quotes a secret")
	}
}

func TestABundleThatIsInterruptedIsNone(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	stop()
	if _, err := Write(ctx, io.Discard, time.Now(), []Part{part("a", "a", nil)}, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}
