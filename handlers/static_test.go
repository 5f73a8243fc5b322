package handlers_test

import (
	"bytes"
	"compress/gzip"
	"crypto/rand"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"

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
		a := c.get(link[1], "Cookie", "session=anything", "Accept-Encoding", "identity")
		a.shows(t, 200)
		if got := a.header.Get("Cache-Control"); got != "public, max-age=31536000, immutable" {
			t.Errorf("%s: Cache-Control %q", link[1], got)
		}
		if got := a.header.Get("Set-Cookie"); got != "" {
			t.Errorf("%s: Set-Cookie %q", link[1], got)
		}
		head := c.do("HEAD", link[1], nil, "Accept-Encoding", "identity")
		if head.status != 200 || head.body != "" || head.header.Get("Content-Length") != a.header.Get("Content-Length") {
			t.Errorf("%s: HEAD answers %d with %q bytes", link[1], head.status, head.header.Get("Content-Length"))
		}
	}
	missing := c.get("/static/0000000000000000/nothing.css")
	missing.shows(t, 404)
	if got := missing.header.Get("Cache-Control"); got == "public, max-age=31536000, immutable" {
		t.Error("an error is kept for a year")
	}
}

// files makes files from pairs of names and contents.
func files(pairs ...string) fstest.MapFS {
	m := fstest.MapFS{}
	for i := 0; i < len(pairs); i += 2 {
		m[pairs[i]] = &fstest.MapFile{Data: []byte(pairs[i+1])}
	}
	return m
}

// serveFiles starts a site with these files among its pages, and routes of its own.
func serveFiles(t *testing.T, pages fs.FS, more func(s *server)) *server {
	t.Helper()
	s := serve(t, sessions.NewMemory(), nil)
	set, err := templates.Parse(pages, nil)
	if err != nil {
		t.Fatal(err)
	}
	s.site = &handlers.Site{Sessions: s.site.Sessions, Templates: set}
	s.app = framework.New()
	s.app.Log, s.app.Init = slog.New(slog.DiscardHandler), s.site.Init
	s.site.Pages(s.app)
	if more != nil {
		more(s)
	}
	if err := s.app.Check(); err != nil {
		t.Fatal(err)
	}
	s.Server = httptest.NewServer(s.app)
	t.Cleanup(s.Close)
	return s
}

