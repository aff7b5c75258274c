package iam

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/portico-iam/portico/internal/fault"
)

// Why a statement was refused, where whoever sent it is told so.
var (
	ErrIssuer   = errors.New("of another issuer")
	ErrAudience = errors.New("for somebody else")
	ErrKey      = errors.New("signed by no key of the issuer")
)

// Statement is what a JWT must be like by which an issuer tells something: that somebody signed out, or is to be. It grants nothing,
// and is no token of a sign-in.
type Statement struct {
	Type     string // of the header, without application/
	Untyped  bool   // no type, and JWT, will do too
	Audience string
	Alone    bool // nobody else may be in the audience
	// Expires: it must say when, at most so far ahead. 0: it need not, and that is not looked at.
	Expires time.Duration
	// Issued: it must say when, at most so long ago. 0: it need not.
	Issued time.Duration
}

// Stated is a validated statement.
type Stated struct {
	Claims map[string]any // numbers are json.Number
	// Its times; zero where it does not say.
	IssuedAt, ExpiresAt time.Time
}

// Text returns a claim that is a string.
func (s *Stated) Text(name string) string {
	text, _ := s.Claims[name].(string)
	return text
}

// Has tells whether there is such a claim, whatever it is.
func (s *Stated) Has(name string) bool {
	_, has := s.Claims[name]
	return has
}

// State validates a statement of this issuer, by the same steps as a token: form, type, issuer, audience, times, signature.
func (i *Issuer) State(ctx context.Context, raw string, want Statement, now time.Time) (*Stated, error) {
	p, err := parseOf(raw, want.checkType)
	if err != nil {
		return nil, err
	}
	if p.issuer() != i.Issuer {
		return nil, misplaced(ErrIssuer, "expected the issuer %s, got %s", i.Issuer, clip(p.issuer()))
	}
	if err := want.checkAudience(p); err != nil {
		return nil, err
	}
	s := &Stated{Claims: p.claims}
	if err := want.checkTimes(p, s, now, i.Leeway); err != nil {
		return nil, err
	}
	_, err = i.checkSignature(ctx, p)
	if f := fault.Of(err); err != nil && f.Code == fault.Unauthenticated {
		return nil, f.Because(ErrKey)
	} else if err != nil {
		return nil, err
	}
	return s, nil
}

// misplaced is refuse, with a reason that its sender is told.
func misplaced(why error, format string, args ...any) error {
	return fault.Unauthenticated.New("the identity provider's token was refused: "+format, args...).Because(why)
}

func (w Statement) checkType(typ any) (string, error) {
	text, _ := typ.(string)
	short := strings.TrimPrefix(strings.ToLower(text), "application/")
	if short == w.Type && typ != nil || w.Untyped && (typ == nil || short == "jwt") {
		return short, nil
	}
	return "", refuse("expected the type %s, got %q", w.Type, clip(text))
}

func (w Statement) checkAudience(p *parsed) error {
	all := p.audiences()
	listed, isList := p.claims["aud"].([]any)
	odd := isList && len(listed) != len(all) // something that is no string
	if w.Audience == "" || odd || !slices.Contains(all, w.Audience) || w.Alone && len(all) != 1 {
		return misplaced(ErrAudience, "expected the audience %s, got %s", w.Audience, clip(strings.Join(all, " ")))
	}
	return nil
}

func (w Statement) checkTimes(p *parsed, s *Stated, now time.Time, leeway time.Duration) error {
	var l life
	for _, c := range []struct {
		name   string
		at     *time.Time
		wanted bool
	}{{"exp", &l.expires, w.Expires > 0}, {"nbf", &l.notBefore, false}, {"iat", &l.issuedAt, w.Issued > 0}} {
		at, has, err := p.time(c.name)
		if err != nil {
			return err
		}
		if c.wanted && !has {
			return refuse("it has no %s", c.name)
		}
		*c.at = at
	}
	s.IssuedAt, s.ExpiresAt = l.issuedAt, l.expires
	if w.Expires == 0 {
		l.expires = now.Add(time.Hour) // not looked at
	}
	if err := l.check(now, leeway); err != nil {
		return err
	}
	switch {
	case w.Expires > 0 && l.expires.Sub(now) > w.Expires+leeway:
		return refuse("its exp is %s ahead: expected at most %s", l.expires.Sub(now).Round(time.Second), w.Expires)
	case w.Issued > 0 && now.Sub(l.issuedAt) > w.Issued+leeway:
		return untimely("it was issued %s ago: expected at most %s", now.Sub(l.issuedAt).Round(time.Second), w.Issued)
	}
	return nil
}
