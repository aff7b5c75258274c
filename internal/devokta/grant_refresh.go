package devokta

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"time"

	"github.com/portico-iam/portico/internal/devokta/world"
)

// A refresh token is family | sequence | MAC. Nothing of it needs to be stored to recognise the current one,
// a predecessor within the leeway, and one that was used long ago.
const (
	familySize     = 16
	sequenceSize   = 4
	macSize        = 20
	refreshKeySize = 32
	refreshSize    = familySize + sequenceSize + macSize
	maxRecent      = 16
)

func (s *Server) refreshToken(family []byte, sequence uint32) string {
	body := binary.BigEndian.AppendUint32(append(make([]byte, 0, refreshSize), family...), sequence)
	return b64(append(body, s.refreshMAC(body)...))
}

func (s *Server) refreshMAC(body []byte) []byte {
	mac := hmac.New(sha256.New, s.refreshKey)
	mac.Write(body)
	return mac.Sum(nil)[:macSize]
}

func (s *Server) parseRefresh(token string) (family []byte, sequence uint32, ok bool) {
	raw, err := base64.RawURLEncoding.Strict().DecodeString(token)
	if err != nil || len(raw) != refreshSize {
		return nil, 0, false
	}
	body := raw[:familySize+sequenceSize]
	if !hmac.Equal(raw[len(body):], s.refreshMAC(body)) {
		return nil, 0, false
	}
	return body[:familySize], binary.BigEndian.Uint32(body[familySize:]), true
}

// refreshEnd is when the refresh tokens of a sign-in end for good; a rotated one inherits it.
func refreshEnd(rule *world.Rule, now time.Time) time.Time {
	if rule.RefreshLifetime() == 0 {
		return time.Time{}
	}
	return now.Add(rule.RefreshLifetime())
}

// grantRefresh exchanges a refresh token. Everything is checked before anything is rotated.
func (s *Server) grantRefresh(as *authServer, form params, client *world.App) (*issuance, *refusal) {
	raw := form.get("refresh_token")
	if raw == "" {
		return nil, refuse(errParameterMissing, "refresh_token")
	}
	family, sequence, ok := s.parseRefresh(raw)
	if !ok {
		return nil, refuse(errRefreshToken)
	}
	key := b64(family)
	g, why := s.liveGrant(as, key, client)
	if why != nil {
		return nil, why
	}
	if sequence < g.Sequence && !g.withinLeeway(sequence, client.Leeway(), s.now()) {
		s.grants.remove(key)
		s.world.Note("app.oauth2.as.token.detect_reuse", errRefreshToken.Reason, nil, world.ClientTarget(client))
		s.log.Warn("refresh token used twice, its sign-in is revoked", "event", "app.oauth2.as.token.detect_reuse", "client_id", client.ClientID(), "user_id", g.UserID)
		return nil, refuse(errRefreshToken)
	}
	scopes, why := narrowed(as, form.get("scope"), g)
	if why != nil {
		return nil, why
	}
	u := s.world.UserByID(g.UserID)
	// The rule of the original grant governs; refresh_token is never listed in one.
	rule, why := s.world.MayUse(as.Server, client, u, scopes)
	if why != nil {
		return nil, why
	}
	out, why := s.issue(issueInput{as: as, client: client, user: u, grant: g, family: key, scopes: scopes, rule: rule})
	if why != nil {
		return nil, why
	}
	s.rotate(g, sequence, client)
	out.refresh = s.refreshToken(family, g.Sequence)
	return out, nil
}

func (s *Server) liveGrant(as *authServer, key string, client *world.App) (*grant, *refusal) {
	g, ok := s.grants.get(key)
	if !ok || !g.Refresh || g.Server != as.ID {
		return nil, refuse(errRefreshToken)
	}
	if g.ClientID != client.ClientID() {
		return nil, refuse(errCodeClient)
	}
	u := s.world.UserByID(g.UserID)
	if !g.live(s.now()) || u == nil || u.Status != world.Active {
		s.grants.remove(key)
		return nil, refuse(errRefreshToken)
	}
	return g, nil
}

func (g *grant) withinLeeway(sequence uint32, leeway time.Duration, now time.Time) bool {
	for _, r := range g.Recent {
		if r.Sequence == sequence {
			return now.Before(r.At.Add(leeway))
		}
	}
	return false
}

// rotate moves to the next token. A predecessor within the leeway gets the current token again: parallel
// refreshes of one client all end up with the same one. A sequence ahead of ours is a rotation that was lost
// when the process was killed before it was saved; the MAC proves that we made it.
func (s *Server) rotate(g *grant, sequence uint32, client *world.App) {
	now := s.now()
	g.LastUsed = now
	if sequence < g.Sequence || !client.RotatesRefresh() {
		return
	}
	recent := []rotation{{sequence, now}} // a new slice: the old one may be on its way to the disk
	for _, r := range g.Recent {
		if now.Before(r.At.Add(client.Leeway())) && len(recent) < maxRecent {
			recent = append(recent, r)
		}
	}
	g.Recent, g.Sequence = recent, sequence+1
}

// narrowed are the scopes asked for, which the sign-in must have granted; all of them when none are named.
func narrowed(as *authServer, raw string, g *grant) ([]string, *refusal) {
	if raw == "" {
		return g.Scopes, nil
	}
	scopes, why := as.RequestedScopes(raw)
	if why != nil {
		return nil, why
	}
	if denied := missing(scopes, g.Scopes); len(denied) > 0 {
		return nil, refuse(errRefreshScopes, join(denied))
	}
	return scopes, nil
}
