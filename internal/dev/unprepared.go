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
)

// setupFile is the okta.yaml for an organisation that nobody prepared for Portico. It keeps everything in the data folder.
const setupFile = `# For portico okta plan, apply, verify and undo. Every key: docs/okta.md
okta:
  url: %[1]q
  apiTokenFile: %[2]q
publicUrl: %[3]q
authorizationServer:
  id: default
application:
  groups: [Everyone]
bootstrap:
  people: [ada@acme.test]
output:
  config: %[4]q
  clientSecretFile: %[5]q
  keyEncryptionKeyFile: %[6]q
`

// writeSetup leaves what okta apply needs in the data folder.
func writeSetup(dataDir, publicURL string, w devokta.World) error {
	at := func(name string) string { return filepath.Join(dataDir, name) }
	if err := file.Replace(at("okta-token"), []byte(w.APIToken+"\n"), file.Private); err != nil {
		return err
	}
	if _, err := os.Stat(at("portico.yaml")); errors.Is(err, fs.ErrNotExist) { // okta apply adds its values to it
		if err := file.Replace(at("portico.yaml"), fmt.Appendf(nil, "store:\n  dsn: %q\n", at("portico.db")), file.Private); err != nil {
			return err
		}
	}
	text := fmt.Sprintf(setupFile, w.OrgURL, at("okta-token"), publicURL, at("portico.yaml"), at("client-secret"), at("key-encryption-key"))
	return file.Replace(at("okta.yaml"), []byte(text), file.Private)
}

// printUnprepared tells how to prepare the organisation.
func (i Info) printUnprepared(w io.Writer, dataDir string) {
	fmt.Fprintf(w, "An Okta organisation that knows nothing of Portico is ready.\n\n  Okta (dev)     %s\n  API token      in %s\n  Data           %s\n\n", i.OktaURL, filepath.Join(dataDir, "okta-token"), dataDir)
	setup, cfg := filepath.Join(dataDir, "okta.yaml"), filepath.Join(dataDir, "portico.yaml")
	fmt.Fprintf(w, "Set it up, as the guide says, and start Portico, in another terminal:\n\n")
	fmt.Fprintf(w, "  portico okta plan --file %[1]s\n  portico okta apply --file %[1]s\n  portico serve --config %[2]s\n\nThen open %[3]s.\n\n", setup, cfg, i.PublicURL)
	i.printUsers(w)
	fmt.Fprintf(w, "\nStop with Ctrl-C.\n")
}
