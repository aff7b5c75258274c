package okta

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/portico-iam/portico/internal/config"
	"github.com/portico-iam/portico/internal/file"
)

// checkFiles sees that every file can be written before anything is done in Okta.
func (s *Setup) checkFiles() error {
	for _, output := range []struct{ key, path string }{
		{"the record of what is applied", recordPath(s.path)},
		{"output.config", s.Output.Config},
		{"output.clientSecretFile", s.Output.ClientSecretFile},
		{"output.keyEncryptionKeyFile", s.Output.KeyEncryptionKeyFile},
	} {
		if err := file.CheckWritable(output.path); err != nil {
			return fmt.Errorf("%s: %w; nothing was changed in Okta", output.key, err)
		}
	}
	return nil
}

// absolute names a file so that the configuration works wherever it is read from.
func absolute(path string) string {
	if whole, err := filepath.Abs(path); err == nil {
		return whole
	}
	return path
}

// listen is where Portico listens itself, for there is no proxy in front of a loopback address; "" elsewhere.
func (s *Setup) listen() string {
	if listen, local := strings.CutPrefix(s.PublicURL, "http://"); local {
		return listen
	}
	return ""
}

// storePath is beside the configuration.
func (s *Setup) storePath() string {
	return filepath.Join(filepath.Dir(absolute(s.Output.Config)), "portico.db")
}

// ensureKeyFile makes the key-encryption key that the STS needs, once: a new one could not open what the old one closed.
func (r *run) ensureKeyFile(context.Context) error {
	step := Step{Part: "key-encryption key", Action: Keep, Title: "Key-encryption key in " + r.Output.KeyEncryptionKeyFile}
	if _, err := os.Stat(r.Output.KeyEncryptionKeyFile); errors.Is(err, fs.ErrNotExist) {
		step.Action = Write
	} else if err != nil {
		return err
	}
	return r.take(step, func() error {
		key := make([]byte, 32)
		_, _ = rand.Read(key) // never fails
		return file.Replace(r.Output.KeyEncryptionKeyFile, []byte(base64.StdEncoding.EncodeToString(key)+"\n"), file.Private)
	})
}

// later stands in a plan for a value that Okta gives when it makes something.
const later = "(known after apply)"

// ensureConfig writes the guide's values into Portico's configuration, and leaves everything else in it as it is.
func (r *run) ensureConfig(context.Context) error {
	v := r.plan.Values
	settings := []config.Setting{
		{Key: "server.publicUrl", Value: r.PublicURL},
		{Key: "gateway.callbackPath", Value: r.CallbackPath},
		{Key: "gateway.postLogoutPath", Value: r.PostLogoutPath},
		{Key: "iam.issuer", Value: v.Issuer},
		{Key: "iam.discoveryUrl", Value: v.DiscoveryURL},
		{Key: "iam.clientId", Value: v.ClientID},
		{Key: "iam.clientSecretFile", Value: absolute(r.Output.ClientSecretFile)},
		{Key: "iam.clientAuth", Value: r.clientAuth()},
		{Key: "iam.scopes", Value: r.scopes()},
		{Key: "iam.tokenSource", Value: cmp.Or(v.TokenSource, config.SourceAccessToken)},
		{Key: "sts.iam.tokenValidation.aud", Value: v.Audience},
		{Key: "sts.iam.rolePath", Value: v.RolePath},
		{Key: "sts.iam.adminRole", Value: v.AdminRole},
		{Key: "sts.token.keyEncryptionKeyFile", Value: absolute(r.Output.KeyEncryptionKeyFile)},
	}
	if listen := r.listen(); listen != "" {
		settings = append(settings, config.Setting{Key: "server.listen", Value: listen})
	}
	for i := range settings {
		if settings[i].Value == "" { // of what this pass does not make
			settings[i].Value = later
		}
	}
	before, err := os.ReadFile(r.Output.Config)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if len(before) == 0 { // else the store is somebody's choice
		settings = append(settings, config.Setting{Key: "store.dsn", Value: r.storePath()})
	}
	after, changed, err := config.Edit(before, settings)
	if err != nil {
		return fmt.Errorf("%s: %w", r.Output.Config, err)
	}
	if err := r.checkMode(before); err != nil {
		return err
	}
	step := Step{Part: "configuration", Action: Keep, Title: "Configuration " + r.Output.Config}
	for _, c := range changed {
		step.Changes = append(step.Changes, Change{Field: c.Key, From: c.From, To: c.To})
	}
	if len(changed) > 0 {
		step.Action = Write
	}
	return r.take(step, func() error { return file.Replace(r.Output.Config, after, file.Private) })
}

// checkMode refuses a configuration that would not start: another gateway in front sends access tokens.
func (r *run) checkMode(text []byte) error {
	if !r.onOrgServer() {
		return nil
	}
	_, other, err := config.Edit(text, []config.Setting{{Key: "gateway.mode", Value: config.ModeBuiltin}})
	if err != nil || len(other) == 0 {
		return err
	}
	return fmt.Errorf("%s: gateway.mode is %v, which sends access tokens, and those of the organisation's own authorization server are for Okta alone: set gateway.mode: %s, or use a custom authorization server", r.Output.Config, other[0].From, config.ModeBuiltin)
}

// clientAuth follows an application that was there before.
func (r *run) clientAuth() string {
	if method := r.application.text("credentials.oauthClient.token_endpoint_auth_method"); method != "" {
		return method
	}
	return config.ClientSecretBasic
}
