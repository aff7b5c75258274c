package desk

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"

	"github.com/portico-iam/portico/internal/access"
	"github.com/portico-iam/portico/internal/authn"
	"github.com/portico-iam/portico/internal/desk/view"
)

// accessMatrix lays all mappings side by side. It tells what the list and the details tell together, so it takes both
// permissions.
func (h *Handler) accessMatrix(w http.ResponseWriter, r *http.Request, c *authn.Caller) error {
	all, err := h.Policy.IAMRoles(r.Context(), c.Principal)
	if err != nil {
		return err
	}
	if err := h.enforce(r.Context(), c, "open an IAM role", access.STSIAMRoleDetail); err != nil {
		return err
	}
	v := view.AccessMatrix{
		Page: h.frame(r, c), CanCreate: h.offers(c, access.STSIAMRoleCreate), CanEdit: h.offers(c, access.STSIAMRoleEdit),
		List: listState(r, view.AccessMatrixPath, "name", "name"),
	}
	v.List.Filters = url.Values{"organisation": {searchText(r, "organisation")}}
	v.Wide = view.List{Page: pageOf(r, "columns"), PageSize: pageSize}
	fillMatrix(&v, h.sight(c), all)
	h.render(w, r, http.StatusOK, view.AccessMatrixPage(v))
	return nil
}

func (h *Handler) mayMatrix(c *authn.Caller) bool {
	return h.may(c, access.STSIAMRoleList) && h.may(c, access.STSIAMRoleDetail)
}

// fillMatrix chooses the rows and the columns, and fills the cells of the page at hand only.
func fillMatrix(v *view.AccessMatrix, s sight, all []*access.IAMRole) {
	organisation := v.List.Filters.Get("organisation")
	columns := matrixColumns(s, all, organisation)
	var rows []*access.IAMRole
	for _, m := range all {
		// Who searches for an organisation wants to see who has access there.
		there := organisation == "" || slices.ContainsFunc(columns, func(c view.MatrixColumn) bool {
			return len(m.OrganisationRoles[access.OrganisationID(c.ID)]) > 0
		})
		if there && contains(m.Name, v.List.Query) {
			rows = append(rows, m)
		}
	}
	slices.SortFunc(rows, func(a, b *access.IAMRole) int { return directed(v.List, byName(a.Name, b.Name)) })
	v.Columns = cut(&v.Wide, columns)
	if v.Wide.Page > 1 {
		v.List.Filters.Set("columns", strconv.Itoa(v.Wide.Page))
	}
	for _, m := range cut(&v.List, rows) {
		row := view.MatrixRow{ID: string(m.ID), Name: m.Name, System: s.roleNames(m.SystemRoles), Cells: make([][]string, len(v.Columns))}
		for i, c := range v.Columns {
			if roles := m.OrganisationRoles[access.OrganisationID(c.ID)]; len(roles) > 0 {
				row.Cells[i] = s.roleNames(roles)
			}
		}
		v.Rows = append(v.Rows, row)
	}
}

// matrixColumns are the organisations that the caller may see, and by their ids those that mappings are about besides.
func matrixColumns(s sight, all []*access.IAMRole, query string) []view.MatrixColumn {
	ids := map[access.OrganisationID]bool{}
	for _, o := range s.Organisations() {
		if s.seesOrganisation(o.ID) {
			ids[o.ID] = true
		}
	}
	for _, m := range all {
		for org := range m.OrganisationRoles {
			ids[org] = true
		}
	}
	var columns []view.MatrixColumn
	for id := range ids {
		choice, o := s.organisation(id), s.Organisation(id)
		if contains(choice.Name, query) {
			columns = append(columns, view.MatrixColumn{ID: choice.ID, Name: choice.Name, Deactivated: o == nil || !o.Active()})
		}
	}
	slices.SortFunc(columns, func(a, b view.MatrixColumn) int { return byName(a.Name, b.Name) })
	return columns
}
