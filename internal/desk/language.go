package desk

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/portico-iam/portico/internal/authn"
	"github.com/portico-iam/portico/internal/desk/wording"
	"github.com/portico-iam/portico/internal/fault"
	"github.com/portico-iam/portico/internal/httpx"
)

// spoken has a request answered in its language.
func spoken(w http.ResponseWriter, r *http.Request) *http.Request {
	w.Header().Add("Vary", "Accept-Language, Cookie")
	return r.WithContext(wording.With(r.Context(), wording.Choose(r)))
}

func (h *Handler) switchLanguage(w http.ResponseWriter, r *http.Request, _ *authn.Caller) error {
	chosen, found := wording.Named(r.PostFormValue("language"))
	if !found {
		return fault.InvalidInput.New("language: expected one that is offered")
	}
	http.SetCookie(w, &http.Cookie{
		Name: wording.Cookie, Value: chosen.Code, Path: "/", MaxAge: int((365 * 24 * time.Hour).Seconds()),
		HttpOnly: true, Secure: h.Secure, SameSite: http.SameSiteLaxMode,
	})
	http.Redirect(w, r, httpx.LocalPath(r.PostFormValue("return")), http.StatusSeeOther)
	return nil
}

// say says a text in the language of ctx: see package wording.
func say(ctx context.Context, format string, args ...any) string {
	if false {
		_ = fmt.Sprintf(format, args...) // so that vet minds the verbs
	}
	return wording.Say(ctx, format, args...)
}

// sayKey says a text that was marked as a key.
func sayKey(ctx context.Context, key string) string { return wording.SayKey(ctx, key) }

// key marks a text that is said elsewhere, by what it is called here.
func key(text string) string { return text }

// sayFault makes a sentence of a refusal.
func sayFault(ctx context.Context, p wording.Phraser) string { return wording.Sentence(ctx, p) }

// sayError says what is wrong with an input.
func sayError(ctx context.Context, err error) string {
	var p wording.Phraser
	if errors.As(err, &p) {
		return sayFault(ctx, p)
	}
	return sayFault(ctx, fault.Of(err))
}
