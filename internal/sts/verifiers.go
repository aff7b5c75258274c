package sts

import (
	"cmp"
	"context"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/portico-iam/portico/internal/httpx"
)

// Verifier is a service that checks our tokens, as it is declared.
type Verifier struct {
	Name  string
	Cache time.Duration // how long it uses a key set that it fetched
}

const (
	maxFetches   = 100                 // of declared verifiers, and as many of others: anybody can fetch
	fetchesLive  = 30 * 24 * time.Hour // who did not come since is forgotten
	noteEvery    = 10 * time.Second    // one transaction for all
	fetchAgain   = time.Minute         // how often one is noted, while it gets the same keys
	maxAgent     = 100                 // bytes
	verifierName = "verifier"          // the query parameter by which a verifier says its name
)

// fetches remembers who fetched the keys, until that is stored.
type fetches struct {
	mu    sync.Mutex
	seen  map[fetcher]*fetched
	noted time.Time
}

type fetcher struct{ verifier, address, agent string }

type fetched struct {
	at, noted  time.Time
	set, known *keys // the state whose keys it got, and the one that is noted
}

// ServeJWKS publishes the keys, and remembers who came: the declared name, or else address and User-Agent; nothing more,
// and that for 30 days.
func (r *Ring) ServeJWKS(w http.ResponseWriter, req *http.Request) {
	state := r.current.Load()
	r.fetches.saw(r.fetcher(req), state, r.now())
	w.Header().Set("Content-Type", "application/jwk-set+json") // RFC 7517 section 8.5
	w.Header().Set("Cache-Control", "public, max-age="+jwksMaxAge)
	_, _ = w.Write(state.jwks)
}

func (r *Ring) fetcher(req *http.Request) fetcher {
	f := fetcher{agent: printable(req.UserAgent()), address: httpx.ClientAddress(req, r.TrustedProxies)}
	name := req.URL.Query().Get(verifierName)
	if slices.ContainsFunc(r.Verifiers, func(v Verifier) bool { return v.Name == name }) {
		f.verifier = name
	}
	return f
}

// printable keeps what can be stored and shown.
func printable(s string) string {
	s = strings.Map(func(c rune) rune {
		if c < ' ' || c > '~' {
			return -1
		}
		return c
	}, s)
	return s[:min(len(s), maxAgent)]
}

func (f *fetches) saw(who fetcher, set *keys, now time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.seen == nil {
		f.seen = map[fetcher]*fetched{}
	}
	known := f.seen[who]
	if known == nil {
		f.makeRoom(who.verifier != "")
		known = &fetched{}
		f.seen[who] = known
	}
	known.at, known.set = now, set
}

// makeRoom drops the one that did not come for the longest time.
func (f *fetches) makeRoom(named bool) {
	alike := slices.DeleteFunc(slices.Collect(maps.Keys(f.seen)), func(who fetcher) bool { return (who.verifier != "") != named })
	if len(alike) >= maxFetches {
		delete(f.seen, slices.MinFunc(alike, func(a, b fetcher) int { return f.seen[a].at.Compare(f.seen[b].at) }))
	}
}

// take returns what is to be noted.
func (f *fetches) take(now time.Time, all bool) (list []Fetch) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if !all && now.Sub(f.noted).Abs() < noteEvery {
		return nil
	}
	f.noted = now
	for who, is := range f.seen {
		if !is.at.After(is.noted) || is.set == is.known && !all && is.at.Sub(is.noted) < fetchAgain {
			continue
		}
		is.noted, is.known = is.at, is.set
		fetch := Fetch{Verifier: who.verifier, Address: who.address, Agent: who.agent, At: is.at}
		for _, k := range is.set.records {
			fetch.KIDs = append(fetch.KIDs, k.KID)
		}
		list = append(list, fetch)
	}
	slices.SortFunc(list, func(a, b Fetch) int { return cmp.Or(a.At.Compare(b.At), cmp.Compare(a.Address, b.Address)) })
	return list
}

// noteFetches stores who fetched the keys: everything at once, or what is due. What can't be stored is tried again when
// the verifier comes again.
func (r *Ring) noteFetches(ctx context.Context, all bool) {
	now := r.now()
	list := r.fetches.take(now, all)
	if len(list) == 0 {
		return
	}
	if err := r.Store.NoteFetches(ctx, list, now.Add(-fetchesLive), maxFetches); err != nil {
		r.Logger.WarnContext(ctx, "who fetched the keys is not noted", "error", err)
	}
}

// ServeJWKS publishes the keys.
//
// A replica that does not know what others did serves none: a key of which it does not know that it was cut must not be learnt from it.
// Verifiers keep what they have.
func (s *Service) ServeJWKS(w http.ResponseWriter, r *http.Request) {
	if err := s.current(); err != nil {
		httpx.WriteError(w, r, err)
		return
	}
	s.Ring.ServeJWKS(w, r)
}
