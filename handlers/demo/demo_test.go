package demo_test

import (
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/webapp2go/webapp2go/auth"
	"github.com/webapp2go/webapp2go/handlers"
	"github.com/webapp2go/webapp2go/handlers/demo"
	"github.com/webapp2go/webapp2go/mail"
	"github.com/webapp2go/webapp2go/sessions"
	"github.com/webapp2go/webapp2go/templates"
)

// serve starts the demo with an admin, whose password is "correct horse".
func serve(t *testing.T) *httptest.Server {
	t.Helper()
	return serveWith(t, sessions.NewMemory())
}

// serveWith starts it with the logins in a backend, or in signed cookies if that is nil.
func serveWith(t *testing.T, backend sessions.Backend) *httptest.Server {
	t.Helper()
	return serveSite(t, backend, nil)
}

// serveSite starts it with a site that change has changed. Its BaseURL is the server's.
func serveSite(t *testing.T, backend sessions.Backend, change func(site *handlers.Site)) *httptest.Server {
	t.Helper()
	events := new(demo.Events)
	log := slog.New(slog.DiscardHandler)
	manager, err := sessions.New(sessions.Config{
		Keys:     []sessions.Key{sessions.RandomKey()},
		Sessions: demo.Sessions(backend, true, nil),
		OnEvent:  events.Count,
		Log:      log,
	})
	if err != nil {
		t.Fatal(err)
	}
	pages, err := templates.Parse(demo.Pages(), nil)
	if err != nil {
		t.Fatal(err)
	}
	site := &handlers.Site{
		Sessions: manager, Templates: pages, Users: auth.NewMemory(),
		Passwords: auth.Passwords{Argon2: auth.Argon2Params{Time: 1, MemoryKiB: 8, Threads: 1}},
	}
	admin := &auth.User{Name: "root", Roles: []string{demo.RoleAdmin}}
	if err := site.Passwords.SignUp(t.Context(), site.Users, admin, "correct horse"); err != nil {
		t.Fatal(err)
	}
	if change != nil {
		change(site)
	}
	app := demo.New(site, events)
	server := httptest.NewUnstartedServer(app)
	app.Log, app.BaseURL = log, "http://"+server.Listener.Addr().String()
	if err := app.Check(); err != nil {
		t.Fatal(err)
	}
	server.Start()
	t.Cleanup(server.Close)
	return server
}

type browser struct {
	t   *testing.T
	url string
	http.Client
	code bool // the code below each page
}

// folded is the code under a page. It has the texts that the page may have.
var folded = regexp.MustCompile(`(?s)<details class="code">.*?</details>`)

func open(t *testing.T, server *httptest.Server) *browser {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &browser{t: t, url: server.URL, Client: http.Client{Jar: jar}}
}

func (b *browser) request(method, path string, form url.Values) (int, http.Header, string) {
	b.t.Helper()
	r, err := http.NewRequest(method, b.url+path, strings.NewReader(form.Encode()))
	if err != nil {
		b.t.Fatal(err)
	}
	r.Header.Set("Accept", "text/html")
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	res, err := b.Do(r)
	if err != nil {
		b.t.Fatal(err)
	}
	defer res.Body.Close()
	page, err := io.ReadAll(res.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	if !b.code {
		page = folded.ReplaceAll(page, nil)
	}
	return res.StatusCode, res.Header, string(page)
}

func (b *browser) post(path string, pairs ...string) (int, string) {
	b.t.Helper()
	form := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		form.Set(pairs[i], pairs[i+1])
	}
	status, _, page := b.request(http.MethodPost, path, form)
	return status, page
}

func TestCart(t *testing.T) {
	b := open(t, serve(t))
	tests := []struct {
		action, product string
		status          int
		shows, hides    string
	}{
		{"add", "pencil", 200, "Pencil is in your cart.", "Nothing in it yet"},
		{"add", "pencil", 200, "€ 3.60</strong>", "Nothing in it yet"},
		{"add", "notebook", 200, "€ 16.10</strong>", ""},
		{"less", "pencil", 200, "€ 14.30</strong>", ""},
		{"less", "pencil", 200, "€ 12.50</strong>", ""},
		{"less", "pencil", 200, "€ 12.50</strong>", "<p>Pencil</p>"},
		{"remove", "notebook", 200, "Nothing in it yet", "</strong>"},
		{"add", "yacht", 400, "There is no such product.", ""},
		{"steal", "pencil", 400, "add, more, less or remove", ""},
	}
	for _, test := range tests {
		status, page := b.post("/cart", "action", test.action, "product", test.product)
		if status != test.status || !strings.Contains(page, test.shows) {
			t.Errorf("%s %s: status %d, want %d and %q\n%s", test.action, test.product, status, test.status, test.shows, page)
		}
		if test.hides != "" && strings.Contains(page, test.hides) {
			t.Errorf("%s %s: shows %q", test.action, test.product, test.hides)
		}
	}
	for range 99 {
		b.post("/cart", "action", "add", "product", "gopher")
	}
	if _, page := b.post("/cart", "action", "add", "product", "gopher"); !strings.Contains(page, "We have only 99 of each product") || !strings.Contains(page, "€ 2,376.00</strong>") {
		t.Errorf("a hundred gophers are in the cart\n%s", page)
	}
}

