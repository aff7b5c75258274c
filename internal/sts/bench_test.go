package sts_test

import (
	"context"
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"math/big"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/portico-iam/portico/internal/access"
	"github.com/portico-iam/portico/internal/claim"
	"github.com/portico-iam/portico/internal/iam"
	"github.com/portico-iam/portico/internal/sts"
)

// BenchmarkIssue is the app token of a request that was decided.
func BenchmarkIssue(b *testing.B) {
	for name, step := range map[string]int64{"fresh": 1, "reused": 0} {
		b.Run(name, func(b *testing.B) {
			s := newBench(b)
			b.ReportAllocs()
			for b.Loop() {
				s.policy.version += step // a token of other mappings is another token
				if _, err := s.Issue(b.Context(), sts.Request{Principal: ivan(), Organisation: acme}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkExchange exchanges access tokens that nobody saw before for app tokens that nobody was given before: "call" is
// what a request with a bearer token waits for, "endpoint" the token endpoint without network and database. "signatures",
// one verified and one made, is the least that they could cost.
func BenchmarkExchange(b *testing.B) {
	p, s := newProvider(b), newBench(b)
	b.Run("signatures", func(b *testing.B) {
		_, private, _ := ed25519.GenerateKey(nil)
		end := strings.LastIndexByte(p.tokens[0], '.')
		input, signature := []byte(p.tokens[0][:end]), mustDecode(p.tokens[0][end+1:])
		b.ReportAllocs()
		for b.Loop() {
			sum := sha256.Sum256(input)
			if err := rsa.VerifyPKCS1v15(&p.key.PublicKey, crypto.SHA256, sum[:], signature); err != nil {
				b.Fatal(err)
			}
			ed25519.Sign(private, input)
		}
	})
	b.Run("call", func(b *testing.B) {
		p.eachOnce(b, s, func(i int) {
			principal, err := p.Principal(b.Context(), p.tokens[i])
			if err == nil {
				_, err = s.Issue(b.Context(), sts.Request{Principal: principal, Organisation: acme})
			}
			if err != nil {
				b.Fatal(err)
			}
		})
	})
	b.Run("endpoint", func(b *testing.B) {
		x := &sts.Exchange{History: silentHistory(s), IAM: p}
		const form = "grant_type=" + sts.GrantTokenExchange + "&subject_token_type=" + sts.TypeAccessToken + "&organisation_id=" + string(acme) + "&subject_token="
		requests, answers := make([]*http.Request, len(p.tokens)), make([]*httptest.ResponseRecorder, len(p.tokens))
		p.eachOnce(b, s, func(i int) {
			if x.ServeHTTP(answers[i], requests[i]); answers[i].Code != http.StatusOK {
				b.Fatal(answers[i].Code, answers[i].Body)
			}
		}, func() {
			x.Service = s.Service
			for i, token := range p.tokens {
				requests[i], _ = http.NewRequestWithContext(b.Context(), http.MethodPost, sts.TokenPath, strings.NewReader(form+token))
				requests[i].Header.Set("Content-Type", "application/x-www-form-urlencoded")
				answers[i] = httptest.NewRecorder()
			}
		})
	})
}

// provider is an identity provider of which tokens were had.
type provider struct {
	*iam.Verifier
	key    *rsa.PrivateKey
	tokens []string
}

func newProvider(b *testing.B) *provider {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		b.Fatal(err)
	}
	encode := base64.RawURLEncoding.EncodeToString
	keys := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, `{"keys":[{"kty":"RSA","alg":"RS256","use":"sig","kid":"k","n":%q,"e":%q}]}`,
			encode(key.N.Bytes()), encode(big.NewInt(int64(key.E)).Bytes()))
	}))
	b.Cleanup(keys.Close)
	roles, subject := mustParse(b, "roles"), mustParse(b, "sub")
	now := func() time.Time { return begin }
	p := &provider{key: key, Verifier: &iam.Verifier{Now: now, Issuers: []*iam.Issuer{{
		Issuer: okta, Audience: "api://one", Algorithms: []string{"RS256"}, RolePath: roles, SubjectPath: subject,
		Keys: &iam.KeySet{URL: iam.FixedURL(keys.URL), HTTP: keys.Client(), RefreshAfter: time.Hour, ExpireAfter: time.Hour, Now: now, Logger: silent},
	}}}}
	b.Cleanup(p.Close)
	for i := range 256 {
		input := encode([]byte(`{"alg":"RS256","kid":"k"}`)) + "." + encode(fmt.Appendf(nil,
			`{"ver":1,"jti":"AT.%d","iss":%q,"aud":"api://one","iat":%d,"exp":%d,"cid":"0oa1","uid":"00u%d","scp":["openid","profile"],"sub":"ivan%d@acme.test","roles":["Acme Issuance"]}`,
			i, okta, begin.Unix(), begin.Add(time.Hour).Unix(), i, i))
		sum := sha256.Sum256([]byte(input))
		signature, err := rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA256, sum[:])
		if err != nil {
			b.Fatal(err)
		}
		p.tokens = append(p.tokens, input+"."+encode(signature))
	}
	return p
}

// Identity is of no use here: the tokens are access tokens.
func (p *provider) Identity(ctx context.Context, token string) (*access.Principal, error) {
	return p.Principal(ctx, token)
}

func mustParse(b *testing.B, path string) claim.Path {
	parsed, err := claim.Parse(path)
	if err != nil {
		b.Fatal(err)
	}
	return parsed
}

// eachOnce gives f one token after the other. Before they come again, whatever was remembered of them is forgotten, and
// what f takes is made anew; neither is measured.
func (p *provider) eachOnce(b *testing.B, s *bench, f func(i int), anew ...func()) {
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		if i%len(p.tokens) == 0 {
			b.StopTimer()
			p.Verified, s.Service = iam.NewVerified(), sts.New(s.Config)
			for _, make := range anew {
				make()
			}
			b.StartTimer()
		}
		f(i % len(p.tokens))
	}
}
