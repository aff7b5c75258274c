package core

import (
	"net/http"
	"runtime"
	"runtime/debug"

	"github.com/portico-iam/portico/internal/httpx"
)

// server is what Core tells of itself.
type server struct {
	core *Config
	keys *keyCache // nil unless the mode is STS
}

func health(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }

// noQuery refuses parameters where none are known.
func noQuery(r *http.Request) error { return httpx.NewQuery(r.URL.RawQuery).Err() }

// configAnswer names what the embedded Core can do. Core's other sections (formats, protocols, key storages, …) are
// absent because there is nothing of them here.
type configAnswer struct {
	Embedded       bool                      `json:"embedded"`
	WalletProvider map[string]providerAnswer `json:"walletProvider"`
}

type providerAnswer struct {
	Enabled bool `json:"enabled"`
}

func (s *server) config(w http.ResponseWriter, r *http.Request, _ caller) error {
	if err := noQuery(r); err != nil {
		return err
	}
	answer := configAnswer{Embedded: true, WalletProvider: map[string]providerAnswer{}}
	for _, name := range s.core.WalletProviders {
		answer.WalletProvider[name] = providerAnswer{Enabled: true}
	}
	httpx.WriteJSON(w, http.StatusOK, answer)
	return nil
}

// buildAnswer is what the binary knows of its own build; what it does not know is absent.
type buildAnswer struct {
	Target    string `json:"target"`
	GoVersion string `json:"goVersion"`
	Tag       string `json:"tag,omitempty"`
	Commit    string `json:"commit,omitempty"`
	BuildTime string `json:"buildTime,omitempty"`
}

func (s *server) buildInfo(w http.ResponseWriter, r *http.Request, _ caller) error {
	if err := noQuery(r); err != nil {
		return err
	}
	answer := buildAnswer{Target: runtime.GOOS + "/" + runtime.GOARCH, GoVersion: runtime.Version()}
	if info, ok := debug.ReadBuildInfo(); ok {
		answer.Tag = info.Main.Version
		for _, setting := range info.Settings {
			switch setting.Key {
			case "vcs.revision":
				answer.Commit = setting.Value
			case "vcs.time":
				answer.BuildTime = setting.Value
			}
		}
	}
	httpx.WriteJSON(w, http.StatusOK, answer)
	return nil
}
