package handlers_test

import (
	"log/slog"
	"regexp"
	"strings"
	"testing"

	"github.com/webapp2go/webapp2go/framework"
	"github.com/webapp2go/webapp2go/handlers"
	"github.com/webapp2go/webapp2go/sessions"
)

func TestErrorPagesHaveTheSitesLayout(t *testing.T) {
	s := serve(t, sessions.NewMemory(), func(s *server) {
		s.app.Handle("/end/{how}", framework.To[endingHandler](s.app))
	})
	c := s.client(t)
	c.signUp("ann")
	tests := []struct {
		name, method, path string
		status             int
		text               string
	}{
		{"no route", "GET", "/nowhere", 404, "Not Found"},
		{"no such method", "DELETE", "/account", 405, "Method Not Allowed"},
		{"unknown method", "BREW", "/account", 501, "Not Implemented"},
		{"abort", "GET", "/end/abort", 418, "short and stout"},
		{"no static file", "GET", "/static/nothing.css", 404, "Not Found"},
		{"error", "GET", "/end/error", 500, "Internal Server Error"},
		{"panic", "GET", "/end/panic", 500, "Internal Server Error"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			a := c.do(test.method, test.path, nil)
			a.shows(t, test.status, `<p class="status" aria-hidden="true">`, test.text, ">ann</a>")
			a.hides(t, "broken")
			if got := a.header.Get("Content-Security-Policy"); got != handlers.StrictCSP {
				t.Errorf("Content-Security-Policy: %q", got)
			}
			program := c.do(test.method, test.path, nil, "Accept", "application/json")
			if got := program.header.Get("Content-Type"); program.status != test.status || !strings.HasPrefix(got, "application/json") {
				t.Errorf("a program gets %d and %q", program.status, got)
			}
		})
	}
}

// A client without a preference gets the page of the site. A script gets JSON.
func TestErrorPageOrJSON(t *testing.T) {
	s := serve(t, sessions.NewMemory(), nil)
	c := s.client(t)
	for name, test := range map[string]struct {
		header []string
		html   bool
	}{
		"nothing": {[]string{"Accept", ""}, true},
		"any":     {[]string{"Accept", "*/*"}, true},
		"script":  {[]string{"Accept", "*/*", "Sec-Fetch-Dest", "empty"}, false},
		"JSON":    {[]string{"Accept", "*/*", "Content-Type", "application/json"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			a := c.do("GET", "/nowhere", nil, test.header...)
			if a.status != 404 || strings.Contains(a.body, `<p class="status"`) != test.html || strings.HasPrefix(a.header.Get("Content-Type"), "application/json") == test.html {
				t.Errorf("answer %d %v %s", a.status, a.header, a.body)
			}
			if got := a.header.Get("Vary"); got != "Accept, Sec-Fetch-Dest" {
				t.Errorf("Vary: %q", got)
			}
		})
	}
}

// The id on the error page is that of the record in the log.
func TestErrorPageNamesTheLogRecord(t *testing.T) {
	var log strings.Builder
	s := serve(t, sessions.NewMemory(), func(s *server) {
		s.app.Log = slog.New(slog.NewTextHandler(&log, nil))
		s.app.Handle("/end/{how}", framework.To[endingHandler](s.app))
	})
	page := s.client(t).get("/end/error").body
	id := regexp.MustCompile(`<code>([A-Z0-9]{12})</code>`).FindStringSubmatch(page)
	if id == nil || strings.Count(log.String(), "id="+id[1]) != 1 {
		t.Errorf("the page has the id %q, the log is\n%s", id, &log)
	}
	s.client(t).get("/nowhere").hides(t, "If you tell us of it")
}

func TestDebugShowsTheError(t *testing.T) {
	s := serve(t, sessions.NewMemory(), func(s *server) {
		s.app.Debug = true
		s.app.Handle("/end/{how}", framework.To[endingHandler](s.app))
	})
	s.client(t).get("/end/error").shows(t, 500, "broken")
	s.client(t).get("/end/abort").shows(t, 418, `<p class="status"`, "short and stout")
}

// In Debug, a path without a route or a method that is not served gets the debug page, which
// shows the session without its values. An error that the action returned gets the same
// response as in production.
func TestDebugPageOfASite(t *testing.T) {
	s := serve(t, sessions.NewMemory(), func(s *server) {
		s.app.Debug = true
		s.app.Handle("/end/{how}", framework.To[endingHandler](s.app))
	})
	c := s.client(t)
	c.get("/nowhere").shows(t, 404, "Routes, the nearest first", "/end/{how}", "not used by this request")
	c.do("DELETE", "/login", nil).shows(t, 405, "GET, HEAD, POST, OPTIONS")
	c.signUp("ann")
	a := c.get("/end/error")
	a.shows(t, 500, "handlers_test.(*endingHandler).Get", "endingHandler", "handlers.BaseHandler.Dispatch")
	if got := a.header.Get("Content-Security-Policy"); !strings.Contains(got, "style-src 'sha256-") || strings.Contains(got, "script-src") {
		t.Errorf("Content-Security-Policy: %q", got)
	}
	if got := c.get("/account").header.Get("Content-Security-Policy"); got != handlers.StrictCSP {
		t.Errorf("the next page has the policy %q", got)
	}
}
