package policyfile

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/portico-iam/portico/internal/access"
)

// MaxSize bounds a file, in bytes.
const MaxSize = 16 << 20

// version of the file's form.
const version = 1

// File is a policy as it stands in a file.
type File struct {
	Version  int      `yaml:"version"`
	Roles    []Role   `yaml:"roles"`
	Access   []Access `yaml:"access"`
	FourEyes []string `yaml:"fourEyes"` // organisations that demand a second administrator; nil: as they are
	Expect   []string `yaml:"expect,omitempty"`
}

// Role is a role. With an id it is that role, whatever its name is now; without, the one of its name, or a new one.
type Role struct {
	Name        string      `yaml:"name"`
	ID          string      `yaml:"id,omitempty"`
	Permissions []string    `yaml:"permissions"`
	Delegation  *Delegation `yaml:"delegation,omitempty"` // restricted to it
	Requires    *Requires   `yaml:"requires,omitempty"`   // of the sign-in; nil: nothing
}

// Requires is what a role requires of the sign-in of whoever uses it: any one of the classes, and that it be no older.
type Requires struct {
	ACR    []string `yaml:"acr,flow,omitempty"`
	MaxAge string   `yaml:"maxAge,omitempty"` // as 15m
}

// Delegation restricts a role to services that act for a user who holds any one of the permissions; none: for any user.
type Delegation struct {
	AnyOf []string `yaml:"anyOf,flow"`
}

// Access is the mapping of an IAM role. Organisations are named, or told by their id where several have one name.
type Access struct {
	IAMRole       string              `yaml:"iamRole"`
	ID            string              `yaml:"id,omitempty"`
	Organisations map[string][]string `yaml:"organisations,omitempty"` // to names of roles
	System        []string            `yaml:"system,omitempty"`        // names of roles
	Ends          map[string]string   `yaml:"ends,omitempty"`          // when what it gives in an organisation ends, as 2027-01-31T12:00:00Z
	SystemEnd     string              `yaml:"systemEnd,omitempty"`     // and what it gives in the whole system
}

// Write writes the policy, in the order of the names. The same policy gives the same bytes.
func Write(w io.Writer, s *access.Snapshot) error {
	f := File{Version: version, Roles: []Role{}, Access: []Access{}, FourEyes: []string{}}
	for _, r := range s.Roles() {
		role := Role{Name: r.Name, ID: string(r.ID), Permissions: r.Permissions.Names()}
		if r.Delegation != nil {
			role.Delegation = &Delegation{AnyOf: r.Delegation.RequiredUserPermissions.Names()}
		}
		if q := r.Requires; q != nil {
			role.Requires = &Requires{ACR: q.Classes}
			if q.MaxAge > 0 {
				role.Requires.MaxAge = Duration(q.MaxAge)
			}
		}
		f.Roles = append(f.Roles, role)
	}
	organisations := organisationNames(s)
	for _, m := range s.IAMRoles() {
		row := Access{IAMRole: m.Name, ID: string(m.ID), System: roleNames(s, m.SystemRoles)}
		for _, org := range m.OrganisationIDs() {
			if row.Organisations == nil {
				row.Organisations = map[string][]string{}
			}
			row.Organisations[cmp.Or(organisations[org], string(org))] = roleNames(s, m.OrganisationRoles[org])
		}
		for org, end := range m.Ends {
			at := end.At.UTC().Format(time.RFC3339)
			if org == access.System {
				row.SystemEnd = at
				continue
			}
			if row.Ends == nil {
				row.Ends = map[string]string{}
			}
			row.Ends[cmp.Or(organisations[org], string(org))] = at
		}
		f.Access = append(f.Access, row)
	}
	for _, org := range s.FourEyesOrganisations() {
		f.FourEyes = append(f.FourEyes, cmp.Or(organisations[org], string(org)))
	}
	slices.Sort(f.FourEyes)
	slices.SortFunc(f.Roles, func(a, b Role) int { return strings.Compare(a.Name, b.Name) })
	slices.SortFunc(f.Access, func(a, b Access) int { return strings.Compare(a.IAMRole, b.IAMRole) })
	if _, err := io.WriteString(w, "# Portico's roles and access. Apply it with: portico import (docs/policy.md)\n"); err != nil {
		return err
	}
	e := yaml.NewEncoder(w)
	e.SetIndent(2)
	if err := e.Encode(f); err != nil {
		return err
	}
	return e.Close()
}

// Duration writes 15m rather than 15m0s.
func Duration(d time.Duration) string {
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}

// organisationNames are the names that tell an organisation from all others, and are not another one's id.
func organisationNames(s *access.Snapshot) map[access.OrganisationID]string {
	count := map[string]int{}
	for _, o := range s.Organisations() {
		count[o.Name]++
		count[string(o.ID)]++
	}
	names := map[access.OrganisationID]string{}
	for _, o := range s.Organisations() {
		if count[o.Name] == 1 {
			names[o.ID] = o.Name
		}
	}
	return names
}

func roleNames(s *access.Snapshot, ids []access.RoleID) []string {
	var names []string
	for _, id := range ids {
		if r := s.Role(id); r != nil {
			names = append(names, r.Name)
		}
	}
	return names
}

// UnmarshalYAML refuses what is there and says nothing: a delegation that lost its lines would no longer restrict the role.
func (r *Role) UnmarshalYAML(node *yaml.Node) error {
	type plain Role
	return decodeSaid(node, (*plain)(r))
}

// UnmarshalYAML refuses the same: access that lost the line of its end would go on.
func (a *Access) UnmarshalYAML(node *yaml.Node) error {
	type plain Access
	return decodeSaid(node, (*plain)(a))
}

func decodeSaid(node *yaml.Node, into any) error {
	for i := 1; i < len(node.Content); i += 2 {
		if key, value := node.Content[i-1], node.Content[i]; value.Tag == "!!null" {
			return fmt.Errorf("line %d: %s: expected a value; leave the key out, or write [] or {} for none", value.Line, key.Value)
		}
	}
	return decodeStrictly(node, into)
}

// decodeStrictly decodes a node as a decoder with known fields does, which Node.Decode does not.
func decodeStrictly(node *yaml.Node, into any) error {
	text, err := yaml.Marshal(node)
	if err != nil {
		return err
	}
	d := yaml.NewDecoder(bytes.NewReader(text))
	d.KnownFields(true)
	if err := d.Decode(into); err != nil {
		return fmt.Errorf("line %d: %w", node.Line, err)
	}
	return nil
}

// Parse reads a file. What is wrong is told with its line.
func Parse(text []byte) (*File, error) {
	f, err := parse(text)
	if err == nil && (f.Roles == nil || f.Access == nil) {
		// A file is the whole policy: what it lacks is deleted. So one that lost half of itself must not pass.
		return nil, errors.New("expected both roles and access; write [] for none")
	}
	return f, err
}

func parse(text []byte) (*File, error) {
	if len(text) > MaxSize {
		return nil, fmt.Errorf("expected at most %d bytes", MaxSize)
	}
	d := yaml.NewDecoder(bytes.NewReader(text))
	d.KnownFields(true)
	var f File
	switch err := d.Decode(&f); {
	case errors.Is(err, io.EOF):
		return nil, errors.New("the file is empty: expected version, roles and access, as portico export writes them")
	case err != nil:
		return nil, err
	}
	if err := d.Decode(&struct{}{}); !errors.Is(err, io.EOF) {
		return nil, errors.New("expected one document, got more")
	}
	if f.Version != version {
		return nil, fmt.Errorf("version: expected %d, got %d", version, f.Version)
	}
	return &f, nil
}
