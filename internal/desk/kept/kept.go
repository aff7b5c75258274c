package kept

import (
	"bytes"
	"compress/flate"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/portico-iam/portico/internal/seal"
)

const (
	lives     = 30 * time.Minute
	maxCookie = 3800 // bytes in all cookies of one path: browsers take 4096 each, proxies 8 KiB a header
	maxForm   = 1<<20 - 1024
	maxMark   = 2048
)

// The fields by which forms are kept.
const (
	MarkField = "owner" // Mark
	NameField = "form"  // in forms and addresses: which cookie keeps it
	BoxField  = "kept"  // the sealed form itself, from a page that carries it
)

// never is what is not kept: a pasted token is checked and forgotten.
var never = []string{"token", MarkField, NameField, BoxField}

// Person is whose form it is.
type Person struct {
	Issuer  string `json:"i"`
	Subject string `json:"s"`
}

// Form is a form that is kept: by its name in a cookie, or as a box that the page carries.
type Form struct{ Name, Box string }

type content struct {
	Person
	At   int64  `json:"t"`
	Form string `json:"f"`
}

// Forms keeps forms.
type Forms struct {
	box    *seal.Box
	secure bool // the public address is https
	now    func() time.Time
}

// New returns a keeper of forms.
func New(keys *seal.Keys, secure bool, now func() time.Time) *Forms {
	return &Forms{box: keys.Box("kept form"), secure: secure, now: now}
}

// Mark says whose form a page at that path holds.
func (f *Forms) Mark(p Person, path string) string {
	plain, _ := json.Marshal(p) // strings always marshal
	return encode(f.box.Seal(plain, "mark "+path))
}

// SomebodyElses tells whether the form that was sent bears another person's mark.
func (f *Forms) SomebodyElses(r *http.Request, p Person) bool {
	owner, marked := f.owner(r)
	return marked && owner != p
}

func (f *Forms) owner(r *http.Request) (p Person, ok bool) {
	mark := r.PostForm.Get(MarkField)
	return p, len(mark) <= maxMark && f.open(mark, "mark "+r.URL.Path, &p)
}

// Keep keeps the form that was just read. It is for whoever knows that one of our own pages sent it.
func (f *Forms) Keep(w http.ResponseWriter, r *http.Request) (_ Form, ok bool) {
	if box := r.PostForm.Get(BoxField); box != "" {
		_, ok := f.unbox(box, r.URL.Path)
		return Form{Box: box}, ok
	}
	owner, marked := f.owner(r)
	if !marked {
		return Form{}, false
	}
	values := url.Values{}
	for field, sent := range r.PostForm {
		values[field] = sent
	}
	for _, field := range never {
		values.Del(field)
	}
	text := values.Encode()
	if len(text) > maxForm {
		return Form{}, false
	}
	plain, _ := json.Marshal(content{Person: owner, At: f.now().Unix(), Form: text})
	box := encode(f.box.Seal(deflate(plain), "form "+r.URL.Path))
	sum := sha256.Sum256([]byte(r.PostForm.Get(MarkField))) // a page that is sent twice is kept once
	name := hex.EncodeToString(sum[:8])
	if len(box)+f.others(r, name) <= maxCookie {
		f.setCookie(w, r, name, box, int(lives.Seconds()))
		return Form{Name: name}, true
	}
	return Form{Box: box}, len(box) <= maxForm
}

// others is how much is kept for this path already.
func (f *Forms) others(r *http.Request, name string) (size int) {
	for _, cookie := range r.Cookies() {
		if strings.HasPrefix(cookie.Name, f.prefix()) && cookie.Name != f.prefix()+name {
			size += len(cookie.Name) + len(cookie.Value)
		}
	}
	return size
}

// Take returns the form that the request names or carries, if it is this person's.
func (f *Forms) Take(r *http.Request, p Person) (_ url.Values, ok bool) {
	box := r.PostForm.Get(BoxField)
	if name := r.URL.Query().Get(NameField); box == "" && plausible(name) {
		cookie, err := r.Cookie(f.prefix() + name)
		if err != nil {
			return nil, false
		}
		box = cookie.Value
	}
	c, ok := f.unbox(box, r.URL.Path)
	if !ok || c.Person != p {
		return nil, false
	}
	values, err := url.ParseQuery(c.Form)
	return values, err == nil
}

// Sent drops the form that was shown again: it is sent now.
func (f *Forms) Sent(w http.ResponseWriter, r *http.Request) {
	if name := r.PostForm.Get(NameField); plausible(name) {
		f.setCookie(w, r, name, "", -1)
	}
}

func (f *Forms) unbox(box, path string) (c content, ok bool) {
	if len(box) > maxForm || !f.openDeflated(box, "form "+path, &c) {
		return content{}, false
	}
	age := f.now().Sub(time.Unix(c.At, 0))
	return c, age >= -time.Minute && age < lives // another replica's clock may be ahead
}

func (f *Forms) prefix() string {
	if f.secure {
		return "__Secure-portico-form-"
	}
	return "portico_form_"
}

// setCookie is for the form's own path: no other request bears it.
func (f *Forms) setCookie(w http.ResponseWriter, r *http.Request, name, value string, maxAge int) {
	http.SetCookie(w, &http.Cookie{
		Name: f.prefix() + name, Value: value, Path: r.URL.Path, MaxAge: maxAge,
		HttpOnly: true, Secure: f.secure, SameSite: http.SameSiteLaxMode, // not Strict: the identity provider leads back to us
	})
}

func plausible(name string) bool {
	b, err := hex.DecodeString(name)
	return err == nil && len(b) == 8
}

func encode(sealed []byte) string { return base64.RawURLEncoding.EncodeToString(sealed) }

func (f *Forms) unseal(text, place string) ([]byte, bool) {
	sealed, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil {
		return nil, false
	}
	plain, err := f.box.Open(sealed, place)
	return plain, err == nil
}

func (f *Forms) open(text, place string, v any) bool {
	plain, ok := f.unseal(text, place)
	return ok && json.Unmarshal(plain, v) == nil
}

func (f *Forms) openDeflated(text, place string, v any) bool {
	packed, ok := f.unseal(text, place)
	if !ok {
		return false
	}
	plain, err := io.ReadAll(flate.NewReader(bytes.NewReader(packed))) // as much as we packed: nobody else can seal
	return err == nil && json.Unmarshal(plain, v) == nil
}

func deflate(plain []byte) []byte {
	var packed bytes.Buffer
	w, _ := flate.NewWriter(&packed, flate.BestCompression) // the level is one
	w.Write(plain)
	w.Close()
	return packed.Bytes()
}
