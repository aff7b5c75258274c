package devokta

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/portico-iam/portico/internal/devokta/world"
)

const stateVersion = 2

// savedState is the state file: the whole org and what is remembered. Sessions and OAuth tokens are in it as digests only;
// keys, client secrets and API tokens are not, which is why it is 0600.
type savedState struct {
	Version    int                     `json:"version"`
	Keys       map[string][]savedKey   `json:"keys"` // by authorization server
	RefreshKey []byte                  `json:"refreshKey"`
	SetupKey   []byte                  `json:"setupKey"` // PKCS #8
	World      json.RawMessage         `json:"world"`
	Sessions   []savedItem[session]    `json:"sessions,omitempty"`
	Grants     []savedItem[grant]      `json:"grants,omitempty"`
	Tokens     []savedItem[tokenEntry] `json:"accessTokens,omitempty"`
}

type savedKey struct {
	Kid     string    `json:"kid"`
	Status  string    `json:"status"`
	Created time.Time `json:"created"`
	PKCS8   []byte    `json:"pkcs8"`
}

type savedItem[V any] struct {
	Key   string `json:"key"`
	Value V      `json:"value"`
}

// loadState returns nil when there is no file yet.
func loadState(path string) (*savedState, error) {
	if path == "" {
		return nil, nil
	}
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("development Okta: state file: %w", err)
	}
	st, err := decodeState(data)
	if err != nil {
		return nil, corrupt(path, err)
	}
	return st, nil
}

// errVersion is an old file, or one of a later program: not damaged, but not ours to read.
type errVersion int

func (v errVersion) Error() string { return fmt.Sprintf("version %d", int(v)) }

func profileDiffers(path, have, want string) error {
	return fmt.Errorf("development Okta: state file %s is of an org with the profile %q, not %q: use that profile or another data folder, or delete the file to start over", path, have, want)
}

func corrupt(path string, cause error) error {
	var version errVersion
	if errors.As(cause, &version) {
		return fmt.Errorf("development Okta: state file %s has version %d, expected %d: it is of another version of this program; delete it to start with a new org, new keys and secrets", path, int(version), stateVersion)
	}
	return fmt.Errorf("development Okta: state file %s is damaged (%w): expected JSON of version %d as written by this program; restore it, or delete it to start with new keys and secrets", path, cause, stateVersion)
}

func decodeState(data []byte) (*savedState, error) {
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	var st savedState
	var version struct{ Version int }
	if json.Unmarshal(data, &version) == nil && version.Version != stateVersion {
		return nil, errVersion(version.Version)
	}
	if err := dec.Decode(&st); err != nil {
		return nil, err
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("data after the end")
	}
	if len(st.RefreshKey) != refreshKeySize {
		return nil, fmt.Errorf("refreshKey has %d bytes, expected %d", len(st.RefreshKey), refreshKeySize)
	}
	return &st, nil
}

// readKeys checks one server's keys.
func readKeys(saved []savedKey) ([]*signingKey, error) {
	var keys []*signingKey
	seen := map[string]bool{}
	for i, k := range saved {
		if !slices.Contains([]string{keyActive, keyNext, keyExpired}, k.Status) || seen[k.Status] || k.Kid == "" {
			return nil, fmt.Errorf("key %d has kid %q, status %q", i, k.Kid, k.Status)
		}
		seen[k.Status] = true
		private, err := parseKey(k.PKCS8)
		if err != nil {
			return nil, fmt.Errorf("key %d: %w", i, err)
		}
		key := &signingKey{kid: k.Kid, status: k.Status, created: k.Created, made: &madeKey{}}
		key.made.private.Store(private)
		keys = append(keys, key)
	}
	return keys, nil
}

