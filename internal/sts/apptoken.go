package sts

import (
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/portico-iam/portico/internal/access"
	"github.com/portico-iam/portico/internal/fault"
)

// claims is the payload of an app token. Core accepts exactly this (spec: Core v1.74.2, STS token validation).
type claims struct {
	Issuer         string                `json:"iss"`
	Audience       []string              `json:"aud"`
	Subject        string                `json:"sub"`
	SubjectIssuer  string                `json:"subjectIssuer,omitempty"` // sub is unique there only
	ClientID       string                `json:"client_id"`               // the subject, where the IAM token named no client
	Session        string                `json:"sid,omitempty"`           // of the browser session that it was minted for
	Ancestors      []string              `json:"ancestors,omitempty"`     // jti of the tokens that it was exchanged for
	OriginatedAt   int64                 `json:"originIat,omitempty"`     // of the identity provider's token by which the subject came
	IssuedAt       int64                 `json:"iat"`
	ExpiresAt      int64                 `json:"exp"`
	ID             string                `json:"jti"`
	OrganisationID access.OrganisationID `json:"organisationId,omitempty"`
	Permissions    []string              `json:"permissions"`
	Mapping        int64                 `json:"mapping"`
	Actor          *actorClaim           `json:"act,omitempty"`
	AuthTime       int64                 `json:"auth_time,omitempty"`
	ACR            string                `json:"acr,omitempty"`
	AMR            []string              `json:"amr,omitempty"`
}

// actorClaim is who acts, and in it who acted before them (RFC 8693 section 4.1). Only the outermost counts for access.
type actorClaim struct {
	Subject  string      `json:"sub"`
	Issuer   string      `json:"iss,omitempty"` // sub is unique there only
	IssuedAt int64       `json:"iat,omitempty"` // of the identity provider's token by which they came
	Before   *actorClaim `json:"act,omitempty"`
}

func (a *actorClaim) subjects() (subjects []string) {
	for ; a != nil; a = a.Before {
		subjects = append(subjects, a.Subject)
	}
	return subjects
}

// AppToken is a token of ours that somebody brings back: signed by us, not expired, not revoked.
type AppToken struct {
	claims
	permissions access.PermissionSet
}

// maxAppToken bounds what is verified. A token with every permission has about four thousand bytes.
const maxAppToken = 16 << 10

// maxAncestors bounds how often a token is exchanged for another.
const maxAncestors = 8

// lineage is what tokens are made of that are exchanged for this one: revoking any of them ends them too.
func (t *AppToken) lineage() []string {
	if t == nil {
		return nil
	}
	return append(slices.Clone(t.Ancestors), t.ID)
}

var errNotOurs = fault.Unauthenticated.New("it is not an app token of ours")

// isOurs tells whether a token claims to be ours: it names one of our keys.
func (s *Service) isOurs(raw string) bool {
	_, known := s.keyOf(raw)
	return known
}

func (s *Service) keyOf(raw string) (ed25519.PublicKey, bool) {
	encoded, _, ok := strings.Cut(raw, ".")
	if !ok || len(encoded) > 1024 {
		return nil, false
	}
	var header struct{ Alg, Kid, Typ string }
	text, err := base64.RawURLEncoding.Strict().DecodeString(encoded)
	if err != nil || json.Unmarshal(text, &header) != nil {
		return nil, false
	}
	for _, key := range s.Ring.Keys() {
		if key.KID == header.Kid && header.Alg == "EdDSA" && header.Typ == "at+jwt" {
			return key.Public, true
		}
	}
	return nil, false
}

// issuerOf reads what a token claims of its issuer. It decides nothing but how a refusal is put.
func issuerOf(raw string) string {
	parts := strings.Split(raw, ".")
	var c struct{ Iss string }
	text, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil || json.Unmarshal(text, &c) != nil {
		return ""
	}
	return c.Iss
}

