package view

import "net/url"

// clock is the time of day; whoever reads it knows the day.
func (w When) clock() string { return w.At.UTC().Format("15:04:05 UTC") }

// fate says what becomes of the change, and what keeps it.
func (p *Probation) fate() string {
	switch {
	case p.Lost && p.Own:
		return key("It counts, and is undone at %s unless somebody else who administers signs in by then.")
	case p.Lost:
		return key("It counts, and is undone at %s unless somebody who administers signs in by then.")
	case p.Own && !p.MaySignIn:
		return key("It counts, and is undone at %s unless you sign out and in again by then: that shows that you still can.")
	case p.Own:
		return key("It counts, and is undone at %s unless you sign in again by then: that shows that you still can.")
	}
	return key("It counts, and is undone at %s unless they sign in again by then.")
}

// SignInAgainPath signs somebody in who is signed in, and comes back.
func SignInAgainPath(path string) string {
	back, err := url.Parse(path)
	if err != nil {
		back = &url.URL{Path: OverviewPath}
	}
	query := back.Query()
	query.Set("done", "signed-in-again")
	back.RawQuery = query.Encode()
	return SignInPath(back.String())
}
