package view

// Integration is how the connection to the identity provider is.
type Integration struct {
	Page
	Conditions []Condition
	Values     []GuideValue
	Checked    bool // somebody pressed the button: Problems and Notes are the outcome
	Problems   []Problem
	Unlooked   []string // what could not be looked at
}

// Condition is one thing that can be well or not.
type Condition struct {
	Label string
	Tone  string // success, warning or danger; "" for what only informs
	Word  string // what the tone says
	Text  string
	Exact []string // values to be read exactly, such as key ids
	When  *When
}

// GuideValue is a row of the guide's table.
type GuideValue struct {
	Name, Value, Okta string // Okta is the place in its console
}

// Problem is something that is wrong, and how it is mended.
type Problem struct {
	What, Seen, Near, Setting, Console, Call string
}
