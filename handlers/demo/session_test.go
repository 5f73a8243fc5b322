package demo_test

import (
	"encoding/base64"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/webapp2go/webapp2go/auth"
	"github.com/webapp2go/webapp2go/handlers"
	"github.com/webapp2go/webapp2go/handlers/demo"
	"github.com/webapp2go/webapp2go/sessions"
	"github.com/webapp2go/webapp2go/templates"
)

// watch starts the demo with the page /session, and with the logins in a backend, or in
// signed cookies if that is nil.
func watch(t *testing.T, backend sessions.Backend) *httptest.Server {
	t.Helper()
	_, handler := watched(t, backend)
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return server
}

// watched makes the demo that watch starts.
func watched(t *testing.T, backend sessions.Backend) (*demo.Watch, http.Handler) {
	t.Helper()
	return watchedAt(t, backend, nil)
}

// watchedAt makes it with a clock for the sessions. If now is nil, that is time.Now.
func watchedAt(t *testing.T, backend sessions.Backend, now func() time.Time) (*demo.Watch, http.Handler) {
	t.Helper()
	log := slog.New(slog.DiscardHandler)
	watch, err := demo.NewWatch(sessions.Config{
		Keys:     []sessions.Key{sessions.RandomKey()},
		Sessions: demo.Sessions(backend, true, nil),
		Log:      log,
		Now:      now,
	})
	if err != nil {
		t.Fatal(err)
	}
	pages, err := templates.Parse(demo.Pages(), nil)
	if err != nil {
		t.Fatal(err)
	}
	site := &handlers.Site{
		Sessions: watch.Manager(), Templates: pages, Users: auth.NewMemory(),
		Passwords: auth.Passwords{Argon2: auth.Argon2Params{Time: 1, MemoryKiB: 8, Threads: 1}},
	}
	app := demo.New(site, nil)
	app.Log = log
	watch.Routes(app)
	handler := watch.Handler(app)
	if err := handler.(interface{ Check() error }).Check(); err != nil {
		t.Fatal(err)
	}
	return watch, handler
}

func (b *browser) get(path string) (int, string) {
	b.t.Helper()
	status, _, page := b.request(http.MethodGet, path, nil)
	return status, page
}

// cookie returns the value of a cookie, "" if the browser has none.
func (b *browser) cookie(name string) string {
	b.t.Helper()
	u, err := url.Parse(b.url)
	if err != nil {
		b.t.Fatal(err)
	}
	for _, c := range b.Jar.Cookies(u) {
		if c.Name == name {
			return c.Value
		}
	}
	return ""
}

func expect(t *testing.T, page string, patterns ...string) {
	t.Helper()
	for _, pattern := range patterns {
		if !regexp.MustCompile(pattern).MatchString(page) {
			t.Errorf("missing %s", pattern)
		}
	}
	if t.Failed() {
		t.Logf("the page:\n%s", page)
	}
}

