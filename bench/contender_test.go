package main

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// A visit is an answer to one request.
type visit struct {
	status int
	body   string
	kind   string // Content-Type
	cookie string // the Cookie header that a browser sends back; empty: none was set
}

func ask(handler http.Handler, method, path, cookie string) visit {
	c := &client{handler: handler, writer: newReusedWriter(), requests: []*http.Request{newRequest(method, path, cookie)}}
	if method == "POST" {
		c.form = loginForm
	}
	c.once()
	v := visit{status: c.writer.status, body: string(c.writer.body), kind: c.writer.header.Get("Content-Type")}
	if lines := c.writer.header["Set-Cookie"]; len(lines) > 0 {
		v.cookie = cookiePair(lines[len(lines)-1])
	}
	return v
}

// wantText fails unless the answer is the text, and of the right type.
func wantText(t *testing.T, v visit, body string) {
	t.Helper()
	if v.status != 200 || v.body != body || !strings.EqualFold(v.kind, plainText) {
		t.Errorf("answers %d %q of type %q, not 200 %q of type %q", v.status, v.body, v.kind, body, plainText)
	}
}

func wantNoCookie(t *testing.T, v visit) {
	t.Helper()
	if v.cookie != "" {
		t.Errorf("sets the cookie %q and should set none", v.cookie)
	}
}

func TestPlain(t *testing.T) {
	for _, c := range allContenders() {
		t.Run(c.name, func(t *testing.T) {
			v := ask(c.plain(), "GET", "/hello", "")
			wantText(t, v, helloBody)
			wantNoCookie(t, v)
			if v := ask(c.plain(), "GET", "/nowhere", ""); v.status != 404 {
				t.Errorf("answers %d where nothing is", v.status)
			}
		})
	}
}

func TestFullSite(t *testing.T) {
	site := webapp2goFullSite()
	v := ask(site, "GET", "/hello", "")
	wantText(t, v, helloBody)
	wantNoCookie(t, v)
	c, err := anonymous.newClient(site)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"Content-Security-Policy", "X-Content-Type-Options", "Referrer-Policy"} {
		if c.writer.header.Get(name) == "" {
			t.Errorf("the answer has no %s", name)
		}
	}
}

func TestSite(t *testing.T) {
	for _, c := range allContenders() {
		t.Run(c.name, func(t *testing.T) { testSite(t, c.site(), true) })
	}
}

func TestMemcachedSite(t *testing.T) {
	needMemcached(t)
	server, err := startMemcached()
	if err != nil {
		t.Fatal(err)
	}
	defer server.stop()
	t.Run(floor.name, func(t *testing.T) { testSite(t, floorMemcachedSite(server.addr), false) })
	t.Run(subjects[ours].name, func(t *testing.T) { testSite(t, webapp2goMemcachedSite(server.addr), false) })
}

// testSite plays what the scenarios measure, and what would show that a handler
// cheats. writeSetsCookie says that a change sends the browser a cookie.
func testSite(t *testing.T, site http.Handler, writeSetsCookie bool) {
	cookie := ask(site, "GET", "/start", "").cookie
	if cookie == "" {
		t.Fatal("/start sets no cookie")
	}
	t.Run("anonymous", func(t *testing.T) {
		v := ask(site, "GET", "/hello", "")
		wantText(t, v, helloBody)
		wantNoCookie(t, v)
	})
	t.Run("untouched", func(t *testing.T) {
		v := ask(site, "GET", "/hello", cookie)
		wantText(t, v, helloBody)
		wantNoCookie(t, v)
	})
	t.Run("read", func(t *testing.T) {
		v := ask(site, "GET", "/read", cookie)
		wantText(t, v, "Ada Lovelace, visit 100041")
		wantNoCookie(t, v)
		wantText(t, ask(site, "GET", "/readall", cookie), everything(firstVisitor))
	})
	t.Run("read without a session", func(t *testing.T) {
		if v := ask(site, "GET", "/read", ""); v.status != 403 {
			t.Errorf("answers %d %q to a visitor without a session", v.status, v.body)
		}
	})
	t.Run("read a forged cookie", func(t *testing.T) {
		middle := len(cookie) / 2
		other := "A"
		if cookie[middle] == 'A' {
			other = "B"
		}
		if v := ask(site, "GET", "/read", cookie[:middle]+other+cookie[middle+1:]); v.status != 403 {
			t.Errorf("answers %d %q to a cookie that was changed", v.status, v.body)
		}
	})
	t.Run("write", func(t *testing.T) {
		jar := cookie
		for i := range 3 {
			v := ask(site, "GET", "/write", jar)
			wantText(t, v, fmt.Sprintf("visit %d", 100042+i))
			if got := v.cookie != ""; got != writeSetsCookie {
				t.Errorf("sets a cookie: %v, want %v", got, writeSetsCookie)
			}
			if v.cookie != "" {
				jar = v.cookie
			}
		}
		wantText(t, ask(site, "GET", "/read", jar), "Ada Lovelace, visit 100044")
	})
	t.Run("login", func(t *testing.T) {
		v := ask(site, "POST", "/login", "")
		wantText(t, v, "welcome grace")
		if v.cookie == "" {
			t.Fatal("sets no cookie")
		}
		if v := ask(site, "GET", "/readall", v.cookie); v.status == 200 && !strings.HasPrefix(v.body, "grace ") {
			t.Errorf("the session after the login is %q", v.body)
		}
	})
	t.Run("login with a session before", func(t *testing.T) {
		begun := ask(site, "GET", "/start", "").cookie
		v := ask(site, "POST", "/login", begun)
		wantText(t, v, "welcome grace")
		if v.cookie == "" || v.cookie == begun {
			t.Fatalf("sets the cookie %q after %q", v.cookie, begun)
		}
		after := firstVisitor
		after.User = loginUser
		wantText(t, ask(site, "GET", "/readall", v.cookie), everything(after))
	})
}

func TestTable(t *testing.T) {
	for _, c := range allContenders() {
		for _, n := range []int{1, 50, 200, 1000} {
			t.Run(fmt.Sprintf("%s/%d", c.name, n), func(t *testing.T) {
				routes := newRoutes(n)
				table := c.table(routes)
				for _, r := range routes {
					if v := ask(table, "GET", r.path, ""); v.status != 200 || v.body != r.body {
						t.Fatalf("%s answers %d %q, not 200 %q", r.path, v.status, v.body, r.body)
					}
				}
				if v := ask(table, "GET", "/books0/4711/nowhere", ""); v.status != 404 {
					t.Errorf("answers %d where nothing is", v.status)
				}
			})
		}
	}
}