// A cart belongs to one user. A cart without a user becomes that of the user who logs in. No
// other visitor sees it, and the login of another user ends it.
func TestCartBelongsToItsOwner(t *testing.T) {
	const empty, hidden, full, badge = "Nothing in it yet.", "What you have put in is kept.", "€ 1.80</strong>", `<span class="count">1<`
	b := open(t, serve(t))
	look := func(when string, shows ...string) {
		t.Helper()
		_, _, page := b.request(http.MethodGet, "/cart", nil)
		for _, text := range []string{empty, hidden, full, badge} {
			if strings.Contains(page, text) != slices.Contains(shows, text) {
				t.Errorf("%s: the cart shows %q: %v", when, text, strings.Contains(page, text))
			}
		}
	}
	look("at first", empty)
	b.post("/cart", "action", "add", "product", "pencil")
	look("filled by nobody", full, badge)
	b.post("/signup", "name", "ann", "password", "correct horse") // shows one page, not the cart
	b.post("/logout")
	look("after ann's logout", hidden)
	b.post("/signup", "name", "bert", "password", "correct horse")
	look("bert's", empty)
	b.post("/logout")
	b.post("/login", "name", "ann", "password", "correct horse")
	look("ann's, which bert has ended", empty)
	b.post("/cart", "action", "add", "product", "pencil")
	b.post("/logout")
	look("after another logout", hidden)
	b.post("/login", "name", "ann", "password", "correct horse")
	look("ann is back", full, badge)
	b.post("/logout")
	b.post("/cart", "action", "add", "product", "pencil")
	look("nobody has begun another", full, badge)
	b.post("/login", "name", "ann", "password", "correct horse")
	look("which ann takes", full, badge)
}

// A change in the cart leads back to the cart. A product that was added leads to its message.
func TestCartLeadsBack(t *testing.T) {
	b := open(t, serve(t))
	b.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	for _, test := range [][2]string{{"add", "/cart"}, {"more", "/cart#cart"}, {"less", "/cart#cart"}, {"remove", "/cart#cart"}} {
		_, header, _ := b.request(http.MethodPost, "/cart", url.Values{"action": {test[0]}, "product": {"pencil"}})
		if got := header.Get("Location"); got != test[1] {
			t.Errorf("%s leads to %q, want %q", test[0], got, test[1])
		}
	}
}

// The front page describes the session correctly for every backend.
func TestHomeSaysWhatALogoutEnds(t *testing.T) {
	const ends, remains = "the old cookie is worth nothing", "A copy of the cookie would work until it expires"
	for name, test := range map[string]struct {
		backend      sessions.Backend
		shows, hides string
	}{"memory": {sessions.NewMemory(), ends, remains}, "cookie": {nil, remains, ends}} {
		t.Run(name, func(t *testing.T) {
			b := open(t, serveWith(t, test.backend))
			b.request(http.MethodGet, "/", nil)
			_, _, page := b.request(http.MethodGet, "/", nil)
			if !strings.Contains(page, test.shows) || strings.Contains(page, test.hides) {
				t.Errorf("the page says\n%s", page)
			}
		})
	}
}

