package main

import (
	"bufio"
	"context"
	"io"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

// The application builds and passes its tests. In development it shows a changed page at the
// next request.
func TestNew(t *testing.T) {
	t.Setenv("GOFLAGS", "-mod=mod")
	folder := filepath.Join(t.TempDir(), "shop")
	var out, errout strings.Builder
	if status := run([]string{"new", folder}, &out, &errout); status != 0 || !strings.Contains(out.String(), "cd "+folder) {
		t.Fatalf("status %d\n%s%s", status, &out, &errout)
	}
	lines := 0
	err := filepath.WalkDir(folder, func(file string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		text, err := os.ReadFile(file)
		if strings.Contains(strings.ToLower(string(text)), "myapp") {
			t.Errorf("%s still has the name of the original", file)
		}
		if name := filepath.Base(file); name != "go.mod" && name != "go.sum" {
			lines += strings.Count(string(text), "\n")
		}
		return err
	})
	if err != nil || lines >= 300 {
		t.Errorf("%d lines, %v", lines, err)
	}
	for _, arguments := range [][]string{{"vet", "./..."}, {"test", "./..."}, {"build", "-o", "program", "."}} {
		if _, err := goCommand(folder, arguments...); err != nil {
			t.Fatal(err)
		}
	}

	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	program := exec.CommandContext(ctx, "./program", "-dev")
	program.Dir = folder
	program.Env = append(os.Environ(), "PORT=0")
	log, err := program.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := program.Start(); err != nil {
		t.Fatal(err)
	}
	buffered := bufio.NewReader(log)
	var port string
	for port == "" {
		line, err := buffered.ReadString('\n')
		if err != nil {
			t.Fatalf("%q, %v", line, err)
		}
		if found := regexp.MustCompile(`http://(\S+):(\d+)`).FindStringSubmatch(line); found != nil {
			port = found[2]
			if found[1] != "127.0.0.1" {
				t.Errorf("-dev listens on %s: %s", found[1], line)
			}
		}
	}
	go io.Copy(io.Discard, buffered)
	shows := func(path, want string) string {
		t.Helper()
		response, err := http.Get("http://127.0.0.1:" + port + path)
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		if cookies := response.Cookies(); len(cookies) > 0 && cookies[0].Name != "shop" {
			t.Errorf("the cookie is named %q, as that of other applications", cookies[0].Name)
		}
		page, err := io.ReadAll(response.Body)
		if err != nil || !strings.Contains(string(page), want) {
			t.Errorf("%v, want %q\n%s", err, want, page)
		}
		return string(page)
	}
	shows("/", "<h1>Visit 1</h1>")
	list := shows("/trace", "<code>GET /</code></a></td><td>200 OK</td>")
	if found := regexp.MustCompile(`href="(/trace/\w+)"`).FindStringSubmatch(list); found != nil {
		shows(found[1], "<code>backend create</code>")
	} else {
		t.Errorf("the list links to no trace\n%s", list)
	}
	shows("/", `<link rel="icon" type="image/svg+xml" href="/static/`)
	if err := os.WriteFile(filepath.Join(folder, "pages", "home.html"), []byte("<h1>Another page</h1>"), 0o600); err != nil {
		t.Fatal(err)
	}
	shows("/", "<h1>Another page</h1>")
	program.Process.Signal(os.Interrupt)
	if err := program.Wait(); err != nil {
		t.Error(err)
	}
}

// The major version at the end of a module's path is not its name.
func TestNameOf(t *testing.T) {
	for module, want := range map[string]string{"shop": "shop", "example.com/shop": "shop", "example.com/shop/v2": "shop", "example.com/v2": "v2", "v2": "v2", "example.com/a/vat": "vat", "example.com/a/v": "v"} {
		if name := nameOf(module); name != want {
			t.Errorf("the name of %s is %s, want %s", module, name, want)
		}
	}
}

func TestMistakes(t *testing.T) {
	folder := t.TempDir()
	full := filepath.Join(folder, "full")
	if err := os.Mkdir(full, 0o700); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(full, "notes.txt")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		args   []string
		status int
		want   string
	}{
		"nothing":            {nil, 2, "usage: webapp2go new"},
		"another command":    {[]string{"make", "x"}, 2, "usage: webapp2go new"},
		"no folder":          {[]string{"new"}, 2, "usage: webapp2go new"},
		"two folders":        {[]string{"new", "a", "b"}, 2, "usage: webapp2go new"},
		"an unknown flag":    {[]string{"new", "-mod", "a"}, 2, "-mod"},
		"help":               {[]string{"new", "-h"}, 0, "usage: webapp2go new"},
		"not empty":          {[]string{"new", full}, 1, "is not empty, it has notes.txt: name a folder that is empty or does not exist"},
		"a file":             {[]string{"new", file}, 1, "not a directory: name a folder that is empty or does not exist"},
		"below a file":       {[]string{"new", filepath.Join(file, "x")}, 1, "not a directory"},
		"a space":            {[]string{"new", filepath.Join(folder, "my app")}, 1, `cannot have the path "my app": give another with -module`},
		"a bad module":       {[]string{"new", "-module", "example.com/../x", filepath.Join(folder, "a")}, 1, `cannot have the path "example.com/../x"`},
		"a flag as a module": {[]string{"new", "-module", "-x", filepath.Join(folder, "a")}, 1, `cannot have the path "-x"`},
		"main":               {[]string{"new", filepath.Join(folder, "main")}, 1, `cannot have the path "main", because its test could not import it: give another with -module`},
		"main by a flag":     {[]string{"new", "-module", "main", filepath.Join(folder, "a")}, 1, `cannot have the path "main"`},
		"standard library":   {[]string{"new", filepath.Join(folder, "log")}, 1, `"log" is in Go's standard library`},
	} {
		t.Run(name, func(t *testing.T) {
			var out, errout strings.Builder
			status := run(test.args, &out, &errout)
			if status != test.status || !strings.Contains(errout.String(), test.want) {
				t.Errorf("status %d, want %d and %q\n%s", status, test.status, test.want, &errout)
			}
		})
	}
	if entries, err := os.ReadDir(folder); err != nil || len(entries) != 1 {
		t.Errorf("left behind: %v, %v", entries, err)
	}
}
