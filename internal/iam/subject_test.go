package iam_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/portico-iam/portico/internal/access"
	"github.com/portico-iam/portico/internal/fault"
)

func TestNT34_TokensThatSpeakOfDelegation(t *testing.T) {
	b := newBench(t)
	none := absent{}
	for rule, c := range map[string]struct {
		may     any
		want    *access.MayAct
		refused bool
	}{
		"names nobody":            {may: none},
		"by subject":              {may: object{"sub": "svc"}, want: &access.MayAct{Issuer: issuer, Subject: "svc"}},
		"of another issuer":       {may: object{"sub": "svc", "iss": "https://x"}, want: &access.MayAct{Issuer: "https://x", Subject: "svc"}},
		"by client":               {may: object{"client_id": "0oa"}, want: &access.MayAct{Issuer: issuer, ClientID: "0oa"}},
		"with a condition":        {may: object{"sub": "svc", "aud": "x"}, refused: true},
		"with an empty subject":   {may: object{"sub": ""}, refused: true},
		"with a number":           {may: object{"sub": 7}, refused: true},
		"that is empty":           {may: object{}, refused: true},
		"that is a text":          {may: "svc", refused: true},
		"that is null":            {may: nil, refused: true},
		"that names several":      {may: []any{object{"sub": "a"}, object{"sub": "b"}}, refused: true},
		"with an act in the deep": {may: object{"sub": "svc", "act": object{"sub": "x"}}, refused: true},
	} {
		token := good(object{"may_act": c.may})
		p, may, err := b.Subject(t.Context(), token)
		if c.refused != fault.Unauthenticated.Is(err) || !c.refused && (err != nil || p.Subject != "ada@acme.test" || fmt.Sprint(may) != fmt.Sprint(c.want)) {
			t.Errorf("may_act %s: got %+v, %v", rule, may, err)
		}
		if _, err := b.Principal(t.Context(), token); (c.may == none) != (err == nil) {
			t.Errorf("may_act %s: on the plain path: %v", rule, err)
		}
	}
	if _, _, err := b.Subject(t.Context(), good(object{"act": object{"sub": "svc"}})); !fault.Unauthenticated.Is(err) {
		t.Errorf("act: got %v", err)
	}
}

// What is odd about the sign-in decides nothing: it is left out.
func TestTheSignInIsRead(t *testing.T) {
	b := newBench(t)
	many := make([]string, 17)
	for rule, c := range map[string]struct {
		claims object
		want   access.SignIn
	}{
		"nothing":       {nil, access.SignIn{}},
		"all of it":     {object{"auth_time": begin.Unix(), "acr": "urn:loa", "amr": []string{"pwd", "mfa"}}, access.SignIn{At: begin.Unix(), Class: "urn:loa", Methods: []string{"pwd", "mfa"}}},
		"other types":   {object{"auth_time": "x", "acr": 1, "amr": "pwd"}, access.SignIn{}},
		"some methods":  {object{"amr": []any{"pwd", 1, ""}}, access.SignIn{Methods: []string{"pwd"}}},
		"a long class":  {object{"acr": strings.Repeat("a", 256)}, access.SignIn{}},
		"many methods":  {object{"amr": many}, access.SignIn{}},
		"a long method": {object{"amr": []string{strings.Repeat("a", 256)}}, access.SignIn{}},
	} {
		p, err := b.Principal(t.Context(), good(c.claims))
		if err != nil || fmt.Sprint(p.SignIn) != fmt.Sprint(c.want) {
			t.Errorf("%s: got %+v, %v", rule, p, err)
		}
	}
}
