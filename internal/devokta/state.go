package devokta

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"time"
)

const stateVersion = 1

// savedState is the state file. Bearer values are in it as digests only; keys and client secrets are not,
// which is why it is 0600.
type savedState struct {
	Version    int                     `json:"version"`
	Keys       []savedKey              `json:"keys"`
	RefreshKey []byte                  `json:"refreshKey"`
	Secrets    map[string]string       `json:"secrets"` // by client id
	Sessions   []savedItem[session]    `json:"sessions,omitempty"`
	Grants     []savedItem[grant]      `json:"grants,omitempty"`
	Tokens     []savedItem[tokenEntry] `json:"accessTokens,omitempty"`
}

type savedKey struct {
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

func corrupt(path string, cause error) error {
	return fmt.Errorf("development Okta: state file %s is damaged (%w): expected JSON of version %d as written by this program; restore it, or delete it to start with new keys and secrets", path, cause, stateVersion)
}

func decodeState(data []byte) (*savedState, error) {
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	var st savedState
	if err := dec.Decode(&st); err != nil {
		return nil, err
	}
	if dec.More() {
		return nil, errors.New("data after the end")
	}
	if st.Version != stateVersion {
		return nil, fmt.Errorf("version %d", st.Version)
	}
	if len(st.RefreshKey) != refreshKeySize {
		return nil, fmt.Errorf("refreshKey has %d bytes, expected %d", len(st.RefreshKey), refreshKeySize)
	}
	return &st, nil
}

func (st *savedState) signingKeys() ([]*signingKey, error) {
	var keys []*signingKey
	seen := map[string]bool{}
	for i, k := range st.Keys {
		if !slices.Contains([]string{keyActive, keyNext, keyExpired}, k.Status) || seen[k.Status] {
			return nil, fmt.Errorf("key %d has status %q", i, k.Status)
		}
		seen[k.Status] = true
		private, err := parseKey(k.PKCS8)
		if err != nil {
			return nil, fmt.Errorf("key %d: %w", i, err)
		}
		key, err := newSigningKey(private, k.Status, k.Created)
		if err != nil {
			return nil, err
		}
		keys = append(keys, key)
	}
	return keys, nil
}

// snapshot copies the state; only the copying needs the lock.
func (s *Server) snapshot() (*savedState, error) {
	st := &savedState{Version: stateVersion, RefreshKey: s.refreshKey}
	s.keys.mu.Lock()
	keys := slices.Clone(s.keys.keys)
	s.keys.mu.Unlock()
	for _, k := range keys {
		der, err := marshalKey(k.private)
		if err != nil {
			return nil, fmt.Errorf("development Okta: signing key: %w", err)
		}
		st.Keys = append(st.Keys, savedKey{k.status, k.created, der})
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.purge()
	st.Secrets = maps.Clone(s.secrets)
	st.Sessions, st.Grants, st.Tokens = saved(s.sessions), saved(s.grants), saved(s.tokens)
	return st, nil
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
	st, err := s.snapshot()
	if err != nil {
		return err
	}
	data, err := json.Marshal(st)
	if err != nil {
		return fmt.Errorf("development Okta: state: %w", err)
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
