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

// The program understands the settings in app.yaml.
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

// The paths in the files are routes of the program. Paths that App Engine itself requests never
// get a redirect to https.
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

// No file that the build needs is left out.
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

// The deployment runs against stand-ins for gcloud, go and curl that record their arguments.
// They respond as documented.
func TestDeployScript(t *testing.T) {
	const (
		list     = "app services list --project=shop --format=value(id)"
		before   = "app versions list --project=shop --service=default --hide-no-traffic --format=value(version.id)"
		secret   = "secrets versions describe latest --secret=session-keys --project=shop"
		build    = "go build -o /dev/null ./cmd/demo"
		deploy   = "app deploy app.yaml --project=shop --version=VERSION --no-promote --quiet"
		host     = "app describe --project=shop --format=value(defaultHostname)"
		ask      = `curl --silent --show-error --max-time 60 --retry 5 --write-out \n%{http_code} https://VERSION-dot-shop.example/health`
		traffic  = "app services set-traffic default --splits=VERSION=1 --migrate --project=shop --quiet"
		cron     = "app deploy cron.yaml --project=shop --quiet"
		versions = "app versions list --project=shop --service=default --filter=traffic_split=0 --sort-by=~version.createTime --format=value(version.id)"
		remove   = "app versions delete v2 v1 --service=default --project=shop --quiet"
		healthy  = `{"healthy":true,"services":{"datastore":true}}` + "\n\n200"
	)
	all := []string{list, before, secret, build, deploy, host, ask, traffic, cron, versions, remove}
	until := func(last string) []string { return all[:slices.Index(all, last)+1] }
	with := func(old, new string) []string {
		calls := slices.Clone(all)
		calls[slices.Index(calls, old)] = new
		return calls
	}
	without := func(call string, calls []string) []string {
		return slices.DeleteFunc(calls, func(other string) bool { return other == call })
	}
	for name, test := range map[string]struct {
		args        []string
		input       string
		environment []string
		called      []string
		status      int
		want        string
	}{
		"without gcloud":        {environment: []string{"MISSING=gcloud"}, status: 1, want: "deploy: gcloud is missing: "},
		"without the component": {environment: []string{"COMPONENT=bq"}, status: 1, want: "gcloud components install app-engine-go"},
		"without a project":     {environment: []string{"PROJECT=(unset)"}, status: 1, want: "deploy: gcloud has no project: run gcloud config set project"},
		"without a secret":      {environment: []string{"YAML=X: y"}, status: 1, want: "app.yaml does not set SESSION_KEYS_SECRET"},
		"no name of a secret":   {environment: []string{"YAML=SESSION_KEYS_SECRET: a;b"}, status: 1, want: "deploy: SESSION_KEYS_SECRET in app.yaml must be the name of a secret, or projects/"},
		"not confirmed":         {input: "n\n", called: until(before), status: 1, want: "to the project shop as version"},
		"nobody to ask":         {called: until(before), status: 1, want: "deploy: not deployed"},
		"unknown argument":      {args: []string{"now"}, status: 1, want: "deploy: unknown argument now"},

		"all":                  {args: []string{"-y"}, called: all, want: "deployed: https://shop.example\nOld versions without traffic, except the newest five: v2 v1"},
		"all, asked":           {input: "y\ny\n", called: all, want: "Delete them? [y/N]"},
		"old versions stay":    {input: "y\nn\n", called: until(versions), want: "deployed: https://shop.example"},
		"few old versions":     {args: []string{"-y"}, environment: []string{"OLD=v5\nv4"}, called: until(versions), want: "deployed: https://shop.example"},
		"the first version":    {args: []string{"-y"}, environment: []string{"SERVICES=other"}, called: without(before, with(traffic, strings.Replace(traffic, " --migrate", "", 1))), want: "It is the first version"},
		"the way back":         {args: []string{"-y"}, environment: []string{"BEFORE=v2"}, called: with(remove, strings.Replace(remove, "v2 ", "", 1)), want: "To go back afterwards: gcloud app services set-traffic default --splits=v2=1 --project=shop"},
		"two ways back":        {args: []string{"-y"}, environment: []string{"BEFORE=v2\nv1"}, called: until(versions), want: "--splits=v2=1 "},
		"nothing has traffic":  {args: []string{"-y"}, environment: []string{"BEFORE="}, called: all, want: "--splits=OLD=1 "},
		"a quoted secret":      {args: []string{"-y"}, environment: []string{`YAML="SESSION_KEYS_SECRET": "session-keys" # as in step 3`}, called: all, want: "deployed"},
		"single quotes":        {args: []string{"-y"}, environment: []string{`YAML=SESSION_KEYS_SECRET:   'session-keys'`}, called: all, want: "deployed"},
		"the path of a secret": {args: []string{"-y"}, environment: []string{"YAML=SESSION_KEYS_SECRET: projects/p/secrets/s/versions/latest"}, called: with(secret, "secrets versions describe projects/p/secrets/s/versions/latest --project=shop"), want: "deployed"},

		"no application":      {args: []string{"-y"}, environment: []string{"FAIL=app services list"}, called: until(list), status: 1, want: "has no App Engine application that you may see: docs/deploying.md, step 2"},
		"no list of traffic":  {args: []string{"-y"}, environment: []string{"FAIL=" + before}, called: until(before), status: 1, want: "deploy: the versions that have traffic could not be listed"},
		"no such secret":      {args: []string{"-y"}, environment: []string{"FAIL=secrets versions"}, called: until(secret), status: 1, want: "the project shop has no secret session-keys"},
		"does not build":      {args: []string{"-y"}, environment: []string{"FAIL=go build"}, called: until(build), status: 1, want: "does not build"},
		"not deployed":        {args: []string{"-y"}, environment: []string{"FAIL=app deploy app.yaml"}, called: until(deploy), status: 1, want: "was not deployed, and traffic stays where it was"},
		"no host":             {args: []string{"-y"}, environment: []string{"FAIL=app describe"}, called: until(host), status: 1, want: "gets no traffic"},
		"no answer":           {args: []string{"-y"}, environment: []string{"FAIL=curl"}, called: until(ask), status: 1, want: "is not healthy (status 000) and gets no traffic; its log: gcloud app logs read --project=shop --version="},
		"unhealthy":           {args: []string{"-y"}, environment: []string{`HEALTH={"healthy":false}` + "\n\n503"}, called: until(ask), status: 1, want: "is not healthy (status 503) and gets no traffic"},
		"another page":        {args: []string{"-y"}, environment: []string{"HEALTH=<h1>Hello</h1>\n200"}, called: until(ask), status: 1, want: `without "healthy":true and gets no traffic`},
		"a login before it":   {args: []string{"-y"}, environment: []string{"HEALTH=\n302"}, called: until(ask), status: 1, want: "Identity-Aware Proxy, so it cannot be asked and gets no traffic"},
		"not let in":          {args: []string{"-y"}, environment: []string{"HEALTH=\n401"}, called: until(ask), status: 1, want: "Identity-Aware Proxy"},
		"no traffic":          {args: []string{"-y"}, environment: []string{"FAIL=app services set-traffic"}, called: until(traffic), status: 1, want: "is healthy, and has no traffic yet: gcloud app services set-traffic"},
		"no cron":             {args: []string{"-y"}, environment: []string{"FAIL=app deploy cron.yaml"}, called: until(cron), status: 1, want: "has the traffic, and cron.yaml was not deployed"},
		"no list of versions": {args: []string{"-y"}, environment: []string{"FAIL=" + versions}, called: until(versions), status: 1, want: "the old versions could not be listed"},
		"not deleted":         {args: []string{"-y"}, environment: []string{"FAIL=app versions delete"}, called: all, status: 1, want: "the old versions were not deleted"},
	} {
		t.Run(name, func(t *testing.T) {
			environment := map[string]string{
				"PROJECT": "shop", "SERVICES": "default", "COMPONENT": "app-engine-go", "HEALTH": healthy, "FAIL": "nothing",
				"OLD": "v7\nv6\nv5\nv4\nv3\nv2\nv1", "BEFORE": "v7",
			}
			for _, variable := range test.environment {
				key, value, _ := strings.Cut(variable, "=")
				environment[key] = value
			}
			script := deployScript(t, environment["YAML"])
			home := filepath.Dir(filepath.Dir(script))
			command := exec.Command(script, test.args...)
			command.Env = []string{"PATH=" + commands(t, environment["MISSING"]), "HOME=" + home}
			for key, value := range environment {
				command.Env = append(command.Env, key+"="+value)
			}
			command.Stdin = strings.NewReader(test.input)
			out, err := command.CombinedOutput()
			if got := exitStatus(t, err); got != test.status || !strings.Contains(string(out), test.want) {
				t.Errorf("status %d, want %d and %q\n%s", got, test.status, test.want, out)
			}
			called, _ := os.ReadFile(filepath.Join(home, "called"))
			got := regexp.MustCompile(`\d{8}t\d{6}`).ReplaceAllString(string(called), "VERSION")
			if want := strings.Join(test.called, "\n"); strings.TrimSpace(got) != want {
				t.Errorf("called\n%s\nwant\n%s", got, want)
			}
		})
	}
}

