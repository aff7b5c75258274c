package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/user"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/portico-iam/portico/internal/access"
	"github.com/portico-iam/portico/internal/app"
	"github.com/portico-iam/portico/internal/config"
	"github.com/portico-iam/portico/internal/fault"
	"github.com/portico-iam/portico/internal/sts"
)

type keysCommand struct {
	List      keysListCommand      `cmd:"" help:"List the signing keys, what happens to them next, and who knows them."`
	Rotate    keysRotateCommand    `cmd:"" help:"Let the next key sign now."`
	Cut       keysCutCommand       `cmd:"" help:"In an emergency: delete a key at once; the next one signs."`
	Rehearse  keysRehearseCommand  `cmd:"" help:"List which verifier has not yet fetched the next key."`
	Reencrypt keysReencryptCommand `cmd:"" help:"Seal everything by a new key-encryption key."`
}

// keysFlags are common to all. The commands work on the store, beside a Portico that runs or does not.
type keysFlags struct {
	Config string `required:"" type:"path" placeholder:"FILE" help:"Portico's configuration."`
	JSON   bool   `name:"json" help:"Report as JSON."`
}

func (f *keysFlags) open(env environment, newKeyFile string) (*app.Keyring, error) {
	cfg, err := config.LoadFile(f.Config, env.environ)
	if err != nil {
		return nil, err
	}
	return app.OpenKeyring(env.ctx, cfg, newKeyFile, time.Now, newLogger(env.stderr, config.Observability{LogLevel: "warn"}))
}

// with runs do on the keys, and then reports how they are.
func (f *keysFlags) with(env environment, do func(*app.Keyring) error) error {
	keyring, err := f.open(env, "")
	if err != nil {
		return err
	}
	defer keyring.Close()
	if err := do(keyring); err != nil {
		return err
	}
	report, err := keyring.Report(env.ctx)
	if err != nil {
		return err
	}
	return f.print(env.stdout, report)
}

func (f *keysFlags) print(w io.Writer, report sts.Report) error {
	if f.JSON {
		return printJSON(w, report)
	}
	printKeys(w, report)
	fmt.Fprintln(w)
	printVerifiers(w, report)
	return nil
}

type keysListCommand struct{ keysFlags }

func (c *keysListCommand) Run(env environment) error {
	return c.with(env, func(*app.Keyring) error { return nil })
}

type keysRotateCommand struct {
	keysFlags
	Force bool `help:"Also when some verifier may not know the next key yet."`
}

func (c *keysRotateCommand) Run(env environment) error {
	return c.with(env, func(k *app.Keyring) error {
		report, err := k.Report(env.ctx)
		if err != nil {
			return err
		}
		next, _ := report.Key(sts.KeyNext)
		if c.Force && report.Now.Before(next.ReadyAt) {
			fmt.Fprintf(env.stderr, "Warning: the next key is published since %s only. A verifier that has not fetched it refuses every token until it does.\n", stamp(next.PublishedAt))
			warnOf(env.stderr, report.Behind(next.KID))
		}
		err = k.Rotate(env.ctx, operator(), next.KID, c.Force)
		return plainly(err, "; --force lets it sign all the same")
	})
}

type keysCutCommand struct {
	keysFlags
	KID string `name:"kid" placeholder:"KID" help:"The key (default: the active one)."`
	consent
}

func (c *keysCutCommand) Run(env environment) error {
	return c.with(env, func(k *app.Keyring) error {
		report, err := k.Report(env.ctx)
		if err != nil {
			return err
		}
		active, _ := report.Key(sts.KeyActive)
		if c.KID == "" {
			c.KID = active.KID
		}
		if !slices.ContainsFunc(report.Keys, func(key sts.KeyReport) bool { return key.KID == c.KID }) {
			return fmt.Errorf("there is no such signing key: %s (portico keys list has them)", c.KID)
		}
		fmt.Fprintf(env.stderr, "This deletes key %s; it is published no more.\nTokens that it signed, forged ones too, are refused by each verifier as soon as it fetches the keys anew: after its own cache time, %s at the most. Restarting a verifier has it fetch at once: wait with that until this command is done.\n", c.KID, report.Overlap)
		if next, _ := report.Key(sts.KeyNext); c.KID == active.KID {
			fmt.Fprintf(env.stderr, "Key %s signs from then on.\n", next.KID)
			warnOf(env.stderr, report.Behind(next.KID))
		}
		if err := c.given(env, "This can't be undone."); err != nil {
			return err
		}
		if err := k.Cut(env.ctx, operator(), c.KID); err != nil {
			return plainly(err, "")
		}
		return c.published(env, k)
	})
}

// published tells when verifiers may be restarted: one that does so before would fetch the key once more, and keep it.
func (c *keysCutCommand) published(env environment, k *app.Keyring) error {
	still, err := k.Unpublished(env.ctx, c.KID)
	switch {
	case err != nil:
		fmt.Fprintf(env.stderr, "Warning: it could not be checked whether the key is still published: %v.\nLook for it at %s before you restart a verifier.\n", err, k.PublicJWKS)
	case still:
		return fmt.Errorf("the key is deleted, but %s still has it: a replica does not reach the store, or a cache keeps the answer; restart no verifier before it is gone there", k.PublicJWKS)
	default:
		fmt.Fprintln(env.stderr, "It is published no more. Restart the verifiers now; where an HTTP cache is on the way, in 5 minutes.")
	}
	return nil
}

