package doctor_test

import (
	"encoding/json"
	"strings"
	"time"

	"github.com/portico-iam/portico/internal/config"
)

// claimsOf reads a token's claims, to forge another like it.
func claimsOf(b *bed, token string) object {
	b.Helper()
	var out object
	if err := json.Unmarshal(decodeSegment(b, strings.Split(token, ".")[1]), &out); err != nil {
		b.Fatal(err)
	}
	return out
}

// forged gives the doctor an access token like Ada's with some claims changed, offline: nobody could tell it is forged.
func forged(pairs ...any) func(*bed) {
	return func(b *bed) {
		b.config()
		claims := claimsOf(b, part(b.signIn(ada), "access_token"))
		for i := 0; i+1 < len(pairs); i += 2 {
			claims[pairs[i].(string)] = pairs[i+1]
		}
		b.in.Token, b.in.Offline = forge(object{"alg": "RS256", "kid": "some"}, claims), true
	}
}

// tokenFaults are seen in a token, most of them with nothing but our configuration beside it.
var tokenFaults = []injected{
	{row: 11, want: "audience", name: "aud of another API", inject: func(b *bed) {
		b.config(func(c *config.Config) { c.STS.IAM.TokenValidation.Aud = "api://default" })
		b.in.Token = b.signIn(ada)
	}},
	{row: 11, want: "audience", name: "aud in capitals, offline", near: "case", inject: func(b *bed) {
		b.config(func(c *config.Config) { c.STS.IAM.TokenValidation.Aud = "api://Procivis-One" })
		b.in.Token, b.in.Offline = b.signIn(ada), true
	}},
	{row: 11, want: "audience", name: "aud with a slash at the end, read access", near: "slash", inject: func(b *bed) {
		b.config(func(c *config.Config) { c.STS.IAM.TokenValidation.Aud += "/" }).okta("")
	}},
	{row: 13, want: "id-token", name: "an ID token", near: "swapped", inject: func(b *bed) { b.config(); b.in.Token = part(b.signIn(ada), "id_token") }},
	{row: 13, want: "id-token", name: "an ID token, offline", near: "swapped", inject: func(b *bed) {
		b.config()
		b.in.Token, b.in.Offline = "Bearer "+part(b.signIn(ada), "id_token"), true
	}},
	{row: 14, want: "org-token", name: "a token of the organisation's own server", inject: func(b *bed) {
		b.config()
		b.in.Token = part(b.signInAt(b.url, ada, "openid profile"), "access_token")
	}},
	{row: 14, want: "org-token", name: "the same, offline", inject: func(b *bed) {
		b.config()
		b.in.Token, b.in.Offline = part(b.signInAt(b.url, ada, "openid profile"), "access_token"), true
	}},
	{row: 14, want: "opaque", name: "a refresh token", inject: func(b *bed) { b.config(); b.in.Token = part(b.signIn(ada), "refresh_token") }},
	{row: 15, want: "key-unknown", name: "key gone after a rotation", inject: func(b *bed) {
		b.config()
		b.in.Token = b.signIn(ada)
		must(b, b.RotateKeys())
		b.ForgetExpiredKeys()
	}},
	{row: 15, want: "key-unknown", name: "all keys replaced", inject: func(b *bed) {
		b.config()
		b.in.Token = b.signIn(ada)
		b.VanishKeys()
	}},
	{row: 17, want: "token-issuer", name: "iss with a slash, offline", near: "slash", inject: func(b *bed) {
		b.config(func(c *config.Config) { c.IAM.Issuer += "/" })
		b.in.Token, b.in.Offline = b.signIn(ada), true
	}},
	{row: 17, want: "token-issuer", name: "iss of the custom domain", near: "host", profile: "custom-domain", inject: func(b *bed) {
		b.config()
		b.in.Token, b.in.Offline = b.signInAt(b.World().CustomURL+"/oauth2/default", ada, "openid"), true
	}},
	{row: 29, want: "names", name: "no names behind APISIX", inject: func(b *bed) {
		b.config(func(c *config.Config) { c.Gateway.Mode = config.ModeAPISIX })
		b.in.Token = part(b.signIn(ada), "access_token")
	}},
	{row: 30, want: "email-unverified", name: "e-mail address not verified", inject: func(b *bed) {
		b.config(func(c *config.Config) { c.Gateway.Mode = config.ModeOAuth2Proxy })
		names(b)
		answer := b.signIn(ada)
		id := claimsOf(b, part(answer, "id_token"))
		id["email_verified"] = false
		both, _ := json.Marshal(object{"access_token": part(answer, "access_token"), "id_token": forge(object{"alg": "RS256", "kid": "some"}, id)})
		b.in.Token, b.in.Offline = string(both), true
	}},
	{row: 45, want: "token-time", name: "expired", inject: forged("exp", time.Now().Add(-time.Hour).Unix())},
	{row: 45, want: "token-time", name: "from the future", inject: forged("iat", time.Now().Add(time.Hour).Unix(), "exp", time.Now().Add(2*time.Hour).Unix())},
	{row: 47, want: "large", name: "tokens of 6 KB behind APISIX", inject: func(b *bed) {
		b.config(func(c *config.Config) { c.Gateway.Mode = config.ModeAPISIX })
		claims := claimsOf(b, part(b.signIn(ada), "access_token"))
		claims["given_name"], claims["family_name"] = "Ada", "Admin"
		claims["roles"] = strings.Split(strings.Repeat("ONE_A_LONG_NAME_OF_A_GROUP,", 150)+"ONE_STS_ADMIN", ",")
		b.in.Token, b.in.Offline = forge(object{"alg": "RS256", "kid": "some"}, claims), true
	}},
	{row: 21, want: "claim-missing", name: "no roles, in a token that has expired since", inject: forged("roles", nil, "exp", time.Now().Add(-time.Hour).Unix())},
	{row: 28, want: "claim-string", name: "roles in one text, and no configuration", inject: func(b *bed) {
		b.in.Token = forge(object{"alg": "RS256", "kid": "some"}, object{"iss": b.Issuer(), "jti": "AT.1", "sub": ada, "scp": []string{"openid"}, "exp": time.Now().Add(time.Hour).Unix(), "roles": "ONE_STS_ADMIN"})
	}},
	{row: 48, want: "encrypted", name: "an encrypted token", inject: func(b *bed) {
		b.config()
		token := strings.Split(forge(object{"alg": "RSA-OAEP-256", "enc": "A256GCM"}, object{}), ".")
		b.in.Token, b.in.Offline = strings.Join(append(token, "a", "b"), "."), true
	}},
	{row: 48, want: "encrypted", name: "a server that encrypts, read access", inject: func(b *bed) {
		key := object{"kty": "RSA", "kid": "enc", "use": "enc", "e": "AQAB", "n": strings.Repeat("sXch", 86)}
		b.put(servers, "accessTokenEncryptedResponseAlgorithm", "RSA-OAEP-256", "jwks", object{"keys": []object{key}})
		b.config().okta("")
	}},
	{row: 21, want: "claim-identity", name: "roles in the ID token only, by both tokens", inject: func(b *bed) {
		b.claim("claimType", "IDENTITY", "alwaysIncludeInToken", true)
		b.config()
		b.in.Token, b.in.Offline = b.signIn(ada), true
	}},
	{row: 47, want: "large", name: "a token of 9 KB", inject: forged("roles", strings.Split(strings.Repeat("ONE_A_LONG_NAME_OF_A_GROUP,", 250)+"ONE_STS_ADMIN", ","))},
	{row: 28, want: "claim-string", name: "roles in one text, offline", inject: forged("roles", "ONE_STS_ADMIN,ONE_ISSUER")},
	{row: 24, want: "admin-name", name: "bootstrap role with a blank, offline", near: "blank", inject: forged("roles", []string{"ONE_STS_ADMIN "})},
}
