package attack

import (
	"fmt"
	"strings"
)

const (
	fixAlgorithm = "accept listed asymmetric algorithms only, and bind each to its key's type (RFC 8725 section 3.1)"
	fixSignature = "verify every token's signature with the issuer's own key set before anything of it counts (RFC 8725 section 3.3)"
	fixPresence  = "a token that is there proves nothing: validate it"
)

// tokenProbes forge tokens.
var tokenProbes = []Probe{
	{ID: "NT01", Title: "a public key is no secret: HS256 with it is refused", Needs: needsKeys, run: func(r *run) error {
		for _, key := range r.keys {
			for form, secret := range secretsOf(key) {
				forged := r.hmac(r.head(map[string]any{"alg": "HS256"}), secret)
				if err := r.mustRefuse("a token signed by HS256 with the public key ("+form+")", fixAlgorithm, bearer(forged)); err != nil {
					return err
				}
			}
		}
		return nil
	}},
	{ID: "NT02", Title: "unsigned tokens are refused", run: func(r *run) error {
		for _, alg := range []string{"none", "None", "NONE", "nOnE", ""} {
			for what, signature := range map[string]string{"no": "", "a junk": "AAAA"} {
				what := fmt.Sprintf("a token with alg %q and %s signature", alg, what)
				if err := r.mustRefuse(what, fixAlgorithm, bearer(r.unsigned(r.head(map[string]any{"alg": alg}), signature))); err != nil {
					return err
				}
			}
		}
		return r.mustRefuse("a token without a signature", fixSignature, bearer(r.unsigned(r.head(nil), "")))
	}},
	{ID: "NT03", Title: "unknown algorithms and extensions are refused", run: func(r *run) error {
		for _, changes := range []map[string]any{
			{"alg": "XX256"}, {"alg": "RS1"}, {"alg": "HS999"}, {"alg": 256}, {"alg": []string{"none"}}, {"crit": []string{"exp"}}, {"b64": false, "crit": []string{"b64"}}, {"zip": "DEF"},
		} {
			what := fmt.Sprintf("a token with the header %v and a junk signature", changes)
			if err := r.mustRefuse(what, fixSignature, bearer(r.unsigned(r.head(changes), "AAAA"))); err != nil {
				return err
			}
		}
		return nil
	}},
	{ID: "NT03", Title: "a token may not bring its own key", run: func(r *run) error {
		for _, changes := range []map[string]any{
			{}, {"jwk": true}, {"jku": "https://attacker.invalid/keys"}, {"x5u": "https://attacker.invalid/cert"}, {"kid": "../../../../dev/null"},
			{"kid": "' OR 1=1 --"}, {"kid": ""}, {"kid": strings.Repeat("k", 10_000)},
		} {
			forged, err := r.own(r.head(changes))
			if err != nil {
				return err
			}
			if err := r.mustRefuse(fmt.Sprintf("a token signed by a key of the attacker's (header %.60v)", changes), fixSignature, bearer(forged)); err != nil {
				return err
			}
		}
		return nil
	}},
	{ID: "NT04", Title: "encrypted and misshapen tokens are refused", run: func(r *run) error {
		jwe := encode(map[string]any{"alg": "dir", "enc": "A256GCM"}) + ".." + encode("iv") + "." + encode(r.claims()) + "." + encode("tag")
		for what, raw := range map[string]string{
			"five parts": jwe, "four parts": "a.b.c.d", "two parts": "a.b", "one part": "a", "a JSON serialisation": `{"payload":"e30","signatures":[]}`,
			"a token of 100 KiB": r.unsigned(r.head(nil), strings.Repeat("A", 100<<10)),
		} {
			if err := r.mustRefuse("a token of "+what, fixSignature, bearer(raw)); err != nil {
				return err
			}
		}
		return nil
	}},
	{ID: "NT08", Title: "the presence of a token proves nothing", run: func(r *run) error {
		for _, value := range []string{
			"Bearer", "Bearer ", "Bearer null", "Bearer undefined", "Bearer x", "bearer true", "Basic YWRtaW46YWRtaW4=", "Negotiate x", "Token x", "x", "Bearer  x, Bearer y",
		} {
			if err := r.mustRefuse(fmt.Sprintf("Authorization: %q", value), fixPresence, header("Authorization", value)); err != nil {
				return err
			}
		}
		return nil
	}},
	{ID: "NT02", Title: "every bit of a token counts", Needs: needsToken, run: func(r *run) error {
		p := r.token.parts
		more := r.claims()
		more["roles"], more["groups"] = []string{"ONE_STS_ADMIN"}, []string{"admin"}
		for what, raw := range map[string]string{
			"with another payload under its signature": p[0] + "." + encode(more) + "." + p[2],
			"without its signature":                    p[0] + "." + p[1] + ".",
			"whose signature is cut":                   p[0] + "." + p[1] + "." + p[2][:len(p[2])/2],
			"with one letter of the signature changed": p[0] + "." + p[1] + "." + flip(p[2]),
			"with another header":                      encode(r.head(map[string]any{"typ": "x"})) + "." + p[1] + "." + p[2],
			"with a fourth part":                       strings.Join(p, ".") + ".x",
			"with a line end":                          p[0] + "." + p[1] + ".\t" + p[2],
		} {
			if err := r.mustRefuse("an accepted token "+what, fixSignature, bearer(raw)); err != nil {
				return err
			}
		}
		if !r.Local { // it would stay in the logs
			return nil
		}
		got, err := r.get(r.Protected+"?access_token="+r.Token, header("Accept", "application/json"))
		if err == nil && got.in() {
			r.weak("take no token from the address: it stays in logs and histories (RFC 9700 section 4.3.2)", "a token in the address lets somebody in", "GET %s?access_token=…: %d", r.Protected, got.status)
		}
		return err
	}},
}

// flip changes a letter in the middle.
func flip(s string) string {
	b := []byte(s)
	at := len(b) / 2
	if b[at] == 'A' {
		b[at] = 'B'
	} else {
		b[at] = 'A'
	}
	return string(b)
}
