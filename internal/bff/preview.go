package bff

import (
	"net/http"
	"strconv"
	"strings"

	"github.com/portico-iam/portico/internal/access"
	"github.com/portico-iam/portico/internal/authn"
	"github.com/portico-iam/portico/internal/fault"
	"github.com/portico-iam/portico/internal/httpx"
	"github.com/portico-iam/portico/internal/policy"
)

// mappingHeader names the preview on which a change rests.
const mappingHeader = "x-portico-mapping"

// seenMapping reads which version of the mappings a caller has seen; 0 where they do not say.
func seenMapping(r *http.Request) (int64, error) {
	text := r.Header.Get(mappingHeader)
	if text == "" {
		return 0, nil
	}
	version, err := strconv.ParseInt(text, 10, 64)
	if err != nil || version < 1 {
		return 0, fault.InvalidInput.New("%s: expected the mapping of a preview, a number", mappingHeader)
	}
	return version, nil
}

// seenPreview is what whoever makes a change has seen of its preview, and says for the case that it needs a second administrator.
func seenPreview(r *http.Request) (seen policy.Seen, err error) {
	if seen.Mapping, err = seenMapping(r); err != nil {
		return seen, err
	}
	if reasons := r.Header.Values(requestHeader); len(reasons) > 0 {
		seen = seen.Asking(strings.Join(reasons, ", "))
	}
	return seen, nil
}

// seenBy is what the editor of a row has seen: of the row itself, and of the preview.
func seenBy(r *http.Request) (seen policy.Seen, err error) {
	if seen, err = seenPreview(r); err == nil {
		seen.Revision, err = ifMatch(r)
	}
	return seen, err
}

// maxPreviewed bounds the rows of one preview.
const maxPreviewed = 1000

// previewBody is a change that is not made: rows as they would be written, by id; without one they are new.
type previewBody struct {
	Roles struct {
		Put []struct {
			ID string `json:"id"`
			roleBody
		} `json:"put"`
		Delete []string `json:"delete"`
	} `json:"roles"`
	IAMRoles struct {
		Put []struct {
			ID string `json:"id"`
			iamRoleBody
		} `json:"put"`
		Delete []string `json:"delete"`
	} `json:"iamRoles"`
}

// change reads the body upon the rows as they are now: what a row's body leaves out stays.
func (b *previewBody) change(now *access.Snapshot) (c access.Change, err error) {
	if len(b.Roles.Put)+len(b.Roles.Delete)+len(b.IAMRoles.Put)+len(b.IAMRoles.Delete) > maxPreviewed {
		return c, fault.InvalidInput.New("expected at most %d rows", maxPreviewed)
	}
	role := func(id string) *access.Role { return now.Role(access.RoleID(id)) }
	for i := range b.Roles.Put {
		put := &b.Roles.Put[i]
		row, err := written(put.ID, "role", &access.Role{ID: access.RoleID("new " + strconv.Itoa(i))}, role, (*access.Role).Clone, put.apply)
		if err != nil {
			return c, err
		}
		c.PutRoles = append(c.PutRoles, row)
	}
	iamRole := func(id string) *access.IAMRole { return now.IAMRole(access.IAMRoleID(id)) }
	for i := range b.IAMRoles.Put {
		put := &b.IAMRoles.Put[i]
		row, err := written(put.ID, "IAM role", &access.IAMRole{ID: access.IAMRoleID("new " + strconv.Itoa(i))}, iamRole, (*access.IAMRole).Clone, put.apply)
		if err != nil {
			return c, err
		}
		c.PutIAMRoles = append(c.PutIAMRoles, row)
	}
	for _, text := range b.Roles.Delete {
		row, err := rowOf(text, "role", role)
		if err != nil {
			return c, err
		}
		c.DeleteRoles = append(c.DeleteRoles, row.ID)
	}
	for _, text := range b.IAMRoles.Delete {
		row, err := rowOf(text, "IAM role", iamRole)
		if err != nil {
			return c, err
		}
		c.DeleteIAMRoles = append(c.DeleteIAMRoles, row.ID)
	}
	return c, nil
}

