package sts_test

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/portico-iam/portico/internal/access"
)

func TestADelegatedToken(t *testing.T) {
	w := newDelegationWorld(t)
	got := w.ask(t, "ivan for wrpr", "wrpr", "organisation_id", string(acme), "client_id", "wrpr")
	if got.status != 200 {
		t.Fatalf("got %+v", got)
	}
	_, claims := verified(t, w.ring, got.token)
	for name, want := range map[string]any{
		"sub": "ivan", "act": map[string]any{"iss": okta, "sub": "wrpr"}, "client_id": "wrpr", "exp": begin.Add(time.Minute).Unix(), "organisationId": acme,
		"permissions": []string{"CREDENTIAL_ISSUE", "REGISTRATION_CERTIFICATE_SIGN"}, "aud": []string{"one-core"},
	} {
		if number, ok := claims[name].(float64); ok {
			claims[name] = int64(number)
		}
		if fmt.Sprint(claims[name]) != fmt.Sprint(want) {
			t.Errorf("%s: got %v, want %v", name, claims[name], want)
		}
	}
	entry := w.record.entries[len(w.record.entries)-1]
	if entry.User != "ivan" || entry.EntityID != claims["jti"] || !strings.Contains(string(entry.Metadata), `"actor":"wrpr"`) {
		t.Errorf("recorded %+v %s", entry, entry.Metadata)
	}
	late := w.ask(t, "ivan, late", "wrpr", "organisation_id", string(acme))
	if late.claims["exp"] != float64(begin.Add(20*time.Second).Unix()) {
		t.Errorf("it outlives the user's token: %v", late.claims["exp"])
	}
	early := w.iam["bridge"]
	early.principal.NotAfter = begin.Add(15 * time.Second)
	w.iam["bridge"] = early
	if got := w.ask(t, "ivan may bridge", "bridge", "organisation_id", string(acme)); got.claims["exp"] != float64(begin.Add(15*time.Second).Unix()) {
		t.Errorf("it outlives the service's token: %v", got.claims["exp"])
	}
	if late.claims["auth_time"] != 1.0 || late.claims["acr"] != "urn:acr" || fmt.Sprint(late.claims["amr"]) != "[pwd otp]" {
		t.Errorf("RFC 9068: the sign-in is not carried: %v", late.claims)
	}
}