// deployScript copies the script, and app.yaml with this line in place of its secret if it
// is not empty.
func deployScript(t *testing.T, line string) string {
	t.Helper()
	folder := t.TempDir()
	script := filepath.Join(folder, "scripts", "deploy")
	text, err := os.ReadFile(filepath.Join(root, "scripts", "deploy"))
	if err == nil {
		err = os.Mkdir(filepath.Dir(script), 0o700)
	}
	if err == nil {
		err = os.WriteFile(script, text, 0o700)
	}
	if err == nil {
		text, err = os.ReadFile(filepath.Join(root, "app.yaml"))
	}
	if err != nil {
		t.Fatal(err)
	}
	if line != "" {
		text = regexp.MustCompile(`(?m)^  SESSION_KEYS_SECRET: .*$`).ReplaceAllLiteral(text, []byte("  "+line))
	}
	if err := os.WriteFile(filepath.Join(folder, "app.yaml"), text, 0o600); err != nil {
		t.Fatal(err)
	}
	return script
}

// A stand-in records its arguments. It fails if they begin with $FAIL.
const standIn = `#!/bin/sh
name=${0##*/}
case $name in gcloud) call="$*" ;; *) call="$name $*" ;; esac
case $call in version) echo "Google Cloud SDK 528.0.0"; echo "$COMPONENT "; exit ;; esac
case $call in "config get-value project") echo "$PROJECT"; exit ;; esac
printf '%s\n' "$call" >>"$HOME/called"
case $call in "$FAIL"*) exit 1 ;; esac
case $call in
"app services list"*) echo "$SERVICES" ;;
"app describe"*) echo shop.example ;;
"app versions list"*--hide-no-traffic*) echo "$BEFORE" ;;
"app versions list"*) echo "$OLD" ;;
curl*) printf %s "$HEALTH" ;;
esac
`

// commands makes a folder with what the script needs, and stand-ins for what would deploy,
// except one that is missing.
func commands(t *testing.T, missing string) string {
	t.Helper()
	folder := t.TempDir()
	for _, name := range []string{"sh", "dirname", "sed", "date", "cat", "grep", "tail", "tr"} {
		path, err := exec.LookPath(name)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(path, filepath.Join(folder, name)); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"gcloud", "go", "curl"} {
		if name == missing {
			continue
		}
		if err := os.WriteFile(filepath.Join(folder, name), []byte(standIn), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	return folder
}
