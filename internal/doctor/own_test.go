package doctor

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// own is a sentence of Portico's, the file that has it, and what it is known as.
type own struct{ file, text, want string }

var ownTexts = []own{
	{"iam/idtoken.go", "neither the ID token nor userinfo has a claim at", "told-no-roles"},
	{"iam/idtoken.go", "the refreshed answer has no ID token, which held the roles", "told-no-roles"},
	{"desk/overview.go", "Your sign-in carries no groups", "told-no-roles"},
	{"desk/overview.go", "None of the groups of your sign-in is mapped to a role yet", "told-unmapped"},
	{"desk/overview.go", "Your groups are mapped, but to nothing that counts at the moment", "told-unmapped"},
	{"desk/kept.go", "You are no longer signed in", "told-refresh-missing"},
	{"desk/desk.go", "The gateway in front of Portico sent no usable sign-in", "told-not-passed"},
	{"desk/desk.go", "This came from another site", "told-cookie"},
	{"login/refusal.go", "You may not sign in here", "told-denied"},
	{"login/refusal.go", "The sign-in is not available", "told-unavailable"},
	{"login/refusal.go", "The sign-in was refused", "told-refused"},
	{"login/refusal.go", "You signed in, but the sign-in can't be used here", "told-unusable"},
	{"login/refusal.go", "The sign-in could not be completed", "told-incomplete"},
	{"login/refusal.go", "This application is not ready for your sign-in", "told-policy"},
	{"login/login.go", "The sign-in page can't be reached", "told-incomplete"},
	{"login/login.go", "You are signed in, but your browser forgets it", "told-cookie"},
	{"login/login.go", "This sign-in was begun in another browser", "told-cookie"},
	{"login/login.go", "This sign-in is not known here", "told-cookie"},
	{"login/login.go", "This sign-in was used already", "told-cookie"},
	{"login/login.go", "This address is not complete", "told-cookie"},
	{"login/login.go", "This answer came from another identity provider", "told-issuer"},
	{"login/login.go", "The sign-in can't be stored at the moment", "told-store"},
	{"login/logout.go", "You are still signed in", "told-logout"},
	{"fault/codes.go", "The sign-in goes round in circles", "told-cookie"},
	{"iam/parse.go", "expected a JWT in three parts", "told-opaque"},
	{"iam/parse.go", "it names no key (kid)", "told-signature"},
	{"iam/verify.go", "the issuer publishes no key", "told-signature"},
	{"iam/verify.go", "its signature does not verify", "told-signature"},
	{"iam/verify.go", "expected an ID token for the client", "told-audience"},
	{"iam/verify.go", "the nonce of the ID token is not that of this sign-in", "told-cookie"},
	{"iam/provider.go", "expected the provider's metadata as JSON", "told-not-found"},
	{"iam/client.go", "the identity provider can't be reached", "told-incomplete"},
	{"claim/path.go", "which is no role", "told-string"},
	{"claim/path.go", "is one string, not an array", "told-string"},
}

// TestOurOwnSentencesAreKnown, as they stand: who rewords one is told here.
func TestOurOwnSentencesAreKnown(t *testing.T) {
	for _, c := range ownTexts {
		if source, err := os.ReadFile("../" + c.file); err != nil || !strings.Contains(string(source), c.text) {
			t.Errorf("%s does not say %q any more: %v", c.file, c.text, err)
		}
		if told := readText(c.text + "."); !told.says(c.want) || len(told.symptoms) != 1 {
			t.Errorf("%q is known as %+v, expected %s", c.text, told.symptoms, c.want)
		}
	}
}

// TestEveryPageOfASignInIsKnown: no title is forgotten.
func TestEveryPageOfASignInIsKnown(t *testing.T) {
	var titles [][]string
	for _, file := range []string{"login.go", "refusal.go", "stepup.go"} {
		source, err := os.ReadFile("../login/" + file)
		if err != nil {
			t.Fatal(err)
		}
		titles = append(titles, regexp.MustCompile(`(?:Status(?:Forbidden)?, |Title: |fault\.\w+, )"([A-Z][^"]+)"`).FindAllStringSubmatch(string(source), -1)...)
	}
	if len(titles) < 10 {
		t.Fatal(titles)
	}
	for _, title := range titles {
		if len(readText(title[1]).symptoms) == 0 {
			t.Errorf("nobody knows %q", title[1])
		}
	}
}

// TestAPageSaysNothingBesideItsReason: History has both.
func TestAPageSaysNothingBesideItsReason(t *testing.T) {
	told := readText("The sign-in was refused. reason: the identity provider's token was refused: expected the audience api://a, got api://b")
	if len(told.symptoms) != 1 || told.symptoms[0].id != "told-audience" {
		t.Errorf("got %+v", told.symptoms)
	}
}