func TestAdmin(t *testing.T) {
	server := serve(t)
	ann := open(t, server)
	ann.post("/signup", "name", "ann", "password", "correct horse")
	if status, _, _ := ann.request(http.MethodGet, "/admin", nil); status != http.StatusForbidden {
		t.Errorf("ann gets %d", status)
	}
	if status, _ := ann.post("/admin", "name", "root"); status != http.StatusForbidden {
		t.Errorf("ann may end sessions: %d", status)
	}

	root := open(t, server)
	root.post("/login", "name", "root", "password", "correct horse")
	status, header, page := root.request(http.MethodGet, "/admin?name=ann", nil)
	if status != 200 || !strings.Contains(page, "End the sessions of ann") || !strings.Contains(page, "<dt>created</dt>") {
		t.Errorf("status %d\n%s", status, page)
	}
	if !strings.Contains(page, `<body class="admin">`) || header.Get("Cache-Control") != "no-store" {
		t.Errorf("what Dispatch does before and after is missing: %q\n%s", header.Get("Cache-Control"), page)
	}
	if _, page := root.post("/admin", "name", "ann"); !strings.Contains(page, "The sessions of ann have been ended.") {
		t.Errorf("not ended\n%s", page)
	}
	if _, _, page := ann.request(http.MethodGet, "/account", nil); !strings.Contains(page, "<h1>Log in</h1>") {
		t.Errorf("ann is still logged in\n%s", page)
	}
	if status, _ := root.post("/admin", "name", "nobody"); status != http.StatusNotFound {
		t.Errorf("nobody: %d", status)
	}
	if _, _, page := root.request(http.MethodGet, "/admin?name=nobody", nil); !strings.Contains(page, "There is no user with this name.") {
		t.Errorf("nobody is found\n%s", page)
	}
}

// The page says what becomes of the cart of a user who has logged out: another product that is put
// in ends it.
func TestHiddenCartIsGoneAfterAChange(t *testing.T) {
	b := open(t, serve(t))
	b.post("/signup", "name", "ann", "password", "correct horse")
	b.post("/cart", "action", "add", "product", "pencil")
	b.post("/logout")
	_, _, page := b.request(http.MethodGet, "/cart", nil)
	if !strings.Contains(page, "It is gone if you put something else in first") {
		t.Errorf("the page does not warn\n%s", page)
	}
	b.post("/cart", "action", "add", "product", "ruler")
	b.post("/login", "name", "ann", "password", "correct horse")
	if _, _, page = b.request(http.MethodGet, "/cart", nil); !strings.Contains(page, "€ 9.00</strong>") {
		t.Errorf("the cart has more than the ruler\n%s", page)
	}
}

// What search engines, browsers and phones ask of a site is there.
func TestFilesOfEverySite(t *testing.T) {
	b := open(t, serve(t))
	for path, kind := range map[string]string{"/robots.txt": "text/plain; charset=utf-8", "/favicon.ico": "image/x-icon", "/apple-touch-icon.png": "image/png"} {
		if status, header, body := b.request(http.MethodGet, path, nil); status != 200 || header.Get("Content-Type") != kind || body == "" {
			t.Errorf("%s: status %d, %q, %d bytes", path, status, header.Get("Content-Type"), len(body))
		}
	}
	_, _, page := b.request(http.MethodGet, "/", nil)
	for _, want := range []string{`<meta name="description" content="`, `<meta name="theme-color" content="#12181a" media="(prefers-color-scheme: dark)">`} {
		if !strings.Contains(page, want) {
			t.Errorf("the front page has no %s", want)
		}
	}
}

// The front page shows the code of its handler.
func TestHomeShowsItsSource(t *testing.T) {
	_, _, page := open(t, serve(t)).request(http.MethodGet, "/", nil)
	if !strings.Contains(page, "type HomeHandler struct{ handlers.BaseHandler }") || !strings.Contains(page, "homeData{visits, user, h.Session()}") {
		t.Error(page)
	}
}

// The outbox shows the mails of the demo with their links.
func TestOutbox(t *testing.T) {
	var site *handlers.Site
	server := serveSite(t, sessions.NewMemory(), func(s *handlers.Site) {
		site, s.Mail, s.SignUp = s, new(mail.Outbox), handlers.SignUpByEmail
	})
	b := open(t, server)
	_, _, page := b.request(http.MethodGet, "/outbox", nil)
	if !strings.Contains(page, `There is none yet. <a href="/forgot">`) {
		t.Errorf("an empty outbox shows\n%s", page)
	}
	if status, page := b.post("/signup", "email", "ann@example.com"); status != 200 || !strings.Contains(page, "Look at your mail") {
		t.Errorf("status %d\n%s", status, page)
	}
	_, header, page := b.request(http.MethodGet, "/outbox", nil)
	if !strings.Contains(page, "To ann@example.com") || !strings.Contains(page, `href="/signup/finish?t=`) || header.Get("Cache-Control") != "no-store" {
		t.Errorf("%v\n%s", header, page)
	}
	if site.Mail.(*mail.Outbox).Messages()[0].Subject == "" {
		t.Error("no subject")
	}
	if status, _, _ := open(t, serve(t)).request(http.MethodGet, "/outbox", nil); status != 404 {
		t.Errorf("without an outbox /outbox is %d", status)
	}
}
