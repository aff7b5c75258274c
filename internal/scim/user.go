package scim

import (
	"encoding/json"
	"net/http"
	"unicode/utf8"

	"github.com/portico-iam/portico/internal/access"
	"github.com/portico-iam/portico/internal/directory"
	"github.com/portico-iam/portico/internal/httpx"
)

// documentOf is somebody as the attributes that are kept, and externalId.
func documentOf(u directory.User) (object, error) {
	doc := object{}
	if len(u.Attributes) > 0 {
		if err := json.Unmarshal(u.Attributes, &doc); err != nil {
			return nil, err
		}
	}
	doc["userName"], doc["active"] = u.UserName, u.Active
	if u.DisplayName != "" {
		doc["displayName"] = u.DisplayName
	}
	if u.ExternalID != "" {
		doc["externalId"] = u.ExternalID
	}
	return doc, nil
}

// readUser reads what a client sent of somebody.
func readUser(body object) (object, error) {
	read, err := readAll(userAttributes, "", body)
	if err != nil {
		return nil, err
	}
	doc, _ := read.(object)
	if doc == nil {
		doc = object{}
	}
	if value := get(body, "externalId"); value != nil {
		if err := setExternalID(doc, value); err != nil {
			return nil, err
		}
	}
	return doc, nil
}

// setExternalID takes the client's own name for a resource as it is: it is opaque, and never an id of ours.
func setExternalID(doc object, value any) error {
	text, ok := value.(string)
	if value == nil || ok && text == "" {
		delete(doc, "externalId")
		return nil
	}
	if !ok || utf8.RuneCountInString(text) > directory.MaxName || hasControl(text) {
		return refuse(invalidValue, "externalId: expected text of at most %d characters", directory.MaxName)
	}
	doc["externalId"] = text
	return nil
}

// fill writes a document into a row.
func fill(u *directory.User, doc object) error {
	userName, _ := doc["userName"].(string)
	display, _ := doc["displayName"].(string)
	external, _ := doc["externalId"].(string)
	active, said := doc["active"].(bool)
	if !access.CheckText(userName, directory.MaxName) || userName == "" || access.ReservedSubject(userName) {
		return refuse(invalidValue, "userName: expected 1 to %d characters, none invisible, and none of Portico's own names in the history", directory.MaxName)
	}
	if !access.CheckText(display, directory.MaxName) {
		return refuse(invalidValue, "displayName: expected at most %d characters, none invisible", directory.MaxName)
	}
	rest := object{}
	for name, value := range doc {
		switch name {
		case "userName", "displayName", "externalId", "active":
		default:
			rest[name] = value
		}
	}
	attributes, err := json.Marshal(rest) // members in order, so that the same is the same
	if err != nil {
		return err
	}
	u.UserName, u.DisplayName, u.ExternalID, u.Active, u.Attributes = userName, display, external, active || !said, attributes
	return nil
}

func (h *Handler) location(kind, id string) string {
	return h.PublicURL + Path + "/" + kind + "s/" + id
}

// meta is what every resource has (RFC 7643 section 3.1).
func (h *Handler) meta(kind, id string, c directory.Changed) object {
	return object{
		"resourceType": kind, "created": httpx.Timestamp(c.CreatedAt), "lastModified": httpx.Timestamp(c.ModifiedAt),
		"location": h.location(kind, id), "version": etag(c),
	}
}

func (h *Handler) showUser(u directory.User) (object, error) {
	doc, err := documentOf(u)
	if err != nil {
		return nil, err
	}
	doc["schemas"], doc["id"], doc["meta"] = []string{userSchema}, u.ID, h.meta("User", u.ID, u.Changed)
	return doc, nil
}

func (h *Handler) writeUser(w http.ResponseWriter, r *http.Request, status int, u directory.User) error {
	values, err := parameters(r)
	if err != nil {
		return err
	}
	shown, err := projectionOf(values, userSchema)
	if err != nil {
		return err
	}
	o, err := h.showUser(u)
	if err != nil {
		return err
	}
	w.Header().Set("ETag", etag(u.Changed))
	w.Header().Set("Location", h.location("User", u.ID))
	write(w, status, shown.apply(o))
	return nil
}

func (h *Handler) listUsers(w http.ResponseWriter, r *http.Request) error {
	l, err := readList(r, userIndex, userSchema)
	if err != nil {
		return err
	}
	page, total, err := h.Directory.Store.DirectoryUsers(r.Context(), l.Query)
	if err != nil {
		return err
	}
	resources := make([]object, len(page))
	for i, u := range page {
		if resources[i], err = h.showUser(u); err != nil {
			return err
		}
	}
	l.write(w, total, resources)
	return nil
}

func (h *Handler) getUser(w http.ResponseWriter, r *http.Request) error {
	u, found, err := h.Directory.Store.DirectoryUser(r.Context(), r.PathValue("id"))
	switch {
	case err != nil:
		return err
	case !found:
		return directory.ErrGone
	case unchanged(w, r, u.Changed):
		return nil
	}
	return h.writeUser(w, r, http.StatusOK, u)
}

func (h *Handler) createUser(w http.ResponseWriter, r *http.Request) error {
	doc, err := readNew(w, r)
	if err != nil {
		return err
	}
	var u directory.User
	if err := fill(&u, doc); err != nil {
		return err
	}
	if u, err = h.Directory.CreateUser(r.Context(), u); err != nil {
		return err
	}
	return h.writeUser(w, r, http.StatusCreated, u)
}

func readNew(w http.ResponseWriter, r *http.Request) (object, error) {
	body, err := readBody(w, r)
	if err != nil {
		return nil, err
	}
	if err := checkSchemas(body, userSchema); err != nil {
		return nil, err
	}
	return readUser(body)
}

// replaceUser replaces everything: what the body leaves out is none any more, but for active, which no silence changes
// (RFC 7644 section 3.5.1 lets a server choose; to activate somebody must be said).
func (h *Handler) replaceUser(w http.ResponseWriter, r *http.Request) error {
	doc, err := readNew(w, r)
	if err != nil {
		return err
	}
	return h.changeUser(w, r, func(old directory.User) (object, error) {
		next := object{}
		for name, value := range doc {
			next[name] = value
		}
		if _, said := next["active"]; !said {
			next["active"] = old.Active
		}
		return next, nil
	})
}

func (h *Handler) patchUser(w http.ResponseWriter, r *http.Request) error {
	operations, err := readOperations(w, r, userSchema)
	if err != nil {
		return err
	}
	return h.changeUser(w, r, func(old directory.User) (object, error) {
		doc, err := documentOf(old)
		if err != nil {
			return nil, err
		}
		for _, o := range operations {
			if err := patchDocument(doc, old.ID, o); err != nil {
				return nil, err
			}
		}
		return doc, nil
	})
}

func (h *Handler) changeUser(w http.ResponseWriter, r *http.Request, next func(old directory.User) (object, error)) error {
	revision, err := seen(r)
	if err != nil {
		return err
	}
	u, err := h.Directory.UpdateUser(r.Context(), r.PathValue("id"), revision, func(u *directory.User) error {
		doc, err := next(*u)
		if err != nil {
			return err
		}
		return fill(u, doc)
	})
	if err != nil {
		return err
	}
	return h.writeUser(w, r, http.StatusOK, u)
}

func (h *Handler) deleteUser(w http.ResponseWriter, r *http.Request) error {
	revision, err := seen(r)
	if err != nil {
		return err
	}
	if err := h.Directory.DeleteUser(r.Context(), r.PathValue("id"), revision); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}
