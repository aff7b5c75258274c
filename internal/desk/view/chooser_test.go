package view

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// TestChooser: the filter hides what does not match, and never what is chosen, which comes first.
func TestChooser(t *testing.T) {
	c := Chooser{Field: "f", Label: "Role", Empty: "None"}
	for i := range fewChoices + 1 {
		c.Choices = append(c.Choices, Choice{fmt.Sprint("id", i), fmt.Sprint("Role ", i)})
	}
	c.Chosen, c.Filter = "id5", "ROLE 1"
	var shown, order []string
	for _, choice := range c.inOrder() {
		order = append(order, choice.ID)
		if c.shows(choice) {
			shown = append(shown, choice.Name)
		}
	}
	if want := []string{"Role 5", "Role 1", "Role 10", "Role 11", "Role 12"}; !slices.Equal(shown, want) {
		t.Errorf("shown: %q, want %q", shown, want)
	}
	if len(order) != len(c.Choices) || order[0] != "id5" || order[1] != "id0" {
		t.Errorf("order: %q", order)
	}
	if c.Choices[0].ID != "id0" {
		t.Error("the choices themselves are reordered")
	}
	if !c.anyMatch() {
		t.Error("a filter that matches is said to match nothing")
	}
	c.Filter = "role 5 x"
	if c.anyMatch() || !c.shows(c.Choices[5]) || c.shows(c.Choices[6]) {
		t.Error("a filter that matches nothing still leaves what is chosen, and only that")
	}
	for _, n := range []int{fewChoices, fewChoices + 1} {
		few := c
		few.Choices = c.Choices[:n]
		var b strings.Builder
		if err := chooseOne(few, FieldErrors{{"f", "Choose one."}}).Render(t.Context(), &b); err != nil {
			t.Fatal(err)
		}
		html := b.String()
		if strings.Contains(html, "<select") != (n <= fewChoices) || strings.Contains(html, `type="radio"`) != (n > fewChoices) || strings.Count(html, "Choose one.") != 1 {
			t.Errorf("%d choices: %s", n, html)
		}
	}
}
