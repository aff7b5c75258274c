package signal

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/portico-iam/portico/internal/iam"
	"github.com/portico-iam/portico/internal/session"
)

// crowd is a store of people that finds more than it should: everybody.
type crowd []session.Person

func (c crowd) PeopleNamed(context.Context, string, string) ([]session.Person, error) { return c, nil }

func (c crowd) PeopleByMail(context.Context, string, string, time.Time) ([]session.Person, error) {
	return c, nil
}
func (crowd) SignalSeen(context.Context, string, time.Time) (bool, error)    { return false, nil }
func (crowd) NoteSignal(context.Context, string, time.Time, time.Time) error { return nil }

// Whoever is found is at the sign-in's issuer, bears the name that was said, and is one: whatever people there are.
func TestOnlyWhoIsMeantIsFound(t *testing.T) {
	const signIn, org, foreign = "https://i.test/oauth2/default", "https://i.test", "https://j.test"
	name := rapid.SampledFrom([]string{"", "a@b.test", "A@b.test", "00u1", "00u2", "a@b.tesT", "ä@b.test", "Ä@b.test", "a"})
	person := rapid.Custom(func(t *rapid.T) session.Person {
		return session.Person{
			Issuer: rapid.SampledFrom([]string{signIn, signIn, foreign, org}).Draw(t, "issuer"), Subject: rapid.SampledFrom([]string{"a@b.test", "A@B.test", "00u1", "s", "t"}).Draw(t, "subject"),
			IDSubject: name.Draw(t, "id"), Username: name.Draw(t, "username"), Email: name.Draw(t, "email"),
		}
	})
	identified := rapid.Custom(func(t *rapid.T) identifier {
		return identifier{
			Format: rapid.SampledFrom([]string{formatIssSub, formatEmail, formatOpaque}).Draw(t, "format"),
			Issuer: rapid.SampledFrom([]string{signIn, org, foreign, signIn + "/"}).Draw(t, "iss"), Subject: name.Draw(t, "sub"), Email: name.Draw(t, "mail"), ID: name.Draw(t, "opaque"),
		}
	})
	rapid.Check(t, func(t *rapid.T) {
		people, i := crowd(rapid.SliceOfN(person, 0, 8).Draw(t, "people")), identified.Draw(t, "identifier")
		if i.Subject == "" || i.Email == "" || i.ID == "" {
			return // never read
		}
		s := New(Config{SignIn: &iam.Issuer{Issuer: signIn}, Store: people, Now: time.Now})
		found, err := s.find(t.Context(), i, org)
		if err != nil && (i.Format != formatEmail || !errors.Is(err, errAmbiguous) || len(found) > 0) {
			t.Fatalf("got %v, %v", found, err)
		}
		ids := map[string]bool{}
		for _, f := range found {
			if f.Issuer != signIn {
				t.Fatalf("found %v", f)
			}
			fits := false
			for _, p := range people {
				if p.Issuer != f.Issuer || p.Subject != f.Subject {
					continue
				}
				switch i.Format {
				case formatEmail:
					like := func(s string) bool { return strings.EqualFold(s, i.Email) && s != "" }
					if like(p.Email) || like(p.Username) || like(p.Subject) {
						fits, ids[p.IDSubject] = true, true
					}
				case formatIssSub:
					fits = fits || (i.Issuer == signIn || i.Issuer == org) && (p.IDSubject == i.Subject || i.Issuer == signIn && p.Subject == i.Subject)
				case formatOpaque:
					fits = fits || p.IDSubject == i.ID
				}
			}
			if !fits {
				t.Fatalf("found %v by %+v", f, i)
			}
		}
	})
}

// The moment of a cut is never ahead of now, and what can't be is not heeded.
func TestTheMomentIsNeverAhead(t *testing.T) {
	now := time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)
	s := New(Config{Now: func() time.Time { return now }})
	rapid.Check(t, func(t *rapid.T) {
		offset := rapid.Int64Range(-int64(200*24*time.Hour), int64(200*24*time.Hour))
		first, second := now.Add(time.Duration(offset.Draw(t, "event"))), now.Add(time.Duration(offset.Draw(t, "issued")))
		got := s.momentOf(time.Minute, first, second)
		if got.After(now) || now.Sub(got) >= session.SeenWithin {
			t.Fatalf("got %s", got)
		}
		if sane := !first.After(now.Add(time.Minute)) && now.Sub(first) < session.SeenWithin; sane && got.Before(now) && !got.Equal(first.Add(time.Minute)) {
			t.Fatalf("got %s of %s", got, first)
		}
	})
}
