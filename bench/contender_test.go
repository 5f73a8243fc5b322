package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// A reply is the response to one request.
type reply struct {
	status int
	body   string
	kind   string // Content-Type
	cookie string // the Cookie header that a browser sends back, or empty
	header http.Header
}

func ask(handler http.Handler, method, path, cookie string) reply {
	c := &client{handler: handler, requests: []*http.Request{newRequest(method, path, "", cookie)}}
	if method == "POST" {
		c.form = loginForm
	}
	c.once()
	r := reply{status: c.writer.status, body: string(c.writer.body), kind: c.writer.header.Get("Content-Type"), header: c.writer.header}
	if lines := r.header["Set-Cookie"]; len(lines) > 0 {
		r.cookie = cookiePair(lines[len(lines)-1])
	}
	return r
}

// wantText reports an error unless the response has the given text and the right type.
// The response must set a cookie if cookie is true, and must not otherwise.
func (r reply) wantText(t *testing.T, body string, cookie bool) {
	t.Helper()
	if r.status != 200 || r.body != body || !strings.EqualFold(r.kind, plainText) || (r.cookie != "") != cookie {
		t.Errorf("responds %d %q of type %q with the cookie %q, not 200 %q of type %q, cookie: %v", r.status, r.body, r.kind, r.cookie, body, plainText, cookie)
	}
}

// TestSites checks that all contenders send the same responses, so that all do the same
// work.
func TestSites(t *testing.T) {
	for _, c := range contenders {
		t.Run(c.name, func(t *testing.T) {
			bare := c.sites[noSessions]()
			ask(bare, "GET", "/hello", "").wantText(t, helloBody, false)
			if r := ask(bare, "GET", "/nowhere", ""); r.status != 404 {
				t.Errorf("responds %d to a path without a page", r.status)
			}
			testHello(t, c.sites[withSessions]())
			if c.name != webapp2goSet.name {
				testPages(t, c.sites[withSessions](), true)
			}
		})
	}
}

// TestStoreSites checks that both sites of each store send the same responses.
func TestStoreSites(t *testing.T) {
	for _, s := range stores {
		t.Run(s.name, func(t *testing.T) {
			sites := s.need(t, false)
			t.Run(s.below, func(t *testing.T) { testPages(t, sites.below, strings.HasPrefix(s.below, "scs")) })
			t.Run(webapp2go.name, func(t *testing.T) { testPages(t, sites.above, false) })
		})
	}
}

func TestSecurityHeaders(t *testing.T) {
	for _, c := range []contender{webapp2go, webapp2goSet} {
		sent := ask(c.sites[withHeaders](), "GET", "/hello", "")
		sent.wantText(t, helloBody, false)
		without := ask(c.sites[withSessions](), "GET", "/hello", "")
		if len(sent.header) != len(without.header)+len(noHeaders) {
			t.Errorf("%s sends %v, and with security headers %v", c.name, without.header, sent.header)
		}
	}
}

func TestLogInIsRemembered(t *testing.T) {
	ask(webapp2go.sites[withLogIn](), "POST", "/log-in", "").wantText(t, welcome(loginUser), true)
}

// testHello checks that a page that does not use the session sets no cookie.
func testHello(t *testing.T, site http.Handler) {
	cookie := ask(site, "GET", "/start", "").cookie
	ask(site, "GET", "/hello", "").wantText(t, helloBody, false)
	ask(site, "GET", "/hello", cookie).wantText(t, helloBody, false)
}

