package iam_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/portico-iam/portico/internal/fault"
	"github.com/portico-iam/portico/internal/iam"
)

// outcome is the code and what is said to the caller.
func outcome(err error) string {
	if err == nil {
		return "accepted"
	}
	return fault.Of(err).Code.ID + fault.Of(err).Detail
}

func remembering(t testing.TB) *bench {
	b := newBench(t)
	b.Verified = iam.NewVerified()
	return b
}

func (b *bench) accepts(t *testing.T, rule, token string) *iam.Token {
	t.Helper()
	got, err := b.Verify(t.Context(), token)
	if err != nil {
		t.Fatalf("%s: %v", rule, err)
	}
	return got
}

// sets are what an issuer may publish one after the other.
func sets() map[string]http.HandlerFunc {
	k := keys()
	set := func(keys ...object) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) { w.Write([]byte(mustJSON(object{"keys": keys}))) }
	}
	ec := jwk("ec", "ES256", k.p256.Public())
	return map[string]http.HandlerFunc{
		"all":                    set(jwk("rsa", "RS256", k.rsa.Public()), ec),
		"without rsa":            set(ec),
		"other material":         set(jwk("rsa", "RS256", k.other.Public()), ec),
		"for another algorithm":  set(jwk("rsa", "PS256", k.rsa.Public()), ec),
		"of another type":        set(jwk("rsa", "ES256", k.p256.Public()), ec),
		"under each other's ids": set(jwk("rsa", "ES256", k.p256.Public()), jwk("ec", "RS256", k.rsa.Public())),
		"not to be had":          func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) },
	}
}

// TestNT07_RememberedOrNotTheAnswerIsTheSame: whatever happens to time and keys, who remembers and who doesn't agree on
// every token, in the answer, its reason and the principal.
func TestNT07_RememberedOrNotTheAnswerIsTheSame(t *testing.T) {
	with, without := remembering(t), newBench(t)
	var tokens []string
	for _, changes := range []object{
		nil,
		{"exp": begin.Add(3 * time.Minute).Unix()},
		{"nbf": begin.Add(2 * time.Minute).Unix()},
		{"iat": begin.Add(time.Minute).Unix()},
		{"exp": begin.Add(20 * time.Hour).Unix()},
		{"sub": "eve@acme.test"},
		{"aud": clientID},
		{"iss": issuer + "/"},
		{"act": object{"sub": "x"}},
	} {
		tokens = append(tokens, good(changes), sign(header(nil), claims(changes), keys().other))
	}
	tokens = append(tokens, sign(header(object{"alg": "ES256", "kid": "ec"}), claims(nil), keys().p256), tokens[0]+"A", "")
	all := sets()

	rapid.Check(t, func(r *rapid.T) {
		c := newClock()
		for _, b := range []*bench{with, without} {
			b.keys.answer(all["all"])
			b.Issuers[0].Keys, b.Verifier.Now = keySet(t, b.keys, c), c.Now
		}
		with.Verified = iam.NewVerified()
		var log []string
		for range rapid.IntRange(1, 40).Draw(r, "steps") {
			if rapid.IntRange(0, 3).Draw(r, "kind") == 0 {
				c.advance(rapid.SampledFrom([]time.Duration{time.Second, 11 * time.Second, time.Minute, 6 * time.Minute, 2 * time.Hour, -time.Minute}).Draw(r, "time passes"))
				name := rapid.SampledFrom([]string{"all", "all", "without rsa", "other material", "for another algorithm", "of another type", "under each other's ids", "not to be had"}).Draw(r, "published")
				with.keys.answer(all[name])
				without.keys.answer(all[name])
				log = append(log, name)
				continue
			}
			i := rapid.IntRange(0, 1).Draw(r, "favourite") * rapid.IntRange(0, len(tokens)-1).Draw(r, "token")
			got, gotErr := with.Verify(t.Context(), tokens[i])
			want, wantErr := without.Verify(t.Context(), tokens[i])
			log = append(log, fmt.Sprint("token ", i, " ", wantErr))
			if outcome(gotErr) != outcome(wantErr) {
				r.Fatalf("%q: remembering says %v, verifying anew says %v", log, gotErr, wantErr)
			}
			if gotErr == nil && (!reflect.DeepEqual(got.Principal, want.Principal) || got.ExpiresAt != want.ExpiresAt) {
				r.Fatalf("%q: got %+v, want %+v", log, got.Principal, want.Principal)
			}
			with.Issuers[0].Keys.Close() // a refresh in the background must be over for both
			without.Issuers[0].Keys.Close()
		}
	})
}