// secure checks that a response has the security headers.
func (a answer) secure(t *testing.T) {
	t.Helper()
	for name, want := range map[string]string{"Content-Security-Policy": handlers.StrictCSP, "X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY"} {
		if got := a.header.Get(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
}

// Relative references in a style sheet or a script work as in the file system.
func TestStaticFilesReferToEachOther(t *testing.T) {
	s := serveFiles(t, files(
		"static/app.css", `@import "css/more.css"; body { background: url(img/bg.png) }`,
		"static/css/more.css", `@font-face { src: url("../fonts/a b.woff2") }`,
		"static/img/bg.png", "bg", "static/fonts/a b.woff2", "font",
		"static/js/main.js", `import "./util.js"; export * from "../js/lib/x.js"; import("./lib/x.js")`,
		"static/js/util.js", "util", "static/js/lib/x.js", "x",
	), nil)
	c := s.client(t)
	for from, references := range map[string]map[string]string{
		"app.css":      {"css/more.css": "@font-face", "img/bg.png": "bg"},
		"css/more.css": {"../fonts/a b.woff2": "font"},
		"js/main.js":   {"./util.js": "util", "../js/lib/x.js": "x", "./lib/x.js": "x"},
	} {
		address, err := s.site.Templates.StaticURL(from)
		if err != nil {
			t.Fatal(err)
		}
		base, err := url.Parse(address)
		if err != nil {
			t.Fatal(err)
		}
		c.get(address).shows(t, 200)
		for reference, want := range references {
			to, err := base.Parse(strings.ReplaceAll(reference, " ", "%20"))
			if err != nil {
				t.Fatal(err)
			}
			a := c.get(to.String())
			a.shows(t, 200, want)
			a.secure(t)
			if got := a.header.Get("Cache-Control"); got != "public, max-age=31536000, immutable" {
				t.Errorf("%s: Cache-Control %q", to, got)
			}
		}
	}
	for _, folder := range []string{"/static", "/static/", "/static/img", "/static/img/", "/static/0123456789abcdef/", "/static/0123456789abcdef/img/"} {
		a := c.get(folder)
		a.shows(t, 404)
		a.secure(t)
		a.hides(t, "bg.png")
	}
}

// An address of another version of the site, and one without the hash, redirect to the current
// file.
func TestStaticAddressesOfAnotherVersion(t *testing.T) {
	s := serveFiles(t, files("static/img/bg.png", "bg"), nil)
	c := s.client(t)
	now, err := s.site.Templates.StaticURL("img/bg.png")
	if err != nil {
		t.Fatal(err)
	}
	for _, old := range []string{"/static/0123456789abcdef/img/bg.png", "/static/img/bg.png"} {
		a := c.get(old)
		a.redirects(t, now)
		if got := a.header.Get("Cache-Control"); got != "no-store" {
			t.Errorf("%s: Cache-Control %q", old, got)
		}
	}
	for _, old := range []string{"/static/0123456789abcdef/img/no.png", "/static/x/img/bg.png", "/static//img/bg.png", "/static/0123456789abcdef//evil.example/"} {
		if a := c.get(old); a.status == 200 || a.status == http.StatusFound && a.header.Get("Location") != now {
			t.Errorf("%s: %d to %q", old, a.status, a.header.Get("Location"))
		}
	}
	part := c.get(now, "Range", "bytes=1-1")
	part.shows(t, http.StatusPartialContent)
	if part.body != "g" {
		t.Errorf("the range is %q", part.body)
	}
}

func TestRootFiles(t *testing.T) {
	s := serveFiles(t, files("root/robots.txt", "User-agent: *", "root/favicon.ico", "icon", "root/.well-known/security.txt", "Contact: x"), nil)
	c := s.client(t)
	for path, want := range map[string]string{
		"/robots.txt": "text/plain; charset=utf-8", "/favicon.ico": "image/x-icon", "/.well-known/security.txt": "text/plain; charset=utf-8",
	} {
		a := c.get(path)
		a.shows(t, 200)
		a.secure(t)
		if a.header.Get("Content-Type") != want || a.header.Get("Cache-Control") != "public, max-age=3600" || a.header.Get("Set-Cookie") != "" || a.body == "" {
			t.Errorf("%s: %q %v", path, a.body, a.header)
		}
	}
	c.do("POST", "/robots.txt", url.Values{}).shows(t, 405)
	c.get("/.well-known/").shows(t, 404)
}

// A FileHandler lists no folder and serves no file that is hidden or outside its folder.
func TestFileHandler(t *testing.T) {
	folder := t.TempDir()
	for name, text := range map[string]string{"in/a.txt": "0123456789", "in/sub/index.html": "<script>", "in/.git/config": "secret", "in/.env": "secret", "out.txt": "secret"} {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(folder, name)), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink("../out.txt", filepath.Join(folder, "in/link.txt")); err != nil {
		t.Fatal(err)
	}
	root, err := os.OpenRoot(filepath.Join(folder, "in"))
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	s := serveFiles(t, nil, func(s *server) {
		s.app.Handle("/files/{file:.+}", framework.From(s.app, func() *handlers.FileHandler { return &handlers.FileHandler{Files: root.FS()} }))
		s.app.Handle("/without", framework.From(s.app, func() *handlers.FileHandler { return &handlers.FileHandler{Files: root.FS()} }))
	})
	c := s.client(t)
	a := c.get("/files/a.txt")
	a.shows(t, 200, "0123456789")
	a.secure(t)
	if a.header.Get("Cache-Control") != "no-cache" || a.header.Get("Content-Type") != "text/plain; charset=utf-8" || a.header.Get("Set-Cookie") != "" {
		t.Errorf("header %v", a.header)
	}
	c.get("/files/a.txt", "If-Modified-Since", a.header.Get("Last-Modified")).shows(t, http.StatusNotModified)
	if part := c.get("/files/a.txt", "Range", "bytes=2-3"); part.status != http.StatusPartialContent || part.body != "23" {
		t.Errorf("the range is %d %q", part.status, part.body)
	}
	page := c.get("/files/sub/index.html")
	page.shows(t, 200)
	page.secure(t)
	for _, name := range []string{"", "sub", "sub/", "no.txt", ".env", ".git/config", "link.txt", "../out.txt", "..%2fout.txt", "sub/..%2f..%2fout.txt", "a.txt/", "a%00.txt", "sub/index.html/x"} {
		a := c.get("/files/" + name)
		if a.status != 404 && a.status != 301 {
			t.Errorf("%q: status %d", name, a.status)
		}
		a.secure(t)
		a.hides(t, "secret", "index.html")
	}
	c.get("/without").shows(t, 500)
}

func TestSecurityHeaders(t *testing.T) {
	s := serve(t, sessions.NewMemory(), nil)
	for _, path := range []string{"/login", "/nowhere", "/account"} {
		header := s.client(t).get(path).header
		for name, want := range map[string]string{
			"Content-Security-Policy":    handlers.StrictCSP,
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

// Strict-Transport-Security is sent if the site sets it, over https.
func TestTransportSecurity(t *testing.T) {
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
				s.app.TrustedProxy, s.app.Debug = framework.CloudRun, test.debug
				s.site.Headers = test.asked
			})
			header := s.client(t).get("/login", "X-Forwarded-Proto", test.scheme).header
			if got := header.Get("Strict-Transport-Security"); got != test.want {
				t.Errorf("Strict-Transport-Security %q, want %q", got, test.want)
			}
		})
	}
}

