package architecture

import (
	"bytes"
	"encoding/base64"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// The rules below are those of the validators of the Google Cloud CLI 528, where it has one,
// and else of the documentation of App Engine and GitHub.

// readYAML decodes a file. A key that the value has no field for is an error.
func readYAML(t *testing.T, file string, value any) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	decoder.KnownFields(true)
	if err := decoder.Decode(value); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
}

func mustMatch(t *testing.T, file, what, value, pattern string) {
	t.Helper()
	if !regexp.MustCompile(`^(?:` + pattern + `)$`).MatchString(value) {
		t.Errorf("%s: %s is %q, want %s", file, what, value, pattern)
	}
}

// goVersion returns the version of Go in go.mod, such as "1.26".
func goVersion(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile("../../go.mod")
	if err != nil {
		t.Fatal(err)
	}
	found := regexp.MustCompile(`(?m)^go (1\.\d+)(\.0)?$`).FindSubmatch(text)
	if found == nil {
		t.Fatal("go.mod has no go line, or one that asks for a patch release, which the runtime may not have")
	}
	return string(found[1])
}

type appYAML struct {
	Runtime          string            `yaml:"runtime"`
	Main             string            `yaml:"main"`
	ServiceAccount   string            `yaml:"service_account"`
	InstanceClass    string            `yaml:"instance_class"`
	InboundServices  []string          `yaml:"inbound_services"`
	EnvVariables     map[string]string `yaml:"env_variables"`
	AutomaticScaling struct {
		MinInstances int `yaml:"min_instances"`
		MaxInstances int `yaml:"max_instances"`
	} `yaml:"automatic_scaling"`
	Handlers []struct {
		URL      string `yaml:"url"`
		Script   string `yaml:"script"`
		Secure   string `yaml:"secure"`
		Redirect string `yaml:"redirect_http_response_code"`
	} `yaml:"handlers"`
	VPCAccessConnector struct {
		Name string `yaml:"name"`
	} `yaml:"vpc_access_connector"`
}

func checkAppYAML(t *testing.T, file string) {
	t.Helper()
	var app appYAML
	readYAML(t, file, &app)
	// The runtime of an older Go does not build the module; that of a newer one would.
	mustMatch(t, file, "runtime", app.Runtime, "go"+strings.ReplaceAll(goVersion(t), ".", ""))
	if app.Main != "" {
		mustMatch(t, file, "main", app.Main, `\./[a-z/]+`) // no absolute path, and no ..
		if _, err := os.Stat(filepath.Join("../..", app.Main, "main.go")); err != nil {
			t.Errorf("%s: main: %v", file, err)
		}
	}
	mustMatch(t, file, "service_account", app.ServiceAccount, `|[a-z]([a-z0-9-]{4,28}[a-z0-9])@[a-z][a-z0-9-]{4,28}[a-z0-9]\.iam\.gserviceaccount\.com`)
	mustMatch(t, file, "instance_class", app.InstanceClass, "|F1|F2|F4|F4_1G") // of automatic scaling
	mustMatch(t, file, "vpc_access_connector", app.VPCAccessConnector.Name, `|projects/[a-z0-9-]+/locations/[a-z0-9-]+/connectors/[a-z0-9-]+`)
	for _, service := range app.InboundServices {
		mustMatch(t, file, "inbound_services", service, "mail|mail_bounce|warmup")
	}
	if scaling := app.AutomaticScaling; scaling.MaxInstances < 1 || scaling.MinInstances < 0 || scaling.MinInstances > scaling.MaxInstances {
		t.Errorf("%s: from %d to %d instances: with no bound there can be 20", file, scaling.MinInstances, scaling.MaxInstances)
	}
	for name, value := range app.EnvVariables {
		mustMatch(t, file, "a name in env_variables", name, `[A-Z][A-Z0-9_]*`)
		if reserved := regexp.MustCompile(`^(GAE_.*|GOOGLE_CLOUD_PROJECT|PORT|NODE_ENV)$`); reserved.MatchString(name) {
			t.Errorf("%s: App Engine sets %s itself", file, name)
		}
		if name == "SESSION_KEYS_SECRET" {
			mustMatch(t, file, name, value, `[A-Za-z0-9_-]{1,255}|projects/[^/]+/secrets/[A-Za-z0-9_-]{1,255}/versions/(latest|\d+)`)
		} else if bytes, err := base64.StdEncoding.DecodeString(value); err == nil && len(bytes) >= 16 || regexp.MustCompile(`KEYS?$|PASSWORD|TOKEN|_SECRET$`).MatchString(name) {
			t.Errorf("%s: %s looks like a secret, which belongs to Secret Manager", file, name)
		}
	}
	if app.EnvVariables["SESSION_KEYS_SECRET"] == "" {
		t.Errorf("%s: no SESSION_KEYS_SECRET, without which the program does not start", file)
	}
	for _, handler := range app.Handlers {
		mustMatch(t, file, "url", handler.URL, `/.*`)
		mustMatch(t, file, "script", handler.Script, "auto") // the only value for Go
		mustMatch(t, file, "secure", handler.Secure, "always|optional|never")
		mustMatch(t, file, "redirect_http_response_code", handler.Redirect, "|301|302|303|307")
		if handler.Redirect != "" && handler.Secure == "optional" {
			t.Errorf("%s: %s redirects nothing", file, handler.URL)
		}
	}
	for path, want := range map[string]string{"/": "always", "/login": "always", "/_ah/warmup": "optional"} {
		if got := app.secure(path); got != want {
			t.Errorf("%s: secure of %s is %q, want %q", file, path, got, want)
		}
	}
}