// TestNT07_ARefreshThatEndsMeanwhileIsSeenByBothOrNeither: a token whose key was replaced is verified anew, with the keys
// of the same moment.
func TestNT07_ARefreshThatEndsMeanwhileIsSeenByBothOrNeither(t *testing.T) {
	with, without := remembering(t), newBench(t)
	all, long := sets(), object{"exp": begin.Add(20 * time.Hour).Unix()}
	token := good(long)
	ec := sign(header(object{"alg": "ES256", "kid": "ec"}), claims(long), keys().p256)
	for _, b := range []*bench{with, without} {
		b.keys.answer(all["all"])
		b.accepts(t, "at first", token)
		b.keys.answer(all["for another algorithm"])
		b.advance(6 * time.Minute)
		b.accepts(t, "by another key, which has them fetched", ec)
		b.Issuers[0].Keys.Close()
		b.keys.answer(all["all"])
		b.advance(6 * time.Minute)
		now := b.Verifier.Now
		b.Verifier.Now = func() time.Time { b.Issuers[0].Keys.Close(); return now() } // the refresh ends before the next look
	}
	_, got := with.Verify(t.Context(), token)
	_, want := without.Verify(t.Context(), token)
	if outcome(got) != outcome(want) {
		t.Errorf("remembering says %v, verifying anew says %v", got, want)
	}
}

// TestNT07_AWithdrawnKeyStopsCounting at the next refresh, and so does one whose material or use was changed.
func TestNT07_AWithdrawnKeyStopsCounting(t *testing.T) {
	for name, set := range sets() {
		if name == "all" || name == "not to be had" {
			continue
		}
		b := remembering(t)
		token := good(nil)
		b.accepts(t, name, token)
		b.keys.answer(set)
		b.advance(6 * time.Minute)
		b.accepts(t, "while the refresh is under way", token)
		b.Issuers[0].Keys.Close()
		refused(t, b, name, token, "")
		b.keys.answer(sets()["all"])
		b.advance(6 * time.Minute)
		_, _ = b.Verify(t.Context(), token)
		b.Issuers[0].Keys.Close()
		b.accepts(t, "published again", token)
	}
}

func TestNT07_ARememberedTokenExpires(t *testing.T) {
	b := remembering(t)
	token := good(object{"nbf": begin.Unix()})
	b.accepts(t, "first", token)
	b.advance(time.Hour + 29*time.Second)
	b.accepts(t, "within the leeway", token)
	b.advance(time.Second)
	refused(t, b, "expired", token, "expired")
	b.advance(-2 * time.Hour) // a clock that is set back
	refused(t, b, "not yet valid", token, "ahead of this machine's clock")
	b.advance(time.Hour)
	b.accepts(t, "in its time again", token)
}