// open verifies a token of ours. The signature comes before everything else: what it covers, only we have written.
func (s *Service) open(ctx context.Context, raw string) (*AppToken, error) {
	if err := s.current(); err != nil {
		return nil, err
	}
	key, known := s.keyOf(raw)
	parts := strings.Split(raw, ".")
	if !known || len(parts) != 3 || len(raw) > maxAppToken || strings.ContainsAny(raw, "\r\n") {
		return nil, errNotOurs
	}
	signature, err := base64.RawURLEncoding.Strict().DecodeString(parts[2])
	if err != nil || !ed25519.Verify(key, []byte(parts[0]+"."+parts[1]), signature) {
		return nil, errNotOurs
	}
	t := &AppToken{}
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil || json.Unmarshal(payload, &t.claims) != nil || t.Issuer != s.Issuer {
		return nil, errNotOurs
	}
	switch {
	case !s.Now().Before(time.Unix(t.ExpiresAt, 0)):
		return nil, fault.Unauthenticated.New("the app token has expired")
	case slices.ContainsFunc(t.lineage(), s.revoked.has), s.isCut(t):
		return nil, fault.Unauthenticated.New("the app token was revoked")
	}
	if err := s.checkSession(ctx, t); err != nil {
		return nil, err
	}
	t.permissions, _ = access.ParseSet(t.Permissions)
	return t, nil
}

// isCut tells whether somebody on whom the token rests was revoked, or access to its organisation, since the identity
// provider's token was issued by which they came: not since this one was minted, or one of that very moment would escape. Of
// a session the session is asked instead.
func (s *Service) isCut(t *AppToken) bool {
	if s.Cuts == nil {
		return false
	}
	if t.Session == "" && s.endedFor(t.SubjectIssuer, t.Subject, t.OrganisationID, instant(t.OriginatedAt)) {
		return true
	}
	for a := t.Actor; a != nil; a = a.Before {
		if s.endedFor(a.Issuer, a.Subject, t.OrganisationID, instant(a.IssuedAt)) {
			return true
		}
	}
	return false
}

// endedFor tells whether a token of the identity provider that was issued then counts no more, there or anywhere.
func (s *Service) endedFor(issuer, subject string, org access.OrganisationID, at time.Time) bool {
	return s.Cuts.EndedFor(issuer, subject, at) || s.Cuts.EndedIn(org, at)
}

// seconds and instant turn times into claims and back. 0 is the zero time: the identity provider did not say.
func seconds(at time.Time) int64 {
	if at.IsZero() {
		return 0
	}
	return at.Unix()
}

func instant(seconds int64) time.Time {
	if seconds == 0 {
		return time.Time{}
	}
	return time.Unix(seconds, 0)
}

// checkSession refuses a token of a session that is over.
func (s *Service) checkSession(ctx context.Context, t *AppToken) error {
	if t.Session == "" {
		return nil
	}
	alive := false
	if s.Cuts != nil {
		var err error
		if alive, err = s.Cuts.SessionAlive(ctx, t.Session); err != nil {
			return fault.Unavailable.New("sessions can't be read at the moment; try again").Because(err)
		}
	}
	if !alive {
		return fault.Unauthenticated.New("the session that the app token was made for is over")
	}
	return nil
}

// principal is whom the token is about. Their IAM roles are not in it: what they may do is what it says.
func (t *AppToken) principal() *access.Principal {
	return &access.Principal{
		Issuer: t.SubjectIssuer, Subject: t.Subject, ClientID: t.ClientID, NotAfter: time.Unix(t.ExpiresAt, 0),
		SignIn: access.SignIn{At: t.AuthTime, Class: t.ACR, Methods: t.AMR},
	}
}

// place makes the token's organisation that of the request: what is exchanged for it is good there alone.
func (t *AppToken) place(named bool, req *Request) error {
	if named && req.Organisation != t.OrganisationID {
		return refuse(InvalidTarget, "organisation_id: the app token is for another organisation, or for none")
	}
	req.Organisation = t.OrganisationID
	return nil
}
