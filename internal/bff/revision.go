package bff

import (
	"net/http"
	"strconv"
	"strings"

	"github.com/portico-iam/portico/internal/fault"
)

// setRevision sends a row's revision as its ETag (RFC 9110 section 8.8.3).
func setRevision(w http.ResponseWriter, revision int64) {
	w.Header().Set("ETag", `"`+strconv.FormatInt(revision, 10)+`"`)
}

// ifMatch returns the revision that the caller saw; 0 when it named none, or any (RFC 9110 section 13.1.1).
func ifMatch(r *http.Request) (int64, error) {
	values := r.Header.Values("If-Match")
	if len(values) == 0 || len(values) == 1 && values[0] == "*" {
		return 0, nil
	}
	text, quoted := strings.CutPrefix(values[0], `"`)
	text, closed := strings.CutSuffix(text, `"`)
	revision, err := strconv.ParseInt(text, 10, 64)
	if len(values) != 1 || !quoted || !closed || err != nil || revision < 1 {
		return 0, fault.InvalidInput.New(`If-Match: expected the ETag of the row, e.g. "3", got %s`, clip(values[0]))
	}
	return revision, nil
}