// The page shows both sides of each session, and each request with the calls of the backend
// that it made.
func TestSessionPage(t *testing.T) {
	b := open(t, watch(t, sessions.NewMemory()))
	if status, page := b.get("/session"); status != 200 {
		t.Fatalf("status %d\n%s", status, page)
	} else {
		expect(t, page, `<strong>new</strong>: your browser has sent no cookie of it, so there is no session yet`, `Your browser has none\.`)
	}
	b.get("/")
	b.get("/")
	_, shop := b.post("/cart", "action", "add", "product", "pencil")
	expect(t, shop, `<a href="/session">See what is in the cookie\.</a>`)
	status, page := b.get("/session")
	if status != 200 {
		t.Fatalf("status %d\n%s", status, page)
	}
	expect(t, page,
		`Cookie <code>session</code>`, `<dt>id</dt><dd><code>\S+ \(32 bytes\)</code><span>32 random bytes\.`, `HttpOnly`, `no Secure`,
		`<strong>loaded</strong>: your cookie was accepted`, `<code>sessions\.Memory</code><span>the memory of this program`, `<td><code>visits</code></td><td><code>2</code></td>`,
		`Ends if unused</dt><dd>in <time datetime="[^"]+Z">(29m5\d|30m)`, `Ends in any case</dt><dd>in <time datetime="[^"]+Z">(11h59m5\d|12h)`,
		`The server keeps nothing\.`, `<td><code>pencil</code></td><td><code>1</code></td>`, `pencil`,
		`<code>GET /</code> <strong>200</strong>`, `<b>created</b> session: a new session was saved`,
		`<b>backend</b> create \S+: \d+ bytes`, `<b>backend</b> update \S+: \d+ bytes, version \S+ is now \S+`,
		`<b>cookie</b> the response sets the cookie cart, \d+ bytes`, `<span class="quiet">this page</span>`)

	for _, name := range []string{"session", "cart", "watch"} {
		if value := b.cookie(name); value == "" || strings.Contains(page, value) {
			t.Errorf("the cookie %s is %q, and on the page: %v", name, value, strings.Contains(page, value))
		}
	}
	secret, err := base64.URLEncoding.DecodeString(b.cookie("session"))
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range strings.Split(string(secret), "|")[1:] {
		if len(part) > 20 && (strings.Contains(page, part) || strings.Contains(page, fmt.Sprintf("%x", part))) {
			t.Error("a secret part of the cookie is on the page")
		}
	}

	b.post("/signup", "name", "ann", "password", "correct horse")
	_, page = b.get("/session")
	expect(t, page, `<dt>User</dt><dd>ann<span>id <code>`, `<code>known-browser</code>, \d+ bytes`, `<code>ended</code>, your browser has none`, `<code>watch</code>, \d+ bytes`, `Show \d older`)
	shown := regexp.MustCompile(`Cookie <code>session</code></h3>\s*<p class="quiet">(\d+) bytes`).FindStringSubmatch(page)
	if shown == nil || !strings.Contains(page, "the response sets the cookie session, "+shown[1]+" bytes") {
		t.Errorf("the page has two sizes for the cookie session: %q\n%s", shown, page)
	}
	expect(t, page, `<code>POST /signup</code>`, `<b>renewed</b> session: the session got a new id`, `<b>backend</b> update \S+: a tombstone`)
	b.post("/logout")
	_, page = b.get("/session")
	expect(t, page, `<b>destroyed</b> session`, `<b>cookie</b> the response deletes the cookie session`)
}

// Each request shows what it has changed in the sessions.
func TestChangesAreRecorded(t *testing.T) {
	for name, backend := range map[string]sessions.Backend{"memory": sessions.NewMemory(), "cookie": nil} {
		t.Run(name, func(t *testing.T) {
			b := open(t, watch(t, backend))
			b.get("/session")
			b.get("/")
			b.get("/")
			b.post("/cart", "action", "add", "product", "pencil")
			b.post("/cart", "action", "remove", "product", "pencil")
			b.post("/signup", "name", "ann", "password", "correct horse")
			_, page := b.get("/session")
			expect(t, page,
				`<code>GET /</code> <strong>200</strong>(?s:.*?)<b>value</b> session: visits was counted from 1 to 2</li>`,
				`<code>GET /</code> <strong>200</strong>(?s:.*?)<b>value</b> session: visits is now 1</li>`,
				`<code>POST /cart</code> <strong>302</strong>(?s:.*?)<b>value</b> cart: pencil is gone, it was 1</li>`,
				`<code>POST /cart</code> <strong>302</strong>(?s:.*?)<b>value</b> cart: pencil is now 1</li>`,
				`<code>POST /signup</code> <strong>302</strong>(?s:.*?)<b>user</b> session: was that of nobody, and is now that of the user with the id \S{8}…</li>`,
				`<b>flash</b> session: 1 kept for the next page</li>`,
				`<b>flash</b> session: 1 shown, and taken out</li>`)
			if id := regexp.MustCompile(`<b>id</b> session: \S{8}… is now \S{8}…</li>`).MatchString(page); id != (backend != nil) {
				t.Errorf("a new id: %v\n%s", id, page)
			}
		})
	}
}

// No visitor sees the requests of another.
func TestVisitorsSeeOnlyTheirOwnSession(t *testing.T) {
	server := watch(t, sessions.NewMemory())
	ann, bert := open(t, server), open(t, server)
	ann.get("/session")
	ann.get("/cart")
	bert.get("/session")
	if _, page := bert.get("/session"); strings.Contains(page, "/cart</code>") {
		t.Errorf("bert sees the requests of ann\n%s", page)
	}
	if status, page := bert.get("/session/probe"); status != http.StatusNotFound {
		t.Errorf("/session/probe: %d\n%s", status, page)
	}
}

