package architecture

import (
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
)

// App Engine's build downloads the modules once and then builds without a network, with
// the Go that its runtime has: so go.mod names the oldest patch and no toolchain.
func TestBuildsAsAppEngineDoes(t *testing.T) {
	text, err := os.ReadFile("../../go.mod")
	if err != nil {
		t.Fatal(err)
	}
	if !regexp.MustCompile(`(?m)^go 1\.26\.0$`).Match(text) {
		t.Error("go.mod does not say go 1.26.0")
	}
	if strings.Contains(string(text), "\ntoolchain ") {
		t.Error("go.mod names a toolchain")
	}
	if out, err := run("go", "mod", "download"); err != nil {
		t.Fatalf("go mod download: %v\n%s", err, out)
	}
	t.Setenv("GOFLAGS", "-mod=readonly")
	t.Setenv("GOPROXY", "off")
	if out, err := run("go", "build", "-o", t.TempDir(), "./cmd/demo"); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
}

func run(name string, arguments ...string) (string, error) {
	command := exec.Command(name, arguments...)
	command.Dir = "../.."
	output, err := command.CombinedOutput()
	return string(output), err
}

// Each module that this one requires directly has a reason in docs/dependencies.md.
func TestDependenciesHaveAReason(t *testing.T) {
	text, err := os.ReadFile("../../docs/dependencies.md")
	if err != nil {
		t.Fatal(err)
	}
	modules, err := run("go", "list", "-m", "-f", "{{if not (or .Main .Indirect)}}{{.Path}}{{end}}", "all")
	if err != nil {
		t.Fatal(modules)
	}
	for _, module := range strings.Fields(modules) {
		if !strings.Contains(string(text), module) {
			t.Errorf("docs/dependencies.md has no row for %s", module)
		}
	}
}
