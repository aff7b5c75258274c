package session

import (
	"net/http"
	"strings"

	"github.com/portico-iam/portico/internal/httpx"
)

// From is where a session was begun from. Browser and system are words of ours, never the client's: what a client says of
// itself is read, and not kept.
type From struct {
	Address string `json:"address,omitempty"`
	Browser string `json:"browser,omitempty"`
	System  string `json:"system,omitempty"`
}

const maxUserAgent = 512 // bytes that are looked at

// The first that is contained counts: a browser names those that it wants to be taken for as well.
var (
	browsers = []struct{ mark, name string }{
		{"Edg/", "Edge"},
		{"EdgA/", "Edge"},
		{"EdgiOS/", "Edge"},
		{"OPR/", "Opera"},
		{"SamsungBrowser/", "Samsung Internet"},
		{"Vivaldi/", "Vivaldi"},
		{"Firefox/", "Firefox"},
		{"FxiOS/", "Firefox"},
		{"CriOS/", "Chrome"},
		{"Chrome/", "Chrome"},
		{"Safari/", "Safari"},
		{"curl/", "curl"},
	}
	systems = []struct{ mark, name string }{
		{"Windows NT", "Windows"}, {"iPhone", "iOS"}, {"iPad", "iPadOS"}, {"Android", "Android"}, {"CrOS", "ChromeOS"}, {"Mac OS X", "macOS"}, {"Linux", "Linux"},
	}
)

// From reads where a request comes from, as far as it is to be recorded.
func (m *Manager) From(r *http.Request) (f From) {
	if m.RecordAddress {
		f.Address = httpx.ClientAddress(r, m.TrustedProxies)
	}
	agent := r.UserAgent()
	agent = agent[:min(len(agent), maxUserAgent)]
	for _, b := range browsers {
		if f.Browser == "" && strings.Contains(agent, b.mark) {
			f.Browser = b.name
		}
	}
	for _, s := range systems {
		if f.System == "" && strings.Contains(agent, s.mark) {
			f.System = s.name
		}
	}
	return f
}

// Details add where a sign-in came from to what the history says of it.
func (f From) Details(details map[string]any) map[string]any {
	for name, value := range map[string]string{"address": f.Address, "browser": f.Browser, "system": f.System} {
		if value != "" {
			details[name] = value
		}
	}
	return details
}
