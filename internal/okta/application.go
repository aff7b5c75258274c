package okta

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"slices"
	"strings"

	"github.com/portico-iam/portico/internal/file"
)

const (
	appsPath = "/api/v1/apps"

	atApplication = "Applications > Applications > %s > General"
	atAssignments = "Applications > Applications > %s > Assignments"
)

// ensureApplication is steps 1 and 2 of the guide. An application that was there before is only given what it lacks.
func (r *run) ensureApplication(ctx context.Context) (err error) {
	label := r.Application.Label
	r.application, err = r.ensure(ctx, part{
		key: "application", title: fmt.Sprintf("Application %q", label), console: fmt.Sprintf(atApplication, label),
		collection: appsPath, search: query(appsPath, map[string]string{"q": label, "limit": "200"}), id: r.Application.ID,
		name:      fields{"label": label, "signOnMode": "OPENID_CONNECT"},
		lifecycle: true,
		fresh: object{
			"name": "oidc_client", "label": label, "signOnMode": "OPENID_CONNECT",
			"credentials": map[string]any{"oauthClient": map[string]any{"autoKeyRotation": true}},
			"settings": map[string]any{"oauthClient": map[string]any{
				"consent_method": "TRUSTED", "wildcard_redirect": "DISABLED", "dpop_bound_access_tokens": false,
			}},
		},
		want:   r.wantApplication,
		danger: func(_ object, _ bool, changed []Change) string { return unregistering(changed) },
	})
	if r.application != nil {
		r.plan.Values.ClientID = r.application.text("credentials.oauthClient.client_id")
	}
	if secret := r.application.text("credentials.oauthClient.client_secret"); r.applying {
		r.firstSecret = secret
	}
	return err
}

const clientPath = "settings.oauthClient."

func (r *run) wantApplication(live object, ours bool) (fields, error) {
	want := fields{
		signInURIs:                    r.addresses(live, signInURIs, r.RedirectURI(), ours),
		signOutURIs:                   r.addresses(live, signOutURIs, r.LogoutURI(), ours),
		clientPath + "grant_types":    union(live.texts(clientPath+"grant_types"), "authorization_code", "refresh_token"),
		clientPath + "response_types": union(live.texts(clientPath+"response_types"), "code"),
	}
	if live != nil {
		want["status"] = "ACTIVE"
	}
	if ours {
		r.restoreApplication(live, want)
		return want, nil
	}
	if live.at(rotation) == nil { // comes with the grant
		want[rotation] = map[string]any{"rotation_type": "ROTATE", "leeway": grace}
	}
	if kind := live.text(clientPath + "application_type"); kind != "web" {
		return nil, fmt.Errorf("the application %q is of type %q: expected a web application; give another label in application.label", live.text("label"), kind)
	}
	if dpop, _ := live.at(clientPath + "dpop_bound_access_tokens").(bool); dpop {
		return nil, fmt.Errorf("the application %q requires DPoP, which a sign-in in the browser does not do: switch it off at %s, or give another label in application.label", live.text("label"), fmt.Sprintf(atApplication, live.text("label")))
	}
	switch method := live.text("credentials.oauthClient.token_endpoint_auth_method"); method {
	case "client_secret_basic", "client_secret_post":
	default:
		return nil, fmt.Errorf("the application %q authenticates by %s: expected client_secret_basic or client_secret_post; give another label in application.label", live.text("label"), method)
	}
	return want, nil
}

// ensureSecret sees that the file holds a secret that the application has.
func (r *run) ensureSecret(ctx context.Context) error {
	step := Step{
		Part: "secret", Action: Keep, Title: "Client secret in " + r.Output.ClientSecretFile,
		Console: fmt.Sprintf(atApplication, r.Application.Label) + " > Client Credentials",
	}
	have, err := readSecret(r.Output.ClientSecretFile)
	if err != nil {
		return err
	}
	secrets, err := r.secrets(ctx)
	if err != nil {
		return err
	}
	switch usable := have != "" && slices.Contains(secrets, have); {
	case usable:
	case have != "" && len(secrets) == 0 && r.application != nil:
		r.note("%s could not be compared with Okta, which does not show this application's secrets: a sign-in will tell.", r.Output.ClientSecretFile)
	default:
		step.Action = Write
		if have != "" {
			r.note("%s holds a secret that the application does not have: it is kept as %s.", r.Output.ClientSecretFile, r.Output.ClientSecretFile+".old")
		}
	}
	return r.take(step, func() error {
		secret := r.firstSecret
		if secret == "" && len(secrets) > 0 {
			secret = secrets[0]
		}
		if secret == "" {
			if secret, err = r.newSecret(ctx); err != nil {
				return err
			}
		}
		if have != "" {
			if err := os.Rename(r.Output.ClientSecretFile, r.Output.ClientSecretFile+".old"); err != nil {
				return err
			}
		}
		return file.Replace(r.Output.ClientSecretFile, []byte(secret+"\n"), file.Private)
	})
}

// secrets lists the application's active secrets, as far as Okta shows them.
func (r *run) secrets(ctx context.Context) (active []string, err error) {
	if r.application == nil {
		return nil, nil
	}
	all, err := r.client.list(ctx, r.secretsPath())
	for _, secret := range all {
		if text := secret.text("client_secret"); text != "" && secret.text("status") == "ACTIVE" {
			active = append(active, text)
		}
	}
	return active, err
}

func (r *run) secretsPath() string {
	return appsPath + "/" + r.application.id() + "/credentials/secrets"
}

// newSecret makes one. Okta keeps two at most.
func (r *run) newSecret(ctx context.Context) (string, error) {
	var made object
	if err := r.client.call(ctx, http.MethodPost, r.secretsPath(), object{}, &made); err != nil {
		return "", fmt.Errorf("a further client secret: %w; Okta keeps two at most: delete one that nobody uses", err)
	}
	if err := r.record.put(&done{Part: "secret", Title: "A further client secret", ID: made.id(), Made: true, Collection: r.secretsPath(), Lifecycle: true}); err != nil {
		return "", err
	}
	if made.text("client_secret") == "" {
		return "", errors.New("Okta does not show the client secret: copy it by hand")
	}
	return made.text("client_secret"), nil
}

// readSecret returns "" when there is no file.
func readSecret(path string) (string, error) {
	text, err := os.ReadFile(path)
	if err != nil && !os.IsNotExist(err) {
		return "", err
	}
	return strings.TrimRight(string(text), "\r\n"), nil
}

// ensureAssignments lets the bootstrap group and those that the setup names sign in.
func (r *run) ensureAssignments(ctx context.Context) error {
	names := append([]string{r.Bootstrap.Group}, r.Application.Groups...)
	for i, name := range names {
		if slices.Contains(names[:i], name) {
			continue
		}
		group := r.group
		if name != r.Bootstrap.Group {
			var err error
			if group, err = r.findGroup(ctx, name); err != nil {
				return err
			}
			if group == nil {
				return fmt.Errorf("application.groups: there is no group %q in %s", name, r.Okta.URL)
			}
		}
		l := link{
			key: assignmentOf(name), title: fmt.Sprintf("Group %q assigned to the application", name),
			console: fmt.Sprintf(atAssignments, r.Application.Label),
		}
		if r.application != nil && group != nil {
			l.list = r.assignments()
			l.path, l.id = l.list+"/"+group.id(), group.id()
		}
		if err := r.ensureLink(ctx, l); err != nil {
			return err
		}
	}
	return nil
}

func assignmentOf(group string) string { return "assignment of " + group }

// assignments is where the application's groups are.
func (r *run) assignments() string { return appsPath + "/" + r.application.id() + "/groups" }
