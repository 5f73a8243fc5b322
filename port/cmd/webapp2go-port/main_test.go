//go:build cgo

package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/webapp2go/webapp2go/port/internal/gocode"
	"github.com/webapp2go/webapp2go/port/internal/source"
)

// applications are small applications in the styles of real ones, with the expected
// results.
var applications = []struct {
	name                 string
	routes, types, verbs int
	routeLike, converted int
	in                   map[string][]string // what a written file must contain
	report               []string
	asks                 string // a path with the status 501; if empty, the program is type-checked and not started
	not                  []string
	files                map[string]string // the sources; if nil, the folder in testdata with this name
}{
	{name: "tutorial", routes: 2, types: 2, verbs: 2, routeLike: 2, converted: 2, asks: "/",
		in:     map[string][]string{"routes.go": {`app.Handle("/sign", framework.To[Guestbook](app))`}},
		report: []string{"ndb models and queries", "users API", "1 of 1 HTML files", "script `guestbook.app`"}},
	{name: "tuples", routes: 7, types: 6, verbs: 7, routeLike: 8, converted: 7, asks: "/vault/a-1/",
		in: map[string][]string{
			"routes.go":   {`app.Handle("/robots.txt"`, "regex(`/vault/([\\w\\d\\-]*)/?$`)", "TODO main.py:24"},
			"vault_py.go": {`volumeUuid := h.Var("0")`, `except ValueError, e:`},
		},
		report: []string{"main.py:24: regular expression \"/look(?!behind)\": not one of Go's"}},
	{name: "accounts", routes: 5, types: 6, verbs: 6, routeLike: 5, converted: 5, asks: "/v/12-abc",
		in: map[string][]string{
			"main.go":    {`Name:            "accounts"`, "AbsoluteTimeout: 86400 * time.Second", "SESSION_KEY", "Backend:"},
			"main_py.go": {"// TODO: @user_required", `case "GET", "HEAD":`, "handlers.BaseHandler does"},
			"routes.go":  {"template(`/<type:v|p>/<user_id:\\d+>-<signup_token:.+>`)"},
		},
		report: []string{"tokens of users", "'secret_key'"}, not: []string{"kW8djLq"}},
	{name: "nested", routes: 8, types: 6, verbs: 8, routeLike: 15, converted: 14, asks: "/api/v1/ping",
		in: map[string][]string{
			"routes.go":       {"app.PathPrefix(`/api/{version:v\\d}`).Subrouter()", `.Name("admin-hosts")`, `(*HostList).List)`, "default state = 'blocked'"},
			"api_hosts_py.go": {"return h.Get()", "type Host struct{ BaseHandler }"},
			"api_users_py.go": {"// TODO: @require('EDIT_USERS')", "h.BaseHandler.Guard()"},
			"api_base_py.go":  {"func (h *BaseHandler) HandleError(err error) error", "refuses some requests"},
		},
		report: []string{"api/users.py:26: no application mounts it"}},
	{name: "domains", routes: 5, types: 4, verbs: 5, routeLike: 7, converted: 7, asks: "/",
		in:     map[string][]string{"routes.go": {`app.Host(template("<tenant:[a-z]+>.example.org"))`, `host.Handle("/other/{0:.*}", framework.To[Any](app)).Name("items")`}},
		report: []string{`the name "items" is given again at main.py:21`}},
	{name: "strict", routes: 7, types: 3, verbs: 4, routeLike: 8, converted: 7, asks: "/social/x/complete",
		in: map[string][]string{
			"routes.go": {`webapp2.StrictSlash(app.Router, "/login/", framework.To[Login](app)).Name("login")`, `webapp2.RedirectHandler("https://example.com/x", 301)`, "TODO routes.py:14", "&toName{name: \"login\"}"},
			"main.go":   {`Name:     "cart"`, "app.Errors[404] for not_found"},
		},
		report: []string{"webapp2_extras.i18n"}, not: []string{"_PUT_KEY_HERE"}},
	{name: "lazy", routes: 5, types: 3, verbs: 4, routeLike: 7, converted: 5, asks: "/auth/google/callback",
		in: map[string][]string{
			"routes.go":            {`framework.ToMethod(app, (*AuthHandler).SimpleAuth)`, `.Name("auth_callback")`},
			"lib_auth_views_py.go": {"lib/auth/mixin.py:2", `provider := h.Var("provider")`},
			"pages_py.go":          {"grüß"},
		},
		report: []string{`its handler "removed.Module" is in no module`, "google.appengine.ext.deferred.application is not in the sources"}},
	{name: "loops", routes: 10, types: 2, verbs: 3, routeLike: 12, converted: 8, asks: "/de/about",
		in:     map[string][]string{"routes.go": {`app.Handle("/imprint"`, "if DEBUG:", `app.Handle("/shop/most", framework.To[Page](app)).Methods("GET", "POST")`, "helloFunc"}},
		report: []string{"goes over a value that is not known", "is never reached", "its handler is not known"}},
	{name: "apps", routes: 6, types: 6, verbs: 4, routeLike: 7, converted: 6, asks: "/admin/get",
		in: map[string][]string{
			"main.go":     {"routesAdmin(app)\n\troutesMailer(app)\n\troutesMain(app)", `Name:     "adm"`},
			"admin_py.go": {"type GetHandler struct", "type Chain struct{ GetHandler }", "func (h *Chain) Post() error"},
		},
		report: []string{"login: admin for `/admin/.*`", "inbound service `mail`", "admin.py:15 comes before it"}},
	{name: "decorators", routes: 3, types: 5, verbs: 4, routeLike: 3, converted: 3, asks: "/page",
		in: map[string][]string{"main_py.go": {
			"h.Private.Guard()", "// TODO: @tools.xsrf_protected", "Closed.dispatch called no other", "return h.SecureBase.Dispatch()", "refuses some requests"}},
		report: []string{"`@login_required`", "main.py:15: Private.dispatch"}},
	{name: "broken", routes: 3, types: 3, verbs: 4, routeLike: 4, converted: 3, asks: "/half",
		report: []string{"broken_part.py:3: not readable as Python 2 or 3", "main.py:6: not readable", "main.py:14: it is never reached"}},
	{name: "models", routes: 1, types: 1, verbs: 1, routeLike: 1, converted: 1, asks: "/",
		in: map[string][]string{"models.go": {
			"Address *Address", "`datastore:\"address,flatten\"`", "Others ", "[]Address", "`datastore:\"z,noindex\"`", "Class []string ", "SaveValue bool",
			"*ndb.User", "Created time.Time", "func (n *Note) Load", "Notes ", "[]Note"}}},
	{name: "taskqueue", routes: 5, types: 5, verbs: 4, routeLike: 5, converted: 5, asks: "/serve/x",
		report: []string{"task queue", "deferred", "blobstore handlers", "tests/main_test.py (a test)", "cron.yaml:2: `/cron/old`: embed [handlers.CronHandler]", "queue.yaml:2: `default`: embed [handlers.TaskHandler]"}},
	{name: "oldpython", files: oldPython, routes: 2, types: 3, verbs: 3, routeLike: 2, converted: 2,
		in: map[string][]string{"main_py.go": {`// é is set by no route`, "return h.Get() // main.py:20: post = \\ get", "// TODO: @limit( 10, )", `case "POST":`}}},
	{name: "oddnames", files: oddNames, routes: 8, types: 3, verbs: 3, routeLike: 17, converted: 13,
		in:     map[string][]string{"routes.go": {"func routesCopyOfMain2("}},
		report: []string{"its template does not begin with a slash", "would have the name ShowAll", "would have the name of the type Base", "the value of its methods is not known", "loop (a link)", "link.py (a link)", `"line\nbreak.py" (a name`}},
	{name: "chain", files: chain, routes: 10, types: 8, verbs: 4, routeLike: 10, converted: 9, asks: "/en/home",
		in:     map[string][]string{"a_py.go": {"with the bases make( 1)"}, "models.go": {"type GuestbookOfModels struct", `Kept.Get("a\nb")`}},
		report: []string{"no application mounts it"}},
	{name: "expressions", files: expressions, routes: 7, types: 1, verbs: 1, routeLike: 18, converted: 7,
		report: []string{"not one of Go's", "one group is in another", `"nonsense" in the list of routes is not a route`}},
	{name: "bytes", files: bytesOfFiles, routes: 5, types: 5, verbs: 5, routeLike: 6, converted: 5, asks: "/gr%C3%BC%C3%9Fe",
		in:     map[string][]string{"main_py.go": {"grüße"}, "module_py.go": {"type ETé struct"}},
		report: []string{"app.yaml:1: not read", "utf16.py:1: the file is not UTF-8", "bad.py:1"}},
}

