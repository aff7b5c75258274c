package check

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/compose-spec/compose-go/v2/loader"
	"github.com/compose-spec/compose-go/v2/types"
	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
)

// TestDockerfile: BuildKit reads it; what it makes is an empty root with one program, run by a number.
func TestDockerfile(t *testing.T) {
	f, err := os.Open("../docker/Dockerfile")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	parsed, err := parser.Parse(f)
	if err != nil {
		t.Fatal(err)
	}
	if len(parsed.Warnings) > 0 {
		t.Errorf("warnings: %+v", parsed.Warnings)
	}
	stages, arguments, err := instructions.Parse(parsed.AST, nil)
	if err != nil {
		t.Fatal(err)
	}
	version, err := os.ReadFile("../../go.mod")
	if err != nil {
		t.Fatal(err)
	}
	if len(arguments) != 1 || !strings.Contains(string(version), "\ngo "+arguments[0].Args[0].ValueString()+"\n") {
		t.Errorf("the builder's Go is not that of go.mod: %v", arguments)
	}
	last := stages[len(stages)-1]
	if last.BaseName != "scratch" {
		t.Errorf("from %s", last.BaseName)
	}
	seen := map[string]bool{}
	for _, c := range last.Commands {
		seen[c.Name()] = true
		switch c := c.(type) {
		case *instructions.UserCommand:
			if c.User != "65532:65532" {
				t.Errorf("user %s", c.User)
			}
		case *instructions.RunCommand, *instructions.AddCommand, *instructions.EnvCommand:
			t.Errorf("%s: an empty root has nothing to run, to fetch or to say", c.Name())
		case *instructions.CopyCommand:
			if c.From != "build" {
				t.Errorf("copied from %q", c.From)
			}
		}
	}
	for _, name := range []string{"user", "healthcheck", "entrypoint", "cmd", "label", "stopsignal"} {
		if !seen[strings.ToUpper(name)] && !seen[name] {
			t.Errorf("no %s", name)
		}
	}
}

// TestCompose: compose-go loads it, as docker compose does; every service is as narrow as it can be.
func TestCompose(t *testing.T) {
	project, err := loader.LoadWithContext(t.Context(), types.ConfigDetails{
		WorkingDir: "../compose", ConfigFiles: []types.ConfigFile{{Filename: "../compose/compose.yaml"}}, Environment: types.Mapping{},
	})
	if err != nil {
		t.Fatal(err)
	}
	for name, s := range project.Services {
		for rule, holds := range map[string]bool{
			"a read-only root":     s.ReadOnly,
			"no new privileges":    slices.Contains(s.SecurityOpt, "no-new-privileges:true"),
			"no capabilities":      slices.Equal(s.CapDrop, []string{"ALL"}),
			"it comes back":        s.Restart == "unless-stopped",
			"not privileged":       !s.Privileged,
			"no secret in the env": !strings.Contains(strings.ToLower(strings.Join(values(s.Environment), " ")), "secret=") && s.Environment["POSTGRES_PASSWORD"] == nil,
		} {
			if !holds {
				t.Errorf("%s: %s", name, rule)
			}
		}
	}
	portico := project.Services["portico"]
	if portico.User != "65532:65532" || len(portico.CapAdd) > 0 || len(portico.Ports) > 0 || portico.HealthCheck == nil || project.Services["postgres"].HealthCheck == nil {
		t.Errorf("got %+v", portico)
	}
	if !bool(project.Networks["data"].Internal) || len(project.Services["postgres"].Networks) != 1 || len(project.Services["postgres"].Ports) > 0 {
		t.Error("the database can be reached from elsewhere")
	}
	for name, s := range project.Secrets {
		if s.File == "" || s.Content != "" || !strings.Contains(s.File, "/secrets/") {
			t.Errorf("secret %s: %+v", name, s)
		}
	}
}

func values(m types.MappingWithEquals) (all []string) {
	for name, value := range m {
		if value != nil {
			all = append(all, name+"="+*value)
		}
	}
	return all
}
