package sts_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/portico-iam/portico/internal/access"
	"github.com/portico-iam/portico/internal/fault"
	"github.com/portico-iam/portico/internal/history"
	"github.com/portico-iam/portico/internal/seal"
	"github.com/portico-iam/portico/internal/sts"
)

// The world of delegation: two users, three services, and a stranger's issuer whose clients have the same ids.
const (
	okta      = "https://acme.okta.test"
	elsewhere = "https://other.test"
)

// snapshots decides by a real snapshot.
type snapshots struct{ *access.Snapshot }

func (s snapshots) answer(set access.PermissionSet, reason access.Reason, org access.OrganisationID, always bool) (access.Rights, error) {
	if set.IsEmpty() && (always || org != access.System) {
		f := fault.Forbidden.New("%s", reason)
		f.Reference = "ref-1"
		return access.Rights{}, f
	}
	return access.Rights{Permissions: set, Version: s.Version()}, nil
}

func (s snapshots) Permissions(_ context.Context, p *access.Principal, org access.OrganisationID, _ string) (access.Rights, error) {
	set, reason := s.Effective(p, org)
	return s.answer(set, reason, org, false)
}

func (s snapshots) Delegated(_ context.Context, service, user *access.Principal, held *access.PermissionSet, org access.OrganisationID, _ string) (access.Rights, error) {
	if held == nil {
		set, _ := s.Effective(user, org)
		held = &set
	}
	set, reason := s.Snapshot.Delegated(service, *held, org)
	return s.answer(set, reason, org, true)
}

// known is an identity provider whose tokens are names.
type known map[string]iamToken

type iamToken struct {
	principal access.Principal
	may       *access.MayAct
	acting    bool // it carries act
}

func (k known) Principal(_ context.Context, token string) (*access.Principal, error) {
	t, ok := k[token]
	if !ok || t.may != nil || t.acting {
		return nil, fault.Unauthenticated.New("the identity provider's token was refused")
	}
	return &t.principal, nil
}

func (k known) Identity(ctx context.Context, token string) (*access.Principal, error) {
	return k.Principal(ctx, token)
}

func (k known) Subject(_ context.Context, token string) (*access.Principal, *access.MayAct, error) {
	t, ok := k[token]
	if !ok || t.acting {
		return nil, nil, fault.Unauthenticated.New("the identity provider's token was refused")
	}
	return &t.principal, t.may, nil
}

func who(issuer, subject, client string, roles ...string) access.Principal {
	return access.Principal{Issuer: issuer, Subject: subject, ClientID: client, IAMRoles: roles, NotAfter: begin.Add(time.Hour)}
}

// tokens of the identity provider. "ivan for wrpr" is one that ivan got by wrpr's own client.
func tokens() known {
	late := who(okta, "ivan", "wrpr", "Issuance")
	late.NotAfter = begin.Add(20 * time.Second)
	late.SignIn = access.SignIn{At: 1, Class: "urn:acr", Methods: []string{"pwd", "otp"}}
	return known{
		"ivan":            {principal: who(okta, "ivan", "web", "Issuance")},
		"ivan for wrpr":   {principal: who(okta, "ivan", "wrpr", "Issuance")},
		"ivan, late":      {principal: late},
		"ivan may bridge": {principal: who(okta, "ivan", "web", "Issuance"), may: &access.MayAct{Issuer: okta, Subject: "bridge"}},
		"ivan may nobody": {principal: who(okta, "ivan", "wrpr", "Issuance"), may: &access.MayAct{Issuer: okta, Subject: "x"}},
		"ivan acted for":  {principal: who(okta, "ivan", "wrpr", "Issuance"), acting: true},
		"nora for wrpr":   {principal: who(okta, "nora", "wrpr", "Nothing")},
		"eve by web":      {principal: who(okta, "eve", "web", "Bridge")},
		"eve by wrpr":     {principal: who(okta, "eve", "wrpr", "Bridge", "WRPR")},
		"evil twin":       {principal: who(elsewhere, "wrpr", "wrpr", "WRPR")},
		"nora, no client": {principal: who(okta, "nora", "", "Nothing")},
		"wrpr":            {principal: who(okta, "wrpr", "wrpr", "WRPR", "Issuance")},
		"bridge":          {principal: who(okta, "bridge", "bridge", "Bridge")},
		"third":           {principal: who(okta, "third", "third", "Bridge", "WRPR")},
		"no client":       {principal: who(okta, "anon", "", "WRPR")},
		"evil wrpr":       {principal: who(elsewhere, "evil", "wrpr", "WRPR")},
	}
}

