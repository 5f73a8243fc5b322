package main

import (
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/webapp2go/webapp2go/auth"
	"github.com/webapp2go/webapp2go/sessions"
)

func TestSite(t *testing.T) {
	app, err := newApp([]sessions.Key{sessions.RandomKey()}, sessions.NewMemory(), auth.NewMemory(), false)
	if err != nil {
		t.Fatal(err)
	}
	if err := app.Check(); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewTLSServer(app)
	defer server.Close()
	browser := server.Client()
	browser.Jar, _ = cookiejar.New(nil) // never fails
	for _, step := range []struct {
		method, path, form string
		status             int
		shows              string
	}{
		{"GET", "/", "", 200, "<h1>Visit 1</h1>"},
		{"GET", "/", "", 200, "<h1>Visit 2</h1>"},
		{"GET", "/list", "", 200, "<h1>Log in</h1>"},
		{"POST", "/signup", "name=ann&password=correct+horse", 200, "Welcome, ann."},
		{"GET", "/list", "", 200, "Nothing on it yet."},
		{"POST", "/list", "item=milk+%26+bread", 200, "Added: milk &amp; bread"},
		{"POST", "/list", "item=", 400, "An item has 1 to 200 bytes."},
		{"GET", "/list", "", 200, "<li>milk &amp; bread</li>"},
		{"GET", "/nowhere", "", 404, "Not Found"},
	} {
		request, _ := http.NewRequest(step.method, server.URL+step.path, strings.NewReader(step.form)) // never fails
		request.Header.Set("Accept", "text/html")
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		response, err := browser.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		page, err := io.ReadAll(response.Body)
		response.Body.Close()
		if err != nil || response.StatusCode != step.status || !strings.Contains(string(page), step.shows) {
			t.Errorf("%s %s: %v, status %d, want %d and %q\n%s", step.method, step.path, err, response.StatusCode, step.status, step.shows, page)
		}
	}
}
