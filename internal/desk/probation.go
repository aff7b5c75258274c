package desk

import (
	"net/http"

	"github.com/portico-iam/portico/internal/access"
	"github.com/portico-iam/portico/internal/authn"
	"github.com/portico-iam/portico/internal/desk/view"
)

// probation is what stands above every page while a change is on probation, for those whom it concerns.
func (h *Handler) probation(c *authn.Caller) *view.Probation {
	pending := h.Policy.Probation(c.Principal)
	if pending == nil {
		return nil
	}
	own := pending.Issuer == c.Principal.Issuer && pending.Subject == c.Principal.Subject
	return &view.Probation{
		Own: own, Name: pending.Name, Lost: pending.Left.IsEmpty(), Until: h.when(pending.Until), MaySignIn: h.SignIn != nil,
		MayUndo: own || h.may(c, access.STSRoleEdit) && h.may(c, access.STSIAMRoleEdit),
	}
}

func (h *Handler) undoProbation(w http.ResponseWriter, r *http.Request, c *authn.Caller) error {
	if err := h.Policy.UndoProbation(r.Context(), c.Principal); err != nil {
		return err
	}
	return h.done(w, r, c, changeUndone, view.AccessPath, access.STSIAMRoleList)
}

// breakGlass is the last use of a break-glass file, for whoever may see who is signed in.
func (h *Handler) breakGlass(c *authn.Caller) *view.BreakGlass {
	if h.BreakGlass == nil || !h.may(c, access.STSSessionList) {
		return nil
	}
	row := h.BreakGlass.LastUse()
	if row == nil {
		return nil
	}
	return &view.BreakGlass{
		Label: row.Label, Used: h.when(row.UsedAt), Own: c.Principal.Issuer == access.BreakGlassIssuer, HistoryHref: view.HistoryByPath(row.Subject()),
	}
}