func TestNT35_OnlyTheActorWhoWasGivenTheToken(t *testing.T) {
	w := newDelegationWorld(t)
	own := func(iam, audience string) string {
		got := w.ask(t, iam, "", "organisation_id", string(acme), "audience", audience)
		if got.status != 200 {
			t.Fatalf("got %+v", got)
		}
		return got.token
	}
	handed, core := own("ivan", "wrpr-audience"), own("ivan", "one-core")
	first := w.ask(t, handed, "wrpr", "audience", "bridge-audience")
	second := w.ask(t, first.token, "bridge", "audience", "bridge-audience")
	for rule, c := range map[string]struct {
		subject, actor string
		fields         []string
		code, reason   string // empty: it is allowed
	}{
		"issued to the actor":                         {subject: "ivan for wrpr", actor: "wrpr"},
		"named by may_act":                            {subject: "ivan may bridge", actor: "bridge", fields: []string{"scope", "PROOF_ISSUE"}},
		"handed to the service":                       {subject: handed, actor: "wrpr"},
		"the first of two":                            {subject: handed, actor: "wrpr", fields: []string{"audience", "bridge-audience"}},
		"spliced: issued to another client":           {subject: "ivan", actor: "wrpr", code: "invalid_request", reason: "issued to another client"},
		"spliced: the same client id elsewhere":       {subject: "ivan for wrpr", actor: "evil wrpr", code: "invalid_request", reason: "issued to another client"},
		"spliced: two tokens without a client":        {subject: "nora, no client", actor: "no client", code: "invalid_request", reason: "issued to another client"},
		"spliced: two users of one client":            {subject: "ivan", actor: "eve by web", code: "invalid_request", reason: "issued to another client"},
		"a user of the service's client":              {subject: handed, actor: "eve by wrpr", code: "invalid_request", reason: "no service of this client"},
		"the service's twin elsewhere":                {subject: handed, actor: "evil twin", code: "invalid_request", reason: "no service of this client"},
		"handed to another service":                   {subject: handed, actor: "bridge", code: "invalid_request", reason: "no service of this client"},
		"handed, and the client id is from elsewhere": {subject: handed, actor: "evil wrpr", code: "invalid_request", reason: "no service of this client"},
		"handed to Core, which is nobody's":           {subject: core, actor: "wrpr", code: "invalid_request", reason: "no service of this client"},
		"may_act names another":                       {subject: "ivan may bridge", actor: "wrpr", code: "invalid_request", reason: "may_act"},
		"may_act outweighs the client":                {subject: "ivan may nobody", actor: "wrpr", code: "invalid_request", reason: "may_act"},
		"a foreign delegated token":                   {subject: "ivan acted for", actor: "wrpr", code: "invalid_request", reason: "subject_token"},
		"for oneself":                                 {subject: "wrpr", actor: "wrpr", code: "invalid_request", reason: "whom the subject_token is about"},
		"for oneself by an app token":                 {subject: own("wrpr", "wrpr-audience"), actor: "wrpr", code: "invalid_request", reason: "whom the subject_token is about"},
		"once more":                                   {subject: w.ask(t, handed, "wrpr", "audience", "wrpr-audience").token, actor: "wrpr", code: "invalid_request", reason: "acts for them already"},
		"an app token as actor":                       {subject: handed, actor: own("wrpr", "one-core"), code: "invalid_request", reason: "actor_token"},
		"an unknown actor":                            {subject: handed, actor: "junk", code: "invalid_request", reason: "actor_token: "},
		"a third behind two":                          {subject: second.token, actor: "third", code: "invalid_request", reason: "at most 2"},
		"NT34 may_act on the plain path":              {subject: "ivan may bridge", code: "invalid_request", reason: "subject_token: "},
		"NT34 act on the plain path":                  {subject: "ivan acted for", code: "invalid_request", reason: "subject_token: "},
		"NT34 our delegated token on the plain path":  {subject: first.token, fields: []string{"audience", "bridge-audience"}, code: "invalid_request", reason: "with an actor_token only"},
		"the user lacks what is required":             {subject: "nora for wrpr", actor: "wrpr", code: "invalid_target", reason: "USER_PERMISSION_MISSING"},
		"no delegated role there":                     {subject: "nora for wrpr", actor: "wrpr", fields: []string{"organisation_id", string(zeta), "scope", "KEY_LIST"}, code: "invalid_scope"},
		"a permission of the service's own":           {subject: handed, actor: "wrpr", fields: []string{"scope", "KEY_LIST"}, code: "invalid_scope"},
		"another organisation than the app token's":   {subject: handed, actor: "wrpr", fields: []string{"organisation_id", string(zeta)}, code: "invalid_target", reason: "organisation_id"},
		"another client than the actor's":             {subject: handed, actor: "wrpr", fields: []string{"client_id", "web"}, code: "invalid_client"},
		"an audience that is not configured":          {subject: handed, actor: "wrpr", fields: []string{"audience", "x"}, code: "invalid_target"},
		"an actor token's type without a token":       {subject: "ivan", fields: []string{"actor_token_type", "urn:ietf:params:oauth:token-type:jwt"}, code: "invalid_request", reason: "actor_token_type"},
	} {
		fields := c.fields
		if !slices.Contains(fields, "organisation_id") {
			fields = append(slices.Clone(fields), "organisation_id", string(acme))
		}
		got := w.ask(t, c.subject, c.actor, fields...)
		if got.code != c.code || !strings.Contains(got.reason, c.reason) || (got.status == 200) != (c.code == "") {
			t.Errorf("%s: got %d %s %s", rule, got.status, got.code, got.reason)
		}
	}
	if second.status != 200 || !slices.Equal(chain(second.claims), []string{"bridge", "wrpr"}) || second.claims["sub"] != "ivan" {
		t.Errorf("NT34: the chain is lost: %+v", second)
	}
	// Bridge may issue proofs for anybody, but not by a token in which wrpr may not.
	if want := access.SetOf(access.RegistrationCertificateSign, access.CredentialIssue); second.permissions != want {
		t.Errorf("a chain gathers permissions: %v", second.permissions.Names())
	}
}

