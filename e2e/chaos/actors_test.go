package chaos

import (
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"
)

// grace is by when a change that was answered must count at every replica, also at one that is cut off: it goes on with what it
// remembers for maxStaleness, and then lets nobody in.
const grace = maxStaleness + 3*time.Second

// actors are the load.
type actors struct {
	*cluster
	*ledger
	ctx     context.Context
	working sync.WaitGroup

	disk string // the database's own file system; empty: it has none
	role string // may list roles
	mu   sync.Mutex
	made map[string]*made // roles, by name
	cuts map[string]time.Time
}

// made is a role that somebody wanted to make.
type made struct {
	id      string
	made    bool // was answered
	deleted bool // was answered
	doubt   bool // one of both was not, so it may be there or not
}

func (a *actors) run() {
	for i := range 4 {
		a.working.Go(func() { a.read([]string{"otto@acme.test", "vera@acme.test", "nora@acme.test", "ada@acme.test"}[i]) })
	}
	for i := range 2 {
		a.working.Go(func() { a.write(i) })
	}
	a.working.Go(a.toggle)
	a.working.Go(a.end)
	a.working.Go(a.exchange)
	a.working.Go(a.revokeBearer)
}

func (a *actors) over() bool { return a.ctx.Err() != nil }

func (a *actors) pause(d time.Duration) {
	select {
	case <-a.ctx.Done():
	case <-time.After(d):
	}
}

// signedIn returns a client that is signed in, however long that takes; nil: the time is over.
func (a *actors) signedIn(login string) *client {
	for !a.over() {
		c := newClient(a.public)
		if c.signIn(login) == nil {
			a.note("signed in")
			return c
		}
		a.note("sign-in that failed")
		a.pause(500 * time.Millisecond)
	}
	return nil
}

// read is somebody who works: they must stay signed in, whatever breaks.
func (a *actors) read(login string) {
	c := a.signedIn(login)
	for !a.over() {
		switch got := c.call(http.MethodGet, "/api/user/v1/me", nil); {
		case got.is(200):
			a.count(fine)
		case got.is(401, 403):
			a.unduly("%s was signed out: %d %.200s", login, got.status, got.body)
			if c = a.signedIn(login); c == nil {
				return
			}
		default:
			a.fail(got)
		}
		a.pause(40 * time.Millisecond)
	}
}

// write makes and deletes roles, and remembers what was answered.
func (a *actors) write(n int) {
	ada := a.signedIn("ada@acme.test")
	var mine []string
	for i := 0; !a.over(); i++ {
		name := fmt.Sprintf("role %d %d", n, i)
		m := &made{}
		a.mu.Lock()
		a.made[name] = m
		a.mu.Unlock()
		got := ada.call(http.MethodPost, "/api/sts/role/v1", map[string]any{"name": name, "permissions": []string{"KEY_LIST"}})
		var created struct{ ID string }
		if got.is(201) && json.Unmarshal(got.body, &created) == nil {
			a.count(fine)
			a.note("change answered")
			m.id, m.made = created.ID, true
			mine = append(mine, name)
		} else {
			m.doubt = !got.is(400, 401, 403)
			ada = a.notDone(ada, got)
		}
		if len(mine) > 5 && i%3 == 0 {
			gone := mine[0]
			mine = mine[1:]
			a.mu.Lock()
			m := a.made[gone]
			a.mu.Unlock()
			if got := ada.call(http.MethodDelete, "/api/sts/role/v1/"+m.id, nil); got.is(204) {
				a.count(fine)
				a.note("change answered")
				m.deleted = true
			} else {
				m.doubt = true
				ada = a.notDone(ada, got)
			}
		}
		a.pause(100 * time.Millisecond)
	}
}

// notDone counts a change that was not answered as it should be.
func (a *actors) notDone(c *client, got answer) *client {
	if !got.is(401, 403) {
		a.fail(got)
		a.note("change in doubt, or refused for now")
		return c
	}
	a.unduly("a change: %d %.200s", got.status, got.body)
	return a.signedIn("ada@acme.test")
}

// verify looks for what was answered, when all is over.
func (a *actors) verify() {
	ada := newClient(a.public)
	for ada.signIn("ada@acme.test") != nil {
		time.Sleep(200 * time.Millisecond)
	}
	answered := 0
	for name, m := range a.made {
		if !m.made || m.doubt {
			continue
		}
		answered++
		var got answer
		for range 100 {
			if got = ada.call(http.MethodGet, "/api/sts/role/v1/"+m.id, nil); got.is(200, 404) {
				break
			}
			time.Sleep(100 * time.Millisecond)
		}
		if want := map[bool]int{false: 200, true: 404}[m.deleted]; got.status != want {
			a.lose("%s (deleted: %t): %d %.100s", name, m.deleted, got.status, got.body)
		}
	}
	a.notes["roles whose state was answered"] = answered
}