// secure returns the setting of the first handler that matches a path.
func (app *appYAML) secure(path string) string {
	for _, handler := range app.Handlers {
		if regexp.MustCompile("^(?:" + handler.URL + ")$").MatchString(path) {
			return handler.Secure
		}
	}
	return ""
}

func TestAppYAML(t *testing.T) {
	for _, file := range tracked(t, "app.yaml", "cmd/*app.yaml", "examples/*app.yaml") {
		checkAppYAML(t, filepath.Join("../..", file))
	}
	connector := regexp.MustCompile(`(?m)^# (vpc_access_connector:\n)#( +name: )\S+$`)
	text, err := os.ReadFile("../../app.yaml")
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "app.yaml")
	with := connector.ReplaceAll(text, []byte("${1}${2}projects/p/locations/europe-west3/connectors/c"))
	if bytes.Equal(with, text) {
		t.Fatal("app.yaml has no commented connector")
	}
	if err := os.WriteFile(file, with, 0o644); err != nil {
		t.Fatal(err)
	}
	checkAppYAML(t, file)
}

// schedule is the grammar of cron.yaml: an interval, or times of days.
var schedule = func() string {
	const (
		clock = `([01]?\d|2[0-3]):[0-5]\d`
		day   = `(mon|tue|wed|thu|fri|sat|sun|monday|tuesday|wednesday|thursday|friday|saturday|sunday)`
		month = `(jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec|january|february|march|april|june|july|august|september|october|november|december)`
		nth   = `(1st|2nd|3rd|4th|5th|first|second|third|fourth|fifth)`
	)
	return `every [1-9]\d* (hours|mins|minutes)( synchronized| from ` + clock + ` to ` + clock + `)?` +
		`|(every|` + nth + `(,` + nth + `)*) (day|` + day + `(,` + day + `)*)( of (month|quarter|` + month + `(,` + month + `)*))? ` + clock
}()

func TestScheduleGrammar(t *testing.T) {
	for text, valid := range map[string]bool{
		"every 24 hours": true, "every 5 mins": true, "every 12 hours synchronized": true, "every 5 minutes from 10:00 to 14:00": true,
		"every day 00:00": true, "every monday 09:00": true, "1st,third mon,wed,thu of month 04:00": true, "2nd tuesday of jan,jul 17:45": true,
		"every hour": false, "every 1 hour": false, "every 0 hours": false, "hourly": false, "0 * * * *": false, "every day": false, "every day 24:00": false,
	} {
		if got := regexp.MustCompile("^(?:" + schedule + ")$").MatchString(text); got != valid {
			t.Errorf("%q: %t", text, got)
		}
	}
}

