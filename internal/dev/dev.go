// Package dev runs everything in one process for development: a development Okta, and a Portico that is connected to
// it as the guide says. It listens on loopback only. portico serve can't reach it.
package dev

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/gofrs/flock"

	"github.com/portico-iam/portico/internal/app"
	"github.com/portico-iam/portico/internal/config"
	"github.com/portico-iam/portico/internal/devokta"
	"github.com/portico-iam/portico/internal/seal"
)

// Options are the flags of portico dev.
type Options struct {
	Listen     string // loopback host:port of Portico
	OktaListen string // loopback host:port of the development Okta
	DataDir    string // everything is kept below it; made if missing
	Profile    string // the kind of Okta organisation, one of devokta.Profiles; "" is the first, or what the folder has
	Logger     *slog.Logger
	Now        func() time.Time
	// Configure changes the configuration before the start; nil leaves it as it is. Tests use it.
	Configure func(*config.Config)
}

// Dev is a development Portico that is ready to run.
type Dev struct {
	Info Info
	Okta *devokta.Server
	App  *app.App // nil beside an organisation that nobody prepared for Portico

	okta         *http.Server
	oktaListener net.Listener
	release      func() error // of the data folder
}

// Start opens both addresses and prepares everything. On an error nothing is left open.
func Start(ctx context.Context, o Options) (_ *Dev, err error) {
	release, err := OpenDataDir(o.DataDir)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, release())
		}
	}()
	listener, err := ListenLoopback("--listen", o.Listen)
	if err != nil {
		return nil, err
	}
	oktaListener, err := ListenLoopback("--okta-listen", o.OktaListen)
	if err != nil {
		return nil, errors.Join(err, listener.Close())
	}
	publicURL := "http://" + listener.Addr().String()
	okta, err := devokta.New(devokta.Config{
		PublicURL:       "http://" + net.JoinHostPort("localhost", port(oktaListener)),
		StateFile:       filepath.Join(o.DataDir, "okta.json"),
		Profile:         o.Profile,
		WebRedirectURIs: []string{publicURL + "/.apisix/redirect"}, WebLogoutURIs: []string{publicURL + "/"},
		Now: o.Now, Logger: o.Logger,
	})
	if err != nil {
		return nil, errors.Join(err, listener.Close(), oktaListener.Close())
	}
	d := &Dev{Okta: okta, release: release, oktaListener: oktaListener, okta: &http.Server{Handler: okta.Handler(), ReadHeaderTimeout: 10 * time.Second}}
	if err := d.startApp(ctx, o, publicURL, listener); err != nil {
		return nil, errors.Join(err, oktaListener.Close(), okta.Close())
	}
	d.Info = infoOf(publicURL, o.DataDir, okta.World())
	if err := d.Info.write(o.DataDir, okta.World().SetupApp.PrivateKeyPEM); err != nil {
		return nil, errors.Join(err, d.closeApp(), oktaListener.Close(), okta.Close())
	}
	return d, nil
}

// startApp starts Portico, unless Okta knows no application for it yet: then its address is left for portico serve.
func (d *Dev) startApp(ctx context.Context, o Options, publicURL string, listener net.Listener) error {
	world := d.Okta.World()
	if world.WebClient.ID == "" {
		return errors.Join(listener.Close(), writeSetup(o.DataDir, publicURL, world))
	}
	cfg, err := configuration(o, publicURL, world)
	if err == nil && world.Profile == devokta.Unlicensed {
		err = writeSecond(o.DataDir, world)
	}
	if err != nil {
		return errors.Join(err, listener.Close())
	}
	d.App, err = app.New(ctx, cfg, app.Options{Listener: listener, Logger: o.Logger, Now: o.Now})
	return err
}

func (d *Dev) closeApp() error {
	if d.App == nil {
		return nil
	}
	return d.App.Close()
}

// Run serves until ctx ends, and leaves nothing running.
func (d *Dev) Run(ctx context.Context) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	served := make(chan error, 1)
	go func() {
		served <- d.okta.Serve(d.oktaListener)
		stop()
	}()
	var err error
	if d.App == nil {
		<-ctx.Done()
	} else {
		err = d.App.Run(ctx)
	}
	closeErr := d.okta.Close()
	if oktaErr := <-served; !errors.Is(oktaErr, http.ErrServerClosed) {
		err = errors.Join(err, oktaErr)
	}
	return errors.Join(err, closeErr, d.Okta.Close(), d.release())
}

