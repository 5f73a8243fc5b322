package handlers_test

import (
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/webapp2go/webapp2go/auth"
	"github.com/webapp2go/webapp2go/framework"
	"github.com/webapp2go/webapp2go/handlers"
	"github.com/webapp2go/webapp2go/sessions"
	"github.com/webapp2go/webapp2go/templates"
)

// A clock stands still until it is moved. It is safe for concurrent use.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// A server is a site on a real port.
type server struct {
	*httptest.Server
	site  *handlers.Site
	app   *framework.App
	clock *clock
}

var backends = map[string]func() sessions.Backend{
	"cookie": func() sessions.Backend { return nil },
	"memory": func() sessions.Backend { return sessions.NewMemory() },
}

// serve starts a site with the built-in pages and one session. More can add to it.
func serve(t *testing.T, backend sessions.Backend, more func(s *server)) *server {
	t.Helper()
	return serveAccounts(t, backend, nil, more)
}

// serveAccounts is serve with a function that changes the site before its routes are added.
// If that removes the Users, there are no pages of accounts.
func serveAccounts(t *testing.T, backend sessions.Backend, change func(site *handlers.Site), more func(s *server)) *server {
	t.Helper()
	s := &server{clock: &clock{now: time.Now()}}
	quiet := slog.New(slog.NewTextHandler(io.Discard, nil))
	manager, err := sessions.New(sessions.Config{
		Keys:     []sessions.Key{sessions.RandomKey()},
		Sessions: []sessions.Spec{{Backend: backend, Insecure: true, IdleTimeout: time.Hour}},
		Now:      s.clock.Now,
		Log:      quiet,
	})
	if err != nil {
		t.Fatal(err)
	}
	pages, err := templates.Parse(nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	s.site = &handlers.Site{
		Sessions:  manager,
		Templates: pages,
		Users:     auth.NewMemory(),
		Passwords: auth.Passwords{Argon2: auth.Argon2Params{Time: 1, MemoryKiB: 8, Threads: 1}},
		Name:      "Test",
	}
	s.app = framework.New()
	s.app.Log = quiet
	s.app.Init = s.site.Init
	if change != nil {
		change(s.site)
	}
	if s.site.Users != nil {
		s.site.Accounts(s.app)
	}
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

// A client is a browser that does not follow redirects.
type client struct {
	t      *testing.T
	server *server
	http.Client
}

func (s *server) client(t *testing.T) *client {
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &client{t, s, http.Client{
		Jar:           jar,
		Timeout:       time.Minute,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// An answer is a response that was read to its end.
type answer struct {
	status int
	header http.Header
	body   string
}

func (c *client) do(method, path string, form url.Values, header ...string) answer {
	c.t.Helper()
	var body io.Reader
	if form != nil {
		body = strings.NewReader(form.Encode())
	}
	r, err := http.NewRequest(method, c.server.URL+path, body)
	if err != nil {
		c.t.Fatal(err)
	}
	r.Header.Set("Accept", "text/html,*/*;q=0.8")
	if form != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	res, err := c.Do(r)
	if err != nil {
		c.t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	return answer{res.StatusCode, res.Header, string(text)}
}

func (c *client) get(path string, header ...string) answer {
	c.t.Helper()
	return c.do(http.MethodGet, path, nil, header...)
}

func (c *client) post(path string, pairs ...string) answer {
	c.t.Helper()
	form := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		form.Set(pairs[i], pairs[i+1])
	}
	return c.do(http.MethodPost, path, form)
}

// cookie returns the value of a cookie of the browser.
func (c *client) cookie(name string) string {
	c.t.Helper()
	u, err := url.Parse(c.server.URL)
	if err != nil {
		c.t.Fatal(err)
	}
	for _, cookie := range c.Jar.Cookies(u) {
		if cookie.Name == name {
			return cookie.Value
		}
	}
	return ""
}

// signUp makes a user and logs in.
func (c *client) signUp(name string) {
	c.t.Helper()
	c.post("/signup", "name", name, "password", "correct horse").redirects(c.t, "/")
}

func (a answer) redirects(t *testing.T, to string) {
	t.Helper()
	if a.status != http.StatusFound || a.header.Get("Location") != to {
		t.Fatalf("%d to %q, want 302 to %q\n%s", a.status, a.header.Get("Location"), to, a.body)
	}
}

func (a answer) shows(t *testing.T, status int, texts ...string) {
	t.Helper()
	if a.status != status {
		t.Fatalf("status %d, want %d\n%s", a.status, status, a.body)
	}
	for _, text := range texts {
		if !strings.Contains(a.body, text) {
			t.Errorf("missing %q in\n%s", text, a.body)
		}
	}
}

func (a answer) hides(t *testing.T, texts ...string) {
	t.Helper()
	for _, text := range texts {
		if strings.Contains(a.body, text) {
			t.Errorf("unwanted %q in\n%s", text, a.body)
		}
	}
}

// url returns the address of the server.
func (s *server) url() *url.URL {
	u, err := url.Parse(s.URL)
	if err != nil {
		panic(err) // httptest made it
	}
	return u
}

func cookieOf(name, value string) []*http.Cookie {
	return []*http.Cookie{{Name: name, Value: value, Path: "/"}}
}