// snapshot encodes the state; only the world is encoded under the lock. A key that is still being made is left out; when it is there, it is saved.
func (s *Server) snapshot() ([]byte, error) {
	st := &savedState{Version: stateVersion, RefreshKey: s.refreshKey, SetupKey: s.setupKey.der, Keys: map[string][]savedKey{}}
	for id, keys := range s.keys.all() {
		for _, k := range keys {
			private := k.made.private.Load()
			if private == nil {
				continue
			}
			der, err := marshalKey(private)
			if err != nil {
				return nil, fmt.Errorf("development Okta: signing key: %w", err)
			}
			st.Keys[id] = append(st.Keys[id], savedKey{k.kid, k.status, k.created, der})
		}
	}
	var err error
	s.mu.Lock()
	s.purge()
	st.World, err = json.Marshal(s.world)
	st.Sessions, st.Grants, st.Tokens = saved(s.sessions), saved(s.grants), saved(s.tokens)
	s.mu.Unlock()
	if err != nil {
		return nil, fmt.Errorf("development Okta: state: %w", err)
	}
	data, err := json.Marshal(st)
	if err != nil {
		return nil, fmt.Errorf("development Okta: state: %w", err)
	}
	return data, nil
}

// org reads the world out of the state.
func (st *savedState) org() (*world.World, error) {
	dec := json.NewDecoder(bytes.NewReader(st.World))
	dec.DisallowUnknownFields()
	var w world.World
	if err := dec.Decode(&w); err != nil {
		return nil, fmt.Errorf("org: %w", err)
	}
	if err := w.Check(); err != nil {
		return nil, fmt.Errorf("org: %w", err)
	}
	return &w, nil
}

func saved[V any](b *bounded[*V]) []savedItem[V] {
	out := make([]savedItem[V], 0, b.len())
	for key, value := range b.all {
		out = append(out, savedItem[V]{key, *value})
	}
	return out
}

func restore[V any](b *bounded[*V], items []savedItem[V]) {
	for _, item := range items {
		b.put(item.Key, &item.Value)
	}
}

// purge drops what has expired. It needs the lock.
func (s *Server) purge() {
	now := s.now()
	for key, v := range s.sessions.all {
		if !v.live(now) {
			s.sessions.remove(key)
		}
	}
	for key, v := range s.grants.all {
		if !v.live(now) {
			s.grants.remove(key)
		}
	}
	for key, v := range s.tokens.all {
		if !now.Before(v.Expires) {
			s.tokens.remove(key)
		}
	}
}

// save writes the state file at once: a temporary file beside it, synced, then renamed over it.
func (s *Server) save() error {
	if s.cfg.StateFile == "" {
		return nil
	}
	s.saving.Lock()
	defer s.saving.Unlock()
	data, err := s.snapshot()
	if err != nil {
		return err
	}
	if err := writeAtomically(s.cfg.StateFile, data); err != nil {
		return fmt.Errorf("development Okta: state file: %w", err)
	}
	return nil
}

func writeAtomically(path string, data []byte) (err error) {
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	f, err := os.CreateTemp(dir, filepath.Base(path)+".*.tmp") // 0600 by contract
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_ = f.Close()
			_ = os.Remove(f.Name())
		}
	}()
	if _, err = f.Write(data); err != nil {
		return err
	}
	if err = f.Sync(); err != nil {
		return err
	}
	if err = f.Close(); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}

// saveDelay gathers changes: a load of sign-ins costs a write per half second, not one each.
const saveDelay = 500 * time.Millisecond

// touch asks the writer for a save soon. It never blocks.
func (s *Server) touch() {
	select {
	case s.dirty <- struct{}{}:
	default:
	}
}

// runWriter is the one goroutine that saves in the background; Close ends it and saves a last time.
func (s *Server) runWriter() {
	for {
		select {
		case <-s.done:
			return
		case <-s.dirty:
		}
		select {
		case <-s.done:
			return
		case <-time.After(saveDelay):
		}
		if err := s.save(); err != nil {
			s.log.Error("state not saved", "error", err)
		}
	}
}