func TestCronYAML(t *testing.T) {
	var cron struct {
		Cron []struct {
			Description string `yaml:"description"`
			URL         string `yaml:"url"`
			Schedule    string `yaml:"schedule"`
		} `yaml:"cron"`
	}
	readYAML(t, "../../cron.yaml", &cron)
	var app appYAML
	readYAML(t, "../../app.yaml", &app)
	if len(cron.Cron) == 0 {
		t.Error("no job")
	}
	for _, job := range cron.Cron {
		mustMatch(t, "cron.yaml", "description", job.Description, `.{1,499}`)
		mustMatch(t, "cron.yaml", "url", job.URL, `/.*`)
		mustMatch(t, "cron.yaml", "schedule", job.Schedule, schedule)
		if got := app.secure(job.URL); got != "optional" {
			t.Errorf("secure of %s is %q: a redirect would fail the job", job.URL, got)
		}
	}
}

func TestIndexYAML(t *testing.T) {
	for _, file := range tracked(t, "*index.yaml") {
		var index struct {
			Indexes []struct {
				Kind       string `yaml:"kind"`
				Ancestor   string `yaml:"ancestor"`
				Properties []struct {
					Name      string `yaml:"name"`
					Direction string `yaml:"direction"`
				} `yaml:"properties"`
			} `yaml:"indexes"`
		}
		readYAML(t, filepath.Join("../..", file), &index)
		for _, i := range index.Indexes {
			mustMatch(t, file, "kind", i.Kind, `.{1,500}`)
			mustMatch(t, file, "ancestor", i.Ancestor, `|yes|no`)
			for _, p := range i.Properties {
				mustMatch(t, file, "name", p.Name, `\S{1,500}`)
				mustMatch(t, file, "direction", p.Direction, `|asc|desc`)
			}
		}
	}
}

// A deployment's address has the version, the project and "-dot-" in one label of DNS.
func TestVersionsOfDeployments(t *testing.T) {
	script, err := os.ReadFile("../../scripts/deploy")
	if err != nil {
		t.Fatal(err)
	}
	format := regexp.MustCompile(`version=\$\(date -u \+([^)]+)\)`).FindSubmatch(script)
	if format == nil {
		t.Fatal("scripts/deploy makes no version of the time")
	}
	version := strings.NewReplacer("%Y", "2026", "%m", "11", "%d", "30", "%H", "23", "%M", "59", "%S", "59").Replace(string(format[1]))
	mustMatch(t, "scripts/deploy", "version", version, `[a-z\d][a-z\d-]{0,61}[a-z\d]`)
	const longestProject = 30
	if label := len(version) + len("-dot-") + longestProject; label > 63 {
		t.Errorf("a label of %d bytes", label)
	}
}

// What must not leave the machine does not, and what the build needs does.
func TestIgnoreFiles(t *testing.T) {
	for file, lines := range map[string][]string{
		".gitignore":    {"gha-creds-*.json"},
		".gcloudignore": {".git", "gha-creds-*.json", "#!include:.gitignore"},
	} {
		text, err := os.ReadFile(filepath.Join("../..", file))
		if err != nil {
			t.Fatal(err)
		}
		has := strings.Split(string(text), "\n")
		for _, line := range lines {
			if !slices.Contains(has, line) {
				t.Errorf("%s has no line %s", file, line)
			}
		}
		if regexp.MustCompile(`(?m)^/?vendor/?$`).Match(text) {
			t.Errorf("%s has vendor, without which a build that has no network fails", file)
		}
	}
}

// A Dockerfile builds with the Go of go.mod, and its program runs without rights.
func TestDockerfiles(t *testing.T) {
	files := tracked(t, "*Dockerfile")
	if len(files) < 2 {
		t.Fatalf("only %q", files)
	}
	for _, file := range files {
		text, err := os.ReadFile(filepath.Join("../..", file))
		if err != nil {
			t.Fatal(err)
		}
		from := regexp.MustCompile(`(?m)^FROM (\S+)`).FindAllStringSubmatch(string(text), -1)
		if len(from) < 2 {
			t.Errorf("%s has one stage: the image would hold the compiler", file)
			continue
		}
		mustMatch(t, file, "the first stage", from[0][1], regexp.QuoteMeta("golang:"+goVersion(t))+"(-.*)?")
		if last := from[len(from)-1][1]; !strings.HasSuffix(last, ":nonroot") && !regexp.MustCompile(`(?m)^USER [1-9]`).Match(text) {
			t.Errorf("%s: the program runs as root in %s", file, last)
		}
		if !bytes.Contains(text, []byte("CGO_ENABLED=0")) {
			t.Errorf("%s: without CGO_ENABLED=0 the program may need a library that the image does not have", file)
		}
		if regexp.MustCompile(`(?m)^(ENV|ARG) .*(KEYS?|SECRET|PASSWORD|TOKEN)=`).Match(text) {
			t.Errorf("%s has a secret in a layer", file)
		}
	}
}

