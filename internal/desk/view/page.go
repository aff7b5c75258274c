// Package view renders the Desk's pages. Every page has one struct that holds all it shows and one
// component, named after the struct, that shows it: Overview and OverviewPage. The package decides
// wording and layout and nothing else; who may do what has been decided before.
package view

import (
	"context"
	"strings"
	"time"
)

// Page is what surrounds the content of every page a signed-in person sees.
type Page struct {
	Person        Person
	Nav           []Section            // the sections this person may use, in order
	Organisations []OrganisationChoice // those the person can act in
	Notices       []Notice             // outcome of the action that led here
	Path          string               // this page's address with its query: switches return to it
	Theme         Theme
	Probation     *Probation  // nil: nothing that concerns this person is
	BreakGlass    *BreakGlass // nil: no file was used lately
	Waiting       int         // requests that this person may decide
	// How the page's forms survive the end of the session: see package kept. Empty where they do not.
	FormMark, FormName string
}

// BreakGlass is the use of a break-glass file.
type BreakGlass struct {
	Label       string
	Used        When
	Own         bool // this person came in by it
	HistoryHref string
}

// Probation is a change of somebody's own administration that is undone unless they sign in again.
type Probation struct {
	Own       bool   // by this very person
	Name      string // of whoever made it
	Lost      bool   // it left them nothing: anybody else who administers confirms it
	Until     When
	MayUndo   bool
	MaySignIn bool // by ourselves: not behind another gateway
}

// Person is who is signed in.
type Person struct{ GivenName, FamilyName, Login string }

// Name is how the person is addressed: given and family name, else the login.
func (p Person) Name(ctx context.Context) string {
	if name := strings.TrimSpace(p.GivenName + " " + p.FamilyName); name != "" {
		return name
	}
	if p.Login != "" {
		return p.Login
	}
	return say(ctx, "Signed in")
}

// OrganisationChoice is one entry of the organisation switcher.
type OrganisationChoice struct {
	ID, Name string
	Active   bool
}

func (p Page) activeOrganisation() string {
	for _, o := range p.Organisations {
		if o.Active {
			return o.Name
		}
	}
	return ""
}

// Theme is the person's choice of colours. The empty theme follows the system.
type Theme string

const (
	ThemeSystem Theme = ""
	ThemeLight  Theme = "light"
	ThemeDark   Theme = "dark"
)

var themes = []struct {
	Theme Theme
	Label string
}{{ThemeSystem, key("System")}, {ThemeLight, key("Light")}, {ThemeDark, key("Dark")}}

// Notice is a sentence above the content.
type Notice struct {
	Kind NoticeKind
	Text string
}

type NoticeKind string

const (
	Info    NoticeKind = "info"
	Success NoticeKind = "success"
	Warning NoticeKind = "warning"
	Danger  NoticeKind = "danger"
)

var noticeWords = map[NoticeKind]string{Info: key("Note."), Success: key("Done."), Warning: key("Warning."), Danger: key("Problem.")}

// Link is a labelled address.
type Link struct{ Label, Href string }

// Choice is one option of a selection, or a thing that is shown by name and known by id.
type Choice struct{ ID, Name string }

// heading is what distinguishes one page's frame from another's.
type heading struct {
	Title   string // the one h1, and the window's title
	Lead    string // one line that says what the page is for
	Section Section
	Crumbs  []Link
	Primary *Link
	Exact   bool // the title is a name in which case and blanks matter
}

// When is a moment, shown relative to Now with the exact UTC time beside or behind it.
type When struct{ At, Now time.Time }

func (w When) exact() string   { return w.At.UTC().Format("2006-01-02 15:04:05 UTC") }
func (w When) machine() string { return w.At.UTC().Format(time.RFC3339) }

func (w When) day() string { return w.At.UTC().Format(time.DateOnly) }

// daysAgo is for what is known to the day.
func (w When) daysAgo(ctx context.Context) string {
	switch days := int(w.Now.UTC().Truncate(24*time.Hour).Sub(w.At) / (24 * time.Hour)); {
	case days < 1:
		return say(ctx, "today")
	case days == 1:
		return say(ctx, "yesterday")
	default:
		return say(ctx, "%d days ago", days)
	}
}

func (w When) relative(ctx context.Context) string {
	d := w.Now.Sub(w.At)
	if d < 0 {
		return w.exact() // clocks differ: do not guess
	}
	switch {
	case d < time.Minute:
		return say(ctx, "just now")
	case d < time.Hour:
		return say(ctx, "%d minutes ago", int(d.Minutes()))
	case d < 24*time.Hour:
		return say(ctx, "%d hours ago", int(d.Hours()))
	case d < 30*24*time.Hour:
		return say(ctx, "%d days ago", int(d.Hours()/24))
	}
	return date(ctx, w.At, "2 Jan 2006")
}

// Stamp says when something happened and who did it.
type Stamp struct {
	When When
	By   string
}

// FieldError is a fault in a form; Field is the id of the control at fault.
type FieldError struct{ Field, Text string }

// FieldErrors are shown once at the top, in order, and each at its field.
type FieldErrors []FieldError

func (e FieldErrors) at(field string) string {
	for _, f := range e {
		if f.Field == field {
			return f.Text
		}
	}
	return ""
}
