package signal

import (
	"encoding/json"
	"net/url"
	"strings"
	"testing"

	"github.com/portico-iam/portico/internal/iam"
)

// checkIdentifier checks what every identifier that is accepted has: the members of its format, each plain.
func checkIdentifier(t *testing.T, i identifier) {
	t.Helper()
	wanted := map[string][]string{formatIssSub: {i.Issuer, i.Subject}, formatEmail: {i.Email}, formatOpaque: {i.ID}, formatAliases: {}}
	texts, known := wanted[i.Format]
	if !known {
		t.Fatalf("accepted the format %q", i.Format)
	}
	for _, s := range texts {
		if !plain(s) {
			t.Fatalf("accepted %q", s)
		}
	}
	if i.Format == formatEmail && !strings.Contains(i.Email, "@") {
		t.Fatalf("accepted the address %q", i.Email)
	}
	if len(i.Aliases) > maxAliases {
		t.Fatalf("accepted %d aliases", len(i.Aliases))
	}
	for _, alias := range i.Aliases {
		if alias.Format == formatAliases {
			t.Fatal("accepted aliases within aliases")
		}
		checkIdentifier(t, alias)
	}
}

func FuzzGlobal(f *testing.F) {
	for _, s := range []string{
		`{"sub_id":{"format":"email","email":"ivan@acme.test"}}`, `{"sub_id":{"format":"iss_sub","iss":"https://i","sub":"00u1"}}`,
		`{"sub_id":{"format":"opaque","id":"x"}}`, `{"sub_id":null}`, `{"sub_id":{"format":"email","email":"a@b","email":"c@d"}}`, `[]`, ``, `{"sub_id":{"format":5}}`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		who, err := readGlobal(body)
		if err != nil {
			return
		}
		if who.Format != formatEmail && who.Format != formatIssSub {
			t.Fatalf("accepted the format %q", who.Format)
		}
		checkIdentifier(t, who)
	})
}

func FuzzSubject(f *testing.F) {
	for _, s := range []string{
		`{"format":"complex","user":{"format":"email","email":"a@b"},"session":{"format":"opaque","id":"s"}}`, `{"user":{"format":"iss_sub","iss":"i","sub":"s"}}`,
		`{"format":"aliases","identifiers":[{"format":"email","email":"a@b"},{"format":"did","url":"x"}]}`, `{"format":"aliases","identifiers":[{"format":"aliases","identifiers":[]}]}`,
		`{"format":"opaque","id":"x"}`, `5`, `null`, `{}`, `{"format":null}`, `{"user":{"user":{}}}`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		var value any
		if json.Unmarshal(text, &value) != nil {
			return
		}
		about, err := readSubject(value)
		if err != nil {
			return
		}
		for _, i := range []*identifier{about.user, about.session} {
			if i != nil {
				checkIdentifier(t, *i)
			}
		}
	})
}

func FuzzLogoutForm(f *testing.F) {
	for _, s := range []string{"logout_token=a.b.c", "logout_token=", "logout_token=a&logout_token=b", "x=y", "%zz", "logout_token=a;b"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		token, err := readLogoutToken(body)
		if err != nil {
			return
		}
		values, err := url.ParseQuery(string(body))
		if token == "" || err != nil || len(values["logout_token"]) != 1 || values.Get("logout_token") != token {
			t.Fatalf("accepted %q", body)
		}
	})
}

func FuzzFrontChannel(f *testing.F) {
	s := New(Config{SignIn: &iam.Issuer{Issuer: "https://i.test/x"}})
	for _, q := range []string{"iss=https://i.test/x&sid=s", "iss=https%3A%2F%2Fi.test%2Fx&sid=s%00", "sid=s", "iss=https://i.test/x&sid=s&sid=t", ";", "%"} {
		f.Add(q)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		sid, err := s.readFront(raw)
		if err != nil {
			return
		}
		values, _ := url.ParseQuery(raw)
		if !plain(sid) || values.Get("iss") != "https://i.test/x" || len(values["iss"]) != 1 || len(values["sid"]) != 1 {
			t.Fatalf("accepted %q", raw)
		}
	})
}

func FuzzEventHook(f *testing.F) {
	for _, s := range []string{
		`{"eventType":"com.okta.event_hook","source":"s","data":{"events":[{"uuid":"u","eventType":"user.session.clear","published":"2026-11-25T12:00:00.000Z","target":[{"id":"00u1","type":"User"}]}]}}`,
		`{"eventType":"com.okta.event_hook","data":{"events":[]}}`, `{"data":null}`, `[]`, ``, `{"eventType":"com.okta.event_hook","data":{"events":[{"uuid":null}]}}`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		_, events, err := readHook(body)
		if err != nil {
			return
		}
		if len(events) == 0 || len(events) > maxHookEvents {
			t.Fatalf("accepted %d events", len(events))
		}
		for _, e := range events {
			if !plain(e.UUID) || !plain(e.EventType) || len(e.Target) > maxHookTargets {
				t.Fatalf("accepted %+v", e)
			}
		}
	})
}

func FuzzPollAnswer(f *testing.F) {
	for _, s := range []string{`{"sets":{"a":"b"},"moreAvailable":true}`, `{"sets":{}}`, `{"sets":null,"moreAvailable":true}`, `{}`, `[]`, `{"sets":{"":"x"}}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		sets, more, err := readSETs(body)
		if err != nil {
			return
		}
		if len(sets) > 2*pollMost || more && len(sets) == 0 {
			t.Fatalf("accepted %d, more: %v", len(sets), more)
		}
		for name := range sets {
			if !plain(name) {
				t.Fatalf("accepted the name %q", name)
			}
		}
	})
}