// everywhere asks each replica itself, also those that get no requests. It returns the statuses, 0 for none.
func (a *actors) everywhere(c *client, path string, headers ...string) (statuses []int, sent time.Time) {
	statuses, sent = make([]int, len(a.replicas)), time.Now()
	var asking sync.WaitGroup
	for i, r := range a.replicas {
		asking.Go(func() { statuses[i] = c.call(http.MethodGet, "http://"+r.address+path, nil, headers...).status })
	}
	asking.Wait()
	return statuses, sent
}

// noMore watches that access which was ended by an answer is nowhere, from the grace on, and how soon it was so.
func (a *actors) noMore(what string, answered time.Time, c *client, path string, headers ...string) {
	last, in := answered, a.current()
	for until := answered.Add(grace + 3*time.Second); time.Now().Before(until); a.pause(100 * time.Millisecond) {
		statuses, sent := a.everywhere(c, path, headers...)
		for i, status := range statuses {
			if status != http.StatusOK {
				continue
			}
			if last = time.Now(); sent.Sub(answered) > grace {
				a.wrongly("%s, and replica %d lets them in %s later", what, i, sent.Sub(answered).Round(time.Millisecond))
				return
			}
		}
		if a.over() {
			return
		}
	}
	a.spread(in, last.Sub(answered))
}

// insist repeats a change until it is known to be so.
func (a *actors) insist(do func() bool) bool {
	for !a.over() {
		if do() {
			return true
		}
		a.pause(200 * time.Millisecond)
	}
	return false
}

// toggle gives somebody access and takes it away, and looks that it is so everywhere.
func (a *actors) toggle() {
	ada, ivan := a.signedIn("ada@acme.test"), a.signedIn("ivan@acme.test")
	for !a.over() {
		var access struct{ ID string }
		given := a.insist(func() bool {
			got := ada.call(http.MethodPost, "/api/sts/iam-role/v1", map[string]any{"name": "Acme Issuance", "systemRoles": []string{a.role}})
			if got.is(401) {
				ada = a.signedIn("ada@acme.test")
			}
			if got.is(201) {
				return json.Unmarshal(got.body, &access) == nil
			}
			return a.find(ada, "Acme Issuance", &access.ID) // it was made, and the answer lost
		})
		if !given {
			return
		}
		since := time.Now()
		for time.Since(since) < 2*time.Second && !a.over() {
			statuses, sent := a.everywhere(ivan, "/api/sts/role/v1")
			for i, status := range statuses {
				switch {
				case status == 401:
					ivan = a.signedIn("ivan@acme.test")
				case status == 403 && sent.Sub(since) > grace:
					a.unduly("granted for long, and replica %d refuses", i)
				}
			}
			a.pause(100 * time.Millisecond)
		}
		taken := a.insist(func() bool {
			got := ada.call(http.MethodDelete, "/api/sts/iam-role/v1/"+access.ID, nil)
			if got.is(401) {
				ada = a.signedIn("ada@acme.test")
			}
			return got.is(204, 404)
		})
		if !taken {
			return
		}
		a.note("access given and taken away")
		a.noMore("access was taken away", time.Now(), ivan, "/api/sts/role/v1")
	}
}

func (a *actors) find(c *client, name string, id *string) bool {
	var list struct{ Values []struct{ ID, Name string } }
	got := c.call(http.MethodGet, "/api/sts/iam-role/v1?pageSize=1000", nil)
	if !got.is(200) || json.Unmarshal(got.body, &list) != nil {
		return false
	}
	for _, v := range list.Values {
		if v.Name == name {
			*id = v.ID
			return true
		}
	}
	return false
}

// end signs somebody in and ends their session in one of three ways.
func (a *actors) end() {
	ada := a.signedIn("ada@acme.test")
	for n := 0; !a.over(); n++ {
		guest := a.signedIn("gerd@acme.test")
		if guest == nil || ada == nil {
			return
		}
		var what string
		done := a.insist(func() bool {
			var got answer
			switch n % 3 {
			case 0:
				what = "they signed out"
				got, _ = guest.do(http.MethodPost, "/logout", "application/x-www-form-urlencoded", "text/html", strings.NewReader(""), "Origin", a.public)
				return got.is(200) // Okta's sign-out behind it leads back
			case 1:
				what = "they were signed out everywhere"
				got = ada.call(http.MethodPost, "/api/sts/revocation/v1", map[string]any{"person": map[string]any{"issuer": a.okta.World().Issuer, "subject": "gerd@acme.test"}})
			default:
				what = "their session was ended"
				var list struct {
					Values []struct{ ID, Subject string }
				}
				got = ada.call(http.MethodGet, "/api/sts/session/v1?pageSize=1000", nil)
				if got.is(200) && json.Unmarshal(got.body, &list) == nil {
					for _, s := range list.Values {
						if s.Subject == "gerd@acme.test" {
							got = ada.call(http.MethodDelete, "/api/sts/session/v1/"+s.ID, nil)
							if !got.is(204, 404) {
								return false
							}
						}
					}
					return got.is(200, 204, 404)
				}
			}
			if got.is(401) {
				ada = a.signedIn("ada@acme.test")
			}
			return got.is(200, 204)
		})
		if !done {
			return
		}
		a.note("session ended")
		stolen := &client{guest.http, a.public}
		a.noMore(what, time.Now(), stolen, "/api/user/v1/me")
	}
}