func TestAnAppTokenIsExchangedForLessOnly(t *testing.T) {
	w := newDelegationWorld(t)
	both := w.ask(t, "ivan", "", "organisation_id", string(acme), "audience", "one-core", "audience", "wrpr-audience")
	less := w.ask(t, both.token, "", "audience", "wrpr-audience", "scope", "CREDENTIAL_LIST KEY_LIST")
	if less.status != 200 || less.permissions != access.SetOf(access.CredentialList) || fmt.Sprint(less.claims["aud"]) != "[wrpr-audience]" || less.claims["organisationId"] != string(acme) {
		t.Fatalf("got %+v", less)
	}
	w.now = begin.Add(time.Minute)
	if again := w.ask(t, both.token, ""); again.claims["exp"] != both.claims["exp"] || fmt.Sprint(again.claims["aud"]) != fmt.Sprint(both.claims["aud"]) {
		t.Errorf("it lives longer, or is for others: %v", again.claims)
	}
	for rule, c := range map[string]struct {
		token, code string
		fields      []string
	}{
		"another audience":       {less.token, "invalid_target", []string{"audience", "one-core"}},
		"another organisation":   {both.token, "invalid_target", []string{"organisation_id", string(zeta)}},
		"more permissions":       {less.token, "invalid_scope", []string{"scope", "CREDENTIAL_ISSUE"}},
		"a changed token":        {less.token[:len(less.token)-2] + "_w", "invalid_request", nil},
		"a signature of another": {strings.Join(append(strings.Split(less.token, ".")[:2], strings.Split(both.token, ".")[2]), "."), "invalid_request", nil},
		"a cut token":            {strings.Join(strings.Split(less.token, ".")[:2], "."), "invalid_request", nil},
		"Portico's own":          {own(t, w.Service), "invalid_request", nil},
	} {
		if got := w.ask(t, c.token, "", c.fields...); got.code != c.code {
			t.Errorf("%s: got %+v", rule, got)
		}
	}
	m := model()
	m.Version++
	w.snapshot = access.Build(m, access.Bootstrap{}, begin)
	for _, actor := range []string{"", "wrpr"} {
		if got := w.ask(t, both.token, actor, "audience", "wrpr-audience"); got.code != "invalid_request" || !strings.Contains(got.reason, "mappings have changed") {
			t.Errorf("NT28: after a change of the mappings: %+v", got)
		}
	}
	w.snapshot = access.Build(model(), access.Bootstrap{}, begin)
	w.now = begin.Add(5 * time.Minute)
	if got := w.ask(t, both.token, ""); got.code != "invalid_request" || !strings.Contains(got.reason, "the app token has expired") {
		t.Errorf("an expired one: %+v", got)
	}
}

