package view

import "net/url"

// LooseEndsPath lists what leads nowhere.
const LooseEndsPath = AccessPath + "/loose-ends"

// LooseEndsOfPath lists what of one thing does, by its name.
func LooseEndsOfPath(name string) string {
	return LooseEndsPath + "?" + url.Values{"q": {name}}.Encode()
}

// LooseEnds are the roles and the access that lead nowhere.
type LooseEnds struct {
	Page
	List          List     // sort: name, kind, changed; its Filters hold kind and organisation
	Kinds         []Choice // with how many there are of each
	Organisations []Choice // those that any is about, and the one of the filter
	Rows          []LooseEnd
	Remedies      []Fact // what can be done about each kind that is on the page
	CanMatrix     bool
	Blind         bool // nobody is known who was seen, so that nothing is said of what nobody carried
}

// LooseEnd is one of them.
type LooseEnd struct {
	Name, Href    string // the IAM role, else the role
	Exact         bool   // it is an IAM role
	Kind          string // in a few words
	Quiet         bool   // it need not be wrong
	Sentence      string
	Near, Renamed []string // IAM roles that people carry instead
	EditHref      string   // empty for who may not edit it
	EditLabel     string
	Changed       Stamp
}

// tone tells what need not be wrong from what is.
func (e LooseEnd) tone() string {
	if e.Quiet {
		return "neutral"
	}
	return "warning"
}

// LooseNotice points loose ends out on the page of what they are about.
type LooseNotice struct {
	Texts []string // a sentence each, and what can be done
	Quiet bool     // none of them need be wrong
	Href  string   // all of them
}

// LooseCount is how many there are; a page without any does not mention them.
type LooseCount struct{ All, Quiet int }
