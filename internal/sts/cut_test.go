package sts_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/portico-iam/portico/internal/access"
	"github.com/portico-iam/portico/internal/fault"
	"github.com/portico-iam/portico/internal/sts"
)

// cuts ends what a test says.
type cuts struct {
	person       string
	organisation access.OrganisationID
	at           time.Time
	alive        map[string]bool
	away         bool
}

func (c *cuts) EndedFor(_, subject string, at time.Time) bool {
	return c.person == subject && !at.After(c.at)
}

func (c *cuts) EndedIn(org access.OrganisationID, at time.Time) bool {
	return org != access.System && c.organisation == org && !at.After(c.at)
}

func (c *cuts) SessionAlive(_ context.Context, ref string) (bool, error) {
	if c.away {
		return false, errors.New("canary")
	}
	return c.alive[ref], nil
}

func TestNT29_ACutEndsKeptTokensAtOnce(t *testing.T) {
	b := newBench(t)
	c := &cuts{}
	b.Cuts = c
	issue := func(org access.OrganisationID, issuedAt time.Time) (sts.Token, error) {
		p := ivan()
		p.IssuedAt = issuedAt
		return b.Issue(t.Context(), sts.Request{Principal: p, Organisation: org})
	}
	first, _ := issue(acme, begin)
	if again, _ := issue(acme, begin); again.ID != first.ID {
		t.Fatal("nothing is kept: the test says nothing")
	}
	b.now = begin.Add(time.Second)
	c.person, c.at = "ivan@acme.test", b.now
	b.now = begin.Add(2 * time.Second)
	if again, err := issue(acme, b.now); err != nil || again.ID == first.ID {
		t.Errorf("the person: %v", err)
	}
	c.person, c.organisation = "", acme
	if _, err := issue(acme, begin); !fault.Unauthenticated.Is(err) {
		t.Errorf("a token of the identity provider from before counts in the organisation: %v", err)
	}
	if _, err := issue(access.System, begin); err != nil {
		t.Errorf("elsewhere: %v", err)
	}
}

func TestNT29_ACutEndsAppTokens(t *testing.T) {
	w := newDelegationWorld(t)
	c := &cuts{}
	w.Service.Cuts = c
	token := w.ask(t, "ivan", "", "organisation_id", string(acme)).token
	for name, set := range map[string]func(){
		"the person":       func() { c.person = "ivan" },
		"the organisation": func() { c.organisation = acme },
	} {
		*c = cuts{at: begin}
		if !w.isActive(token) {
			t.Fatalf("%s: before", name)
		}
		set()
		if w.isActive(token) || w.ask(t, token, "").status == 200 {
			t.Errorf("%s: it counts", name)
		}
	}
}

func TestNT29_ATokenOfASessionEndsWithIt(t *testing.T) {
	w := newDelegationWorld(t)
	c := &cuts{alive: map[string]bool{"s1": true}}
	w.Service.Cuts = c
	ivan := w.iam["ivan"].principal
	made, err := w.Service.Issue(t.Context(), sts.Request{Principal: &ivan, Organisation: acme, Session: "s1", Audiences: []string{"one-core", "wrpr-audience"}})
	if err != nil {
		t.Fatal(err)
	}
	other, _ := w.Service.Issue(t.Context(), sts.Request{Principal: &ivan, Organisation: acme, Session: "s2", Audiences: []string{"one-core", "wrpr-audience"}})
	if made.ID == other.ID {
		t.Error("two sessions share a token")
	}
	delegated := w.ask(t, made.Value, "wrpr", "audience", "bridge-audience")
	if delegated.status != 200 || delegated.claims["sid"] != "s1" {
		t.Fatalf("handed by a live session: %+v", delegated)
	}
	c.away = true
	if got := w.ask(t, made.Value, "wrpr"); got.status != 503 {
		t.Errorf("the store is away: %+v", got)
	}
	c.away = false
	c.alive["s1"] = false
	for name, got := range map[string]answer{
		"exchanged": w.ask(t, made.Value, ""), "handed on": w.ask(t, made.Value, "wrpr"), "handed on twice": w.ask(t, delegated.token, "bridge"),
	} {
		if got.code != "invalid_request" {
			t.Errorf("%s after the session's end: %+v", name, got)
		}
	}
	if w.isActive(made.Value) {
		t.Error("active after the session's end")
	}
	w.Service.Cuts = nil
	if got := w.ask(t, other.Value, ""); got.status == 200 {
		t.Error("a session that nobody can look up counts as alive")
	}
}

