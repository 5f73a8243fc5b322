package main

import (
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/webapp2go/webapp2go/auth"
	"github.com/webapp2go/webapp2go/framework"
	"github.com/webapp2go/webapp2go/internal/datastoretest"
	"github.com/webapp2go/webapp2go/sessions"
)

// backends are the stores that the program chooses from.
var backends = map[string]func(*testing.T) stores{
	"memory": func(*testing.T) stores { return inMemory() },
	"datastore": func(t *testing.T) stores {
		return inDatastore(newClient(t, datastoretest.Start(t)))
	},
}

// TestGuestbook is a visit: an entry of nobody, an account, an entry of one's own,
// its removal, and another guestbook.
func TestGuestbook(t *testing.T) {
	for name, newStores := range backends {
		t.Run(name, func(t *testing.T) {
			site := serve(t, newStores(t), config{})
			ann := newBrowser(t, site)

			ann.get("/", 200, "Nobody has signed yet")
			if ann.at != "/book/default" {
				t.Fatalf("/ led to %s", ann.at)
			}
			ann.post("/book/default", form("content", "  <i>Hello</i>\n"), 200, "Thank you for signing.", "&lt;i&gt;Hello&lt;/i&gt;", "<b>Somebody</b>")
			ann.post("/signup", form("name", "Ann", "password", "a long enough one"), 200)
			ann.post("/book/books", form("content", "This one is mine"), 200, "<b>ann</b>", "Remove")
			mine := regexp.MustCompile(`/book/books/\d+/remove`).FindString(ann.page)

			ann.get(mine, 405)

			bob := newBrowser(t, site)
			bob.get("/book/books", 200, "This one is mine")
			if strings.Contains(bob.page, "/remove") {
				t.Error("a visitor may remove an entry")
			}
			bob.post(mine, nil, 200, "Log in")
			if bob.at != "/login" {
				t.Errorf("a visitor who removes an entry lands on %s", bob.at)
			}
			bob.post("/signup", form("name", "Bob", "password", "another good one"), 200)
			bob.post(mine, nil, 404, "There is no such entry of yours.")

			ann.post("/logout", nil, 200)
			ann.post("/login", form("name", "ann", "password", "a long enough one"), 200)
			ann.post(mine, nil, 200, "Your entry is gone.", "Nobody has signed yet")
			ann.post(mine, nil, 404)

			ann.post("/book/books", form("content", "Once more"), 200)
			ann.get("/", 200, "Once more")
			if ann.at != "/book/books" {
				t.Errorf("/ leads to %s, not to the guestbook signed last", ann.at)
			}
			ann.get("/?book=default", 200, "&lt;i&gt;Hello&lt;/i&gt;")
		})
	}
}

func TestGuestbookRefuses(t *testing.T) {
	site := serve(t, inMemory(), config{})
	for _, c := range []struct {
		name, path string
		form       url.Values // nil: GET
		status     int
	}{
		{"no content", "/book/default", form("content", " \n "), 400},
		{"too much content", "/book/default", form("content", strings.Repeat("é", longest+1)), 400},
		{"just enough content", "/book/default", form("content", strings.Repeat("é", longest)), 200},
		{"a name no route takes", "/?book=" + url.QueryEscape("a/b"), nil, 400},
		{"a name with an end of line", "/?book=a%0A", nil, 400},
		{"a name too long", "/book/" + strings.Repeat("a", 41), nil, 404},
		{"an entry's number too large", "/book/a/99999999999999999999/remove", url.Values{}, 200}, // the login page: Guard comes first
	} {
		t.Run(c.name, func(t *testing.T) {
			visitor := newBrowser(t, site)
			if c.form == nil {
				visitor.get(c.path, c.status)
			} else {
				visitor.post(c.path, c.form, c.status)
			}
		})
	}
}

// Another page's script must not sign in a visitor's name.
func TestGuestbookRefusesOtherSites(t *testing.T) {
	site := serve(t, inMemory(), config{})
	request, err := http.NewRequest("POST", site.URL+"/book/default", strings.NewReader("content=spam"))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	request.Header.Set("Sec-Fetch-Site", "cross-site")
	response, err := site.Client().Do(request)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	if response.StatusCode != http.StatusForbidden {
		t.Errorf("status %d", response.StatusCode)
	}
}

var secret = sessions.RandomKey()

// serve serves a guestbook over plain http. Its password hashes are cheap ones.
func serve(t *testing.T, kept stores, c config, more ...func(*framework.App)) *httptest.Server {
	t.Helper()
	c.keys, c.insecure = []sessions.Key{secret}, true
	site, err := newSite(kept, c)
	if err != nil {
		t.Fatal(err)
	}
	site.Passwords.Argon2 = auth.Argon2Params{Time: 1, MemoryKiB: 64}
	app := newApp(site, kept.book)
	for _, add := range more {
		add(app)
	}
	if err := app.Check(); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(app)
	t.Cleanup(server.Close)
	return server
}

// A browser keeps cookies and follows redirects.
type browser struct {
	t      *testing.T
	client *http.Client
	site   string
	at     string // the path where it is
	page   string
}

// form makes a form of names and values.
func form(pairs ...string) url.Values {
	values := url.Values{}
	for pair := range slices.Chunk(pairs, 2) {
		values.Add(pair[0], pair[1])
	}
	return values
}

func newBrowser(t *testing.T, site *httptest.Server) *browser {
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &browser{t: t, client: &http.Client{Jar: jar}, site: site.URL}
}

func (b *browser) get(path string, status int, words ...string) {
	b.t.Helper()
	b.do("GET", path, nil, status, words)
}

func (b *browser) post(path string, form url.Values, status int, words ...string) {
	b.t.Helper()
	b.do("POST", path, form, status, words)
}

func (b *browser) do(method, path string, form url.Values, status int, words []string) {
	b.t.Helper()
	request, err := http.NewRequest(method, b.site+path, strings.NewReader(form.Encode()))
	if err != nil {
		b.t.Fatal(err)
	}
	request.Header.Set("Accept", "text/html")
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	response, err := b.client.Do(request)
	if err != nil {
		b.t.Fatal(err)
	}
	defer response.Body.Close()
	page, err := io.ReadAll(response.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	b.at, b.page = response.Request.URL.Path, string(page)
	if response.StatusCode != status {
		b.t.Fatalf("%s %s: status %d, not %d:\n%s", method, path, response.StatusCode, status, page)
	}
	for _, word := range words {
		if !strings.Contains(b.page, word) {
			b.t.Errorf("%s %s: no %q in\n%s", method, path, word, page)
		}
	}
}