// model: ivan issues in acme and lists system history nowhere; the services' delegated roles sign for him.
func model() access.Model {
	role := func(id string, d *access.Delegation, ps ...access.Permission) *access.Role {
		return &access.Role{ID: access.RoleID(id), Name: id, Permissions: access.SetOf(ps...), Delegation: d}
	}
	mapped := func(name string, orgs map[access.OrganisationID][]access.RoleID, system ...access.RoleID) *access.IAMRole {
		return &access.IAMRole{ID: access.IAMRoleID(name), Name: name, OrganisationRoles: orgs, SystemRoles: system}
	}
	issuers := &access.Delegation{RequiredUserPermissions: access.SetOf(access.CredentialIssue, access.KeyList)}
	return access.Model{
		Version: 7, Organisations: []*access.Organisation{{ID: acme, Name: "Acme"}, {ID: zeta, Name: "Zeta"}},
		Roles: []*access.Role{
			role("issuer", nil, access.CredentialIssue, access.CredentialList),
			role("signer", issuers, access.RegistrationCertificateSign, access.CredentialIssue),
			role("anybody", &access.Delegation{}, access.ProofIssue, access.TaskCreate),
			role("worker", nil, access.KeyList, access.TaskCreate),
		},
		IAMRoles: []*access.IAMRole{
			mapped("Issuance", map[access.OrganisationID][]access.RoleID{acme: {"issuer"}}),
			mapped("WRPR", map[access.OrganisationID][]access.RoleID{acme: {"signer", "worker"}, zeta: {"anybody"}}, "anybody"),
			mapped("Bridge", map[access.OrganisationID][]access.RoleID{acme: {"anybody", "signer"}}),
		},
	}
}

type delegationWorld struct {
	*sts.Exchange
	record   *memory
	snapshot *access.Snapshot
	iam      known
	ring     *sts.Ring
	now      time.Time
	clients  []sts.ServiceClient
}

func newDelegationWorld(t *testing.T) *delegationWorld {
	t.Helper()
	b := &bench{now: begin, key: seal.RandomKey(), keys: &keyStore{}}
	ring, err := b.open(b.key)
	if err != nil {
		t.Fatal(err)
	}
	w := &delegationWorld{
		record: &memory{}, iam: tokens(), ring: ring, now: begin, snapshot: access.Build(model(), access.Bootstrap{}, begin),
		clients: []sts.ServiceClient{
			{Audience: "wrpr-audience", Issuer: okta, ClientID: "wrpr", Subject: "wrpr"},
			{Audience: "bridge-audience", Issuer: okta, ClientID: "bridge", Subject: "bridge"},
			{Audience: "bridge-audience", Issuer: okta, ClientID: "third", Subject: "third"},
			{Audience: "one-core", Issuer: okta, ClientID: "third", Subject: "third"},
		},
	}
	w.Exchange = &sts.Exchange{IAM: w.iam, History: &history.Recorder{Store: w.record, Now: func() time.Time { return w.now }, Logger: silent}}
	w.restart()
	return w
}