func TestNT29_AServiceThatIsRevokedActsNoMore(t *testing.T) {
	w := newDelegationWorld(t)
	c := &cuts{}
	w.Service.Cuts = c
	handed := w.ask(t, "ivan for wrpr", "wrpr", "organisation_id", string(acme), "audience", "bridge-audience", "audience", "one-core").token
	chained := w.ask(t, handed, "bridge").token
	if !w.isActive(handed) || !w.isActive(chained) {
		t.Fatal("before")
	}
	c.person, c.at = "wrpr", begin
	for name, token := range map[string]string{"its token": handed, "what was exchanged for it": chained} {
		if w.isActive(token) {
			t.Errorf("%s is active", name)
		}
	}
	if got := w.ask(t, handed, "bridge"); got.code != "invalid_request" {
		t.Errorf("handed on: %+v", got)
	}
	if got := w.ask(t, "ivan for wrpr", "wrpr", "organisation_id", string(acme)); got.code != "invalid_request" {
		t.Errorf("anew: %+v", got)
	}
}

// cutting revokes ivan right after his token was found valid, and lets a second pass.
type cutting struct {
	known
	cuts *cuts
	now  *time.Time
}

func (c cutting) Principal(ctx context.Context, raw string) (*access.Principal, error) {
	p, err := c.known.Principal(ctx, raw)
	if raw == "ivan" && c.cuts.person == "" {
		c.cuts.person, c.cuts.at = "ivan", *c.now
		*c.now = c.now.Add(time.Second)
	}
	return p, err
}

func TestNT29_NothingIsMintedForWhoWasRevokedMeanwhile(t *testing.T) {
	w := newDelegationWorld(t)
	c := &cuts{}
	w.Service.Cuts = c
	w.Exchange.IAM = cutting{w.iam, c, &w.now}
	if got := w.ask(t, "ivan", "", "organisation_id", string(acme)); got.code != "invalid_request" {
		t.Errorf("got %+v", got)
	}
}

// A token of the very moment of the cut, or of a replica that does not know of it yet, is told by what it comes from.
func TestNT29_ATokenIsAsOldAsWhatItComesFrom(t *testing.T) {
	w := newDelegationWorld(t)
	c := &cuts{}
	w.Service.Cuts = c
	ivan := w.iam["ivan"]
	ivan.principal.IssuedAt = begin.Add(-time.Minute)
	w.iam["ivan"] = ivan
	w.now = begin.Add(time.Minute)
	late := w.ask(t, "ivan", "", "organisation_id", string(acme))
	if late.claims["originIat"] != float64(begin.Add(-time.Minute).Unix()) {
		t.Errorf("got %v", late.claims)
	}
	copied := w.ask(t, late.token, "").token
	c.person, c.at = "ivan", begin
	for name, token := range map[string]string{"minted after the cut": late.token, "exchanged for it": copied} {
		if w.isActive(token) {
			t.Errorf("%s: active", name)
		}
	}
	ivan.principal.IssuedAt = begin.Add(time.Second)
	w.iam["ivan"] = ivan
	anew := w.ask(t, "ivan", "", "organisation_id", string(acme)).token
	if !w.isActive(anew) || w.ask(t, "ivan", "", "organisation_id", string(acme)).token != anew {
		t.Error("of a token that was issued after the cut: inactive, or not kept")
	}
}

