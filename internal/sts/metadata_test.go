package sts_test

import (
	"encoding/json"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestPublishedDocuments(t *testing.T) {
	b := newBench(t)
	w := httptest.NewRecorder()
	b.ServeJWKS(w, httptest.NewRequest("GET", "/.well-known/jwks.json", nil))
	if w.Body.String() != string(b.ring.JWKS()) || w.Header().Get("Content-Type") != "application/jwk-set+json" || w.Header().Get("Cache-Control") != "public, max-age=300" {
		t.Errorf("got %v %s", w.Header(), w.Body)
	}
	for _, private := range []string{`"d"`, `"k"`} {
		if strings.Contains(w.Body.String(), private) {
			t.Errorf("%s is published", private)
		}
	}
	w = httptest.NewRecorder()
	b.ServeMetadata(w, httptest.NewRequest("GET", "/", nil))
	var m map[string]any
	if err := json.Unmarshal(w.Body.Bytes(), &m); err != nil || m["issuer"] != self || m["token_endpoint"] != self+"/api/sts/token/v1" || m["jwks_uri"] != self+"/.well-known/jwks.json" {
		t.Errorf("got %s", w.Body)
	}
}
