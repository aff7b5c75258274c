package scim

import (
	"net/http"

	"github.com/portico-iam/portico/internal/directory"
	"github.com/portico-iam/portico/internal/httpx"
)

const (
	configSchema = "urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"
	typeSchema   = "urn:ietf:params:scim:schemas:core:2.0:ResourceType"
	schemaSchema = "urn:ietf:params:scim:schemas:core:2.0:Schema"
)

// mountDiscovery has clients find out what there is (RFC 7644 section 4).
func (h *Handler) mountDiscovery(route func(pattern string, do func(http.ResponseWriter, *http.Request) error)) {
	route("GET /ServiceProviderConfig", func(w http.ResponseWriter, _ *http.Request) error {
		write(w, http.StatusOK, h.providerConfig())
		return nil
	})
	types := map[string]object{
		"User":  h.resourceType("User", "People who may be signed in.", userSchema),
		"Group": h.resourceType("Group", "Groups whose names stand in tokens.", groupSchema),
	}
	schemas := map[string]object{
		userSchema:  h.schema(userSchema, "User", "People", userAttributes),
		groupSchema: h.schema(groupSchema, "Group", "Groups", groupAttributes),
	}
	for path, all := range map[string]map[string]object{"/ResourceTypes": types, "/Schemas": schemas} {
		route("GET "+path, func(w http.ResponseWriter, r *http.Request) error {
			if r.URL.Query().Has("filter") { // RFC 7644 section 4
				return &problem{http.StatusForbidden, "", "these can't be filtered"}
			}
			page := list{Schemas: []string{listSchema}, StartIndex: 1, TotalResults: len(all), ItemsPerPage: len(all)}
			for _, key := range sortedNames(all) {
				page.Resources = append(page.Resources, all[key])
			}
			write(w, http.StatusOK, page)
			return nil
		})
		route("GET "+path+"/{id}", func(w http.ResponseWriter, r *http.Request) error {
			o, found := all[r.PathValue("id")]
			if !found {
				return directory.ErrGone
			}
			write(w, http.StatusOK, o)
			return nil
		})
	}
}

func (h *Handler) providerConfig() object {
	no := object{"supported": false}
	return object{
		"schemas": []string{configSchema}, "patch": object{"supported": true}, "etag": object{"supported": true}, "changePassword": no, "sort": no,
		"bulk":   object{"supported": false, "maxOperations": 0, "maxPayloadSize": httpx.MaxBody},
		"filter": object{"supported": true, "maxResults": directory.MaxPage},
		"authenticationSchemes": []object{{
			"type": "oauthbearertoken", "name": "Bearer token", "primary": true,
			"description": "The token of scim.tokenFile in the Authorization header (RFC 6750).",
			"specUri":     "https://www.rfc-editor.org/info/rfc6750",
		}},
		"meta": object{"resourceType": "ServiceProviderConfig", "location": h.PublicURL + Path + "/ServiceProviderConfig"},
	}
}

func (h *Handler) resourceType(kind, description, schema string) object {
	return object{
		"schemas": []string{typeSchema}, "id": kind, "name": kind, "description": description, "endpoint": "/" + kind + "s", "schema": schema,
		"schemaExtensions": []object{}, "meta": object{"resourceType": "ResourceType", "location": h.PublicURL + Path + "/ResourceTypes/" + kind},
	}
}

func (h *Handler) schema(id, kind, description string, attributes []attribute) object {
	return object{
		"schemas": []string{schemaSchema}, "id": id, "name": kind, "description": description, "attributes": attributes,
		"meta": object{"resourceType": "Schema", "location": h.PublicURL + Path + "/Schemas/" + id},
	}
}
