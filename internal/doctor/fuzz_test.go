package doctor

import (
	"testing"
	"time"

	"github.com/portico-iam/portico/internal/config"
)

// FuzzWhatPeoplePaste: whatever is given as token, error or gateway file is read without harm.
func FuzzWhatPeoplePaste(f *testing.F) {
	for _, seed := range []string{"", "a.b.c", `{"access_token":"a.b.c"}`, "eyJraWQiOiJrIn0.eyJpc3MiOiJ4In0.x", "--oidc-issuer-url=x", "OIDCClientID \"", "[auth.okta]\na=b", "a: &a [*a]", "plugins: {openid-connect: {client_id: [1], uri: {}}}", "%zz%", "<script", "redirect_uri=%"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		cfg := config.Default()
		cfg.IAM.Issuer = "https://o.okta.com/oauth2/default"
		_ = cfg.Check()
		in := Input{Config: &cfg, Token: text, Error: text, Gateway: []byte(text), Offline: true, Now: time.Now}
		if _, err := Examine(t.Context(), in); err != nil {
			in.Gateway = nil
			if _, err := Examine(t.Context(), in); err != nil {
				t.Fatal(err)
			}
		}
	})
}
