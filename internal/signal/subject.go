package signal

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/portico-iam/portico/internal/fault"
	"github.com/portico-iam/portico/internal/revocation"
	"github.com/portico-iam/portico/internal/session"
)

// identifier is a subject identifier (RFC 9493). Only the members of its format are set.
type identifier struct {
	Format          string
	Issuer, Subject string       // iss_sub
	Email           string       // email
	ID              string       // opaque
	Aliases         []identifier // aliases
}

// The formats that can name somebody here.
const (
	formatIssSub  = "iss_sub"
	formatEmail   = "email"
	formatOpaque  = "opaque"
	formatAliases = "aliases"
)

const (
	maxName    = 255 // characters of an identifier's members
	maxAliases = 10
)

var (
	errFormat    = errors.New("a format that names nobody here")
	errAmbiguous = errors.New("more than one person")
)

// members are those of each format, all of them required, no other admitted (RFC 9493 section 3).
var members = map[string][]string{
	formatIssSub: {"iss", "sub"}, formatEmail: {"email"}, formatOpaque: {"id"}, formatAliases: {"identifiers"},
}

// readIdentifier reads a subject identifier strictly. A format that is not known here has the cause errFormat.
func readIdentifier(value any) (identifier, error) { return readAlias(value, true) }

func readAlias(value any, outer bool) (identifier, error) {
	m, ok := value.(map[string]any)
	if !ok {
		return identifier{}, malformed("expected a subject identifier as an object with a format")
	}
	format, _ := m["format"].(string)
	wanted, known := members[format]
	switch {
	case format == "":
		return identifier{}, malformed("expected the format of the subject identifier")
	case !known:
		return identifier{Format: clip(format)}, malformed("expected a subject identifier of the format iss_sub, email or opaque, got %s", clip(format)).Because(errFormat)
	case len(m) != len(wanted)+1:
		return identifier{}, malformed("expected of a subject identifier of the format %s exactly: format, %s", format, strings.Join(wanted, ", "))
	}
	if format == formatAliases {
		if !outer { // RFC 9493 section 3.2.8
			return identifier{}, malformed("expected no aliases within aliases")
		}
		return readAliases(m["identifiers"])
	}
	text := make([]string, len(wanted))
	for i, name := range wanted {
		s, _ := m[name].(string)
		if !plain(s) {
			return identifier{}, malformed("%s: expected 1 to %d plain characters", name, maxName)
		}
		text[i] = s
	}
	i := identifier{Format: format}
	switch format {
	case formatIssSub:
		i.Issuer, i.Subject = text[0], text[1]
	case formatEmail:
		i.Email = text[0]
		if at := strings.LastIndexByte(i.Email, '@'); at < 1 || at == len(i.Email)-1 {
			return identifier{}, malformed("email: expected an address with an @ in it")
		}
	case formatOpaque:
		i.ID = text[0]
	}
	return i, nil
}

func readAliases(value any) (identifier, error) {
	list, _ := value.([]any)
	if len(list) == 0 || len(list) > maxAliases {
		return identifier{}, malformed("identifiers: expected 1 to %d", maxAliases)
	}
	all := identifier{Format: formatAliases}
	for _, one := range list {
		i, err := readAlias(one, false)
		if errors.Is(err, errFormat) {
			continue // another one may do
		}
		if err != nil {
			return identifier{}, err
		}
		all.Aliases = append(all.Aliases, i)
	}
	return all, nil
}

// plain tells whether a text may name somebody.
func plain(s string) bool {
	return s != "" && utf8.ValidString(s) && utf8.RuneCountInString(s) <= maxName && !strings.ContainsFunc(s, unicode.IsControl)
}

func malformed(format string, args ...any) *fault.Fault {
	return fault.InvalidInput.New(format, args...)
}

