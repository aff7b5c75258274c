package desk

import (
	"encoding/json"
	"net/http"

	"github.com/portico-iam/portico/internal/access"
	"github.com/portico-iam/portico/internal/authn"
	"github.com/portico-iam/portico/internal/desk/view"
	"github.com/portico-iam/portico/internal/desk/wording"
	"github.com/portico-iam/portico/internal/fault"
	"github.com/portico-iam/portico/internal/policy"
)

// refused tells somebody what is missing, in plain words, with the reference of the record that holds the full reason.
func (h *Handler) refused(w http.ResponseWriter, r *http.Request, c *authn.Caller, f *fault.Fault) {
	v := view.Refused{Page: h.frame(r, c), Sentence: wording.SayPhrase(r.Context(), f)}
	v.Refusal = view.Refusal{Reference: f.Reference, IAMRoles: c.Principal.IAMRoles}
	if e, found, err := h.History.Get(r.Context(), f.Reference); err == nil && found {
		var record policy.RefusalRecord
		if json.Unmarshal(e.Metadata, &record) == nil {
			v.Refusal = *h.refusalOf(c, e, record)
		}
		if h.may(c, access.SystemHistoryDetail) {
			v.EntryHref = view.HistoryEntryPath(e.ID)
		}
	}
	h.render(w, r, http.StatusForbidden, view.RefusedPage(v))
}
