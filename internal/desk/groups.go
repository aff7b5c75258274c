package desk

import (
	"net/http"
	"slices"

	"github.com/portico-iam/portico/internal/access"
	"github.com/portico-iam/portico/internal/authn"
	"github.com/portico-iam/portico/internal/desk/view"
	"github.com/portico-iam/portico/internal/directory"
	"github.com/portico-iam/portico/internal/fault"
)

// offerGroups offers the provisioned groups to choose from. The form does without where they can't be read.
func (h *Handler) offerGroups(r *http.Request, c *authn.Caller, v *view.AccessForm) {
	groups, total, err := h.Policy.ProvisionedGroups(r.Context(), c.Principal, "", directory.MaxPage)
	if err != nil {
		h.Logger.WarnContext(r.Context(), "provisioned groups not read", "error", err)
		return
	}
	v.GroupsTotal = total
	for _, g := range groups {
		v.Groups = append(v.Groups, view.ProvisionedGroup{Name: g.Name, Members: g.Members})
	}
	slices.SortFunc(v.Groups, func(a, b view.ProvisionedGroup) int { return byName(a.Name, b.Name) })
}

// groupFacts is what is known of the group of an access; nil where nothing is provisioned.
func (h *Handler) groupFacts(r *http.Request, c *authn.Caller, m *access.IAMRole) (*view.GroupFacts, error) {
	if h.Policy.Groups == nil && m.Group.ID == "" {
		return nil, nil
	}
	own, named, err := h.Policy.ProvisionedGroup(r.Context(), m)
	if err != nil {
		return nil, err
	}
	v := &view.GroupFacts{State: view.GroupMissing, CanTie: h.may(c, access.STSIAMRoleEdit)}
	shown := own
	switch {
	case m.Held() && m.Group.Name == "":
		v.State = view.GroupGone
	case m.Held():
		v.State, v.Now = view.GroupRenamed, m.Group.Name
	case m.Group.ID != "":
		v.State, v.CanTie = view.GroupTied, false
	case named != nil:
		v.State, shown = view.GroupUntied, named
	default:
		v.CanTie = false
	}
	if shown != nil {
		v.Members, v.Changed = shown.Members, h.when(shown.ModifiedAt)
	}
	return v, nil
}

// accessConfirm has access count for whoever carries its name, after its group became another one.
func (h *Handler) accessConfirm(w http.ResponseWriter, r *http.Request, c *authn.Caller) error {
	if err := h.enforce(r.Context(), c, "edit access", access.STSIAMRoleEdit); err != nil {
		return err
	}
	now := h.Policy.Snapshot()
	m := now.IAMRole(access.IAMRoleID(r.PathValue("id")))
	if m == nil {
		return fault.NotFound.New("there is no such access")
	}
	change, err := h.Policy.Confirming(r.Context(), now, m.ID)
	if err != nil {
		return err
	}
	v := view.ConfirmAccessGroup(r.Context(), h.frame(r, c), string(m.ID), m.Name, change.PutIAMRoles[0].Group.ID != "")
	v.Version = versionOf(m.Changed)
	would, err := h.preview(r, c, change)
	if err != nil {
		return err
	}
	v.Foresee(r.Context(), would)
	status := http.StatusOK
	if r.Method == http.MethodPost {
		status = http.StatusUnprocessableEntity
		seen := asking(r, seenBy(r, r.PostFormValue("version")), &v.Errors)
		if len(v.Errors) == 0 {
			err := h.Policy.ConfirmGroup(r.Context(), c.Principal, m.ID, seen)
			if err == nil {
				return h.done(w, r, c, accessSaved, view.AccessItemPath(string(m.ID)), access.STSIAMRoleDetail)
			}
			if asked(w, r, err) {
				return nil
			}
			why := changedMeanwhile(r.Context())
			if kept := keptFrom(r.Context(), err); kept != "" {
				why = view.Notice{Kind: view.Warning, Text: kept}
			} else if !fault.LostUpdate.Is(err) && !fault.StalePreview.Is(err) {
				return err
			}
			status, v.Notices = http.StatusConflict, append(v.Notices, why)
		}
	}
	h.render(w, r, status, view.ConfirmPage(v))
	return nil
}
