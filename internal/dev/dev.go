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
	"strings"
	"time"

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
	Logger     *slog.Logger
	Now        func() time.Time
	// Configure changes the configuration before the start; nil leaves it as it is. Tests use it.
	Configure func(*config.Config)
}

// Dev is a development Portico that is ready to run.
type Dev struct {
	Info Info
	Okta *devokta.Server
	App  *app.App

	okta         *http.Server
	oktaListener net.Listener
}

// Start opens both addresses and prepares everything. On an error nothing is left open.
func Start(ctx context.Context, o Options) (_ *Dev, err error) {
	if err := MakeDataDir(o.DataDir); err != nil {
		return nil, err
	}
	listener, err := ListenLoopback(o.Listen)
	if err != nil {
		return nil, err
	}
	oktaListener, err := ListenLoopback(o.OktaListen)
	if err != nil {
		return nil, errors.Join(err, listener.Close())
	}
	publicURL := "http://" + listener.Addr().String()
	okta, err := devokta.New(devokta.Config{
		PublicURL:       "http://" + net.JoinHostPort("localhost", port(oktaListener)),
		StateFile:       filepath.Join(o.DataDir, "okta.json"),
		WebRedirectURIs: []string{publicURL + "/.apisix/redirect"}, WebLogoutURIs: []string{publicURL + "/"},
		Now: o.Now, Logger: o.Logger,
	})
	if err != nil {
		return nil, errors.Join(err, listener.Close(), oktaListener.Close())
	}
	d := &Dev{Okta: okta, oktaListener: oktaListener, okta: &http.Server{Handler: okta.Handler(), ReadHeaderTimeout: 10 * time.Second}}
	cfg, err := configuration(o, publicURL, okta.World())
	if err == nil {
		d.App, err = app.New(ctx, cfg, app.Options{Listener: listener, Logger: o.Logger, Now: o.Now})
	} else {
		err = errors.Join(err, listener.Close())
	}
	if err != nil {
		return nil, errors.Join(err, oktaListener.Close(), okta.Close())
	}
	d.Info = infoOf(publicURL, okta.World())
	if err := d.Info.write(filepath.Join(o.DataDir, "dev.json")); err != nil {
		return nil, errors.Join(err, d.App.Close(), oktaListener.Close(), okta.Close())
	}
	return d, nil
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
	err := d.App.Run(ctx)
	closeErr := d.okta.Close()
	if oktaErr := <-served; !errors.Is(oktaErr, http.ErrServerClosed) {
		err = errors.Join(err, oktaErr)
	}
	return errors.Join(err, closeErr, d.Okta.Close())
}

// configuration is what the guide has an administrator write down, filled in.
func configuration(o Options, publicURL string, w devokta.World) (*config.Config, error) {
	keyFile := filepath.Join(o.DataDir, "key-encryption-key")
	if err := makeKeyFile(keyFile); err != nil {
		return nil, err
	}
	cfg := config.Default()
	cfg.Server.PublicURL = publicURL
	cfg.IAM.DiscoveryURL = w.DiscoveryURL
	cfg.IAM.ClientID, cfg.IAM.ClientSecret = w.WebClient.ID, config.Secret(w.WebClient.Secret)
	cfg.STS.IAM.TokenValidation.Aud = w.Audience
	cfg.STS.Token.KeyEncryptionKeyFile = keyFile
	cfg.Store.DSN = config.Secret(filepath.Join(o.DataDir, "portico.db"))
	if o.Configure != nil {
		o.Configure(&cfg)
	}
	return &cfg, cfg.Check()
}

// MakeDataDir makes a data folder, and sees that it can be written to.
func MakeDataDir(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("data folder %s can't be made: %w; give another one with --data", dir, pathCause(err))
	}
	probe, err := os.CreateTemp(dir, ".probe-*")
	if err != nil {
		return fmt.Errorf("data folder %s can't be written to: %w; give another one with --data", dir, pathCause(err))
	}
	return errors.Join(probe.Close(), os.Remove(probe.Name()))
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

// ListenLoopback opens an address that only this machine reaches.
func ListenLoopback(address string) (net.Listener, error) {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, fmt.Errorf("expected host:port, e.g. 127.0.0.1:8080, got %q", address)
	}
	if ip := net.ParseIP(host); !strings.EqualFold(host, "localhost") && (ip == nil || !ip.IsLoopback()) {
		return nil, fmt.Errorf("%s is not on loopback: portico dev has public passwords, so it listens on this machine alone; use portico serve for others", address)
	}
	return app.Listen(address)
}

func port(l net.Listener) string {
	_, p, _ := net.SplitHostPort(l.Addr().String())
	return p
}
