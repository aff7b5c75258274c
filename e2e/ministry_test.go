package e2e

import (
	"html"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
)

// ministry is a Portico with one organisation, one role and one mapping, and its administrator.
type ministry struct {
	*portico
	ada                        *browser
	organisation, role, access string // ids
}

func startMinistry(t *testing.T, start starter) *ministry {
	t.Helper()
	p := start(t, nil)
	m := &ministry{portico: p, ada: p.browser()}
	m.ada.signIn("/", "ada@acme.test")
	m.organisation = m.create("/api/organisation/v1", map[string]any{"name": "Ministry of Mobility"})
	m.role = m.create("/api/sts/role/v1", map[string]any{"name": "Verifier", "permissions": []string{"PROOF_LIST", "HISTORY_LIST"}})
	m.access = m.mapTo("Acme Verification", m.organisation, m.role)
	return m
}

func (m *ministry) create(path string, body map[string]any) string {
	m.t.Helper()
	var c created
	mustStatus(m.t, m.ada.call("POST", path, body, &c), http.StatusCreated)
	return c.ID
}

func (m *ministry) mapTo(iamRole, organisation, role string) string {
	m.t.Helper()
	return m.create("/api/sts/iam-role/v1", map[string]any{"name": iamRole, "organisationRoles": map[string]any{organisation: []string{role}}})
}

// grant gives an IAM role permissions in the whole system.
func (m *ministry) grant(iamRole string, permissions ...string) {
	m.t.Helper()
	role := m.create("/api/sts/role/v1", map[string]any{"name": "System of " + iamRole, "permissions": permissions})
	m.create("/api/sts/iam-role/v1", map[string]any{"name": iamRole, "systemRoles": []string{role}})
}

func (m *ministry) as(login string) *browser {
	m.t.Helper()
	b := m.browser()
	b.signIn("/", login)
	return b
}

// anEntry finds an entry of the history.
func (m *ministry) anEntry(query string) string {
	m.t.Helper()
	found := regexp.MustCompile(`href="/history/([0-9a-f-]{36})"`).FindStringSubmatch(m.ada.open("/history?" + query).body)
	if found == nil {
		m.t.Fatalf("no entry with %s", query)
	}
	return found[1]
}

func (p answer) mustNotContain(t *testing.T, texts ...string) {
	t.Helper()
	for _, text := range texts {
		if strings.Contains(p.body, text) {
			t.Errorf("%s (%d): did not expect %q in the page", p.url, p.status, text)
		}
	}
}

// fields reads what a form carries to its next step, as a browser sends it: hidden inputs, texts, ticked boxes and
// chosen options.
func (p answer) fields() url.Values {
	values := url.Values{}
	for _, input := range inputTag.FindAllString(p.body, -1) {
		name, value := nameAttr.FindStringSubmatch(input), valueAttr.FindStringSubmatch(input)
		if name == nil || value == nil || strings.Contains(input, `type="checkbox"`) && !strings.Contains(input, " checked") {
			continue
		}
		values.Add(html.UnescapeString(name[1]), html.UnescapeString(value[1]))
	}
	for _, s := range selectTag.FindAllStringSubmatch(p.body, -1) {
		if chosen := chosenOption.FindStringSubmatch(s[2]); chosen != nil {
			values.Add(s[1], html.UnescapeString(chosen[1]))
		}
	}
	values.Del("return") // of the frame's menus
	return values
}

var (
	inputTag     = regexp.MustCompile(`<input[^>]*>`)
	selectTag    = regexp.MustCompile(`(?s)<select[^>]*name="([^"]*)"[^>]*>(.*?)</select>`)
	chosenOption = regexp.MustCompile(`<option value="([^"]*)" selected>`)
)

// next sends the form on the page with some of its fields changed, and presses a button.
func (b *browser) next(p answer, do string, changes ...string) answer {
	b.t.Helper()
	values := p.fields()
	for i := 0; i < len(changes); i += 2 {
		values[changes[i]] = nil
		for _, value := range strings.Split(changes[i+1], ",") {
			if value != "" {
				values.Add(changes[i], value)
			}
		}
	}
	values.Set("do", do)
	return b.submit(p.url.Path, values)
}