// A workflow has the keys that GitHub knows, a bound of time and no more rights than it says.
func TestWorkflows(t *testing.T) {
	files := tracked(t, ".github/workflows/*", "examples/deploy/*.yml")
	if len(files) < 2 {
		t.Fatalf("only %q", files)
	}
	for _, file := range files {
		var workflow struct {
			Name        string            `yaml:"name"`
			On          map[string]any    `yaml:"on"`
			Concurrency string            `yaml:"concurrency"`
			Permissions map[string]string `yaml:"permissions"`
			Jobs        map[string]struct {
				RunsOn    string            `yaml:"runs-on"`
				Container string            `yaml:"container"`
				Timeout   int               `yaml:"timeout-minutes"`
				Env       map[string]string `yaml:"env"`
				Steps     []struct {
					Name string            `yaml:"name"`
					Uses string            `yaml:"uses"`
					With map[string]string `yaml:"with"`
					Run  string            `yaml:"run"`
				} `yaml:"steps"`
			} `yaml:"jobs"`
		}
		readYAML(t, filepath.Join("../..", file), &workflow)
		if len(workflow.Permissions) == 0 || len(workflow.Jobs) == 0 || len(workflow.On) == 0 {
			t.Errorf("%s: %d permissions, %d jobs, %d events", file, len(workflow.Permissions), len(workflow.Jobs), len(workflow.On))
		}
		for name, permission := range workflow.Permissions {
			mustMatch(t, file, "permissions: "+name, permission, "read|write|none")
		}
		for name, job := range workflow.Jobs {
			if job.RunsOn == "" || job.Timeout < 1 || len(job.Steps) == 0 {
				t.Errorf("%s: job %s runs on %q for %d minutes, %d steps", file, name, job.RunsOn, job.Timeout, len(job.Steps))
			}
			for i, step := range job.Steps {
				if (step.Uses == "") == (step.Run == "") {
					t.Errorf("%s: step %d must have either uses or run", file, i+1)
				}
				mustMatch(t, file, "uses", step.Uses, `|[\w.-]+/[\w./-]+@v\d+(\.\d+)*`)
				if strings.HasPrefix(step.Uses, "google-github-actions/auth@") && workflow.Permissions["id-token"] != "write" {
					t.Errorf("%s: %s needs the permission id-token: write", file, step.Uses)
				}
				if _, ours := step.With["credentials_json"]; ours {
					t.Errorf("%s: a key of an account", file)
				}
				if program, _, _ := strings.Cut(step.Run, " "); strings.Contains(program, "/") {
					if info, err := os.Stat(filepath.Join("../..", program)); err != nil || info.Mode()&0o111 == 0 {
						t.Errorf("%s runs %s, which is no program: %v", file, program, err)
					}
				}
			}
		}
	}
}

// The pages that say how to change a key say the same.
func TestRotationIsOneProcedure(t *testing.T) {
	read := func(file, heading string) string {
		text, err := os.ReadFile(filepath.Join("../..", file))
		if err != nil {
			t.Fatal(err)
		}
		_, section, found := strings.Cut(string(text), "\n## "+heading+"\n")
		if !found {
			t.Fatalf("%s has no section %s", file, heading)
		}
		section, _, _ = strings.Cut(section, "\n## ")
		commands := regexp.MustCompile("(?s)```bash\n.*?```")
		return strings.Join(strings.Fields(commands.ReplaceAllString(section, "")), " ")
	}
	_, procedure, found := strings.Cut(read("docs/sessions.md", "Rotating keys"), "The first key")
	procedure, _, end := strings.Cut(procedure, "sessions signed with it.")
	if !found || !end || strings.Count(procedure, "restart every instance.") != 3 {
		t.Fatalf("docs/sessions.md has no procedure: %q", procedure)
	}
	if deploying := read("docs/deploying.md", "Keys, and changing them"); !strings.Contains(deploying, procedure) {
		t.Errorf("docs/deploying.md says\n%s\nand not, as docs/sessions.md,\n%s", deploying, procedure)
	}
}
