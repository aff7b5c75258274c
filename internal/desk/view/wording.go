package view

import (
	"context"
	"strconv"

	"github.com/portico-iam/portico/internal/desk/wording"
)

// Wording that depends on the state of a page.

func onlyIf(may bool, l Link) *Link {
	if !may {
		return nil
	}
	return &l
}

func roleSummary(ctx context.Context, v RoleDetail) string {
	if v.Restricted {
		return say(ctx, "Gives %d permissions, only while a service acts for a user.", countPermissions(v.Groups))
	}
	return say(ctx, "Gives %d permissions.", countPermissions(v.Groups))
}

func roleFormTitle(ctx context.Context, v RoleForm) string {
	if v.ID == "" {
		return say(ctx, "New role")
	}
	return say(ctx, "Edit role")
}

func roleFormCrumbs(ctx context.Context, v RoleForm) []Link {
	crumbs := []Link{{say(ctx, "Roles"), RolesPath}}
	if v.ID != "" {
		crumbs = append(crumbs, Link{v.OriginalName, RolePath(v.ID)})
	}
	return crumbs
}

func accessFormTitle(ctx context.Context, v AccessForm) string {
	if v.ID == "" {
		return say(ctx, "New access")
	}
	return say(ctx, "Edit access")
}

func accessFormCrumbs(ctx context.Context, v AccessForm) []Link {
	crumbs := []Link{{say(ctx, "Access control"), AccessPath}}
	if v.ID != "" {
		crumbs = append(crumbs, Link{v.OriginalName, AccessItemPath(v.ID)})
	}
	return crumbs
}

func organisationFormTitle(ctx context.Context, v OrganisationForm) string {
	if v.ID == "" {
		return say(ctx, "New organisation")
	}
	return say(ctx, "Rename organisation")
}

func organisationFormCrumbs(ctx context.Context, v OrganisationForm) []Link {
	crumbs := []Link{{say(ctx, "Organisations"), OrganisationsPath}}
	if v.ID != "" {
		crumbs = append(crumbs, Link{v.OriginalName, OrganisationPath(v.ID)})
	}
	return crumbs
}

func (f OrganisationForm) action() string {
	if f.ID == "" {
		return OrganisationNewPath
	}
	return OrganisationEditPath(f.ID)
}

func (f OrganisationForm) cancel() string {
	if f.Then != "" {
		return f.Then
	}
	if f.ID == "" {
		return OrganisationsPath
	}
	return OrganisationPath(f.ID)
}

// historyTitle says what happened: "Role created".
func historyTitle(ctx context.Context, r HistoryRow) string {
	if r.Refused {
		return say(ctx, "Refused")
	}
	if r.Type == "STS_SESSION" {
		switch r.Action {
		case "CREATED":
			return say(ctx, "Signed in")
		case "DELETED":
			return say(ctx, "Session ended")
		}
	}
	switch r.Type + " " + r.Action {
	case "STS_TOKEN ISSUED":
		return say(ctx, "Tokens issued")
	case "USER REQUESTED":
		return say(ctx, "History read")
	}
	return say(ctx, "%s %s", word(ctx, entityWords, r.Type), word(ctx, actionWords, r.Action))
}

func in(organisation string) wording.Phrase {
	if organisation == "" {
		return later("in the whole system")
	}
	return later("in %s", organisation)
}

func options(ctx context.Context, words map[string]string, values []string) []Choice {
	choices := make([]Choice, len(values))
	for i, value := range values {
		choices[i] = Choice{value, word(ctx, words, value)}
	}
	return choices
}

func failureHeading(ctx context.Context, v Failure) heading {
	if v.Title != "" {
		return heading{Title: v.Title, Lead: v.Text}
	}
	return heading{
		Title: say(ctx, "Something went wrong"),
		Lead:  say(ctx, "It is our fault, not yours. Nothing was changed that you have not been told about."),
	}
}

// plainNumber is for machines: no thousands separator.
func plainNumber(n int) string { return strconv.Itoa(n) }
