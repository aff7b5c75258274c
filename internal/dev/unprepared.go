package dev

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/portico-iam/portico/internal/devokta"
	"github.com/portico-iam/portico/internal/file"
	"github.com/portico-iam/portico/internal/okta"
)

// setupFile is the okta.yaml for an organisation that nobody prepared for Portico. Its files are beside it, in the data folder.
const setupFile = `# For portico okta plan, apply, verify and undo. Every key: docs/okta.md
okta:
  url: %q
  apiTokenFile: okta-token
publicUrl: %q
authorizationServer:
  id: %s
application:
  label: %q
  groups: [Everyone]
bootstrap:
  people: [ada@acme.test]
`

const (
	setupName = "okta.yaml"
	tokenName = "okta-token"

	// A second Portico is for trying okta apply on an organisation that is set up already.
	secondURL    = "http://127.0.0.1:8090"
	secondFolder = "second"
)

// writeSetup leaves what okta apply needs in the data folder.
func writeSetup(dataDir, publicURL string, w devokta.World) error {
	cfg := filepath.Join(dataDir, "portico.yaml")
	if _, err := os.Stat(cfg); errors.Is(err, fs.ErrNotExist) { // okta apply adds its values to it
		if err := file.Replace(cfg, fmt.Appendf(nil, "store:\n  dsn: %q\n", filepath.Join(dataDir, "portico.db")), file.Private); err != nil {
			return err
		}
	}
	return writeSetupOf(dataDir, w, publicURL, "default", "Procivis One")
}

// writeSecond is for an organisation without API Access Management, where nothing else shows the variant of okta apply.
func writeSecond(dataDir string, w devokta.World) error {
	folder := filepath.Join(dataDir, secondFolder)
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return err
	}
	return writeSetupOf(folder, w, secondURL, okta.OrgServer, "Procivis One, second")
}

func writeSetupOf(dataDir string, w devokta.World, publicURL, server, label string) error {
	if err := file.Replace(filepath.Join(dataDir, tokenName), []byte(w.APIToken+"\n"), file.Private); err != nil {
		return err
	}
	return file.Replace(filepath.Join(dataDir, setupName), fmt.Appendf(nil, setupFile, w.OrgURL, publicURL, server, label), file.Private)
}

// printSecond tells how to try okta apply, and how the step is done here that Okta leaves to a person in its console.
func (i Info) printSecond(w io.Writer, dataDir string) {
	at := func(name string) string { return filepath.Join(dataDir, secondFolder, name) }
	fmt.Fprintf(w, "\nTo set up a second Portico by okta apply, with the API token in %s, in another terminal:\n\n", at(tokenName))
	fmt.Fprintf(w, "  portico okta apply --file %s\n", at(setupName))
	fmt.Fprintf(w, "  curl -H \"Authorization: SSWS $(cat %s)\" -H 'Content-Type: application/json' \\\n", at(tokenName))
	fmt.Fprintf(w, "    %s/api/v1/internal/apps/CLIENT_ID/settings/oauth/idToken \\\n", i.OktaURL)
	fmt.Fprintf(w, "    -d '{\"valueType\":\"GROUPS\",\"groupFilterType\":\"REGEX\",\"name\":\"groups\",\"value\":\".*\"}'\n")
	fmt.Fprintf(w, "  portico serve --config %s\n\n", at("portico.yaml"))
	fmt.Fprintf(w, "curl stands for the click in Okta's console that apply asks for; CLIENT_ID is what apply printed. Then open %s.\n", secondURL)
}

// printUnprepared tells how to prepare the organisation.
func (i Info) printUnprepared(w io.Writer, dataDir string) {
	fmt.Fprintf(w, "An Okta organisation that knows nothing of Portico is ready.\n\n  Okta (dev)     %s\n  API token      in %s\n  Data           %s\n\n", i.OktaURL, filepath.Join(dataDir, tokenName), dataDir)
	setup, cfg := filepath.Join(dataDir, setupName), filepath.Join(dataDir, "portico.yaml")
	fmt.Fprintf(w, "Set it up, as the guide says, and start Portico, in another terminal:\n\n")
	fmt.Fprintf(w, "  portico okta plan --file %[1]s\n  portico okta apply --file %[1]s\n  portico serve --config %[2]s\n\nThen open %[3]s.\n\n", setup, cfg, i.PublicURL)
	i.printUsers(w)
	fmt.Fprintf(w, "\nStop with Ctrl-C.\n")
}