type keysRehearseCommand struct{ keysFlags }

func (c *keysRehearseCommand) Run(env environment) error {
	keyring, err := c.open(env, "")
	if err != nil {
		return err
	}
	defer keyring.Close()
	report, err := keyring.Report(env.ctx)
	if err != nil {
		return err
	}
	next, found := report.Key(sts.KeyNext)
	if !found {
		return fmt.Errorf("there is no next key at the moment: portico serve makes one within a second")
	}
	behind := report.Behind(next.KID)
	if c.JSON {
		err = printJSON(env.stdout, rehearsal{next.KID, next.PublishedAt, next.ReadyAt, next.ActivatesAt, append([]sts.VerifierReport{}, behind...)})
	} else {
		fmt.Fprintf(env.stdout, "The next key %s\nis published since %s, every verifier has had the time to learn it from %s on, and it signs from %s on.\n\n",
			next.KID, stamp(next.PublishedAt), stamp(next.ReadyAt), stamp(next.ActivatesAt))
		printVerifiers(env.stdout, report)
	}
	if err == nil && len(behind) > 0 {
		err = fmt.Errorf("%d of %d verifiers are not known to have fetched the next key", len(behind), len(report.Verifiers))
	}
	return err
}

// rehearsal is what --json prints.
type rehearsal struct {
	KID         string               `json:"kid"`
	PublishedAt time.Time            `json:"publishedDate"`
	ReadyAt     time.Time            `json:"readyDate"`
	ActivatesAt time.Time            `json:"activatesDate"`
	Behind      []sts.VerifierReport `json:"behind"`
}

type keysReencryptCommand struct {
	keysFlags
	NewKeyFile string `type:"existingfile" placeholder:"FILE" help:"The new key-encryption key (default: sts.token.keyEncryptionKeyFile, with the old one as previousKeyEncryptionKeyFile)."`
}

func (c *keysReencryptCommand) Run(env environment) error {
	keyring, err := c.open(env, c.NewKeyFile)
	if err != nil {
		return err
	}
	defer keyring.Close()
	done, err := keyring.Reencrypt(env.ctx, operator())
	if err != nil {
		return plainly(err, "")
	}
	if c.JSON {
		return printJSON(env.stdout, done)
	}
	fmt.Fprintf(env.stdout, "Sealed by key-encryption key %s: %d signing keys, %d history keys and %d sessions were under another one.\n", done.To, done.SigningKeys, done.HistoryKeys, done.Sessions)
	if done.Unreadable > 0 {
		fmt.Fprintf(env.stdout, "%d sessions open with no key at hand: those people sign in anew.\n", done.Unreadable)
	}
	if done.SigningKeys+done.HistoryKeys+done.Sessions > 0 {
		fmt.Fprintln(env.stdout, "Run it once more before you take the old key away: a Portico that runs may have sealed a session meanwhile.")
	}
	return nil
}

func printJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(v)
}

func printKeys(w io.Writer, report sts.Report) {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "KEY\tSTATE\tPUBLISHED\tSIGNS FROM\tSIGNS UNTIL\tPUBLISHED UNTIL\tLAST USED")
	for _, k := range report.Keys {
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", k.KID, k.State, stamp(k.PublishedAt), stamp(k.ActivatesAt), stamp(k.RetiresAt), stamp(k.GoneAt), stamp(k.UsedAt))
	}
	_ = t.Flush()
	fmt.Fprintf(w, "\nA key is published for %s before it signs. Sealed by key-encryption key %s.\n", report.Overlap, report.SealedBy)
}

func printVerifiers(w io.Writer, report sts.Report) {
	if len(report.Verifiers) == 0 {
		fmt.Fprintln(w, "Nobody has fetched the keys, and no verifier is declared (sts.token.verifiers).")
		return
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "VERIFIER\tADDRESS\tAGENT\tLAST FETCH\tNEWEST KEYS")
	for _, v := range report.Verifiers {
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\n", dash(v.Name), dash(v.Address), dash(v.Agent), stamp(v.FetchedAt), v.Knowledge)
	}
	_ = t.Flush()
}

func warnOf(w io.Writer, behind []sts.VerifierReport) {
	for _, v := range behind {
		fmt.Fprintf(w, "Warning: not known to have fetched the next key: %s\n", strings.TrimSpace(v.Name+" "+v.Address))
	}
}

func stamp(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.UTC().Format("2006-01-02 15:04Z")
}

func dash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

// operator names who runs the command, for the history.
func operator() string {
	name := "unknown"
	if u, err := user.Current(); err == nil {
		name = u.Username
	}
	return access.OperatorSubject + name
}

// plainly leaves the code away, which is for programs.
func plainly(err error, tooNew string) error {
	var f *fault.Fault
	switch {
	case !errors.As(err, &f):
		return err
	case f.Code == fault.KeyTooNew:
		return errors.New(f.Detail + tooNew)
	}
	return errors.New(f.Detail)
}
