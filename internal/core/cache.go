package core

import (
	"net/http"

	"github.com/portico-iam/portico/internal/httpx"
)

// cacheTypes are the kinds of remote documents that Core caches. The embedded one caches none of them yet.
var cacheTypes = []string{
	"DID_DOCUMENT", "JSON_LD_CONTEXT", "STATUS_LIST_CREDENTIAL", "VCT_METADATA", "JSON_SCHEMA", "TRUST_LIST", "X509_CRL",
	"ANDROID_ATTESTATION_CRL", "OPENID_METADATA",
}

// deleteCache empties the caches of the given types, or all of them. To empty them all means the STS's keys too: they
// are fetched anew behind the next request.
func (s *server) deleteCache(w http.ResponseWriter, r *http.Request, _ caller) error {
	q := httpx.NewQuery(r.URL.RawQuery)
	types := q.AllOf("types", cacheTypes...)
	if err := q.Err(); err != nil {
		return err
	}
	if len(types) == 0 && s.keys != nil {
		s.keys.markStale()
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}