// written is a row as the body would have it: the one of the id, or a fresh one.
func written[T any](id, kind string, row *T, find func(string) *T, clone func(*T) *T, apply func(*T) error) (*T, error) {
	if id != "" {
		old, err := rowOf(id, kind, find)
		if err != nil {
			return nil, err
		}
		row = clone(old)
	}
	return row, apply(row)
}

// rowOf finds a row by its id.
func rowOf[T any](text, kind string, find func(string) *T) (*T, error) {
	id, err := httpx.ParseUUID(text)
	if err != nil {
		return nil, err
	}
	row := find(id)
	if row == nil {
		return nil, fault.NotFound.New("there is no %s %s", kind, id)
	}
	return row, nil
}

// previewView is what the change would do.
type previewView struct {
	Mapping           int64                   `json:"mapping"`
	LastAdministrator bool                    `json:"lastAdministrator"`
	Probation         bool                    `json:"probation"`
	FourEyes          []access.OrganisationID `json:"fourEyes"` // organisations for which it needs a second administrator
	Broken            []brokenView            `json:"broken"`
	People            []affectedView          `json:"people"`
	Groups            []affectedView          `json:"groups"`
	Later             []laterView             `json:"later"`
}

// laterView is what an end takes away when it comes.
type laterView struct {
	Date   string         `json:"date"`
	People []affectedView `json:"people"`
	Groups []affectedView `json:"groups"`
}

// brokenView is an expectation for which the change would be refused.
type brokenView struct {
	Expectation string `json:"expectation"`
	Why         string `json:"why"`
}

type affectedView struct {
	Issuer  string              `json:"issuer,omitempty"`
	Subject string              `json:"subject,omitempty"`
	Login   string              `json:"login,omitempty"`
	Name    string              `json:"name,omitempty"`
	IAMRole string              `json:"iamRole,omitempty"`
	Places  []affectedPlaceView `json:"places"`
}

type affectedPlaceView struct {
	OrganisationID access.OrganisationID `json:"organisationId,omitempty"`
	Gained         []string              `json:"gained"`
	Lost           []string              `json:"lost"`
	Bound          []string              `json:"bound"` // from then on it takes a certain sign-in
	Freed          []string              `json:"freed"` // it no longer does
}

func viewOfAffected(all []policy.Affected) []affectedView {
	views := make([]affectedView, 0, len(all))
	for _, a := range all {
		v := affectedView{IAMRole: a.IAMRole}
		if p := a.Person; p != nil {
			v.Issuer, v.Subject, v.Login, v.Name = p.Issuer, p.Subject, p.Login, p.DisplayName()
		}
		for _, e := range a.Effects {
			v.Places = append(v.Places, affectedPlaceView{OrganisationID: e.Organisation, Gained: e.Gained.Names(), Lost: e.Lost.Names(), Bound: e.Bound.Names(), Freed: e.Freed.Names()})
		}
		views = append(views, v)
	}
	return views
}

func (h *Handler) preview(w http.ResponseWriter, r *http.Request, caller *authn.Caller) error {
	var body previewBody
	if err := readBody(w, r, &body); err != nil {
		return err
	}
	if err := h.Policy.Enforce(r.Context(), caller.Principal, access.System, "preview a change", access.STSAccessExplain); err != nil {
		return err
	}
	change, err := body.change(h.Policy.Snapshot())
	if err != nil {
		return err
	}
	p, err := h.Policy.Preview(r.Context(), caller.Principal, change)
	if err != nil {
		return err
	}
	httpx.WriteJSON(w, http.StatusOK, viewPreview(&p))
	return nil
}

func viewPreview(p *policy.Preview) previewView {
	v := previewView{
		Mapping: p.Version, LastAdministrator: p.LastAdministrator, Probation: p.Probation, FourEyes: append([]access.OrganisationID{}, p.Demanding...),
		Broken: []brokenView{}, People: viewOfAffected(p.People), Groups: viewOfAffected(p.Groups), Later: []laterView{},
	}
	for _, u := range p.Broken {
		v.Broken = append(v.Broken, brokenView(u))
	}
	for _, end := range p.Later {
		v.Later = append(v.Later, laterView{httpx.Timestamp(end.At), viewOfAffected(end.People), viewOfAffected(end.Groups)})
	}
	return v
}
