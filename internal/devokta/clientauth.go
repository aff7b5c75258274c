package devokta

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/portico-iam/portico/internal/devokta/world"
)

// credentials are what a request offers to prove the client, from exactly one place.
type credentials struct {
	id, secret string
	assertion  string
	basic      bool
}

// authenticateClient identifies the client of a back-channel request.
func (s *Server) authenticateClient(r *http.Request, as *authServer, form params) (*world.App, *refusal) {
	offered, why := readCredentials(r, form)
	if why != nil {
		return nil, why
	}
	if offered.assertion != "" {
		return s.authenticateByKey(r, as, form, offered.assertion)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	app := s.world.Client(offered.id)
	if app == nil {
		return nil, refuse(errClientID)
	}
	if app.AuthMethod() == world.AuthNone {
		if offered.basic || offered.secret != "" {
			return nil, refuse(errAuthMethod)
		}
		return app, nil
	}
	// Okta takes the secret by Basic or by body alike.
	if offered.secret == "" || !app.NeedsSecret() {
		return nil, refuse(errAuthMethod)
	}
	if !app.HasSecret(offered.secret) {
		return nil, refuse(errClientSecret)
	}
	return app, nil
}

func readCredentials(r *http.Request, form params) (credentials, *refusal) {
	if credentialsInQuery(r) {
		return credentials{}, refuse(errCredentialsInURL)
	}
	header := r.Header.Values("Authorization")
	secret, assertion := form.get("client_secret"), form.get("client_assertion")
	ways := 0
	for _, present := range []bool{len(header) > 0, secret != "", assertion != ""} {
		if present {
			ways++
		}
	}
	switch {
	case ways > 1 || len(header) > 1:
		return credentials{}, refuse(errManyCredentials)
	case assertion != "":
		return credentials{assertion: assertion}, nil
	case len(header) == 1:
		return basicCredentials(r, form)
	case form.get("client_id") == "":
		return credentials{}, refuse(errNoCredentials)
	}
	return credentials{id: form.get("client_id"), secret: secret}, nil
}

// basicCredentials decodes both halves as forms (RFC 6749, section 2.3.1).
func basicCredentials(r *http.Request, form params) (credentials, *refusal) {
	id, secret, ok := r.BasicAuth()
	if !ok {
		return credentials{}, refuse(errBasic)
	}
	id, errID := url.QueryUnescape(id)
	secret, errSecret := url.QueryUnescape(secret)
	if errID != nil || errSecret != nil || id == "" || len(id) > maxValue || len(secret) > maxValue {
		return credentials{}, refuse(errBasic)
	}
	if other := form.get("client_id"); other != "" && other != id {
		return credentials{}, refuse(errAuthMethod)
	}
	return credentials{id: id, secret: secret, basic: true}, nil
}

// credentialsInQuery looks at the raw names, since a query that can't be parsed may hold a secret all the same.
func credentialsInQuery(r *http.Request) bool {
	for part := range strings.SplitSeq(r.URL.RawQuery, "&") {
		name, _, _ := strings.Cut(part, "=")
		if decoded, err := url.QueryUnescape(name); err == nil {
			name = decoded
		}
		switch name {
		case "client_id", "client_secret", "client_assertion", "client_assertion_type":
			return true
		}
	}
	return false
}

// clientForm reads a back-channel request: a form without duplicates, from a client that proved itself.
func (s *Server) clientForm(w http.ResponseWriter, r *http.Request, as *authServer) (params, *world.App, bool) {
	if !isForm(r) {
		s.apiError(w, world.ErrMedia)
		return params{}, nil, false
	}
	form, why := formParams(w, r)
	if why == nil && form.duplicated() {
		why = refuse(errDuplicate)
	}
	var app *world.App
	if why == nil {
		app, why = s.authenticateClient(r, as, form)
	}
	if why != nil {
		s.oauthError(w, r, why)
		return params{}, nil, false
	}
	return form, app, true
}
