package management

import (
	"net/http"

	"github.com/portico-iam/portico/internal/devokta/world"
)

// Mount puts every address on the mux. One that leads nowhere is left to the mux's owner.
func (h *Handler) Mount(mux *http.ServeMux) {
	apps().mount(h, mux)
	secrets().mount(h, mux)
	appGroups().mount(h, mux)
	appUsers().mount(h, mux)
	appGrants().mount(h, mux)
	clientRoles().mount(h, mux)
	servers().mount(h, mux)
	scopes().mount(h, mux)
	claims().mount(h, mux)
	policies().mount(h, mux)
	rules().mount(h, mux)
	groups().mount(h, mux)
	members().mount(h, mux)
	users().mount(h, mux)
	events().mount(h, mux)

	get, put, post, del := http.MethodGet, http.MethodPut, http.MethodPost, http.MethodDelete
	h.on(mux, appsPath+"/{app}/policies/{policy}", world.AreaApps, methods{put: appPolicy})
	h.on(mux, "/api/v1/internal/apps/{app}/settings/oauth/idToken", world.AreaApps, methods{get: idTokenClaim, post: idTokenClaim})
	h.on(mux, groupsPath+"/{group}/users/{user}", world.AreaGroups, methods{put: setMember(true), del: setMember(false)})
	h.on(mux, groupsPath+"/{group}/apps", world.AreaGroups, methods{get: groupApps})
	h.on(mux, usersPath+"/{user}/groups", world.AreaUsers, methods{get: userGroups})
	h.on(mux, serversPath+"/{server}/credentials/keys", world.AreaServers, methods{get: serverKeys})
	h.on(mux, serversPath+"/{server}/credentials/lifecycle/keyRotate", world.AreaServers, methods{post: rotateKeys})
	h.on(mux, serversPath+"/{server}/clients", world.AreaServers, methods{get: serverClients})
	h.on(mux, "/api/v1/policies", world.AreaPolicies, methods{get: signOnPolicies})
	h.on(mux, "/api/v1/policies/{policy}", world.AreaPolicies, methods{get: signOnPolicies})
	h.on(mux, "/api/v1/org", world.AreaOrgs, methods{get: org})
}
