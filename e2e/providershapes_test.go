package e2e

import (
	"crypto/rand"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// The shapes of the products in docs/providers.md, by the recipes' headings. They follow the products' documentation and
// source; what no rule of ours looks at is there too, where it could confuse one.
func shapes() map[string]shape {
	return map[string]shape{
		"Okta without API Access Management":   oktaOrg(),
		"Keycloak":                             keycloak(),
		"Microsoft Entra ID":                   entra(),
		"Microsoft Entra ID, with API clients": entraAPI(),
		"Auth0":                                auth0(),
		"Dex":                                  dex(),
		"authentik":                            authentik(),
	}
}

// names are the claims of the scope profile.
func names(who string) object {
	return object{"name": title1(who) + " Acme", "given_name": title1(who), "family_name": "Acme", "preferred_username": who}
}

// expiry is when a token of now ends.
func (p *fakeProvider) expiry() int64 { return p.now().Add(time.Hour).Unix() }

// Keycloak: realm roles in the access token alone, beside its own; aud names services, azp the client; typ twice.
func keycloak() shape {
	return shape{
		path:     "/realms/acme",
		scopes:   []string{"openid", "profile", "email", "address", "phone", "offline_access", "roles", "web-origins", "microprofile-jwt", "acr", "basic"},
		metadata: object{"authorization_response_iss_parameter_supported": true},
		keys:     []jose.JSONWebKey{{Key: providerKeys()[1].Public(), KeyID: "enc", Algorithm: "RSA-OAEP", Use: "enc"}},
		answer:   object{"not-before-policy": 0, "session_state": "s", "refresh_expires_in": 1800, "scope": "openid profile email"},
		id: func(p *fakeProvider, who string) object {
			return merged(names(who), object{"typ": "ID", "azp": p.clientID, "sid": "s", "acr": "1", "email_verified": true})
		},
		access: func(p *fakeProvider, who string) string {
			return p.sign(merged(names(who), object{
				"iss": p.issuer, "aud": []string{"api://procivis-one", "account"}, "azp": p.clientID, "typ": "Bearer", "sub": "id-" + who,
				"iat": p.now().Unix(), "exp": p.expiry(), "jti": rand.Text(), "sid": "s", "acr": "1", "allowed-origins": []string{"/*"}, "scope": "openid profile email",
				"realm_access":    object{"roles": append([]string{"default-roles-acme", "offline_access", "uma_authorization"}, p.roles[who]...)},
				"resource_access": object{"account": object{"roles": []string{"manage-account", "view-profile"}}},
			}), object{"typ": "JWT"})
		},
		userinfo: func(_ *fakeProvider, who string) object { return names(who) },
	}
}

// Entra: app roles in the ID token, none of them no claim; the access token is Graph's, and keys name no algorithm.
func entra() shape {
	return shape{
		path:   "/aaaabbbb-0000-cccc-1111-dddd2222eeee/v2.0",
		scopes: []string{"openid", "profile", "email", "offline_access"}, plainKey: true,
		answer: object{"ext_expires_in": 3600, "scope": "email openid profile"},
		id: func(p *fakeProvider, who string) object {
			claims := merged(names(who), object{
				"ver": "2.0", "oid": "oid-" + who, "tid": "aaaabbbb-0000-cccc-1111-dddd2222eeee", "nbf": p.now().Unix(), "at_hash": nil, "auth_time": nil,
				"rh": "0.x", "uti": "u", "aio": "a",
			})
			if roles := p.roles[who]; len(roles) > 0 {
				claims["roles"] = roles
			}
			return claims
		},
		access: func(p *fakeProvider, who string) string {
			return p.sign(object{"aud": "00000003-0000-0000-c000-000000000000", "iss": "https://sts.windows.net/aaaabbbb-0000-cccc-1111-dddd2222eeee/", "sub": "graph-" + who, "exp": p.expiry()},
				object{"typ": "JWT", "nonce": rand.Text(), "kid": "unpublished"})
		},
		userinfo: func(_ *fakeProvider, who string) object {
			return merged(names(who), object{"picture": "https://graph.microsoft.com/v1.0/me/photo/$value"})
		},
	}
}

// Entra with a registration for the API: the roles are in the access token, whose sub is another than the ID token's, and
// which userinfo does not take.
func entraAPI() shape {
	s := entra()
	id := s.id
	s.scopes = append(s.scopes, "api://procivis-one/access")
	s.id = func(p *fakeProvider, who string) object { return merged(id(p, who), object{"roles": nil}) }
	s.access = func(p *fakeProvider, who string) string {
		claims := object{
			"aud": "11112222-bbbb-3333-cccc-4444dddd5555", "iss": p.issuer, "iat": p.now().Unix(), "nbf": p.now().Unix(), "exp": p.expiry(), "azp": p.clientID, "azpacr": "1",
			"scp": "access", "sub": "api-" + who, "oid": "oid-" + who, "tid": "aaaabbbb-0000-cccc-1111-dddd2222eeee", "ver": "2.0", "uti": "u",
		}
		if roles := p.roles[who]; len(roles) > 0 {
			claims["roles"] = roles
		}
		return p.sign(claims, object{"typ": "JWT"})
	}
	s.userinfo = nil
	return s
}

// Auth0: the claim is named like a URL, aud has userinfo in it, and permissions are there too.
func auth0() shape {
	return shape{
		path:   "/",
		scopes: []string{"openid", "profile", "email", "offline_access"},
		answer: object{"scope": "openid profile email offline_access"},
		id: func(_ *fakeProvider, who string) object {
			return merged(names(who), object{"nickname": who, "preferred_username": nil, "email": who + "@acme.test", "sid": "s", "auth_time": nil, "at_hash": nil})
		},
		access: func(p *fakeProvider, who string) string {
			return p.sign(object{
				"https://your-domain.com/roles": append([]string{}, p.roles[who]...), "iss": p.issuer, "sub": "id-" + who,
				"aud": []string{"api://procivis-one", p.issuer + "userinfo"}, "iat": p.now().Unix(), "exp": p.expiry(),
				"scope": "openid profile email offline_access", "azp": p.clientID, "permissions": []string{"read:all"},
			}, object{"typ": "JWT"})
		},
		userinfo: func(_ *fakeProvider, who string) object { return names(who) },
	}
}

// Dex: the access token is an ID token, signed with the published key; no given and family name; no end of a session.
func dex() shape {
	claims := func(p *fakeProvider, who string) object {
		c := object{"jti": rand.Text(), "auth_time": nil, "email": who + "@acme.test", "email_verified": true, "name": title1(who), "preferred_username": who + "@acme.test"}
		if roles := p.roles[who]; len(roles) > 0 {
			c["groups"] = roles
		}
		return c
	}
	return shape{
		path:     "/dex",
		scopes:   []string{"openid", "email", "groups", "profile", "offline_access"},
		metadata: object{"end_session_endpoint": nil},
		shows:    "ada@acme.test",
		id:       func(p *fakeProvider, who string) object { return merged(claims(p, who), object{"c_hash": "x"}) },
		access: func(p *fakeProvider, who string) string {
			return p.sign(merged(claims(p, who), object{
				"iss": p.issuer, "aud": p.clientID, "sub": "id-" + who, "iat": p.now().Unix(), "exp": p.expiry(), "nonce": "n", "at_hash": "of-nothing",
			}), nil)
		},
		userinfo: claims,
	}
}

// authentik: the access token is the ID token with azp and uid; groups come with the scope profile.
func authentik() shape {
	claims := func(p *fakeProvider, who string) object {
		return object{
			"name": title1(who) + " Acme", "given_name": title1(who) + " Acme", "preferred_username": who, "nickname": who,
			"groups": append([]string{}, p.roles[who]...), "email": who + "@acme.test", "email_verified": false,
		}
	}
	return shape{
		path:   "/application/o/portico/",
		scopes: []string{"openid", "profile", "email", "offline_access"},
		id: func(p *fakeProvider, who string) object {
			return merged(claims(p, who), object{"acr": "goauthentik.io/providers/oauth2/default", "amr": []string{"pwd"}, "sid": "s"})
		},
		access: func(p *fakeProvider, who string) string {
			return p.sign(merged(claims(p, who), object{
				"iss": p.issuer, "aud": p.clientID, "sub": "id-" + who, "iat": p.now().Unix(), "exp": p.expiry(), "azp": p.clientID, "uid": rand.Text(),
			}), object{"typ": "JWT"})
		},
		userinfo: claims,
	}
}
