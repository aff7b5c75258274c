package devokta

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"html/template"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/portico-iam/portico/internal/devokta/world"
)

//go:embed assets
var assets embed.FS

// pages are the few pages a browser sees. They work without script; the only one that has any is form_post.
type pages struct {
	templates *template.Template
	files     map[string]assetFile
}

type assetFile struct {
	body        []byte
	contentType string
	etag        string
}

func newPages() *pages {
	p := &pages{templates: template.Must(template.ParseFS(assets, "assets/*.tmpl")), files: map[string]assetFile{}}
	for name, contentType := range map[string]string{
		"devokta.css": "text/css; charset=utf-8", "formpost.js": "text/javascript; charset=utf-8",
	} {
		body, err := assets.ReadFile("assets/" + name)
		if err != nil {
			panic(err) // they are compiled in
		}
		sum := sha256.Sum256(body)
		p.files[name] = assetFile{body, contentType, `"` + b64(sum[:12]) + `"`}
	}
	return p
}

func (s *Server) serveAsset(w http.ResponseWriter, r *http.Request) {
	file, ok := s.pages.files[r.PathValue("file")]
	if !ok {
		s.apiError(w, world.NoPath(r.URL.Path))
		return
	}
	w.Header().Del("Pragma")
	w.Header().Set("Cache-Control", "no-cache")
	w.Header().Set("Content-Type", file.contentType)
	w.Header().Set("ETag", file.etag)
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(file.body))
}

// page renders a template under a policy that allows nothing but our own style and the given form target.
func (s *Server) page(w http.ResponseWriter, status int, name string, data any, policy ...string) {
	var body bytes.Buffer
	if err := s.pages.templates.ExecuteTemplate(&body, name, data); err != nil {
		s.log.Error("page not rendered", "page", name, "error", err)
		s.apiError(w, world.ErrInternal)
		return
	}
	csp := append([]string{"default-src 'none'", "style-src 'self'", "base-uri 'none'", "frame-ancestors 'none'"}, policy...)
	w.Header().Set("Content-Security-Policy", strings.Join(csp, "; "))
	w.Header().Set("X-Frame-Options", "DENY")
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = body.WriteTo(w)
}

type signInForm struct {
	Status      int
	Transaction string
	Login       string
	Error       string
}

type signInView struct {
	signInForm
	Title, Application, Issuer, Action, Password string
	Passcode                                     string // empty: no second factor is asked for
	People                                       []signInPerson
}

type signInPerson struct {
	Name, Login, Groups, Link string
	Chosen, Unassigned        bool
}

func (s *Server) signInPage(w http.ResponseWriter, req *authorizeRequest, form signInForm) {
	if len(form.Login) > maxLogin {
		form.Login = ""
	}
	view := signInView{
		signInForm: form, Title: "Sign in", Issuer: s.Issuer(), Password: Password,
		Action: signInPath + "?" + url.Values{"tx": {form.Transaction}}.Encode(),
	}
	if req.strong() {
		view.Passcode = Passcode
	}
	s.mu.Lock()
	app := s.world.Client(req.ClientID)
	if app != nil {
		view.Application = app.Label
	}
	for _, u := range s.world.Users {
		if u.Status != world.Active {
			continue
		}
		view.People = append(view.People, signInPerson{
			Name: u.Name(), Login: u.Login(), Groups: join(s.export(u).Groups),
			Link:       signInPath + "?" + url.Values{"tx": {form.Transaction}, "login_hint": {u.Login()}}.Encode(),
			Chosen:     world.NormalLogin(u.Login()) == world.NormalLogin(form.Login),
			Unassigned: app != nil && !s.world.Assigned(app, u),
		})
	}
	s.mu.Unlock()
	// Browsers apply form-action to the redirects after a form, so the client's origin must be in it.
	s.page(w, form.Status, "signin.tmpl", view, "form-action 'self' "+formTarget(req.RedirectURI))
}

type messageView struct{ Title, Text, Detail string }

// errorPage is for what can't be redirected: the client or its URI is not to be trusted.
func (s *Server) errorPage(w http.ResponseWriter, r *http.Request, why *refusal) {
	s.errorPageAbout(w, r, why, nil)
}

func (s *Server) errorPageAbout(w http.ResponseWriter, r *http.Request, why *refusal, debug map[string]string) {
	s.refused(r, why, debug)
	status := why.Status
	if status == http.StatusUnauthorized { // a page never asks for HTTP credentials; Okta's is a 400
		status = http.StatusBadRequest
	}
	s.page(w, status, "message.tmpl", messageView{Title: http.StatusText(status), Text: why.Text, Detail: why.Row.Error}, "form-action 'none'")
}

func (s *Server) signedOutPage(w http.ResponseWriter) {
	s.page(w, http.StatusOK, "message.tmpl", messageView{Title: "Signed out", Text: "You have signed out of the development Okta."}, "form-action 'none'")
}

type formPostView struct {
	Title, Action string
	Fields        map[string]string
}

// formPostPage carries the answer in a form (OAuth 2.0 Form Post Response Mode).
func (s *Server) formPostPage(w http.ResponseWriter, target string, answer url.Values) {
	view := formPostView{Title: "Signing in", Action: target, Fields: map[string]string{}}
	for name := range answer {
		view.Fields[name] = answer.Get(name)
	}
	s.page(w, http.StatusOK, "formpost.tmpl", view, "script-src 'self'", "form-action "+formTarget(target))
}

// formTarget is the origin of a registered redirect URI as a CSP source.
func formTarget(target string) string {
	u, err := url.Parse(target)
	if err != nil || u.Host == "" {
		return "'none'"
	}
	return u.Scheme + "://" + u.Host
}