// configuration is what the guide has an administrator write down, filled in.
func configuration(o Options, publicURL string, w devokta.World) (*config.Config, error) {
	keyFile := filepath.Join(o.DataDir, "key-encryption-key")
	if err := makeKeyFile(keyFile); err != nil {
		return nil, err
	}
	cfg := config.Default()
	cfg.Server.PublicURL, cfg.Observability.AccessLog = publicURL, false // the terminal is for who develops
	cfg.IAM.DiscoveryURL = w.DiscoveryURL
	cfg.IAM.ClientID, cfg.IAM.ClientSecret = w.WebClient.ID, config.Secret(w.WebClient.Secret)
	cfg.STS.IAM.TokenValidation.Aud = w.Audience
	if w.Profile == devokta.Unlicensed { // docs/providers.md, "Okta without API Access Management"
		cfg.IAM.TokenSource, cfg.STS.IAM.TokenValidation.Aud, cfg.STS.IAM.RolePath = config.SourceIDToken, "", "groups"
		cfg.IAM.Scopes = append(cfg.IAM.Scopes, "groups")
	}
	cfg.STS.Token.KeyEncryptionKeyFile = keyFile
	cfg.Store.DSN = config.Secret(filepath.Join(o.DataDir, "portico.db"))
	if o.Configure != nil {
		o.Configure(&cfg)
	}
	return &cfg, cfg.Check()
}

// OpenDataDir makes a data folder, sees that it can be written to, and holds it until release is called: two processes on
// one folder would undo each other's work. The hold ends with the process, however that ends.
func OpenDataDir(dir string) (release func() error, err error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("data folder %s can't be made: %w; give another one with --data", dir, pathCause(err))
	}
	probe, err := os.CreateTemp(dir, ".probe-*")
	if err != nil {
		return nil, fmt.Errorf("data folder %s can't be written to: %w; give another one with --data", dir, pathCause(err))
	}
	if err := errors.Join(probe.Close(), os.Remove(probe.Name())); err != nil {
		return nil, err
	}
	lock := flock.New(filepath.Join(dir, "lock"), flock.SetPermissions(0o600))
	held, err := lock.TryLock()
	switch {
	case err != nil:
		return nil, fmt.Errorf("data folder %s can't be held: %w", dir, pathCause(err))
	case !held:
		return nil, fmt.Errorf("data folder %s is in use by another portico: stop that one, or give another folder with --data", dir)
	}
	return lock.Close, nil
}

func pathCause(err error) error {
	var pathErr *os.PathError
	if errors.As(err, &pathErr) {
		return pathErr.Err
	}
	return err
}

// makeKeyFile makes the key-encryption key on the first start.
func makeKeyFile(path string) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, os.ErrExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("key-encryption key: %w", err)
	}
	_, err = f.WriteString(seal.RandomKey().Encode())
	return errors.Join(err, f.Sync(), f.Close())
}

// CheckAddress tells what is wrong with the form of an address to listen on. flag is where the user gave it.
func CheckAddress(flag, address string) error {
	_, number, err := net.SplitHostPort(address)
	if err != nil {
		return fmt.Errorf("%s: expected host:port, e.g. 127.0.0.1:8080, got %q", flag, address)
	}
	if _, err := strconv.ParseUint(number, 10, 16); err != nil {
		return fmt.Errorf("%s: expected a port from 0 to 65535, got %q", flag, number)
	}
	return nil
}

// CheckProfile tells whether there is a kind of Okta organisation of that name; "" is one.
func CheckProfile(flag, name string) error {
	if name != "" && !slices.Contains(devokta.Profiles(), name) {
		return fmt.Errorf("%s: expected one of %s, got %q", flag, strings.Join(devokta.Profiles(), ", "), name)
	}
	return nil
}

// ListenLoopback opens an address that only this machine reaches. flag is where the user gave it.
func ListenLoopback(flag, address string) (net.Listener, error) {
	if err := CheckAddress(flag, address); err != nil {
		return nil, err
	}
	host, _, _ := net.SplitHostPort(address)
	if ip := net.ParseIP(host); !strings.EqualFold(host, "localhost") && (ip == nil || !ip.IsLoopback()) {
		return nil, fmt.Errorf("%s: %s is not on loopback: this is for development, with public passwords, so it listens on this machine alone; use portico serve for others", flag, address)
	}
	listener, err := app.Listen(address)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", flag, err)
	}
	return listener, nil
}

func port(l net.Listener) string {
	_, p, _ := net.SplitHostPort(l.Addr().String())
	return p
}
