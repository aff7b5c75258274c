package doctor

import (
	"fmt"
	"slices"
	"strings"

	"github.com/portico-iam/portico/internal/okta"
)

// checkDirectory: the person's groups that the filter is after come from a directory, which a claim of groups does not see.
func checkDirectory(e *Evidence, f *findings) {
	c := e.roleClaim()
	if c == nil || c.ValueType != "GROUPS" || e.Org.User == nil {
		return
	}
	var unseen []string
	for _, g := range e.Org.User.Groups {
		lets, judged := c.Lets(g.Name)
		switch {
		case !lets || !judged || g.Name == e.adminRole(): // checkAdmin says so
		case g.FromDirectory():
			unseen = append(unseen, g.Name)
		}
	}
	unseen = slices.DeleteFunc(unseen, func(name string) bool {
		return slices.ContainsFunc(e.Org.User.Groups, func(g okta.GroupFacts) bool { return g.Name == name && !g.FromDirectory() })
	})
	if len(unseen) > 0 {
		f.add("directory-groups", Finding{
			What:    fmt.Sprintf("Groups of %s come from a directory: a claim of the type Groups does not see those.", e.Org.User.Login),
			Seen:    "type APP_GROUP of " + clip(strings.Join(unseen, ", ")),
			Setting: "Value type Expression: Groups.startsWith(\"active_directory\",\"ONE_\",100) ?: {}; or a group rule that fills a group of Okta's own",
			Call:    "PUT " + e.Org.Server.Path() + "/claims/" + c.ID + " with valueType: EXPRESSION and value",
		})
	}
}