// The site's own policy gets the directives that default-src does not cover, and
// X-Frame-Options agrees with frame-ancestors. Each header can be changed and removed.
func TestSecurityHeadersOfTheSite(t *testing.T) {
	const policy, frame, referrer = "Content-Security-Policy", "X-Frame-Options", "Referrer-Policy"
	const kept = "; frame-ancestors 'none'; base-uri 'none'; form-action 'self'"
	for name, test := range map[string]struct {
		policy  string
		headers map[string]string
		want    map[string]string
	}{
		"none":                  {"", nil, map[string]string{policy: handlers.StrictCSP, frame: "DENY", referrer: "same-origin"}},
		"a policy":              {"default-src 'self'", nil, map[string]string{policy: "default-src 'self'" + kept, frame: "DENY"}},
		"a policy with an end":  {"default-src 'self'; ", nil, map[string]string{policy: "default-src 'self'" + kept}},
		"frames of the site":    {"default-src 'self'; Frame-Ancestors  'self'", nil, map[string]string{policy: "default-src 'self'; Frame-Ancestors  'self'; base-uri 'none'; form-action 'self'", frame: "SAMEORIGIN"}},
		"frames of others":      {"frame-ancestors https://a.example", nil, map[string]string{policy: "frame-ancestors https://a.example; base-uri 'none'; form-action 'self'", frame: ""}},
		"all said":              {"form-action *; base-uri *; frame-ancestors *", nil, map[string]string{policy: "form-action *; base-uri *; frame-ancestors *", frame: ""}},
		"a name within another": {"report-uri /base-uri", nil, map[string]string{policy: "report-uri /base-uri" + kept}},
		"a header changed":      {"", map[string]string{"referrer-policy": "no-referrer"}, map[string]string{referrer: "no-referrer", policy: handlers.StrictCSP}},
		"a header off":          {"", map[string]string{"Referrer-Policy": "", "X-Frame-Options": ""}, map[string]string{referrer: "", frame: "", policy: handlers.StrictCSP}},
		"a header more":         {"", map[string]string{"Cross-Origin-Embedder-Policy": "require-corp"}, map[string]string{"Cross-Origin-Embedder-Policy": "require-corp"}},
		"the policy as it is":   {"", map[string]string{policy: "default-src *"}, map[string]string{policy: "default-src *"}},
		"the policy off":        {"", map[string]string{policy: ""}, map[string]string{policy: ""}},
	} {
		t.Run(name, func(t *testing.T) {
			s := serve(t, sessions.NewMemory(), func(s *server) { s.site.CSP, s.site.Headers = test.policy, test.headers })
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

// Pages adds error pages and static files, and no page of accounts.
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
	c.get(regexp.MustCompile(`/static/[^"]+site.css`).FindString(page.body)).shows(t, 200)
}

// A response that changes its headers does not change those of the next response.
func TestResponsesDoNotShareSecurityHeaders(t *testing.T) {
	s := serve(t, sessions.NewMemory(), nil)
	for range 2 {
		var h handlers.BaseHandler
		w := httptest.NewRecorder()
		framework.Init(w, httptest.NewRequest(http.MethodGet, "/", nil), s.app, &h)
		if got := h.Response.Header().Values("Referrer-Policy"); len(got) != 1 {
			t.Errorf("%d values", len(got))
		}
		h.Response.Header().Add("Referrer-Policy", "no-referrer")
		h.Response.Header().Set("X-Content-Type-Options", "x")
	}
}

// Text is compressed for clients that accept gzip, and only for them.
func TestStaticFilesAreCompressed(t *testing.T) {
	text, noise := strings.Repeat("body { color: red }\n", 200), make([]byte, 4000)
	rand.Read(noise)
	s := serveFiles(t, files("static/long.css", text, "static/short.css", "body {}", "static/noise.txt", string(noise),
		"static/photo.png", text, "root/robots.txt", text), nil)
	plain := http.Client{Transport: &http.Transport{DisableCompression: true}}
	ask := func(path, accept string, more ...string) *http.Response {
		t.Helper()
		r, err := http.NewRequest("GET", s.URL+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		if len(more) > 0 {
			r.Method = more[0]
		}
		for i := 1; i+1 < len(more); i += 2 {
			r.Header.Set(more[i], more[i+1])
		}
		if accept != "" {
			r.Header.Set("Accept-Encoding", accept)
		}
		res, err := plain.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { res.Body.Close() })
		return res
	}
	static := func(name string) string {
		address, err := s.site.Templates.StaticURL(name)
		if err != nil {
			t.Fatal(err)
		}
		return address
	}
	for _, path := range []string{static("long.css"), "/robots.txt"} {
		for accept, want := range map[string]bool{
			"gzip": true, "br, gzip": true, "GZIP;Q=0.5": true, "*": true, "x-gzip": true, "gzip;q=1.000, *;q=0": true, "deflate , gzip ; q=0.1": true,
			"": false, "identity": false, "gzip;q=0": false, "gzip; q=0.000": false, "*;q=0": false, "gzip;q=0, *": false, "br": false, "gzippy": false,
		} {
			res := ask(path, accept)
			body, err := io.ReadAll(res.Body)
			if err != nil {
				t.Fatal(err)
			}
			if got := res.Header.Get("Content-Encoding") == "gzip"; got != want || res.Header.Get("Vary") != "Accept-Encoding" {
				t.Errorf("%s, Accept-Encoding %q: gzip %t, Vary %q", path, accept, got, res.Header.Get("Vary"))
			}
			if res.ContentLength != int64(len(body)) {
				t.Errorf("%s, Accept-Encoding %q: Content-Length %d of %d bytes", path, accept, res.ContentLength, len(body))
			}
			if want {
				r, err := gzip.NewReader(bytes.NewReader(body))
				if err != nil {
					t.Fatal(err)
				}
				if body, err = io.ReadAll(r); err != nil {
					t.Fatal(err)
				}
			}
			if string(body) != text {
				t.Errorf("%s, Accept-Encoding %q: another text", path, accept)
			}
			if head := ask(path, accept, "HEAD"); head.ContentLength != res.ContentLength || head.Header.Get("Content-Encoding") != res.Header.Get("Content-Encoding") {
				t.Errorf("%s, Accept-Encoding %q: HEAD has %d bytes, GET %d", path, accept, head.ContentLength, res.ContentLength)
			}
		}
	}
	for _, name := range []string{"short.css", "noise.txt", "photo.png"} {
		if res := ask(static(name), "gzip"); res.Header.Get("Content-Encoding") != "" || res.Header.Get("Vary") != "" {
			t.Errorf("%s: %v", name, res.Header)
		}
	}
	part := ask(static("long.css"), "gzip", "GET", "Range", "bytes=5-9")
	body, _ := io.ReadAll(part.Body)
	if part.StatusCode != 206 || part.Header.Get("Content-Encoding") != "" || string(body) != text[5:10] {
		t.Errorf("a range: status %d, %q, %q", part.StatusCode, part.Header.Get("Content-Encoding"), body)
	}
}

// A middleware that compresses too names the header already. Vary says it once.
func TestStaticFilesBehindACompressor(t *testing.T) {
	s := serveFiles(t, files("root/robots.txt", strings.Repeat("User-agent: *\n", 200)), func(s *server) {
		s.app.Use(func(next http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.Header().Add("Vary", "Accept-Encoding")
				next.ServeHTTP(w, r)
			})
		})
	})
	a := s.client(t).get("/robots.txt", "Accept-Encoding", "gzip")
	if got := a.header.Values("Vary"); len(got) != 1 {
		t.Errorf("Vary: %q", got)
	}
}