// What each button shows, with a backend and with signed cookies.
func TestTries(t *testing.T) {
	type outcome struct{ memory, cookie string }
	for try, want := range map[string]outcome{
		"count": {`&#34;session&#34;, in a backend: one request counts to 1\. Then two at once count to 3: both are kept\.</p>\s*<p>The session &#34;cart&#34;, in a signed cookie: one request counts to 1\. Then two at once count to 2: one is lost`,
			`&#34;session&#34;, in a signed cookie: one request counts to 1\. Then two at once count to 2: one is lost`},
		"forge": {`forged cookie is &#34;tampered&#34;: the cookie was not signed here\.`, `&#34;tampered&#34;`},
		"replay": {`&#34;loaded&#34;, with visits = 7\.</p>\s*<p>After the logout the old cookie leads to a session that is &#34;gone&#34;: the logout has put a tombstone`,
			`After the logout the old cookie still works: &#34;loaded&#34;, visits = 7`},
		"elsewhere": {`The second browser has ended the session \S+`, `cannot be listed, and so not ended from elsewhere`},
		"expire":    {`31 minutes from now the session is &#34;expired&#34;: it was unused for too long`, `the session is &#34;loaded&#34;.*</p>\s*<p>A signed cookie has no idle timeout`},
		"down":      {`The front page answers 503 Service Unavailable, with Retry-After: \d+`, `There is no backend that could be down`},
	} {
		for name, backend := range map[string]sessions.Backend{"memory": sessions.NewMemory(), "cookie": nil} {
			t.Run(try+", "+name, func(t *testing.T) {
				b := open(t, watch(t, backend))
				b.get("/session")
				b.get("/")
				b.post("/signup", "name", "ann", "password", "correct horse")
				status, page := b.post("/session", "try", try)
				pattern := want.memory
				if backend == nil {
					pattern = want.cookie
				}
				if status != 200 {
					t.Fatalf("status %d\n%s", status, page)
				}
				expect(t, page, pattern, `id="tried"`)
			})
		}
		// Each button also gives a page without a session and without a login.
		t.Run(try+", new visitor", func(t *testing.T) {
			b := open(t, watch(t, sessions.NewMemory()))
			b.get("/session")
			status, page := b.post("/session", "try", try)
			if status != 200 || !strings.Contains(page, `id="tried"`) {
				t.Errorf("status %d\n%s", status, page)
			}
			if second := strings.Contains(page, "with that of a second browser"); second != (try == "forge" || try == "expire") {
				t.Errorf("a second browser: %v\n%s", second, page)
			}
			if link := strings.Contains(page, `<a class="button small" href="/login?next=%2Fsession">Log in</a>`); link != (try == "elsewhere") {
				t.Errorf("a link to the login: %v\n%s", link, page)
			}
		})
	}
}

// Two counts at once show the conflict and the repeated save.
func TestCountsAreRecorded(t *testing.T) {
	b := open(t, watch(t, sessions.NewMemory()))
	b.get("/session")
	_, page := b.post("/session", "try", "count")
	expect(t, page, `<b>backend</b> update \S+: conflict: another request has saved meanwhile`, `<b>retried</b> session: .*, tries: 2`, `made by this page`)
	if i := strings.Index(page, "<summary>Show"); i >= 0 && strings.Contains(page[i:], `class="own"`) {
		t.Error("a request of the trial is among the older ones")
	}
	_, page = b.get("/session")
	expect(t, page, `<td><code>counted at once</code></td><td><code>3</code></td>`)
}

// If the backend is down for one visitor, it works for others, and the page says so.
func TestDownForOneVisitor(t *testing.T) {
	server := watch(t, sessions.NewMemory())
	ann, bert := open(t, server), open(t, server)
	ann.get("/session")
	ann.get("/")
	bert.get("/")
	_, page := ann.post("/session", "try", "down")
	expect(t, page, `The backend is down for you for <b role="timer">(9|10)</b> more seconds`, `<b>down</b> session: the backend failed`, `you have taken it down`)
	if status, _ := ann.get("/"); status != http.StatusServiceUnavailable {
		t.Errorf("ann's front page: %d", status)
	}
	if status, _ := bert.get("/"); status != http.StatusOK {
		t.Errorf("bert's front page: %d", status)
	}
}

