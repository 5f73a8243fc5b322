package handlers_test

import (
	"net/http"
	"net/http/httptest"
	"regexp"
	"testing"

	"github.com/webapp2go/webapp2go/framework"
	"github.com/webapp2go/webapp2go/handlers"
	"github.com/webapp2go/webapp2go/sessions"
	"github.com/webapp2go/webapp2go/templates"
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
			"X-Frame-Options":            "DENY",
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

// Strict-Transport-Security is sent if the site asks for it, over https.
func TestTransportSecurityIsAskedFor(t *testing.T) {
	for name, test := range map[string]struct {
		scheme string
		debug  bool
		asked  map[string]string
		want   string
	}{
		"https":       {"https", false, map[string]string{"strict-transport-security": "max-age=60"}, "max-age=60"},
		"http":        {"http", false, map[string]string{"Strict-Transport-Security": "max-age=60"}, ""},
		"development": {"https", true, map[string]string{"Strict-Transport-Security": "max-age=60"}, ""},
		"not asked":   {"https", false, nil, ""},
	} {
		t.Run(name, func(t *testing.T) {
			s := serve(t, sessions.NewMemory(), func(s *server) {
				s.app.Proxy, s.app.Debug = framework.CloudRun, test.debug
				s.site.Headers = test.asked
			})
			header := s.client(t).get("/login", "X-Forwarded-Proto", test.scheme).header
			if got := header.Get("Strict-Transport-Security"); got != test.want {
				t.Errorf("Strict-Transport-Security %q, want %q", got, test.want)
			}
		})
	}
}

// A policy of the site's own keeps what default-src does not cover, and X-Frame-Options
// says what frame-ancestors says. Each header can be changed and turned off.
func TestSecurityHeadersOfTheSitesOwn(t *testing.T) {
	const policy, frame, referrer = "Content-Security-Policy", "X-Frame-Options", "Referrer-Policy"
	const kept = "; frame-ancestors 'none'; base-uri 'none'; form-action 'self'"
	for name, test := range map[string]struct {
		policy  string
		headers map[string]string
		want    map[string]string
	}{
		"none":                  {"", nil, map[string]string{policy: handlers.StrictPolicy, frame: "DENY", referrer: "same-origin"}},
		"a policy":              {"default-src 'self'", nil, map[string]string{policy: "default-src 'self'" + kept, frame: "DENY"}},
		"a policy with an end":  {"default-src 'self'; ", nil, map[string]string{policy: "default-src 'self'" + kept}},
		"frames of the site":    {"default-src 'self'; Frame-Ancestors  'self'", nil, map[string]string{policy: "default-src 'self'; Frame-Ancestors  'self'; base-uri 'none'; form-action 'self'", frame: "SAMEORIGIN"}},
		"frames of others":      {"frame-ancestors https://a.example", nil, map[string]string{policy: "frame-ancestors https://a.example; base-uri 'none'; form-action 'self'", frame: ""}},
		"all said":              {"form-action *; base-uri *; frame-ancestors *", nil, map[string]string{policy: "form-action *; base-uri *; frame-ancestors *", frame: ""}},
		"a name within another": {"report-uri /base-uri", nil, map[string]string{policy: "report-uri /base-uri" + kept}},
		"a header changed":      {"", map[string]string{"referrer-policy": "no-referrer"}, map[string]string{referrer: "no-referrer", policy: handlers.StrictPolicy}},
		"a header off":          {"", map[string]string{"Referrer-Policy": "", "X-Frame-Options": ""}, map[string]string{referrer: "", frame: "", policy: handlers.StrictPolicy}},
		"a header more":         {"", map[string]string{"Cross-Origin-Embedder-Policy": "require-corp"}, map[string]string{"Cross-Origin-Embedder-Policy": "require-corp"}},
		"the policy as it is":   {"", map[string]string{policy: "default-src *"}, map[string]string{policy: "default-src *"}},
		"the policy off":        {"", map[string]string{policy: ""}, map[string]string{policy: ""}},
	} {
		t.Run(name, func(t *testing.T) {
			s := serve(t, sessions.NewMemory(), func(s *server) { s.site.Policy, s.site.Headers = test.policy, test.headers })
			for _, path := range []string{"/login", "/nowhere"} {
				header := s.client(t).get(path).header
				for name, want := range test.want {
					if got := header.Get(name); got != want {
						t.Errorf("%s: %s is %q, want %q", path, name, got, want)
					}
				}
			}
		})
	}
}

// Pages gives a site its error pages and static files, and no account page.
func TestPagesWithoutAccounts(t *testing.T) {
	s := serve(t, sessions.NewMemory(), nil)
	app := framework.New()
	pages, err := templates.Parse(nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	site := &handlers.Site{Sessions: s.site.Sessions, Templates: pages}
	app.Init = site.Init
	site.Pages(app)
	if err := app.Check(); err != nil {
		t.Fatal(err)
	}
	s.Server = httptest.NewServer(app)
	t.Cleanup(s.Close)
	c := s.client(t)
	page := c.get("/signup")
	page.shows(t, 404, `<p class="status"`, "Not Found")
	page.hides(t, "Log in", "Sign up")
	c.get(regexp.MustCompile(`/static/site[^"]+`).FindString(page.body)).shows(t, 200)
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
