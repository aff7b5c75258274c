// Package assets holds the Desk's stylesheet, script and icon. Their addresses carry a hash of the
// content, so browsers may keep them for ever and a new build is seen at once.
package assets

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"net/http"
	"path"
	"strings"
	"time"
)

// Prefix is the path below which Handler serves.
const Prefix = "/assets/"

//go:embed desk.css desk.js favicon.svg
var files embed.FS

var contentTypes = map[string]string{
	".css": "text/css; charset=utf-8",
	".js":  "text/javascript; charset=utf-8",
	".svg": "image/svg+xml",
}

type asset struct {
	address string // "/assets/desk.0123456789abcdef.css"
	hash    string
	content []byte
}

var byName, byAddress = load()

func load() (names, addresses map[string]asset) {
	names, addresses = map[string]asset{}, map[string]asset{}
	entries, err := files.ReadDir(".")
	if err != nil {
		panic(err) // the files are part of the binary
	}
	for _, entry := range entries {
		content, err := files.ReadFile(entry.Name())
		if err != nil {
			panic(err)
		}
		sum := sha256.Sum256(content)
		hash := hex.EncodeToString(sum[:8])
		ext := path.Ext(entry.Name())
		a := asset{
			address: Prefix + strings.TrimSuffix(entry.Name(), ext) + "." + hash + ext,
			hash:    hash,
			content: content,
		}
		names[entry.Name()], addresses[a.address] = a, a
	}
	return names, addresses
}

// URL is the address of the asset with that file name. An unknown name is a programming error.
func URL(name string) string {
	a, ok := byName[name]
	if !ok {
		panic("assets: no file " + name)
	}
	return a.address
}

// Content is the asset's text as it is served.
func Content(name string) []byte { return byName[name].content }

// Handler serves the assets below Prefix. Only the hashed address of this build exists: an old page
// that asks for an older one gets 404, never a stylesheet that does not fit it.
func Handler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a, ok := byAddress[r.URL.Path]
		if !ok {
			http.NotFound(w, r)
			return
		}
		h := w.Header()
		h.Set("Content-Type", contentTypes[path.Ext(a.address)])
		h.Set("Cache-Control", "public, max-age=31536000, immutable")
		h.Set("ETag", `"`+a.hash+`"`)
		h.Set("X-Content-Type-Options", "nosniff")
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(a.content))
	})
}