// folder returns the folder of an application in testdata, or writes the files to a new
// folder.
func folder(t *testing.T, name string, files map[string]string) string {
	t.Helper()
	if files == nil {
		return filepath.Join("testdata", name)
	}
	dir := t.TempDir()
	for file, text := range files {
		path := filepath.Join(dir, file)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		var err error
		if target, ok := strings.CutPrefix(text, "link to "); ok {
			err = os.Symlink(target, path)
		} else {
			err = os.WriteFile(path, []byte(text), 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func write(t *testing.T, name, dir, out string) (*source.Application, *gocode.Module) {
	t.Helper()
	app, err := source.Read(dir)
	if err != nil {
		t.Fatal(err)
	}
	module, err := gocode.Write(app, gocode.Options{Module: "example.com/" + name})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(out, 0o755); err != nil {
		t.Fatal(err)
	}
	for file, data := range module.Files {
		if file != "go.mod" {
			if err := os.WriteFile(filepath.Join(out, file), data, 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	return app, module
}

func TestApplications(t *testing.T) {
	root := t.TempDir()
	for _, a := range applications {
		t.Run(a.name, func(t *testing.T) {
			dir := folder(t, a.name, a.files)
			app, module := write(t, a.name, dir, filepath.Join(root, a.name))
			report := string(module.Report("Not built.", dir))
			if module.Routes != a.routes || module.Types != a.types || module.Verbs != a.verbs {
				t.Errorf("%d routes, %d types, %d methods; want %d, %d, %d", module.Routes, module.Types, module.Verbs, a.routes, a.types, a.verbs)
			}
			if app.RouteLike != a.routeLike || app.Converted != a.converted {
				t.Errorf("%d places look like routes, %d converted; want %d, %d", app.RouteLike, app.Converted, a.routeLike, a.converted)
			}
			if err := app.Resolve(); err != nil {
				t.Error(err)
			}
			for file, wanted := range a.in {
				for _, want := range wanted {
					if !bytes.Contains(module.Files[file], []byte(want)) {
						t.Errorf("%s has no %q", file, want)
						t.Logf("%s:\n%s", file, module.Files[file])
					}
				}
			}
			for _, want := range a.report {
				if !strings.Contains(report, want) {
					t.Errorf("REPORT.md has no %q", want)
					t.Logf("%s", report)
				}
			}
			for _, unwanted := range a.not {
				for file, data := range module.Files {
					if bytes.Contains(data, []byte(unwanted)) {
						t.Errorf("%s has %q", file, unwanted)
					}
				}
				if strings.Contains(report, unwanted) {
					t.Errorf("REPORT.md has %q", unwanted)
				}
			}
		})
	}
	if !t.Failed() {
		t.Run("build", func(t *testing.T) { build(t, root) })
	}
}

// build builds all modules as packages of one module. It starts each program, whose
// server calls Check first, and requests a page from it.
func build(t *testing.T, root string) {
	framework, err := filepath.Abs("../../..")
	if err != nil {
		t.Fatal(err)
	}
	sums, err := os.ReadFile(filepath.Join(framework, "go.sum"))
	if err != nil {
		t.Fatal(err)
	}
	mod := fmt.Sprintf("module example.com/ported\n\ngo 1.26.0\n\nrequire github.com/webapp2go/webapp2go v0.0.0\n\nreplace github.com/webapp2go/webapp2go => %s\n", framework)
	for name, data := range map[string][]byte{"go.mod": []byte(mod), "go.sum": sums} {
		if err := os.WriteFile(filepath.Join(root, name), data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	started := ""
	for _, a := range applications {
		if a.asks != "" {
			started += " ./" + a.name
		}
	}
	for _, command := range []string{"go mod tidy", "go vet ./...", "go build -ldflags=-w -o bin/" + started} {
		words := strings.Fields(command)
		c := exec.Command(words[0], words[1:]...)
		c.Dir, c.Env = root, append(os.Environ(), "GOWORK=off")
		if output, err := c.CombinedOutput(); err != nil {
			t.Fatalf("%s: %v\n%s", command, err, output)
		}
	}
	for _, a := range applications {
		if a.asks == "" {
			continue
		}
		t.Run(a.name, func(t *testing.T) {
			if got := ask(t, filepath.Join(root, "bin", a.name), a.asks); got != http.StatusNotImplemented {
				t.Errorf("GET %s: %d", a.asks, got)
			}
		})
	}
}

// ask starts a program and returns the status of its response to a GET request.
func ask(t *testing.T, program, path string) int {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	c := exec.CommandContext(ctx, program)
	c.Env = append(os.Environ(), "PORT=0")
	stderr, err := c.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { c.Process.Kill(); c.Wait() }()
	var log []byte
	for buffer := make([]byte, 4096); ; {
		n, err := stderr.Read(buffer)
		log = append(log, buffer[:n]...)
		if m := regexp.MustCompile(`:(\d{2,5})\b[^\d:]*$`).FindSubmatch(bytes.TrimSpace(log)); m != nil && bytes.Contains(log, []byte("listening")) {
			response, err := http.Get("http://127.0.0.1:" + string(m[1]) + path)
			if err != nil {
				t.Fatal(err)
			}
			response.Body.Close()
			return response.StatusCode
		}
		if err != nil {
			t.Fatalf("it ended: %s", log)
		}
	}
}

func TestCommand(t *testing.T) {
	out := filepath.Join(t.TempDir(), "guestbook")
	var stdout, stderr bytes.Buffer
	if err := run([]string{"-out", out, "-replace", "../../..", "testdata/tutorial"}, &stdout, &stderr); err != nil {
		t.Fatal(err, stderr.String())
	}
	if want := "2 routes, 2 handler types, 2 methods. It builds, and Check finds no mistake."; !strings.Contains(stdout.String(), want) {
		t.Errorf("it says %q", stdout.String())
	}
	report, err := os.ReadFile(filepath.Join(out, "REPORT.md"))
	if first, _, _ := strings.Cut(string(report), "\n"); err != nil || first != "It builds, and Check finds no mistake." {
		t.Errorf("REPORT.md begins with %q, %v", first, err)
	}
	for _, args := range [][]string{nil, {"testdata"}, {"nothere"}, {"-out", out, "testdata/tutorial"}, {"main.go"}} {
		if args != nil && args[0] == "testdata" {
			args = []string{"-build=false", "-out", t.TempDir(), "testdata/tutorial/app.yaml"}
		}
		if err := run(args, io.Discard, io.Discard); err == nil {
			t.Errorf("%v: no error", args)
		}
	}
}

// The converter of regular expressions is the same as the framework's.
func TestRegexIsTheFrameworks(t *testing.T) {
	theirs, err := os.ReadFile("../../../webapp2/tuple.go")
	if err != nil {
		t.Fatal(err)
	}
	ours, err := os.ReadFile("../../internal/source/tuple.go")
	if err != nil {
		t.Fatal(err)
	}
	if string(ours) != strings.Replace(string(theirs), "package webapp2", "package source", 1) {
		t.Error("internal/source/tuple.go differs from webapp2/tuple.go: copy it, with the package's name changed")
	}
	line := regexp.MustCompile(`(?m)^var expressionText = .*$`)
	var lines [2]string
	for i, name := range []string{"../../../webapp2/template.go", "../../internal/source/routes.go"} {
		data, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		lines[i] = line.FindString(string(data))
	}
	if lines[0] == "" || lines[0] != lines[1] {
		t.Errorf("the expressions that no template may have differ: %q", lines)
	}
}

func TestWithoutCgo(t *testing.T) {
	program := filepath.Join(t.TempDir(), "port")
	c := exec.Command("go", "build", "-o", program, ".")
	c.Env = append(os.Environ(), "CGO_ENABLED=0")
	if output, err := c.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, output)
	}
	output, err := exec.Command(program, "dir").CombinedOutput()
	if err == nil || !bytes.Contains(output, []byte("Install a C compiler")) {
		t.Errorf("%v: %s", err, output)
	}
}

// Each link of a report leads to a heading.
func TestReportLinks(t *testing.T) {
	headings := map[string]bool{}
	for _, name := range []string{"migrating.md", "appengine.md"} {
		text, err := os.ReadFile("../../../docs/" + name)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(text)) {
			if title := strings.TrimLeft(line, "#"); title != line {
				anchor := regexp.MustCompile(`[^a-z0-9 -]`).ReplaceAllString(strings.ToLower(strings.TrimSpace(title)), "")
				headings[name+"#"+strings.ReplaceAll(anchor, " ", "-")] = true
			}
		}
	}
	pages := source.Pages()
	for _, page := range append(pages, "migrating.md#session-cookies") {
		if !headings[page] {
			t.Errorf("there is no %s", page)
		}
	}
	if len(pages) < 40 {
		t.Errorf("%d features", len(pages))
	}
}

// The searches in docs/migrating.md are commands that run and find something.
func TestSearches(t *testing.T) {
	text, err := os.ReadFile("../../../docs/migrating.md")
	if err != nil {
		t.Fatal(err)
	}
	searches := regexp.MustCompile("(?m)^\\| `(grep .*?)` \\|").FindAllSubmatch(text, -1)
	found := 0
	for _, search := range searches {
		c := exec.Command("sh", "-c", string(search[1]))
		c.Dir = "testdata"
		output, err := c.Output()
		if len(output) > 0 {
			found++
		} else {
			t.Logf("nothing: %s", search[1])
		}
		if c.ProcessState == nil || c.ProcessState.ExitCode() > 1 {
			t.Errorf("%s: %v", search[1], err)
		}
	}
	if len(searches) < 12 || found < len(searches)-2 {
		t.Errorf("%d searches, of which %d find something in the applications", len(searches), found)
	}
}
