package core

import (
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

const probe = "/api/config/v1"

func mode(m Mode, static string) func(*Config) {
	return func(c *Config) { c.Auth.Mode, c.Auth.StaticToken = m, Secret(static) }
}

func TestA1_UnsafeNoneNeedsNoHeader(t *testing.T) {
	w := start(t, mode(ModeUnsafeNone, ""))
	w.expect("", "GET", probe, "", 200, "")
	w.expect("anything", "GET", probe, "", 200, "")
	if w.jwks.fetched() != 0 {
		t.Error("keys were fetched without need")
	}
}

func TestA2_UnsafeStaticRightToken(t *testing.T) {
	start(t, mode(ModeUnsafeStatic, "test")).expect("test", "GET", probe, "", 200, "")
}

func TestA3_UnsafeStaticWrongToken(t *testing.T) {
	w := start(t, mode(ModeUnsafeStatic, "test"))
	for _, token := range []string{"", "Test", "tes", "test ", "testx", w.token()} {
		w.expect(token, "GET", probe, "", 401, "")
	}
	// A static token that is empty matches nobody, however it came to be.
	a := authenticator{mode: ModeUnsafeStatic}
	if _, err := a.authenticate(map[string][]string{"Authorization": {"Bearer "}}); err == nil {
		t.Error("an empty static token let somebody in")
	}
}

// startedOnTheSecondAnswer is a world whose first JWKS answer is 500 and whose second is 200.
func startedOnTheSecondAnswer(t *testing.T) *world {
	t.Helper()
	w := newWorld(t)
	w.jwks.next(w.jwks.keys, reply{status: 500})
	if err := w.core.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	if w.jwks.fetched() != 2 {
		t.Fatalf("expected 2 fetches, got %d", w.jwks.fetched())
	}
	return w
}

func TestA4_OrganisationAndEmptyPermissions(t *testing.T) {
	w := startedOnTheSecondAnswer(t)
	w.expect(w.token(), "GET", probe, "", 200, "")
}

func TestA5_OnlyActorNoOrganisationNoPermissions(t *testing.T) {
	w := startedOnTheSecondAnswer(t)
	token := w.token(claim("act", map[string]any{"sub": "wrpr"}), without("organisationId"), without("permissions"))
	w.expect(token, "GET", probe, "", 200, "")
	if !strings.Contains(w.log.String(), "actor=wrpr") {
		t.Errorf("the actor is not logged: %s", w.log)
	}
}

// refused checks a token that must be refused, and that neither it nor others made Core fetch keys.
func refused(t *testing.T, w *world, why reason, token string) {
	t.Helper()
	w.expect(token, "GET", probe, "", 401, "")
	if w.jwks.fetched() != 1 {
		t.Errorf("expected the JWKS to be fetched exactly once, got %d", w.jwks.fetched())
	}
	if log := w.log.String(); !strings.Contains(log, "level=WARN") || !strings.Contains(log, "reason="+string(why)+" ") {
		t.Errorf("expected %s at warn, got %s", why, log)
	}
}

func TestA6_WrongAudience(t *testing.T) {
	w := start(t)
	refused(t, w, incorrectAudience, w.token(claim("aud", []string{"wrong"})))
}

func TestA7_WrongIssuer(t *testing.T) {
	w := start(t)
	refused(t, w, incorrectIssuer, w.token(claim("iss", "wrong")))
}

func TestA8_Expired(t *testing.T) {
	w := start(t)
	refused(t, w, expiredToken, w.token(claim("exp", began.Unix()-5)))
}

func TestA9_NotYetValid(t *testing.T) {
	w := start(t)
	refused(t, w, notBeforeToken, w.token(claim("nbf", began.Unix()+600)))
}

func TestA10_AnotherKeyUnderTheSameKid(t *testing.T) {
	w := start(t)
	refused(t, w, failedToVerifySignature, w.token(signedBy(seeded(1))))
}

func TestA11_KidNotInTheSet(t *testing.T) {
	w := start(t)
	refused(t, w, noMatchingKey, w.token(header("kid", "k2")))
}

func TestZ1_NoPermissionNeeded(t *testing.T) {
	w := startedOnTheSecondAnswer(t)
	w.expect(w.token(), "GET", probe, "", 200, "")
}

func TestZ2_WithPermissionAndWithoutOrganisation(t *testing.T) {
	w := startedOnTheSecondAnswer(t)
	w.expect(w.token(in("", "CACHE_DELETE")), "DELETE", "/api/cache/v1?types[]=OPENID_METADATA", "", 204, "")
}

func TestZ3_WithoutPermission(t *testing.T) {
	w := startedOnTheSecondAnswer(t)
	w.expect(w.token(in("")), "DELETE", "/api/cache/v1?types[]=OPENID_METADATA", "", 403, "")
}

func TestTheHeaderIsExact(t *testing.T) {
	w := start(t)
	token := w.token()
	for _, value := range []string{
		"", "Bearer", "Bearer ", "bearer " + token, "BEARER " + token, "Bearer  " + token, "Bearer\t" + token,
		"Basic " + token, token, " Bearer " + token, "Bearer " + token + " ", "Bearer " + token + "," + token,
	} {
		r := httptest.NewRequest("GET", probe, nil)
		r.Header["Authorization"] = []string{value}
		if rec := w.send(r); rec.Code != 401 {
			t.Errorf("%.20q: expected 401, got %d", value, rec.Code)
		}
	}
	r := httptest.NewRequest("GET", probe, nil)
	r.Header["Authorization"] = []string{"Bearer " + token, "Bearer " + token}
	if rec := w.send(r); rec.Code != 401 {
		t.Errorf("two headers: expected 401, got %d", rec.Code)
	}
}

// A bad token wins over everything else that is wrong with a request.
func TestAuthenticationComesFirst(t *testing.T) {
	w := start(t)
	for _, target := range []string{
		"/api", "/api/", "/api/nothing", "/api/organisation/v1/not-a-uuid", "/api/history/v1?bad=1", "/%61pi/config/v1",
		"/api/config/v1/", "/api//config", "/api/../health", "/api/%2e%2e/health",
	} {
		for _, method := range []string{"GET", "PUT", "OPTIONS"} {
			w.expect("junk", method, target, "", 401, "")
			w.expect("", method, target, "{", 401, "")
		}
	}
}

func TestLeeway(t *testing.T) {
	w := start(t, func(c *Config) { c.Auth.STS.Leeway = time.Minute })
	now := began.Unix()
	for _, tt := range []struct {
		change func(*parts)
		status int
	}{
		{claim("exp", now-60), 200},
		{claim("exp", now-61), 401},
		{claim("nbf", now+60), 200},
		{claim("nbf", now+61), 401},
		{claim("exp", float64(now)-60.9+1), 200}, // the fraction is dropped: -60
	} {
		w.expect(w.token(tt.change), "GET", probe, "", tt.status, "")
	}
	strict := start(t)
	strict.expect(strict.token(claim("exp", now)), "GET", probe, "", 200, "")
	strict.expect(strict.token(claim("exp", now-1)), "GET", probe, "", 401, "")
	strict.expect(strict.token(claim("nbf", now)), "GET", probe, "", 200, "")
}

func TestUnauthenticatedIsTold(t *testing.T) {
	if got := start(t).call("", "GET", probe, "").Header().Get("WWW-Authenticate"); got != "Bearer" {
		t.Errorf("got %q", got)
	}
}