// find returns who is meant by what somebody said who speaks for an issuer: nobody, or one person, who may have been known by more
// than one name of theirs. More than one person has the cause errAmbiguous.
func (s *Service) find(ctx context.Context, i identifier, speaker string) ([]revocation.Person, error) {
	switch i.Format {
	case formatIssSub:
		// Exactly: the issuer of the sign-in, or who speaks for it, e.g. the org of an authorization server of Okta's.
		if i.Issuer != s.SignIn.Issuer && i.Issuer != speaker {
			return nil, nil
		}
		return s.findNamed(ctx, i.Subject, i.Issuer == s.SignIn.Issuer)
	case formatOpaque:
		return s.findNamed(ctx, i.ID, false)
	case formatEmail:
		return s.findByMail(ctx, i.Email)
	case formatAliases:
		var all []revocation.Person
		for _, alias := range i.Aliases {
			found, err := s.find(ctx, alias, speaker)
			if err != nil {
				return nil, err
			}
			for _, p := range found {
				if !slices.Contains(all, p) {
					all = append(all, p)
				}
			}
		}
		return all, nil // they are all said to be one
	}
	return nil, nil
}

// findNamed finds by the ID token's sub; where that names nobody, and either may be meant, by the subject that Portico knows them by,
// which is the access token's. At Okta those two differ, and only the first never changes.
func (s *Service) findNamed(ctx context.Context, name string, either bool) ([]revocation.Person, error) {
	found, err := s.Store.PeopleNamed(ctx, s.SignIn.Issuer, name)
	if err != nil {
		return nil, err
	}
	by := func(is func(p *session.Person) bool) (people []revocation.Person) {
		for _, p := range found {
			if p.Issuer == s.SignIn.Issuer && is(&p) {
				people = append(people, revocation.Person{Issuer: p.Issuer, Subject: p.Subject})
			}
		}
		return people
	}
	people := by(func(p *session.Person) bool { return p.IDSubject == name })
	if len(people) == 0 && either {
		people = by(func(p *session.Person) bool { return p.Subject == name })
	}
	return people, nil
}

// findByMail finds by the address that the issuer verified, or by which people sign in there. Letters of ASCII count without regard to
// case, as they do at Okta; nothing else is made equal.
func (s *Service) findByMail(ctx context.Context, address string) ([]revocation.Person, error) {
	found, err := s.Store.PeopleByMail(ctx, s.SignIn.Issuer, address, s.Now().Add(-session.SeenWithin))
	if err != nil {
		return nil, err
	}
	var people []revocation.Person
	var names []string // how the issuer itself tells them apart
	for _, p := range found {
		if p.Issuer != s.SignIn.Issuer || !sameMail(p.Email, address) && !sameMail(p.Username, address) && !sameMail(p.Subject, address) {
			continue
		}
		name := "id " + p.IDSubject
		if p.IDSubject == "" {
			name = "subject " + p.Subject
		}
		if !slices.Contains(names, name) {
			names = append(names, name)
		}
		people = append(people, revocation.Person{Issuer: p.Issuer, Subject: p.Subject})
	}
	if len(names) > 1 {
		return nil, fault.InvalidInput.New("%d people have this address: name the person by iss_sub", len(names)).Because(errAmbiguous)
	}
	return people, nil
}

func sameMail(a, b string) bool { return a != "" && foldASCII(a) == foldASCII(b) }

func foldASCII(s string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'A' && r <= 'Z' {
			return r + 'a' - 'A'
		}
		return r
	}, s)
}

// momentOf is until when what somebody held is to end, by what is said of when it happened: no later than now, since nobody can end
// what is yet to begin; with the difference that clocks may have. What can't be is not heeded.
func (s *Service) momentOf(leeway time.Duration, said ...time.Time) time.Time {
	now := s.Now()
	for _, at := range said {
		if !at.IsZero() && !at.After(now.Add(leeway)) && now.Sub(at) < session.SeenWithin {
			if at = at.Add(leeway); at.Before(now) {
				return at
			}
			return now
		}
	}
	return now
}

// clip bounds what is kept of what somebody sent.
func clip(s string) string { return fault.Clip(s, 300) }