// serviceToken is a service's own token of Okta; empty: not to be had at the moment.
func (a *actors) serviceToken(index int) string {
	client := a.okta.World().ServiceClients[index]
	c := newClient(a.okta.World().Issuer)
	got := c.form("/v1/token", url.Values{"grant_type": {"client_credentials"}, "scope": {"one.api"}},
		"Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(client.ID+":"+client.Secret)))
	var reply struct {
		AccessToken string `json:"access_token"`
	}
	if !got.is(200) || json.Unmarshal(got.body, &reply) != nil {
		return ""
	}
	return reply.AccessToken
}

// revokeBearer revokes a service by its subject: its tokens must count nowhere.
func (a *actors) revokeBearer() {
	ada := a.signedIn("ada@acme.test")
	for !a.over() {
		token := a.serviceToken(1)
		if token == "" || ada == nil {
			a.pause(time.Second)
			continue
		}
		subject := a.okta.World().ServiceClients[1].ID
		done := a.insist(func() bool {
			got := ada.call(http.MethodPost, "/api/sts/revocation/v1", map[string]any{"person": map[string]any{"issuer": a.okta.World().Issuer, "subject": subject}})
			if got.is(401) {
				ada = a.signedIn("ada@acme.test")
			}
			return got.is(200)
		})
		if !done {
			return
		}
		a.note("service revoked")
		a.noMore("the service was revoked", time.Now(), newClient(a.public), "/api/user/v1/me", "Authorization", "Bearer "+token)
		a.pause(5 * time.Second)
	}
}

// exchange gets app tokens, and checks them as a verifier does that fetches keys when it meets one that it lacks.
func (a *actors) exchange() {
	c := newClient(a.public)
	keys := map[string]ed25519.PublicKey{}
	var token string
	var until time.Time
	for ; !a.over(); a.pause(50 * time.Millisecond) {
		if time.Now().After(until) {
			if token = a.serviceToken(0); token == "" {
				continue
			}
			until = time.Now().Add(tokenLife / 2)
		}
		got := c.form("/api/sts/token/v1", url.Values{
			"grant_type": {"urn:ietf:params:oauth:grant-type:token-exchange"}, "subject_token": {token},
			"subject_token_type": {"urn:ietf:params:oauth:token-type:access_token"},
		})
		var reply struct {
			AccessToken string `json:"access_token"`
		}
		switch {
		case got.is(200) && json.Unmarshal(got.body, &reply) == nil:
			a.count(fine)
			a.check(c, reply.AccessToken, keys)
		case got.is(400, 401, 403):
			a.unduly("an exchange: %d %.200s", got.status, got.body)
			until = time.Time{}
		default:
			a.fail(got)
		}
	}
}

// check verifies a token. One whose key nobody publishes any more was not to be signed by it.
func (a *actors) check(c *client, token string, keys map[string]ed25519.PublicKey) {
	parts := strings.Split(token, ".")
	var header struct{ Kid string }
	raw, _ := base64.RawURLEncoding.DecodeString(parts[0])
	if len(parts) != 3 || json.Unmarshal(raw, &header) != nil {
		a.wrongly("an app token that is none: %q", token)
		return
	}
	a.mu.Lock()
	cut, wasCut := a.cuts[header.Kid]
	a.mu.Unlock()
	if wasCut && time.Since(cut) > grace {
		a.wrongly("a token was signed by a key that was cut %s ago", time.Since(cut).Round(time.Millisecond))
	}
	if keys[header.Kid] == nil {
		got := c.call(http.MethodGet, "/.well-known/jwks.json", nil)
		var set struct{ Keys []struct{ Kid, X string } }
		if !got.is(200) || json.Unmarshal(got.body, &set) != nil {
			return // it will be fetched for the next one
		}
		for _, k := range set.Keys {
			keys[k.Kid], _ = base64.RawURLEncoding.DecodeString(k.X)
		}
	}
	key := keys[header.Kid]
	if key == nil {
		if !wasCut {
			a.unduly("a token was signed by key %s, which the next replica does not publish", header.Kid)
		}
		return
	}
	signature, _ := base64.RawURLEncoding.DecodeString(parts[2])
	if !ed25519.Verify(key, []byte(parts[0]+"."+parts[1]), signature) {
		a.wrongly("an app token whose signature is not right")
	}
}