// Whatever is exchanged for whatever, again and again: nobody gets more than the rules give, for nobody but the user whose
// token they were given. Run it long with -rapid.checks=100000.
func TestNT33_NT34_NT35_NoSequenceOfExchangesEscalates(t *testing.T) {
	w := newDelegationWorld(t)
	names := slices.Sorted(maps.Keys(w.iam))
	audiences := []string{"one-core", "wrpr-audience", "bridge-audience"}
	var scopes []string
	for p := range model().Roles[0].Permissions.Union(model().Roles[1].Permissions).Union(model().Roles[2].Permissions).All() {
		scopes = append(scopes, p.String())
	}
	// Subject (empty: the token minted last), actor, audience: without these, chains would be rare.
	steps := [][]string{
		{"ivan", "", "wrpr-audience"},
		{"", "wrpr", "bridge-audience"},
		{"", "bridge", "bridge-audience"},
		{"", "third", "one-core"},
		{"ivan for wrpr", "wrpr", "bridge-audience"},
		{"ivan may bridge", "bridge", "one-core"},
		{"", "", "wrpr-audience"},
	}
	minted, delegated, chained, revoked := 0, 0, 0, 0
	rapid.Check(t, func(rt *rapid.T) {
		w.restart()
		w.record.entries = nil
		pool, parents, over := map[string]answer{}, map[string]string{}, map[string]bool{}
		subjects := slices.Clone(names)
		for range rapid.IntRange(5, 10).Draw(rt, "exchanges") {
			w.now = w.now.Add(time.Duration(rapid.IntRange(0, 70).Draw(rt, "seconds")) * time.Second)
			subject := rapid.SampledFrom(subjects).Draw(rt, "subject")
			actor := rapid.SampledFrom(append([]string{"", "wrpr", "bridge", "third"}, subjects...)).Draw(rt, "actor")
			org := rapid.SampledFrom([]access.OrganisationID{acme, zeta, access.System}).Draw(rt, "organisation")
			targets := rapid.SliceOfN(rapid.SampledFrom(audiences), 0, 2).Draw(rt, "audiences")
			if rapid.Bool().Draw(rt, "a step that leads further") {
				step := rapid.SampledFrom(steps).Draw(rt, "step")
				org, subject, actor, targets = acme, cmp.Or(step[0], subjects[len(subjects)-1]), step[1], step[2:]
			}
			fields := []string{"scope", ""}
			if rapid.IntRange(0, 3).Draw(rt, "limited") == 3 {
				fields[1] = strings.Join(rapid.SliceOfN(rapid.SampledFrom(scopes), 0, 4).Draw(rt, "scope"), " ")
			}
			if org != access.System {
				fields = append(fields, "organisation_id", string(org))
			}
			for _, audience := range targets {
				fields = append(fields, "audience", audience)
			}
			got := w.ask(rt, subject, actor, fields...)
			if got.status != 200 {
				continue
			}
			minted++
			if over[subject] || over[got.token] {
				rt.Fatalf("NT29: what was revoked counts still: subject %.20q, got %v", subject, got.claims)
			}
			w.judge(rt, got, subject, actor, org, fields[1], pool)
			switch n := len(chain(got.claims)); {
			case n > 1:
				chained++
			case n == 1:
				delegated++
			}
			pool[got.token], parents[got.token] = got, subject
			subjects = append(subjects, got.token)
			if rapid.IntRange(0, 5).Draw(rt, "revoked") > 0 {
				continue
			}
			// By one that may. With it everything goes that was exchanged for it.
			if caller, may := w.rightful(got); may {
				if rec := w.revoke(caller, got.token); rec.Code != 200 {
					rt.Fatalf("got %d %s", rec.Code, rec.Body)
				}
				revoked++
				over[got.token] = true
				for token := range pool {
					for up := token; up != ""; up = parents[up] {
						over[token] = over[token] || over[up] && up == got.token
					}
				}
			}
		}
	})
	if minted == 0 || delegated == 0 || chained == 0 || revoked == 0 {
		t.Errorf("the property was not put to the test: %d tokens, %d delegated, %d chained, %d revoked", minted, delegated, chained, revoked)
	}
	t.Logf("%d tokens, %d delegated, %d by two services, %d revoked", minted, delegated, chained, revoked)
}

// rightful is a service in the token's audience.
func (w *delegationWorld) rightful(a answer) (caller access.Principal, found bool) {
	for name, theirs := range services {
		for _, audience := range theirs {
			if slices.Contains(list(a.claims["aud"]), audience) {
				return w.iam[name].principal, true
			}
		}
	}
	return caller, false
}

