package main

import (
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const root = "../.."

func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, name))
	if err != nil {
		t.Fatal(err)
	}
	return regexp.MustCompile(`(?m)(^| )#.*$`).ReplaceAllString(string(text), "")
}

// section returns the lines that are indented below "name:".
func section(text, name string) string {
	found := regexp.MustCompile(`(?m)^` + name + `:\n((?:[ -].*\n)*)`).FindStringSubmatch(text)
	if found == nil {
		return ""
	}
	return found[1]
}

// What app.yaml says, the program understands.
func TestAppYAML(t *testing.T) {
	text := read(t, "app.yaml")
	for _, want := range []string{
		"\nruntime: go126", "\nmain: ./cmd/demo\n", "\ninbound_services:\n- warmup\n", "secure: always\n", "max_instances:", "redirect_http_response_code: 301",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("missing %q", want)
		}
	}
	setenv(t, "GAE_ENV", "standard")
	settings, secrets := known(t), map[string]bool{"SESSION_KEYS": true}
	found := 0
	for line := range strings.Lines(section(text, "env_variables")) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), ": ")
		if !settings[name] || secrets[name] {
			t.Errorf("%s is not a setting of the program, or a secret: it has %v", name, slices.Sorted(maps.Keys(settings)))
		}
		t.Setenv(name, value)
		found++
	}
	if found == 0 {
		t.Error("no env_variables")
	}
	if _, err := configure(nil, nil); err != nil {
		t.Errorf("with these variables the program does not start: %v", err)
	}
}

// The paths in the files are those of the program's routes, and what App Engine asks
// for itself is never answered by a redirect to https.
func TestPathsOfYAML(t *testing.T) {
	v := visit(t)
	handlers := regexp.MustCompile(`(?m)^- url: (.*?) *\n  script: auto\n  secure: (.*)$`).FindAllStringSubmatch(section(read(t, "app.yaml"), "handlers"), -1)
	secure := func(path string) string {
		for _, h := range handlers {
			if regexp.MustCompile("^" + h[1] + "$").MatchString(path) {
				return h[2]
			}
		}
		return ""
	}
	jobs := regexp.MustCompile(`(?m)^ *url: (.*)$`).FindAllStringSubmatch(read(t, "cron.yaml"), -1)
	if len(jobs) == 0 || len(handlers) < 2 {
		t.Fatalf("%d jobs, %d handlers", len(jobs), len(handlers))
	}
	for _, job := range jobs {
		answer, err := http.Get(v.url + job[1])
		if err != nil {
			t.Fatal(err)
		}
		answer.Body.Close()
		if answer.StatusCode != http.StatusForbidden {
			t.Errorf("%s: status %d, want the 403 of CronHandler", job[1], answer.StatusCode)
		}
		if got := secure(job[1]); got != "optional" {
			t.Errorf("%s: secure is %q", job[1], got)
		}
	}
	for path, want := range map[string]string{"/_ah/warmup": "optional", "/": "always", "/login": "always", "/cronies": "always"} {
		if got := secure(path); got != want {
			t.Errorf("%s: secure is %q, want %q", path, got, want)
		}
	}
}

// Nothing that the program is built from is left behind.
func TestGcloudIgnoreKeepsTheProgram(t *testing.T) {
	command := exec.Command("go", "list", "-deps", "-json=Dir,Module,GoFiles,EmbedFiles", "./cmd/demo")
	command.Dir = root
	output, err := command.Output()
	if err != nil {
		t.Fatal(err)
	}
	base, err := filepath.Abs(root)
	if err != nil {
		t.Fatal(err)
	}
	files := []string{"go.mod", "go.sum", "app.yaml"}
	for decoder := json.NewDecoder(strings.NewReader(string(output))); ; {
		var p struct {
			Dir                 string
			Module              *struct{ Main bool }
			GoFiles, EmbedFiles []string
		}
		if err := decoder.Decode(&p); err == io.EOF {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		if p.Module == nil || !p.Module.Main {
			continue
		}
		for _, name := range slices.Concat(p.GoFiles, p.EmbedFiles) {
			relative, err := filepath.Rel(base, filepath.Join(p.Dir, name))
			if err != nil {
				t.Fatal(err)
			}
			files = append(files, relative)
		}
	}
	if len(files) < 50 {
		t.Fatalf("only %d files", len(files))
	}
	if ignored := ignores(t, files); ignored != "" {
		t.Errorf("left behind:\n%s", ignored)
	}
	if kept := ignores(t, []string{"cmd/demo/main_test.go", "docs/sessions.md", "internal/vectors/testdata/x"}); strings.Count(kept, "\n") != 3 {
		t.Errorf("not left behind, of three: %q", kept)
	}
}

// ignores returns those of the files that .gcloudignore leaves out, one a line. Its
// form is that of .gitignore.
func ignores(t *testing.T, files []string) string {
	t.Helper()
	file, err := filepath.Abs(filepath.Join(root, ".gcloudignore"))
	if err != nil {
		t.Fatal(err)
	}
	command := exec.Command("git", "-c", "core.excludesFile="+file, "check-ignore", "--no-index", "--stdin")
	command.Dir = t.TempDir()
	if out, err := exec.Command("git", "init", "-q", command.Dir).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	command.Stdin = strings.NewReader(strings.Join(files, "\n"))
	output, err := command.Output()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok && exit.ExitCode() == 1 {
		return "" // none
	} else if err != nil {
		t.Fatal(err)
	}
	return string(output)
}

func TestDeployScript(t *testing.T) {
	const answers = `[ "$1 $2" = "config get-value" ] && echo "$PROJECT"; echo "$*" >>"$HOME/called"`
	for name, test := range map[string]struct {
		gcloud, project string
		input           string
		args            []string
		want            string
	}{
		"without gcloud":    {"", "", "", nil, "deploy: gcloud is missing: "},
		"without a project": {answers, "(unset)", "", nil, "deploy: gcloud has no project: run gcloud config set project"},
		"not confirmed":     {answers, "shop", "n\n", nil, "to the project shop as version"},
		"nobody to ask":     {answers, "shop", "", nil, "deploy: not deployed"},
		"unknown argument":  {answers, "shop", "", []string{"now"}, "deploy: unknown argument now"},
	} {
		t.Run(name, func(t *testing.T) {
			home := t.TempDir()
			command := exec.Command(filepath.Join(root, "scripts/deploy"), test.args...)
			command.Env = []string{"PATH=" + commands(t, test.gcloud), "HOME=" + home, "PROJECT=" + test.project}
			command.Stdin = strings.NewReader(test.input)
			out, err := command.CombinedOutput()
			if exitStatus(t, err) != 1 || !strings.Contains(string(out), test.want) {
				t.Errorf("%v, want status 1 and %q\n%s", err, test.want, out)
			}
			if called, _ := os.ReadFile(filepath.Join(home, "called")); strings.Contains(string(called), "deploy") {
				t.Errorf("it deployed: %s", called)
			}
		})
	}
}

// commands makes a folder with what the script needs before it deploys, and with a
// gcloud if that is not empty.
func commands(t *testing.T, gcloud string) string {
	t.Helper()
	folder := t.TempDir()
	for _, name := range []string{"sh", "dirname", "sed", "date", "cat"} {
		path, err := exec.LookPath(name)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(path, filepath.Join(folder, name)); err != nil {
			t.Fatal(err)
		}
	}
	if gcloud != "" {
		if err := os.WriteFile(filepath.Join(folder, "gcloud"), []byte("#!/bin/sh\n"+gcloud+"\n"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return folder
}
