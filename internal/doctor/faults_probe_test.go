package doctor_test

import (
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"github.com/portico-iam/portico/internal/config"
	"github.com/portico-iam/portico/internal/devokta"
)

func issuer(change func(string) string) func(*config.Config) {
	return func(c *config.Config) { c.IAM.Issuer = change(c.IAM.Issuer) }
}

// roundTrip answers in the place of a network.
type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// probeFaults are seen by asking the issuer without credentials.
var probeFaults = []injected{
	{row: 12, want: "org-issuer", name: "issuer is the organisation", inject: func(b *bed) { b.config(func(c *config.Config) { c.IAM.Issuer = b.url }) }},
	{row: 12, want: "org-issuer", name: "issuer is the organisation with a slash", inject: func(b *bed) { b.config(func(c *config.Config) { c.IAM.Issuer = b.url + "/" }) }},
	{row: 17, want: "issuer-differs", name: "issuer with a slash at the end", near: "slash", inject: func(b *bed) { b.config(issuer(func(s string) string { return s + "/" })) }},
	{row: 17, want: "issuer-differs", name: "issuer's host in capitals", near: "case", inject: func(b *bed) {
		b.config(issuer(func(s string) string { return strings.Replace(s, "localhost", "LocalHost", 1) }))
	}},
	{row: 17, want: "issuer-differs", name: "Okta's discovery has a slash", near: "slash", inject: func(b *bed) { b.SetOddities(devokta.Oddities{IssuerSlash: true}); b.config() }},
	{row: 17, want: "issuer-differs", name: "issuerMode CUSTOM_URL", near: "host", profile: "custom-domain", inject: func(b *bed) { b.put(servers, "issuerMode", "CUSTOM_URL"); b.config() }},
	{row: 17, want: "issuer-differs", name: "two issuers in the configuration", near: "slash", inject: func(b *bed) {
		b.config(func(c *config.Config) { c.STS.IAM.TokenValidation.Iss = c.IAM.Issuer + "/" })
	}},
	{row: 18, want: "issuer-not-found", name: "issuer with /v1", inject: func(b *bed) { b.config(issuer(func(s string) string { return s + "/v1" })) }},
	{row: 18, want: "issuer-not-found", name: "issuer's server in capitals", near: "case", inject: func(b *bed) {
		b.config(issuer(func(s string) string { return strings.Replace(s, "default", "Default", 1) }))
	}},
	{row: 18, want: "issuer-not-found", name: "issuer of a mistyped id", inject: func(b *bed) {
		b.config(issuer(func(s string) string { return strings.Replace(s, "default", "defualt", 1) }))
	}},
	{row: 18, want: "issuer-not-found", name: "issuer without /oauth2", inject: func(b *bed) {
		b.config(issuer(func(s string) string { return strings.Replace(s, "/oauth2", "", 1) }))
	}},
	{row: 18, want: "console-host", name: "issuer on the console's host, offline", near: "-admin", inject: func(b *bed) {
		b.config(func(c *config.Config) {
			c.IAM.Issuer = "https://dev-1-admin.okta.com/oauth2/default"
			c.Server.PublicURL = "https://desk.example.com"
		})
		b.in.Offline = true
	}},
	{row: 18, want: "console-host", name: "issuer on the console's host, asked", near: "-admin", inject: func(b *bed) {
		b.config(func(c *config.Config) {
			c.IAM.Issuer = "https://dev-1-admin.oktapreview.com/oauth2/default"
			c.Server.PublicURL = "https://desk.example.com"
		})
		b.in.HTTP = &http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
			w := httptest.NewRecorder()
			w.WriteHeader(http.StatusNotFound)
			return w.Result(), nil
		})}
	}},
	{row: 18, want: "issuer-not-found", name: "server deleted", inject: func(b *bed) {
		ownServer(b)
		path := strings.Replace(b.cfg.IAM.Issuer, b.url+"/oauth2/", "/api/v1/authorizationServers/", 1)
		b.call(http.MethodPost, path+"/lifecycle/deactivate", nil)
		b.call(http.MethodDelete, path, nil)
		b.config().okta("")
	}},
	{row: 19, want: "unlicensed", name: "no API Access Management", profile: "unlicensed", inject: func(b *bed) {
		b.config(func(c *config.Config) { c.IAM.Issuer = b.url + "/oauth2/default" })
	}},
	{row: 19, want: "unlicensed", name: "no API Access Management, by the Management API", profile: "unlicensed", inject: func(b *bed) { b.okta("") }},
	{row: 15, want: "keys-unreadable", name: "the keys' address is broken", inject: func(b *bed) {
		b.Inject(devokta.Fault{Endpoint: "keys", Status: http.StatusInternalServerError})
		b.config()
	}},
	{row: 44, want: "rate-limit", name: "429 from the discovery", inject: func(b *bed) {
		b.Inject(devokta.Fault{Endpoint: "discovery", Status: http.StatusTooManyRequests})
		b.config()
	}},
	{row: 44, want: "rate-limit", name: "429 from the token endpoint", inject: func(b *bed) {
		b.Inject(devokta.Fault{Endpoint: "token", Status: http.StatusTooManyRequests})
		b.config()
	}},
	{row: 45, want: "clock", name: "our clock is ahead", inject: func(b *bed) {
		b.config()
		b.in.Now = func() time.Time { return time.Now().Add(10 * time.Minute) }
	}},
	{row: 45, want: "clock", name: "our clock is behind, with a token", inject: func(b *bed) {
		b.config()
		b.in.Token = b.signIn(ada)
		b.in.Now = func() time.Time { return time.Now().Add(-10 * time.Minute) }
	}},
	{row: 45, want: "clock", name: "Okta's clock is ahead", inject: func(b *bed) { b.SetClockSkew(5 * time.Minute); b.config() }},
	{row: 46, want: "tls", name: "a certificate of nobody we trust", inject: func(b *bed) {
		server := httptest.NewUnstartedServer(http.NotFoundHandler())
		server.Config.ErrorLog = log.New(io.Discard, "", 0) // the refused handshake
		server.StartTLS()
		b.Cleanup(server.Close)
		b.config(func(c *config.Config) { c.IAM.Issuer = server.URL + "/oauth2/default" })
	}},
	{row: 46, want: "tls", name: "https to a port that speaks http", inject: func(b *bed) {
		b.config(issuer(func(s string) string { return strings.Replace(s, "http:", "https:", 1) }))
	}},
	{row: 46, want: "dns", name: "a host that nobody knows", inject: func(b *bed) {
		b.config()
		b.in.HTTP = &http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
			return nil, &net.DNSError{Err: "no such host", Name: r.URL.Hostname(), IsNotFound: true}
		})}
	}},
	{row: 46, want: "unreachable", name: "nobody listens", inject: func(b *bed) {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			b.Fatal(err)
		}
		_ = listener.Close()
		b.config(func(c *config.Config) { c.IAM.Issuer = "http://" + listener.Addr().String() + "/oauth2/default" })
	}},
	{row: 46, want: "unreachable", name: "no answer in time", inject: func(b *bed) {
		b.Inject(devokta.Fault{Endpoint: "keys", Hold: b.Context().Done()})
		b.config()
		b.in.HTTP.Timeout = 300 * time.Millisecond
	}},
}