// After a logout from elsewhere the visitor is logged out.
func TestEndedElsewhere(t *testing.T) {
	b := open(t, watch(t, sessions.NewMemory()))
	b.get("/session")
	b.post("/signup", "name", "ann", "password", "correct horse")
	_, page := b.post("/session", "try", "elsewhere")
	expect(t, page, `<strong>gone</strong>: another request has ended it`)
	if _, page := b.get("/account"); !strings.Contains(page, "<h1>Log in</h1>") {
		t.Errorf("ann is still logged in\n%s", page)
	}
}

// A session in a signed cookie has no idle timeout, a remembered login neither, and a forged
// cookie has no times at all.
func TestTimesOfSignedCookies(t *testing.T) {
	b := open(t, watch(t, nil))
	b.get("/session")
	b.post("/signup", "name", "ann", "password", "correct horse")
	b.post("/logout")
	b.post("/login", "name", "ann", "password", "correct horse", "remember", "1")
	_, page := b.get("/session")
	expect(t, page, `<span>remembered</span>`, `Ends in any case</dt><dd>in <time datetime="[^"]+">90 days`)
	for _, text := range []string{"Ends if unused", "noted at most once"} {
		if strings.Contains(page, text) {
			t.Errorf("the page says %q of a session without an idle timeout", text)
		}
	}
	signed, err := base64.URLEncoding.DecodeString(b.cookie("session"))
	if err != nil {
		t.Fatal(err)
	}
	signed[len(signed)-1] ^= 1
	u, err := url.Parse(b.url)
	if err != nil {
		t.Fatal(err)
	}
	b.Jar.SetCookies(u, []*http.Cookie{{Name: "session", Value: base64.URLEncoding.EncodeToString(signed), Path: "/"}})
	_, page = b.get("/session")
	expect(t, page, `<strong>tampered</strong>`)
	if strings.Contains(page, "Began") || strings.Contains(page, "remembered</span>") {
		t.Error("the page believes a forged cookie")
	}
}

// While the backend is down, a trial with a second browser says that this one has no session.
func TestTriesWhileDown(t *testing.T) {
	for _, try := range []string{"forge", "replay", "expire"} {
		b := open(t, watch(t, sessions.NewMemory()))
		b.get("/session")
		b.post("/session", "try", "down")
		_, page := b.post("/session", "try", try)
		expect(t, page, `id="tried"[^>]*>\s*<h2>[^<]*</h2>\s*<p>A second browser has tried to get a session, and has none: the backend is down\.`)
		for _, text := range []string{"has got a session", "this was tried with that of a second browser"} {
			if strings.Contains(page, text) {
				t.Errorf("%s: %s", try, text)
			}
		}
	}
}

// A HEAD request does not take what a trial did from the page.
func TestHeadKeepsTheTrial(t *testing.T) {
	b := open(t, watch(t, sessions.NewMemory()))
	b.get("/session")
	b.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	b.post("/session", "try", "forge")
	b.request(http.MethodHead, "/session", nil)
	_, page := b.get("/session")
	expect(t, page, `id="tried"`)
	if _, page := b.get("/session"); strings.Contains(page, `id="tried"`) {
		t.Error("the page shows it twice")
	}
}

// The front page says why a session that was ended is empty, and links to the page that
// explains what it shows.
func TestHomeOfAnEndedSession(t *testing.T) {
	b := open(t, watch(t, sessions.NewMemory()))
	_, page := b.get("/")
	expect(t, page, `<code>new</code>`, `<dd>from now on</dd>`, `<a href="/session">See`)
	u, err := url.Parse(b.url)
	if err != nil {
		t.Fatal(err)
	}
	old := b.cookie("session")
	b.post("/signup", "name", "ann", "password", "correct horse")
	b.Jar.SetCookies(u, []*http.Cookie{{Name: "session", Value: old, Path: "/"}})
	_, page = b.get("/")
	expect(t, page, `<code>gone</code>: another request has ended it`, `<dd class="big" id="visits">1</dd>`, `<dd>in another session, at the latest five seconds after the end of this one</dd>`)
	if value := b.cookie("session"); value != old {
		t.Error("another session has begun at once")
	}
}