// judge holds a minted token against the rules, told anew.
func (w *delegationWorld) judge(t *rapid.T, got answer, subject, actor string, org access.OrganisationID, scope string, pool map[string]answer) {
	from, isOurs := pool[subject]
	user := w.iam[subject]
	held, _ := w.snapshot.Effective(&user.principal, org)
	notAfter, sub, before := user.principal.NotAfter, user.principal.Subject, []string(nil)
	if isOurs {
		named, _ := from.claims["organisationId"].(string)
		org = access.OrganisationID(named)
		held, sub, before = from.permissions, from.claims["sub"].(string), chain(from.claims)
		notAfter = time.Unix(int64(from.claims["exp"].(float64)), 0)
	}
	fail := func(rule string) {
		t.Fatalf("%s: subject %.20q, actor %.20q, got %v", rule, subject, actor, got.claims)
	}
	allowed, ttl := held, 5*time.Minute
	if actor == "" {
		switch {
		case len(before) > 0 || user.may != nil || user.acting || got.claims["act"] != nil:
			fail("NT34 laundered")
		case isOurs && !subset(list(got.claims["aud"]), list(from.claims["aud"])):
			fail("NT33 for others")
		}
	} else {
		service, ok := w.iam[actor]
		p := service.principal
		theirs, isService := services[actor]
		given := isService && p.ClientID == user.principal.ClientID && p.Issuer == user.principal.Issuer
		if user.may != nil {
			given = user.may.Subject == p.Subject && user.may.Issuer == p.Issuer
		}
		if isOurs {
			given = slices.ContainsFunc(theirs, func(a string) bool { return slices.Contains(list(from.claims["aud"]), a) })
		}
		switch chain := chain(got.claims); {
		case !ok || service.may != nil || service.acting || user.acting:
			fail("NT34 by a token that is none")
		case !given:
			fail("NT35 spliced")
		case p.Subject == sub || slices.Contains(before, p.Subject):
			fail("for oneself")
		case !slices.Equal(chain, append([]string{p.Subject}, before...)) || len(chain) > 2:
			fail("NT34 the chain")
		case got.claims["client_id"] != p.ClientID:
			fail("the client")
		case !w.record.names(got.claims["jti"], sub, p.Subject):
			fail("the record does not name both")
		}
		allowed, _ = w.snapshot.Delegated(&p, held, org)
		if len(before) > 0 {
			allowed = allowed.Intersect(held)
		}
		ttl = time.Minute
		if p.NotAfter.Before(notAfter) {
			notAfter = p.NotAfter
		}
	}
	if asked, _ := access.ParseSet(strings.Fields(scope)); !asked.IsEmpty() {
		allowed = allowed.Intersect(asked)
	}
	expires := time.Unix(int64(got.claims["exp"].(float64)), 0)
	named, _ := got.claims["organisationId"].(string)
	switch {
	case !got.permissions.Minus(allowed).IsEmpty():
		fail("NT33 more than is granted")
	case got.claims["sub"] != sub || named != string(org):
		fail("NT32 for somebody or somewhere else")
	case expires.After(notAfter) || expires.After(w.now.Add(ttl)) || !expires.After(w.now):
		fail("it lives too long, or not at all")
	}
}

func subset(a, b []string) bool {
	return !slices.ContainsFunc(a, func(s string) bool { return !slices.Contains(b, s) })
}

// TestWhatATokenCarriesIsNotedAsHandedOut: an app token that is exchanged for less is the same permissions once more.
func TestWhatATokenCarriesIsNotedAsHandedOut(t *testing.T) {
	w := newDelegationWorld(t)
	noted := func() map[access.RoleID]access.PermissionSet {
		all := map[access.RoleID]access.PermissionSet{}
		for role, use := range w.snapshot.TakeUses() {
			if !use.Used.IsEmpty() {
				t.Errorf("%s: counted as used: %v", role.ID, use.Used.Names())
			}
			all[role.ID] = all[role.ID].Union(use.HandedOut)
		}
		return all
	}
	got := w.ask(t, "ivan", "", "organisation_id", string(acme), "scope", "CREDENTIAL_LIST", "audience", "wrpr-audience")
	if all := noted(); got.status != 200 || len(all) != 1 || all["issuer"] != access.SetOf(access.CredentialList) {
		t.Errorf("%d: %v", got.status, all)
	}
	w.ask(t, got.token, "")
	if all := noted(); len(all) != 0 {
		t.Errorf("exchanged for less: %v", all)
	}
	got = w.ask(t, "ivan for wrpr", "wrpr", "organisation_id", string(acme), "scope", "REGISTRATION_CERTIFICATE_SIGN")
	if all := noted(); got.status != 200 || len(all) != 2 || all["signer"] != access.SetOf(access.RegistrationCertificateSign) || all["issuer"] != access.SetOf(access.CredentialIssue) {
		t.Errorf("%d %s: %v", got.status, got.reason, all)
	}
}
