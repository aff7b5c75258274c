package access

import (
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Requirement is what a role asks of the sign-in of whoever uses it: what it gives counts only while that is met (RFC 9470).
// Both parts must be met; a zero part asks for nothing.
type Requirement struct {
	Classes []string      // any one of these authentication context classes (acr)
	MaxAge  time.Duration // how long ago the sign-in (auth_time) may be, in whole seconds
}

// The bounds of a requirement. Below a minute nobody would get through a second factor and back in time.
const (
	MaxClasses     = 8
	MaxClassLength = 100
	MinAge         = time.Minute
	MostAge        = 30 * 24 * time.Hour
)

// futureSignIn is how far ahead of our clock a sign-in may seem to be: the clock of an identity provider may be.
const futureSignIn = 2 * time.Minute

// MetBy tells whether a sign-in meets the requirement at that time. What the sign-in does not tell is not met.
func (q *Requirement) MetBy(in *SignIn, at time.Time) bool {
	return q.classMet(in) && q.ageMet(in, at)
}

func (q *Requirement) classMet(in *SignIn) bool {
	return len(q.Classes) == 0 || in.Class != "" && slices.Contains(q.Classes, in.Class)
}

func (q *Requirement) ageMet(in *SignIn, at time.Time) bool {
	if q.MaxAge == 0 {
		return true
	}
	return in.At > 0 && at.Before(q.until(in)) && at.Add(futureSignIn).Unix() >= in.At
}

// until is when a sign-in no longer meets the requirement; zero: it goes on to.
func (q *Requirement) until(in *SignIn) time.Time {
	if q.MaxAge == 0 {
		return time.Time{}
	}
	return time.Unix(in.At, 0).Add(q.MaxAge)
}

// Equal tells whether both ask for the same; nil asks for nothing.
func (q *Requirement) Equal(other *Requirement) bool {
	if q == nil || other == nil {
		return q == other
	}
	return q.MaxAge == other.MaxAge && slices.Equal(q.Classes, other.Classes)
}

// Clone copies it.
func (q *Requirement) Clone() *Requirement {
	if q == nil {
		return nil
	}
	return &Requirement{Classes: slices.Clone(q.Classes), MaxAge: q.MaxAge}
}

// key tells requirements apart.
func (q *Requirement) key() string {
	if q == nil {
		return ""
	}
	return strings.Join(q.Classes, " ") + ";" + strconv.FormatInt(int64(q.MaxAge), 10)
}

// easier returns whichever of two requirements, neither of them met, takes less: one for which a sign-in of the same class will
// do. Of equals the first stays.
func easier(a, b *Requirement, in *SignIn) *Requirement {
	if a == nil || !a.classMet(in) && b.classMet(in) {
		return b
	}
	return a
}

// CheckRequirement tells what is wrong with what the role requires, and in which field; "signIn" is the whole.
func (r *Role) CheckRequirement() (field string, err error) {
	_, err = checkRequirement(r)
	var refused *ChangeError
	if errors.As(err, &refused) {
		field = refused.Field
	}
	return field, err
}

// checkRequirement returns a requirement as it is to be stored; nil for one that asks for nothing.
func checkRequirement(r *Role) (*Requirement, error) {
	q := r.Requires
	if q == nil || len(q.Classes) == 0 && q.MaxAge == 0 {
		return nil, nil
	}
	if r.Delegation != nil {
		return nil, refuse(Malformed, "signIn",
			"a role that is restricted to delegation is used by services, which do not sign in; require a permission of the user that such a role gives")
	}
	q = &Requirement{Classes: distinct(q.Classes), MaxAge: q.MaxAge}
	if len(q.Classes) > MaxClasses {
		return nil, refuse(Malformed, "signIn.acr", "signIn.acr: expected at most %d values, got %d", MaxClasses, len(q.Classes))
	}
	for _, class := range q.Classes {
		if !validClass(class) {
			return nil, refuse(Malformed, "signIn.acr", "signIn.acr: expected values of 1 to %d visible ASCII characters without quotes, backslashes and blanks, got %q",
				MaxClassLength, clipClass(class))
		}
	}
	if q.MaxAge != 0 && (q.MaxAge < MinAge || q.MaxAge > MostAge || q.MaxAge%time.Second != 0) {
		return nil, refuse(Malformed, "signIn.maxAge", "signIn.maxAge: expected whole seconds from %s to %s, got %s", Span(MinAge), Span(MostAge), q.MaxAge)
	}
	return q, nil
}

// validClass tells whether a class can stand in a list that blanks separate, within a quoted string (RFC 9470 section 3).
func validClass(class string) bool {
	return class != "" && len(class) <= MaxClassLength && !strings.ContainsFunc(class, func(r rune) bool {
		return r <= ' ' || r >= 0x7f || r == '"' || r == '\\'
	})
}

func clipClass(class string) string {
	const most = 40
	if len(class) > most {
		return class[:most] + "…"
	}
	return class
}

// Phrase says what kind of sign-in it asks for, in words that follow "a sign-in".
func (q *Requirement) Phrase() Phrase {
	classes := strings.Join(q.Classes, ", ")
	switch {
	case q.MaxAge == 0 && len(q.Classes) == 1:
		return phrase("of the class %s", classes)
	case q.MaxAge == 0:
		return phrase("of one of the classes %s", classes)
	case len(q.Classes) == 0:
		return phrase("not older than %s", Span(q.MaxAge))
	case len(q.Classes) == 1:
		return phrase("of the class %s, not older than %s", classes, Span(q.MaxAge))
	}
	return phrase("of one of the classes %s, not older than %s", classes, Span(q.MaxAge))
}

// Phrase says what is known of a sign-in, in words that follow "with".
func (s *SignIn) Phrase(now time.Time) Phrase {
	age := Span(max(0, now.Sub(time.Unix(s.At, 0)).Truncate(time.Minute)))
	switch {
	case s.At == 0 && s.Class == "":
		return phrase("nothing about the sign-in")
	case s.At == 0:
		return phrase("the class %s, and not when the sign-in was", clipClass(s.Class))
	case s.Class == "":
		return phrase("no class of the sign-in, and that it is %s old", age)
	}
	return phrase("the class %s, and that the sign-in is %s old", clipClass(s.Class), age)
}

// Span is a time as people write it, in units that need no translation: 15 min, 8 h.
func Span(d time.Duration) string {
	s := int64(d / time.Second)
	switch {
	case s > 0 && s%3600 == 0:
		return strconv.FormatInt(s/3600, 10) + " h"
	case s%60 == 0:
		return strconv.FormatInt(s/60, 10) + " min"
	}
	return strconv.FormatInt(s, 10) + " s"
}
