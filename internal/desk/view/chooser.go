package view

import (
	"slices"
	"strings"
)

// Chooser offers things by name, of which one may be chosen. It submits Field, and, when there are many, Field+"Filter".
type Chooser struct {
	Field, Label string
	Empty        string // stands for no choice in a selection
	Choices      []Choice
	Chosen       string // an id
	Filter       string // hides what does not match; what is chosen stays
}

// fewChoices is how many a plain selection may hold.
const fewChoices = 12

func (c Chooser) few() bool { return len(c.Choices) <= fewChoices }

func (c Chooser) filterField() string { return c.Field + "Filter" }

func (c Chooser) shows(choice Choice) bool {
	return choice.ID == c.Chosen || matches(choice.Name, c.Filter)
}

func (c Chooser) anyMatch() bool {
	return slices.ContainsFunc(c.Choices, func(choice Choice) bool { return matches(choice.Name, c.Filter) })
}

// inOrder puts what is chosen first, where it is seen.
func (c Chooser) inOrder() []Choice {
	at := slices.IndexFunc(c.Choices, func(choice Choice) bool { return choice.ID == c.Chosen })
	if at < 0 {
		return c.Choices
	}
	return slices.Concat(c.Choices[at:at+1], c.Choices[:at], c.Choices[at+1:])
}

// matches tells whether a text holds every word of a filter, whatever their case.
func matches(text, filter string) bool {
	text = strings.ToLower(text)
	for _, word := range strings.Fields(strings.ToLower(filter)) {
		if !strings.Contains(text, word) {
			return false
		}
	}
	return true
}
