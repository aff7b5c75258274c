package e2e

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/portico-iam/portico/internal/testdb"
)

// TestKilledAtAnyMoment: whatever was answered before the kill is there after it.
func TestKilledAtAnyMoment(t *testing.T) {
	for _, engine := range testdb.Engines {
		t.Run(engine, func(t *testing.T) {
			s := prepared(t, testdb.Config(t, engine), "")
			ada := browserAt(t, s.publicURL)
			var made []string
			for round := range 4 {
				s.running = s.start(t)
				if round == 0 {
					ada.signIn("/", "ada@acme.test")
				}
				mustHaveRoles(t, ada, made)
				killed := make(chan error, 1)
				for n := 0; ; n++ {
					if n == 3+7*round { // the next answers come while it is being killed
						go func() { killed <- s.cmd.Process.Kill() }()
					}
					id, err := createRole(ada, fmt.Sprintf("role %d %d", round, n))
					if err != nil {
						break
					}
					made = append(made, id)
				}
				if err := <-killed; err != nil {
					t.Fatal(err)
				}
				<-s.exited
			}
			t.Logf("%d changes survived", len(made))
			s.running = s.start(t)
			mustHaveRoles(t, ada, made)
			s.interrupt(t)
		})
	}
}

// createRole makes a role by the API. Any answer but 201 is an error, and so is none.
func createRole(b *browser, name string) (id string, err error) {
	req := b.request("POST", "/api/sts/role/v1", strings.NewReader(fmt.Sprintf(`{"name":%q,"permissions":["KEY_LIST"]}`, name)))
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Sec-Fetch-Site", "same-origin")
	resp, err := b.client.Do(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, 1<<16))
	if err != nil {
		return "", err
	}
	var c created
	if err := json.Unmarshal(body, &c); err != nil || resp.StatusCode != http.StatusCreated {
		return "", &unexpected{resp.StatusCode, string(body)}
	}
	return c.ID, nil
}

// unexpected is an answer other than the one that was asked for.
type unexpected struct {
	status int
	body   string
}

func (u *unexpected) Error() string { return fmt.Sprintf("%d %s", u.status, u.body) }

func mustHaveRoles(t *testing.T, b *browser, ids []string) {
	t.Helper()
	for _, id := range ids {
		mustStatus(t, b.call("GET", "/api/sts/role/v1/"+id, nil, nil), http.StatusOK)
	}
}
