package doctor

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/portico-iam/portico/internal/config"
)

// TestAReportForPeopleHasEveryPart in its order, and nothing for what is not known.
func TestAReportForPeopleHasEveryPart(t *testing.T) {
	r := &Report{
		Findings: []Finding{
			{Row: 7, What: "W.", Seen: "S", Near: "N", Setting: "X", Console: "C", Call: "PUT", covers: []string{"A.", "B."}, Fix: fixApply, How: []string{"change: G", "add: M"}},
			{What: "V.", Seen: "T", Setting: "Y", How: []string{"by hand: Z"}},
		},
		Notes: []string{"N1."},
	}
	const want = `1. W. [row 7]
   seen:     S
   nearly:   N
   set:      X
   console:  C
   call:     PUT
   explains: A. B.
   fix:      --fix mends this, by portico okta apply:
             - change: G
             - add: M

2. V.
   seen:     T
   set:      Y
   fix:      by hand: Z

Note: N1.
`
	var b strings.Builder
	if r.Print(&b); b.String() != want {
		t.Errorf("got\n%s\nexpected\n%s", b.String(), want)
	}
}

// TestAReportForProgramsHasAListAlways.
func TestAReportForProgramsHasAListAlways(t *testing.T) {
	var b strings.Builder
	if err := (&Evidence{}).Report().JSON(&b); err != nil {
		t.Fatal(err)
	}
	var got map[string]any
	if err := json.Unmarshal([]byte(b.String()), &got); err != nil || got["findings"] == nil {
		t.Errorf("%v %s", err, b.String())
	}
}

// TestMendingAConfiguration changes the key, leaves the rest and the file's mode, and asks for okta apply where that owns it.
func TestMendingAConfiguration(t *testing.T) {
	path := filepath.Join(t.TempDir(), "portico.yaml")
	if err := os.WriteFile(path, []byte("# ours\nsts:\n  iam:\n    rolePath: groups # was\n"), 0o640); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, 0o640); err != nil {
		t.Fatal(err)
	}
	r := &Report{
		Findings: []Finding{
			{settings: []config.Setting{{Key: "sts.iam.rolePath", Value: "teams"}}, Fix: fixConfig},
			{settings: []config.Setting{{Key: "sts.iam.rolePath", Value: "later"}}, Fix: fixConfig},
		},
		file: (&Evidence{ConfigPath: path}).configFile(),
	}
	m := r.Mend()
	if m.Nothing() || !slices.Equal(m.Lines, []string{"sts.iam.rolePath: groups -> teams"}) {
		t.Fatalf("%+v", m)
	}
	if err := m.EditConfig(); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if err != nil || !strings.Contains(string(text), "rolePath: teams") || !strings.Contains(string(text), "# ours") {
		t.Errorf("%v %s", err, text)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o640 {
		t.Errorf("%v %v", err, info.Mode())
	}
	if files, _ := os.ReadDir(filepath.Dir(path)); len(files) != 1 {
		t.Errorf("left behind are %v", files)
	}
	if err := m.EditConfig(); err == nil {
		t.Error("a file that has changed since it was read is overwritten")
	}
	if !(&Report{Findings: []Finding{{}}}).Mend().Nothing() {
		t.Error("there is something to do for a finding that nobody can mend")
	}
}

// TestAnIssuerIsNeverSetByAGuess: only what nearly was configured may take its place.
func TestAnIssuerIsNeverSetByAGuess(t *testing.T) {
	cfg := config.Default()
	cfg.IAM.Issuer = "https://o.test/oauth2/aus1"
	e := &Evidence{Config: &cfg, Client: Client{Issuer: cfg.IAM.Issuer}, Probes: &Probes{
		Main: Discovery{Status: 404}, Organisation: true, Variants: []Discovery{{Status: 200, Issuer: "https://o.test/oauth2/default"}},
	}}
	var f findings
	checkDiscovery(e, &f)
	if len(f) != 1 || f[0].settings != nil && f[0].Near == guessed {
		t.Errorf("%+v", f)
	}
}

// TestAnAudienceIsNeverSetByATokensWord: somebody else's token would open the door for its like.
func TestAnAudienceIsNeverSetByATokensWord(t *testing.T) {
	cfg := config.Default()
	cfg.STS.IAM.TokenValidation.Aud = "api://ours"
	e := &Evidence{Config: &cfg, Token: &Token{Kind: AccessToken, Claims: map[string]any{"aud": "api://theirs"}}}
	var f findings
	e.checkAudience(&f)
	if len(f) != 1 || f[0].Fix != "" {
		t.Errorf("%+v", f)
	}
}
