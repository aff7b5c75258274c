package history

import (
	"unicode/utf8"

	"github.com/portico-iam/portico/internal/access"
)

const maxFilter = 1000 // bytes of what a reader asked for, in the record

// Reading is the record that somebody read in the history. It is about no entity of Core's: a person asked for something.
func Reading(by *access.Principal, org access.OrganisationID, what, filter string) Entry {
	if len(filter) > maxFilter {
		cut := maxFilter
		for cut > 0 && !utf8.RuneStart(filter[cut]) {
			cut--
		}
		filter = filter[:cut] + "…"
	}
	details := struct {
		Read   string `json:"read"`
		Filter string `json:"filter,omitempty"`
		Issuer string `json:"issuer,omitempty"`
	}{what, filter, by.Issuer}
	return Entry{
		Action: Requested, EntityType: User, Name: "History", OrganisationID: org, Source: SourceBFF, User: by.Subject, Metadata: Details(details),
	}
}