// restart begins anew, with nothing minted yet.
func (w *delegationWorld) restart() {
	w.now = begin
	w.Service = sts.New(sts.Config{
		Issuer: self, Audiences: []string{"one-core", "wrpr-audience", "bridge-audience"}, Clients: w.clients, TTL: 5 * time.Minute,
		Delegation: sts.Delegation{TTL: time.Minute, MaxDepth: 2}, Ring: w.ring, Policy: w, Now: func() time.Time { return w.now },
	})
}

// The world's snapshot may be replaced.
func (w *delegationWorld) Permissions(ctx context.Context, p *access.Principal, org access.OrganisationID, route string) (access.Rights, error) {
	return snapshots{w.snapshot}.Permissions(ctx, p, org, route)
}

func (w *delegationWorld) Delegated(ctx context.Context, service, user *access.Principal, held *access.PermissionSet, org access.OrganisationID, route string) (access.Rights, error) {
	return snapshots{w.snapshot}.Delegated(ctx, service, user, held, org, route)
}

func (w *delegationWorld) NoteToken(p *access.Principal, org access.OrganisationID, set access.PermissionSet) {
	w.snapshot.NoteToken(p, org, set)
}

func (w *delegationWorld) NoteDelegated(service, user *access.Principal, org access.OrganisationID, set access.PermissionSet) {
	w.snapshot.NoteDelegated(service, user, org, set)
}

func (w *delegationWorld) Version() int64 { return w.snapshot.Version() }

// answer is what the endpoint said.
type answer struct {
	status       int
	token        string
	claims       map[string]any
	permissions  access.PermissionSet
	code, reason string
}

// ask exchanges. Fields are name, value, …; subject and actor are tokens.
func (w *delegationWorld) ask(t interface{ Fatalf(string, ...any) }, subject, actor string, fields ...string) answer {
	form := url.Values{"grant_type": {sts.GrantTokenExchange}, "subject_token": {subject}, "subject_token_type": {sts.TypeAccessToken}}
	if actor != "" {
		form.Set("actor_token", actor)
		form.Set("actor_token_type", sts.TypeAccessToken)
	}
	for i := 0; i < len(fields); i += 2 {
		form.Add(fields[i], fields[i+1])
	}
	r := httptest.NewRequest("POST", sts.TokenPath, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	rec := httptest.NewRecorder()
	w.ServeHTTP(rec, r)
	var body struct {
		Token  string `json:"access_token"`
		Error  string
		Reason string `json:"error_description"`
	}
	if err := json.Unmarshal(rec.Body.Bytes(), &body); err != nil {
		t.Fatalf("%d %s: %v", rec.Code, rec.Body, err)
	}
	a := answer{status: rec.Code, token: body.Token, code: body.Error, reason: body.Reason}
	if a.status == 200 {
		if err := json.Unmarshal(mustDecode(strings.Split(a.token, ".")[1]), &a.claims); err != nil {
			t.Fatalf("%v", err)
		}
		a.permissions, _ = access.ParseSet(list(a.claims["permissions"]))
	}
	return a
}

func list(v any) (all []string) {
	items, _ := v.([]any)
	for _, item := range items {
		all = append(all, fmt.Sprint(item))
	}
	return all
}

// chain reads who acts, the latest first.
func chain(claims map[string]any) (actors []string) {
	for act, _ := claims["act"].(map[string]any); act != nil; act, _ = act["act"].(map[string]any) {
		actors = append(actors, act["sub"].(string))
	}
	return actors
}

// services are the tokens of clients themselves, by what is theirs; the others are of users.
var services = map[string][]string{"wrpr": {"wrpr-audience"}, "bridge": {"bridge-audience"}, "third": {"bridge-audience", "one-core"}, "evil twin": nil}

func (s snapshots) NoteToken(p *access.Principal, org access.OrganisationID, set access.PermissionSet) {
	s.Snapshot.NoteToken(p, org, set)
}

func (s snapshots) NoteDelegated(service, user *access.Principal, org access.OrganisationID, set access.PermissionSet) {
	s.Snapshot.NoteDelegated(service, user, org, set)
}