// since gives a token of the world the time at which the identity provider issued it.
func (w *delegationWorld) since(name string, at time.Time) {
	token := w.iam[name]
	token.principal.IssuedAt = at
	w.iam[name] = token
}

// Each of those on whom a delegated token rests is asked by the token that they themselves came by.
func TestNT29_AnActorIsAsOldAsItsOwnToken(t *testing.T) {
	before, after := begin.Add(-10*time.Minute), begin.Add(2*time.Second)
	for rule, c := range map[string]struct {
		user, service time.Time
		cut           cuts
		want          bool
	}{
		"the user came back, the service was never away":      {after, before, cuts{person: "ivan"}, true},
		"the service came back, the user was never away":      {before, after, cuts{person: "wrpr"}, true},
		"the user's token is from before":                     {before, after, cuts{person: "ivan"}, false},
		"the service's token is from before":                  {after, before, cuts{person: "wrpr"}, false},
		"the organisation: the service's is from before":      {after, before, cuts{organisation: acme}, false},
		"the organisation: the user's is from before":         {before, after, cuts{organisation: acme}, false},
		"the organisation: both are from after":               {after, after, cuts{organisation: acme}, true},
		"another organisation":                                {before, before, cuts{organisation: zeta}, true},
		"the service's token does not say when it was issued": {after, time.Time{}, cuts{organisation: acme}, false},
	} {
		w := newDelegationWorld(t)
		w.since("ivan for wrpr", c.user)
		w.since("wrpr", c.service)
		ask := func() answer { return w.ask(t, "ivan for wrpr", "wrpr", "organisation_id", string(acme)) }
		old := ask()
		if old.status != 200 {
			t.Fatalf("%s: before: %+v", rule, old)
		}
		c.cut.at = begin
		w.now, w.Service.Cuts = begin.Add(3*time.Second), &c.cut
		if got := w.isActive(old.token); got != c.want {
			t.Errorf("%s: what was minted before the cut: active %t", rule, got)
		}
		got := ask()
		if (got.status == 200) != c.want || c.want && !w.isActive(got.token) {
			t.Errorf("%s: %+v", rule, got)
		}
	}
}

func TestNT29_AServiceFromBeforeTheCutActsForNoSession(t *testing.T) {
	w := newDelegationWorld(t)
	c := &cuts{alive: map[string]bool{"s1": true}}
	w.Service.Cuts = c
	w.since("wrpr", begin.Add(-10*time.Minute))
	ivan := w.iam["ivan"].principal
	made, err := w.Service.Issue(t.Context(), sts.Request{Principal: &ivan, Organisation: acme, Session: "s1", Audiences: []string{"one-core", "wrpr-audience"}})
	if err != nil {
		t.Fatal(err)
	}
	handed := w.ask(t, made.Value, "wrpr")
	if handed.status != 200 || !w.isActive(handed.token) {
		t.Fatalf("before: %+v", handed)
	}
	c.organisation, c.at = acme, begin
	if got := w.ask(t, made.Value, "wrpr"); got.code != "invalid_request" || w.isActive(handed.token) {
		t.Errorf("%+v, what it had is active: %t", got, w.isActive(handed.token))
	}
}

// everybody was revoked.
type everybody struct{ *cuts }

func (e everybody) EndedFor(_, _ string, at time.Time) bool { return !at.After(e.at) }

func TestOurOwnTokensOutliveARevocationOfEverything(t *testing.T) {
	w := newDelegationWorld(t)
	w.Service.Cuts = everybody{&cuts{at: begin}}
	for at, want := range map[time.Duration]bool{-time.Minute: false, time.Minute: true} {
		w.now = begin.Add(at)
		own, err := w.Service.IssueOwn(access.PermissionSet{})
		if err != nil {
			t.Fatal(err)
		}
		if w.isActive(own.Value) != want {
			t.Errorf("minted %s after: expected active %t", at, want)
		}
	}
}
