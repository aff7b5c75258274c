package httpx

import (
	"strconv"
	"strings"
	"time"

	"github.com/portico-iam/portico/internal/access"
)

// StepUpChallenge is the WWW-Authenticate header that asks for another sign-in (RFC 9470 section 3). The values need no escape: a
// requirement holds no quote (access.Requirement).
func StepUpChallenge(q *access.Requirement) string {
	challenge := `Bearer realm="portico", error="insufficient_user_authentication", error_description="A different sign-in is required"`
	if len(q.Classes) > 0 {
		challenge += `, acr_values="` + strings.Join(q.Classes, " ") + `"`
	}
	if q.MaxAge > 0 {
		challenge += `, max_age="` + strconv.FormatInt(int64(q.MaxAge/time.Second), 10) + `"`
	}
	return challenge
}
