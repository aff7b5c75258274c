package main

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/portico-iam/portico/internal/app"
	"github.com/portico-iam/portico/internal/config"
)

type healthCommand struct {
	Config string `type:"path" placeholder:"FILE" xor:"where" required:"" help:"Ask the Portico with this configuration, at server.adminListen."`
	URL    string `name:"url" placeholder:"URL" xor:"where" required:"" help:"Ask at this address, such as http://127.0.0.1:9090."`
	Live   bool   `help:"Whether it runs at all, rather than whether it is ready for requests."`
	JSON   bool   `name:"json" help:"Report as JSON."`
}

func (c *healthCommand) Run(env environment) error {
	base := c.URL
	if c.Config != "" {
		cfg, err := config.LoadFile(c.Config, env.environ)
		if err == nil {
			base, err = app.AdminURL(cfg)
		}
		if err != nil {
			return err
		}
	}
	path, state := app.ReadyPath, "ready"
	if c.Live {
		path, state = app.LivePath, "live"
	}
	err := app.AskHealth(env.ctx, base, path)
	if c.JSON {
		report := struct {
			OK     bool   `json:"ok"`
			Asked  string `json:"asked"`
			Reason string `json:"reason,omitempty"`
		}{err == nil, state, ""}
		if err != nil {
			report.Reason = err.Error()
		}
		return errors.Join(json.NewEncoder(env.stdout).Encode(report), err)
	}
	if err == nil {
		fmt.Fprintln(env.stdout, state)
	}
	return err
}

type backupCommand struct {
	Config string `required:"" type:"path" placeholder:"FILE" help:"Portico's configuration."`
	Output string `required:"" type:"path" placeholder:"FILE" help:"The new file."`
	JSON   bool   `name:"json" help:"Report as JSON."`
}

func (c *backupCommand) Run(env environment) error {
	cfg, err := config.LoadFile(c.Config, env.environ)
	if err != nil {
		return err
	}
	size, err := app.Backup(env.ctx, cfg, c.Output)
	if err != nil {
		return err
	}
	if c.JSON {
		return json.NewEncoder(env.stdout).Encode(struct {
			Output string `json:"output"`
			Bytes  int64  `json:"bytes"`
		}{c.Output, size})
	}
	fmt.Fprintf(env.stdout, "%s: %d bytes, checked. It opens with the key-encryption key only: keep that elsewhere.\n", c.Output, size)
	return nil
}
