package kept_test

import (
	"crypto/rand"
	"encoding/base64"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/portico-iam/portico/internal/desk/kept"
	"github.com/portico-iam/portico/internal/seal"
)

const path = "/roles/new"

var ada, mallory = kept.Person{Issuer: "https://okta.test", Subject: "ada"}, kept.Person{Issuer: "https://okta.test", Subject: "mallory"}

// bench is a keeper and the browser that it keeps forms in.
type bench struct {
	*kept.Forms
	now time.Time
	jar map[string]string
}

func newBench() *bench {
	b := &bench{now: time.Unix(1_800_000_000, 0), jar: map[string]string{}}
	b.Forms = kept.New(seal.NewKeys(seal.RandomKey()), true, func() time.Time { return b.now })
	return b
}

func (b *bench) request(method, target string, form url.Values) *http.Request {
	r := httptest.NewRequest(method, target, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	for name, value := range b.jar {
		r.AddCookie(&http.Cookie{Name: name, Value: value})
	}
	if err := r.ParseForm(); err != nil {
		panic(err)
	}
	return r
}

func (b *bench) keep(target string, form url.Values) (kept.Form, bool) {
	w := httptest.NewRecorder()
	f, ok := b.Keep(w, b.request("POST", target, form))
	b.answer(w)
	return f, ok
}

func (b *bench) answer(w *httptest.ResponseRecorder) {
	for _, c := range w.Result().Cookies() {
		if b.jar[c.Name] = c.Value; c.MaxAge < 0 {
			delete(b.jar, c.Name)
		}
	}
}

func (b *bench) take(target string, f kept.Form, p kept.Person) (url.Values, bool) {
	if f.Box != "" {
		return b.Take(b.request("POST", target, url.Values{kept.BoxField: {f.Box}}), p)
	}
	return b.Take(b.request("GET", target+"?form="+f.Name, nil), p)
}

func (b *bench) filled(name string) url.Values {
	return url.Values{"name": {name}, "permissions": {"KEY_LIST", "STS_ROLE_LIST"}, "do": {"save"}, kept.MarkField: {b.Mark(ada, path)}}
}

func noise(n int) string {
	b := make([]byte, n)
	rand.Read(b)
	return base64.RawURLEncoding.EncodeToString(b)
}

// TestAFormComesBackAsItWas: whatever was typed, small or large, to whoever sent it.
func TestAFormComesBackAsItWas(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := newBench()
		form := url.Values(rapid.MapOfN(rapid.StringMatching(`[a-z]{1,5}[A-Z]`), rapid.SliceOfN(rapid.String(), 1, 3), 1, 5).Draw(t, "form"))
		if rapid.Bool().Draw(t, "large") {
			form.Set("text", noise(rapid.IntRange(1, 20_000).Draw(t, "size")))
		}
		sent := url.Values{kept.MarkField: {b.Mark(ada, path)}}
		for field, values := range form {
			sent[field] = values
		}
		f, ok := b.keep(path, sent)
		got, found := b.take(path, f, ada)
		if !ok || !found || got.Encode() != form.Encode() {
			t.Fatalf("sent %q, got %q (%v, %v)", form, got, ok, found)
		}
	})
}

func TestOnlyWhoSentItSeesIt(t *testing.T) {
	b := newBench()
	small, ok := b.keep(path, b.filled("Issuer"))
	if !ok || small.Box != "" {
		t.Fatalf("got %+v, %v", small, ok)
	}
	sent := b.filled("Issuer")
	sent.Set("more", noise(9000))
	large, ok := b.keep(path, sent)
	if !ok || large.Box == "" {
		t.Fatalf("got %+v, %v", large, ok)
	}
	altered := []byte(large.Box)
	altered[40] ^= 1
	value := func(prefix string) (name string) {
		for name := range b.jar {
			if strings.HasPrefix(name, prefix) {
				return name
			}
		}
		return ""
	}
	cookie := value("__Secure-portico-form-")
	for rule, c := range map[string]struct {
		target string
		form   kept.Form
		who    kept.Person
		later  time.Duration
		cookie string // in place of the real one
	}{
		"another person":                    {target: path, form: small, who: mallory},
		"another person, carried":           {target: path, form: large, who: mallory},
		"the same subject elsewhere":        {target: path, form: large, who: kept.Person{Issuer: "https://other.test", Subject: "ada"}},
		"nobody":                            {target: path, form: large},
		"another path":                      {target: "/roles/x/edit", form: large, who: ada},
		"another path, with its cookie":     {target: "/organisations/new", form: small, who: ada},
		"half an hour later":                {target: path, form: small, who: ada, later: 30 * time.Minute},
		"half an hour later, carried":       {target: path, form: large, who: ada, later: 30 * time.Minute},
		"sealed in the future":              {target: path, form: large, who: ada, later: -2 * time.Minute},
		"altered":                           {target: path, form: kept.Form{Box: string(altered)}, who: ada},
		"cut":                               {target: path, form: kept.Form{Box: large.Box[:len(large.Box)-4]}, who: ada},
		"a mark in its place":               {target: path, form: kept.Form{Box: b.Mark(ada, path)}, who: ada},
		"another installation's":            {target: path, form: kept.Form{Box: newBench().Mark(ada, path)}, who: ada},
		"too long":                          {target: path, form: kept.Form{Box: strings.Repeat("A", 2<<20)}, who: ada},
		"an altered cookie":                 {target: path, form: small, who: ada, cookie: b.jar[cookie][:100]},
		"a name that is none":               {target: path, form: kept.Form{Name: "../../session"}, who: ada},
		"a name that nothing is kept under": {target: path, form: kept.Form{Name: "0011223344556677"}, who: ada},
	} {
		real := b.jar[cookie]
		if c.cookie != "" {
			b.jar[cookie] = c.cookie
		}
		b.now = b.now.Add(c.later)
		if got, ok := b.take(c.target, c.form, c.who); ok {
			t.Errorf("%s: got %q", rule, got)
		}
		b.now, b.jar[cookie] = b.now.Add(-c.later), real
	}
	for _, f := range []kept.Form{small, large} {
		if got, ok := b.take(path, f, ada); !ok || got.Get("name") != "Issuer" {
			t.Errorf("none of this used it up: got %q, %v", got, ok)
		}
	}
}

