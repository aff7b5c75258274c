package iam

import (
	"context"
	"strings"

	"github.com/portico-iam/portico/internal/access"
)

// Principal validates an access token, and returns whom it is about.
func (v *Verifier) Principal(ctx context.Context, raw string) (*access.Principal, error) {
	t, err := v.Verify(ctx, raw)
	if err != nil {
		return nil, err
	}
	return t.Principal, nil
}

// Subject validates an access token for an exchange in which somebody acts for the one whom it is about. So it may name
// who may; nil: it names nobody. A token in which somebody acts already is the work of another token service, and refused.
func (v *Verifier) Subject(ctx context.Context, raw string) (*access.Principal, *access.MayAct, error) {
	t, err := v.verify(ctx, raw, "act")
	if err != nil {
		return nil, nil, err
	}
	if err := v.checkRevoked(ctx, t.Principal); err != nil {
		return nil, nil, err
	}
	may, err := mayAct(t.claims, t.Principal.Issuer)
	return t.Principal, may, err
}

// mayAct reads the claim of RFC 8693 section 4.4. What it says beyond our understanding may be a condition, so that is
// refused.
func mayAct(claims map[string]any, issuer string) (*access.MayAct, error) {
	value, has := claims["may_act"]
	if !has {
		return nil, nil
	}
	members, ok := value.(map[string]any)
	if !ok || len(members) == 0 {
		return nil, refuse("expected may_act as an object that names somebody")
	}
	may := &access.MayAct{Issuer: issuer}
	fields := map[string]*string{"iss": &may.Issuer, "sub": &may.Subject, "client_id": &may.ClientID}
	for name, value := range members {
		text, _ := value.(string)
		field, known := fields[name]
		if !known || text == "" {
			return nil, refuse("expected of may_act nothing but the texts iss, sub and client_id")
		}
		*field = text
	}
	return may, nil
}

// The bounds of what is passed on of a sign-in.
const (
	maxSignInText    = 128
	maxSignInMethods = 16
)

// signIn reads how the person proved who they are (RFC 9068 section 2.2.1). What is malformed is left out: it is passed
// on, and decides nothing here.
func signIn(claims map[string]any) (s access.SignIn) {
	p := parsed{claims: claims}
	if at, has, err := p.time("auth_time"); has && err == nil {
		s.At = at.Unix()
	}
	short := func(v any) string {
		text, _ := v.(string)
		if len(text) > maxSignInText || strings.ContainsFunc(text, func(r rune) bool { return r < 0x20 || r > 0x7e || strings.ContainsRune(`"\<>`, r) }) {
			return ""
		}
		return text
	}
	s.Class = short(claims["acr"])
	methods, _ := claims["amr"].([]any)
	if len(methods) > maxSignInMethods {
		return s
	}
	for _, m := range methods {
		if text := short(m); text != "" {
			s.Methods = append(s.Methods, text)
		}
	}
	return s
}