// Pages that fail still save what they have counted.
func TestFailingPages(t *testing.T) {
	b := open(t, watch(t, sessions.NewMemory()))
	b.get("/session")
	for path, want := range map[string]int{"/session/error": 500, "/session/panic": 500, "/session/late": 200} {
		status, page := b.get(path)
		if status != want {
			t.Errorf("%s: status %d\n%s", path, status, page)
		}
		if path == "/session/late" && !strings.Contains(page, "the header has been written") && !strings.Contains(page, "cannot change a value") {
			t.Errorf("%s: the error is missing\n%s", path, page)
		}
	}
	_, page := b.get("/session")
	expect(t, page, `<td><code>errors</code></td><td><code>2</code></td>`, `<b>late</b> session`)
	if strings.Contains(page, "too late</code></td>") {
		t.Error("the late change was kept")
	}
}

// Bad input is refused.
func TestUnknownTrial(t *testing.T) {
	b := open(t, watch(t, sessions.NewMemory()))
	b.get("/session")
	if status, _ := b.post("/session", "try", "everything"); status != http.StatusBadRequest {
		t.Errorf("an unknown try: %d", status)
	}
	b.request(http.MethodGet, "/session", nil)
	for _, value := range []string{"", "=", "%%%", "YXxifGM=", base64.URLEncoding.EncodeToString([]byte("17|AQ==|x")), strings.Repeat("A", 3000)} {
		r, err := http.NewRequest(http.MethodGet, b.url+"/session", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Accept", "text/html")
		r.Header.Set("Cookie", "session="+value+"; cart="+value+"; watch="+value)
		response, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		if response.StatusCode != 200 {
			t.Errorf("a cookie %q: status %d", value, response.StatusCode)
		}
	}
}

// Over https the cookie that tells visitors apart has a name that no other host can set, so
// that nobody can make a visitor's requests appear on a page of their own.
func TestWatchCookieOverHTTPS(t *testing.T) {
	watch, err := demo.NewWatch(sessions.Config{Keys: []sessions.Key{sessions.RandomKey()}, Sessions: demo.Sessions(sessions.NewMemory(), false, nil)})
	if err != nil {
		t.Fatal(err)
	}
	handler := watch.Handler(http.NotFoundHandler())
	ask := func(cookie *http.Cookie) []*http.Cookie {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Header.Set("Accept", "text/html")
		if cookie != nil {
			r.AddCookie(cookie)
		}
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		return w.Result().Cookies()
	}
	set := ask(nil)
	if len(set) != 1 || set[0].Name != "__Host-watch" || !set[0].Secure || !set[0].HttpOnly || set[0].Path != "/" || set[0].Domain != "" {
		t.Fatalf("it sets %v", set)
	}
	if again := ask(set[0]); len(again) != 0 {
		t.Errorf("a visitor who is known gets %v", again)
	}
	if other := ask(&http.Cookie{Name: "watch", Value: set[0].Value}); len(other) != 1 {
		t.Errorf("a cookie that another host can set is accepted, %v", other)
	}
}

// What the page stores is bounded, and many visitors at once cause no data race.
func TestWatchIsBounded(t *testing.T) {
	server := watch(t, sessions.NewMemory())
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 40 {
				b := open(t, server)
				b.get("/session")
			}
		})
	}
	all.Wait()
	b := open(t, server)
	for range 60 {
		b.get("/cart")
	}
	_, page := b.get("/session")
	b.request(strings.Repeat("A", 5000), "/cart", nil)
	b.get("/" + strings.Repeat("b", 5000))
	_, long := b.get("/session")
	expect(t, long, `<code>A{20}… /cart</code>`, `<code>GET /b{79}…</code>`)
	if n := strings.Count(page, "<code>GET /cart</code>"); n != 24 {
		t.Errorf("the page shows %d requests, want 24 and its own", n)
	}
}

// The page does not exist unless it is enabled.
func TestSessionPageIsOff(t *testing.T) {
	b := open(t, serve(t))
	if status, page := b.get("/session"); status != http.StatusNotFound {
		t.Errorf("status %d\n%s", status, page)
	}
	if _, page := b.get("/"); strings.Contains(page, `href="/session"`) {
		t.Error("a link to it is there")
	}
}