// testPages sends the requests that are measured, and others that fail if a handler takes
// shortcuts. writeSetsCookie reports whether a change sends the browser a cookie.
func testPages(t *testing.T, site http.Handler, writeSetsCookie bool) {
	testHello(t, site)
	started := ask(site, "GET", "/start", "")
	started.wantText(t, helloBody, true)
	cookie := started.cookie
	ask(site, "GET", "/read", cookie).wantText(t, "Ada Lovelace, visit 100041", false)
	ask(site, "GET", "/readall", cookie).wantText(t, everything(firstVisitor), false)
	middle := len(cookie) / 2
	forged := cookie[:middle] + string('A'+(cookie[middle]-'A'+1)%26) + cookie[middle+1:]
	for name, cookie := range map[string]string{"no": "", "a forged": forged} {
		for _, path := range []string{"/read", "/readall"} {
			if r := ask(site, "GET", path, cookie); r.status != 403 {
				t.Errorf("%s responds %d %q to %s cookie", path, r.status, r.body, name)
			}
		}
	}

	jar := cookie
	for i := range 3 {
		r := ask(site, "GET", "/write", jar)
		r.wantText(t, fmt.Sprintf("visit %d", 100042+i), writeSetsCookie)
		if r.cookie != "" {
			jar = r.cookie
		}
	}
	ask(site, "GET", "/read", jar).wantText(t, "Ada Lovelace, visit 100044", false)

	r := ask(site, "POST", "/login", "")
	r.wantText(t, "welcome grace", true)
	if r := ask(site, "GET", "/readall", r.cookie); r.status == 200 && !strings.HasPrefix(r.body, "grace ") {
		t.Errorf("the session after the login is %q", r.body)
	}
	begun := ask(site, "GET", "/start", "").cookie
	r = ask(site, "POST", "/login", begun)
	r.wantText(t, "welcome grace", true)
	if r.cookie == begun {
		t.Error("the login leaves the cookie as it was")
	}
	after := firstVisitor
	after.User = loginUser
	ask(site, "GET", "/readall", r.cookie).wantText(t, everything(after), false)
}

func TestTables(t *testing.T) {
	for _, kind := range tables {
		for _, c := range append([]contender{floor}, kind.subjects()...) {
			for _, n := range tableSizes {
				kind := kind
				kind.routes = newRoutes(n)
				site := c.table(kind.table)
				all := &client{handler: site}
				for _, r := range kind.routes {
					all.requests = append(all.requests, newRequest("GET", kind.prefix+r.path, kind.host, ""))
					all.want = append(all.want, r.body)
				}
				if err := all.check(); err != nil {
					t.Fatalf("%s, %d routes%s: %v", c.name, n, kind.kind, err)
				}
				lost := &client{handler: site, requests: []*http.Request{newRequest("GET", kind.prefix+"/books0/4711/nowhere", kind.host, "")}}
				if kind.host != "" {
					lost.requests = append(lost.requests, newRequest("GET", kind.routes[0].path, "elsewhere.example", ""))
				}
				for range lost.requests {
					if lost.once(); lost.writer.status != 404 {
						t.Errorf("%s, %d routes%s: responds %d to a request for no route", c.name, n, kind.kind, lost.writer.status)
					}
				}
			}
		}
	}
}

func TestMixIsSpread(t *testing.T) {
	for n, want := range map[int]int{1: 1, 50: 50, 200: 50, 1000: 50} {
		patterns, shapes := map[string]bool{}, map[string]bool{}
		for _, r := range mix(newRoutes(n)) {
			patterns[r.pattern] = true
			_, shape, _ := strings.Cut(strings.TrimLeft(r.pattern, "/abcdefghijklmnopqrstuvwxyz0123456789"), "}")
			shapes[shape] = true
		}
		if len(patterns) != want || n > 1 && len(shapes) < 3 {
			t.Errorf("of %d routes %d are requested, of %d shapes", n, len(patterns), len(shapes))
		}
	}
}

func TestSessionHasTheSizeStated(t *testing.T) {
	if data, err := json.Marshal(firstVisitor); err != nil || len(data) != 195 {
		t.Errorf("the session has %d bytes as JSON, %v, not 195", len(data), err)
	}
}

// need opens the store and closes it when the test ends. It skips the test if the store's
// server is not installed.
func (s store) need(t *testing.T, counting bool) *storeSites {
	t.Helper()
	s.needServer(t)
	sites, err := s.open(counting)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(sites.close)
	return sites
}

func (s store) needServer(t *testing.T) {
	t.Helper()
	if s.server == "" || os.Getenv("CI") == "true" {
		return
	}
	if found, _ := filepath.Glob(s.server); len(found) > 0 {
		return
	}
	if _, err := exec.LookPath(s.server); err != nil {
		t.Skipf("%s is not installed", s.server)
	}
}
