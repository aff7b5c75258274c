package doctor

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// textAttributes are those of Okta's own profile, each one text. Others are the organisation's, and may be lists.
var textAttributes = []string{
	"login", "email", "secondEmail", "firstName", "lastName", "middleName", "honorificPrefix", "honorificSuffix", "title", "displayName", "nickName",
	"profileUrl", "primaryPhone", "mobilePhone", "streetAddress", "city", "state", "zipCode", "countryCode", "postalAddress", "preferredLanguage",
	"locale", "timezone", "userType", "employeeNumber", "costCenter", "organization", "division", "department", "managerId", "manager", "userName", "id", "status",
}

var (
	groupsCall = regexp.MustCompile(`Groups\.(?:startsWith|contains|endsWith)\([^)]*,\s*(\d+)\s*\)`)
	attribute  = regexp.MustCompile(`^(?:user|appuser)\.([A-Za-z0-9_]+)$`)
	literal    = regexp.MustCompile(`^"[^"]*"$`)
)

// brokenExpression finds what Okta accepts when it is saved and fails on when a token is due (okta.md 3). It only speaks
// where it is sure.
func brokenExpression(value string) string {
	for _, m := range groupsCall.FindAllStringSubmatch(value, -1) {
		if n, err := strconv.Atoi(m[1]); err == nil && (n > mostGroups || n < 1) {
			return fmt.Sprintf("a limit of %d, from 1 to %d is allowed", n, mostGroups)
		}
	}
	if strings.Contains(value, "Arrays.flatten(") && !strings.Contains(value, "?:") && !strings.Contains(value, "isEmpty") && strings.Contains(value, "Groups.") {
		return "Arrays.flatten fails where one of its lists is null"
	}
	if strings.Count(value, "(") != strings.Count(value, ")") || strings.Count(value, "{") != strings.Count(value, "}") || strings.Count(value, `"`)%2 != 0 {
		return "brackets or quotes do not match"
	}
	return ""
}

// isText tells of an expression that surely gives one text.
func isText(value string) bool {
	value = strings.TrimSpace(value)
	if m := attribute.FindStringSubmatch(value); m != nil {
		return slices.Contains(textAttributes, m[1])
	}
	return literal.MatchString(value) || strings.HasPrefix(value, "Arrays.toCsvString(") || strings.HasPrefix(value, "String.")
}
