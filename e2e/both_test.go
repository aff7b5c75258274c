package e2e

import (
	"testing"

	"github.com/portico-iam/portico/internal/config"
	"github.com/portico-iam/portico/internal/store"
	"github.com/portico-iam/portico/internal/testdb"
)

func TestMain(m *testing.M) { testdb.Main(m) }

// starter starts a development Portico on one of the engines.
type starter func(t *testing.T, configure func(*config.Config)) *portico

// onBoth runs a test with each engine: SQLite in a file of its own, and PostgreSQL in a database of its own.
func onBoth(t *testing.T, test func(t *testing.T, start starter)) {
	t.Helper()
	for _, engine := range testdb.Engines {
		t.Run(engine, func(t *testing.T) {
			test(t, func(t *testing.T, configure func(*config.Config)) *portico {
				t.Helper()
				return startOn(t, testdb.Config(t, engine), configure)
			})
		})
	}
}

// startOn runs a development Portico on a database.
func startOn(t *testing.T, database store.Config, configure func(*config.Config)) *portico {
	t.Helper()
	return start(t, func(c *config.Config) {
		c.Store.Driver, c.Store.DSN = database.Driver, config.Secret(database.DSN)
		if configure != nil {
			configure(c)
		}
	})
}