// TestNT07_RememberedAsOneKindIsNotAnother: neither order of use lets a token in as what it is not.
func TestNT07_RememberedAsOneKindIsNotAnother(t *testing.T) {
	b := remembering(t)
	id := good(object{"aud": clientID, "nonce": "n"})
	delegated := good(object{"may_act": object{"sub": "service"}})
	access := good(nil)
	for range 2 {
		if _, err := b.VerifyIDToken(t.Context(), id, clientID, "n", ""); err != nil {
			t.Fatal(err)
		}
		refused(t, b, "an ID token", id, "expected the audience")
		if _, _, err := b.Subject(t.Context(), delegated); err != nil {
			t.Fatal(err)
		}
		refused(t, b, "one for delegation", delegated, "may_act")
		b.accepts(t, "an access token", access)
		if _, err := b.VerifyIDToken(t.Context(), access, clientID, "", ""); err == nil {
			t.Error("an access token was accepted as an ID token")
		}
	}
	// An issuer that is no longer asked is not asked by way of what is remembered either.
	other := *b.Issuers[0]
	other.Audience = "api://elsewhere"
	b.Issuers[0] = &other
	refused(t, b, "another policy of the same name", access, "expected the audience")
}

func TestNT07_RefusalsAreNotRemembered(t *testing.T) {
	b := remembering(t)
	b.keys.answer(sets()["without rsa"])
	token := good(nil)
	refused(t, b, "not published yet", token, "publishes no key")
	b.keys.answer(sets()["all"])
	b.advance(11 * time.Second)
	b.accepts(t, "published", token)
}

// TestWhatOneCallerAddsIsNotForTheNext: each has a principal of its own, and nothing of the token's other claims is kept.
func TestWhatOneCallerAddsIsNotForTheNext(t *testing.T) {
	b := remembering(t)
	token := good(object{"given_name": "Ada"})
	for range 3 {
		got := b.accepts(t, "each time", token)
		if got.Principal.GivenName != "Ada" || !got.Principal.NotAfter.Equal(begin.Add(time.Hour)) {
			t.Fatalf("got %+v", got.Principal)
		}
		if got.Subject() != "" {
			t.Error("the claims were kept")
		}
		got.Principal.GivenName, got.Principal.NotAfter = "Eve", time.Time{}
	}
}

// TestOneVerificationForAll: of many who come with the same token at once, one verifies it.
func TestOneVerificationForAll(t *testing.T) {
	b := remembering(t)
	b.accepts(t, "so that there are keys", good(object{"jti": "another"}))
	token := good(nil)
	synctest.Test(t, func(t *testing.T) {
		b.Verified = iam.NewVerified()
		var looks atomic.Int64
		release := make(chan struct{})
		b.Verifier.Now = func() time.Time {
			looks.Add(1)
			<-release
			return b.clock.Now()
		}
		var all sync.WaitGroup
		for range 50 {
			all.Go(func() {
				if _, err := b.Verify(t.Context(), token); err != nil {
					t.Error(err)
				}
			})
		}
		synctest.Wait()
		if n := looks.Load(); n != 1 {
			t.Errorf("%d verifications are under way, want 1", n)
		}
		close(release)
		all.Wait()
	})
}

// TestNobodyWaitsLongerThanTheirPatience for a verification that is under way, and who goes ends it for nobody.
func TestNobodyWaitsLongerThanTheirPatience(t *testing.T) {
	b := remembering(t)
	b.accepts(t, "so that there are keys", good(object{"jti": "another"}))
	token := good(nil)
	synctest.Test(t, func(t *testing.T) {
		b.Verified = iam.NewVerified()
		release := make(chan struct{})
		b.Verifier.Now = func() time.Time {
			<-release
			return b.clock.Now()
		}
		brief, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := b.Verify(brief, token); !fault.Unavailable.Is(err) || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("the first one: %v", err)
		}
		waiting := make(chan error, 1)
		go func() {
			_, err := b.Verify(t.Context(), token)
			waiting <- err
		}()
		synctest.Wait()
		close(release)
		if err := <-waiting; err != nil {
			t.Errorf("who goes on waiting: %v", err)
		}
	})
}

func BenchmarkVerify(b *testing.B) {
	for name, remembered := range map[string]*iam.Verified{"anew": nil, "remembered": iam.NewVerified()} {
		b.Run(name, func(b *testing.B) {
			v, token := newBench(b), good(nil)
			v.Verified = remembered
			b.ReportAllocs()
			for b.Loop() {
				if _, err := v.Verify(b.Context(), token); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
