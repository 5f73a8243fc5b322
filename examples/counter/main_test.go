package main

import (
	"bufio"
	"context"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/webapp2go/webapp2go/sessions"
)

func TestCounter(t *testing.T) {
	app, err := newApp(sessions.RandomKey())
	if err != nil {
		t.Fatal(err)
	}
	if err := app.Check(); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(app)
	defer server.Close()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	browser := &http.Client{Jar: jar}
	shows := func(res *http.Response, err error, want string) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		page, err := io.ReadAll(res.Body)
		if err != nil {
			t.Fatal(err)
		}
		if res.StatusCode != 200 || !strings.Contains(string(page), want) {
			t.Fatalf("status %d, want 200 and %q\n%s", res.StatusCode, want, page)
		}
	}
	get := func(want string) {
		t.Helper()
		res, err := browser.Get(server.URL)
		shows(res, err, want)
	}
	post := func(path, want string, pairs ...string) {
		t.Helper()
		form := url.Values{}
		for i := 0; i < len(pairs); i += 2 {
			form.Set(pairs[i], pairs[i+1])
		}
		res, err := browser.PostForm(server.URL+path, form)
		shows(res, err, want)
	}
	get("<h1>Visit 1</h1>")
	get("<h1>Visit 2</h1>")
	post("/signup", "Welcome, ann.", "name", "ann", "password", "correct horse") // leads to visit 3
	get("<h1>Visit 4</h1>")
	post("/logout", "You are logged out.")
	get("<h1>Visit 1</h1>")
	post("/login", "Welcome back, ann.", "name", "ann", "password", "correct horse")
	get("ann</a>")
}

// A stop that was asked for is no failure: status 0, and nothing said but that it listens.
func TestStops(t *testing.T) {
	const variable = "RUN_COUNTER"
	if os.Getenv(variable) != "" {
		main()
		os.Exit(0) // before the test says that it passed
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	program := exec.CommandContext(ctx, os.Args[0], "-test.run=^TestStops$")
	program.Env = append(os.Environ(), variable+"=1", "PORT=0")
	program.WaitDelay = 10 * time.Second
	output, err := program.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := program.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewReader(output)
	if line, err := lines.ReadString('\n'); err != nil || !strings.Contains(line, "listening") {
		t.Errorf("it said %q, %v", line, err)
	}
	program.Process.Signal(os.Interrupt)
	rest, err := io.ReadAll(lines)
	if err != nil || len(rest) > 0 {
		t.Errorf("it said %q, %v", rest, err)
	}
	if err := program.Wait(); err != nil {
		t.Error(err)
	}
}