func TestOnlyAMarkedFormIsKept(t *testing.T) {
	b := newBench()
	for rule, change := range map[string]func(url.Values){
		"no mark":                func(f url.Values) { f.Del(kept.MarkField) },
		"another path's":         func(f url.Values) { f.Set(kept.MarkField, b.Mark(ada, "/roles/x/edit")) },
		"made up":                func(f url.Values) { f.Set(kept.MarkField, noise(80)) },
		"long":                   func(f url.Values) { f.Set(kept.MarkField, strings.Repeat("A", 1<<19)) },
		"another installation's": func(f url.Values) { f.Set(kept.MarkField, newBench().Mark(ada, path)) },
		"a box that is none":     func(f url.Values) { f.Set(kept.BoxField, noise(80)) },
		"larger than a form":     func(f url.Values) { f.Set("text", strings.Repeat("x", 1<<20)) },
	} {
		form := b.filled("x")
		change(form)
		if f, ok := b.keep(path, form); ok || len(b.jar) > 0 {
			t.Errorf("%s: got %.40s, cookies %d", rule, f, len(b.jar))
		}
	}
}

func TestWhatIsKept(t *testing.T) {
	b := newBench()
	form := b.filled("x")
	form.Set("token", "canary")
	form.Set(kept.NameField, "0011223344556677")
	f, _ := b.keep(path, form)
	got, ok := b.take(path, f, ada)
	if !ok || got.Has("token") || got.Has(kept.MarkField) || got.Has(kept.NameField) || got.Get("do") != "save" {
		t.Errorf("got %q, %v", got, ok)
	}
	again, _ := b.keep(path, form)
	if again != f || len(b.jar) != 1 {
		t.Errorf("a page that is sent twice is kept once: got %q and %q, cookies %d", f, again, len(b.jar))
	}
	w := httptest.NewRecorder()
	b.Sent(w, b.request("POST", path, url.Values{kept.NameField: {f.Name}}))
	b.answer(w)
	if _, ok := b.take(path, f, ada); ok || len(b.jar) > 0 {
		t.Errorf("it is dropped when it is sent: %q", b.jar)
	}
}

// TestCookiesStayFew: however many pages are sent, no request bears more than one cookie's worth of them.
func TestCookiesStayFew(t *testing.T) {
	b := newBench()
	carried := 0
	for range 20 {
		form := b.filled("x")
		form.Set("more", noise(900))
		f, ok := b.keep(path, form)
		if !ok {
			t.Fatal("not kept")
		}
		if f.Box != "" {
			carried++
		}
		if _, ok := b.take(path, f, ada); !ok {
			t.Error("lost")
		}
	}
	size := 0
	for name, value := range b.jar {
		size += len(name) + len(value)
	}
	if size > 4096 || carried == 0 || carried == 20 {
		t.Errorf("got %d bytes of cookies, %d carried", size, carried)
	}
}

func TestTheCookieIsForItsPathAlone(t *testing.T) {
	b := newBench()
	w := httptest.NewRecorder()
	b.Keep(w, b.request("POST", path, b.filled("x")))
	cookies := w.Result().Cookies()
	if len(cookies) != 1 {
		t.Fatalf("got %d", len(cookies))
	}
	c := cookies[0]
	if c.Path != path || !c.HttpOnly || !c.Secure || c.SameSite != http.SameSiteLaxMode || c.MaxAge != 1800 || !strings.HasPrefix(c.Name, "__Secure-") {
		t.Errorf("got %+v", c)
	}
	if strings.Contains(c.Value, "KEY_LIST") {
		t.Error("it is not sealed")
	}
}

func TestSomebodyElses(t *testing.T) {
	b := newBench()
	for rule, c := range map[string]struct {
		mark string
		who  kept.Person
		want bool
	}{
		"one's own":       {b.Mark(ada, path), ada, false},
		"another's":       {b.Mark(mallory, path), ada, true},
		"none":            {"", ada, false},
		"not one of ours": {noise(90), ada, false},
	} {
		if got := b.SomebodyElses(b.request("POST", path, url.Values{kept.MarkField: {c.mark}}), c.who); got != c.want {
			t.Errorf("%s: got %v", rule, got)
		}
	}
}
