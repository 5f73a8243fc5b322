package handlers_test

import (
	"net/http"
	"net/http/httptest"
	"regexp"
	"testing"

	"github.com/webapp2go/webapp2go/framework"
	"github.com/webapp2go/webapp2go/handlers"
	"github.com/webapp2go/webapp2go/sessions"
)

func TestStaticFilesAreKeptForAYear(t *testing.T) {
	s := serve(t, sessions.NewMemory(), nil)
	c := s.client(t)
	page := c.get("/login")
	links := regexp.MustCompile(`"(/static/[^"]+)"`).FindAllStringSubmatch(page.body, -1)
	if len(links) < 2 {
		t.Fatalf("the page names %d static files", len(links))
	}
	for _, link := range links {
		a := c.get(link[1], "Cookie", "session=anything")
		a.shows(t, 200)
		if got := a.header.Get("Cache-Control"); got != "public, max-age=31536000, immutable" {
			t.Errorf("%s: Cache-Control %q", link[1], got)
		}
		for _, name := range []string{"Set-Cookie", "Vary"} {
			if got := a.header.Get(name); got != "" {
				t.Errorf("%s: %s %q", link[1], name, got)
			}
		}
		head := c.do("HEAD", link[1], nil)
		if head.status != 200 || head.body != "" || head.header.Get("Content-Length") != a.header.Get("Content-Length") {
			t.Errorf("%s: HEAD answers %d with %q bytes", link[1], head.status, head.header.Get("Content-Length"))
		}
	}
	missing := c.get("/static/site.0000000000000000.css")
	missing.shows(t, 404)
	if got := missing.header.Get("Cache-Control"); got == "public, max-age=31536000, immutable" {
		t.Error("an error is kept for a year")
	}
}

func TestSecurityHeaders(t *testing.T) {
	s := serve(t, sessions.NewMemory(), nil)
	for _, path := range []string{"/login", "/nowhere", "/account"} {
		header := s.client(t).get(path).header
		for name, want := range map[string]string{
			"Content-Security-Policy":    handlers.StrictPolicy,
			"X-Content-Type-Options":     "nosniff",
			"Referrer-Policy":            "same-origin",
			"Cross-Origin-Opener-Policy": "same-origin",
			"Strict-Transport-Security":  "", // plain http
		} {
			if got := header.Get(name); got != want {
				t.Errorf("%s: %s is %q, want %q", path, name, got, want)
			}
		}
	}
}

func TestTransportSecurityIsForHTTPSAlone(t *testing.T) {
	tests := []struct {
		name, scheme string
		debug        bool
		want         string
	}{
		{"https", "https", false, "max-age=31536000"},
		{"http", "http", false, ""},
		{"development", "https", true, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			s := serve(t, sessions.NewMemory(), func(s *server) {
				s.app.Proxy, s.app.Debug = framework.CloudRun, test.debug
				s.site.Policy = "default-src 'self'"
			})
			header := s.client(t).get("/login", "X-Forwarded-Proto", test.scheme).header
			if got := header.Get("Strict-Transport-Security"); got != test.want {
				t.Errorf("Strict-Transport-Security %q, want %q", got, test.want)
			}
			if got := header.Get("Content-Security-Policy"); got != "default-src 'self'" {
				t.Errorf("the site's own policy is not sent, but %q", got)
			}
		})
	}
}

// What one answer does to its headers is not in the next one's.
func TestSecurityHeadersAreNotSharedBetweenAnswers(t *testing.T) {
	s := serve(t, sessions.NewMemory(), nil)
	for range 2 {
		var h handlers.BaseHandler
		w := httptest.NewRecorder()
		framework.Init(&h, s.app, w, httptest.NewRequest(http.MethodGet, "/", nil))
		if got := h.Response.Header().Values("Referrer-Policy"); len(got) != 1 {
			t.Errorf("%d values", len(got))
		}
		h.Response.Header().Add("Referrer-Policy", "no-referrer")
		h.Response.Header().Set("X-Content-Type-Options", "x")
	}
}
