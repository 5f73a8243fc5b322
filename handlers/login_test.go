package handlers_test

import (
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/webapp2go/webapp2go/sessions"
)

func TestSignUpLogInAccountLogOut(t *testing.T) {
	s := serve(t, sessions.NewMemory(), nil)
	c := s.client(t)
	c.get("/account").redirects(t, "/login?next=%2Faccount")

	c.signUp("ann")
	c.get("/account").shows(t, 200, "Welcome, ann.", "<h1>ann</h1>", ", this browser")
	c.get("/account").hides(t, "Welcome")
	c.get("/login").redirects(t, "/")

	fresh := c.cookie("session")
	c.post("/logout").redirects(t, "/login?out=1")
	if c.cookie("session") != "" {
		t.Error("the cookie outlives the logout")
	}
	c.get("/login?out=1").shows(t, 200, "You are logged out.")
	c.get("/account").redirects(t, "/login?next=%2Faccount")

	thief := s.client(t)
	thief.get("/account", "Cookie", "session="+fresh).redirects(t, "/login?next=%2Faccount")

	c.post("/login", "name", " ANN ", "password", "correct horse", "next", "/account").redirects(t, "/account")
	if again := c.cookie("session"); again == "" || again == fresh {
		t.Errorf("after the second login the cookie is %q", again)
	}
	c.get("/account").shows(t, 200, "Welcome back, ann.")
}

func TestLogoutRefusesGET(t *testing.T) {
	s := serve(t, sessions.NewMemory(), nil)
	c := s.client(t)
	c.signUp("ann")
	a := c.get("/logout")
	a.shows(t, http.StatusMethodNotAllowed, "Method Not Allowed")
	if allow := a.header.Get("Allow"); !strings.Contains(allow, "POST") || strings.Contains(allow, "GET") {
		t.Errorf("Allow: %q", allow)
	}
	c.get("/account").shows(t, 200)
}

// A session in a signed cookie cannot be ended. A copy of the cookie works until its timeouts.
func TestCopiedSignedCookieEndsWithItsTimeouts(t *testing.T) {
	s := serve(t, nil, nil)
	c := s.client(t)
	c.signUp("ann")
	stolen := c.cookie("session")
	c.post("/logout")

	thief := s.client(t)
	thief.get("/account", "Cookie", "session="+stolen).shows(t, 200, "<h1>ann</h1>")
	s.clock.Advance(time.Hour + time.Second) // past the idle timeout
	thief.get("/account", "Cookie", "session="+stolen).redirects(t, "/login?next=%2Faccount")
}

func TestLoginRenewsTheSession(t *testing.T) {
	s := serve(t, sessions.NewMemory(), countVisits)
	c := s.client(t)
	c.get("/visits").shows(t, 200, "1")
	planted := c.cookie("session")
	c.signUp("ann")
	if c.cookie("session") == planted {
		t.Error("the id is the one from before the login")
	}
	c.get("/visits").shows(t, 200, "2")

	other := s.client(t)
	other.get("/account", "Cookie", "session="+planted).redirects(t, "/login?next=%2Faccount")
}

// A login of another user drops the values of the session.
func TestLoginOfAnotherUserClears(t *testing.T) {
	s := serve(t, sessions.NewMemory(), countVisits)
	c := s.client(t)
	c.signUp("bob")
	c.post("/logout")
	c.signUp("ann")
	c.get("/visits").shows(t, 200, "1")
	c.post("/login", "name", "bob", "password", "correct horse").redirects(t, "/")
	c.get("/visits").shows(t, 200, "1")
}

func TestLoginRefuses(t *testing.T) {
	s := serve(t, sessions.NewMemory(), nil)
	s.client(t).signUp("ann")
	wrong := s.client(t).post("/login", "name", "ann", "password", "wrong horse")
	wrong.shows(t, http.StatusUnauthorized, "name or the password is wrong", `value="ann"`, `aria-describedby="problem"`)
	unknown := s.client(t).post("/login", "name", "eve", "password", "wrong horse")
	unknown.shows(t, http.StatusUnauthorized)
	if strings.ReplaceAll(unknown.body, "eve", "ann") != wrong.body {
		t.Error("the responses tell who has an account")
	}
}

func TestLoginBoundsFailures(t *testing.T) {
	s := serve(t, sessions.NewMemory(), func(s *server) { s.site.Throttle.Failures = 3 })
	s.client(t).signUp("ann")
	s.client(t).signUp("bob")
	c := s.client(t)
	for _, name := range []string{"ann", " Ann", "ANN  "} {
		c.post("/login", "name", name, "password", "wrong").shows(t, http.StatusUnauthorized)
	}
	a := c.post("/login", "name", "ANN ", "password", "correct horse")
	a.shows(t, http.StatusTooManyRequests, "too many wrong passwords", "Try again in 5 minutes")
	if wait, err := strconv.Atoi(a.header.Get("Retry-After")); err != nil || wait < 250 || wait > 300 {
		t.Errorf("Retry-After: %q", a.header.Get("Retry-After"))
	}
	c.post("/login", "name", "bob", "password", "correct horse").redirects(t, "/")
}

// Otherwise an attacker could log in with their own account to reset the limit.
func TestLoginResetsNoCount(t *testing.T) {
	s := serve(t, sessions.NewMemory(), func(s *server) { s.site.Throttle.Failures, s.site.Throttle.Address = 2, 4 })
	s.client(t).signUp("ann")
	s.client(t).signUp("eve")
	s.client(t).post("/login", "name", "ann", "password", "wrong").shows(t, http.StatusUnauthorized)
	s.client(t).post("/login", "name", "ann", "password", "correct horse").redirects(t, "/")
	s.client(t).post("/login", "name", "ann", "password", "wrong").shows(t, http.StatusUnauthorized)
	s.client(t).post("/login", "name", "ann", "password", "correct horse").shows(t, http.StatusTooManyRequests)

	eve := s.client(t)
	eve.post("/login", "name", "eve", "password", "correct horse").redirects(t, "/")
	for _, name := range []string{"bob", "cid"} {
		eve.post("/login", "name", name, "password", "wrong").shows(t, http.StatusUnauthorized)
		eve.post("/login", "name", "eve", "password", "correct horse").redirects(t, "/")
	}
	eve.post("/login", "name", "dan", "password", "wrong").shows(t, http.StatusTooManyRequests)
}

func TestSignUpRefuses(t *testing.T) {
	s := serve(t, sessions.NewMemory(), nil)
	s.client(t).signUp("ann")
	tests := []struct {
		name, user, password string
		status               int
		text                 string
	}{
		{"taken", "Ann", "correct horse", http.StatusConflict, "This name is taken"},
		{"no name", " ", "correct horse", http.StatusBadRequest, "choose a name"},
		{"short password", "bob", "short", http.StatusBadRequest, "at least 8"},
		{"control character", "b\x00b", "correct horse", http.StatusBadRequest, "letters"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			c := s.client(t)
			c.post("/signup", "name", test.user, "password", test.password).shows(t, test.status, test.text, `id="problem"`)
			c.get("/account").redirects(t, "/login?next=%2Faccount")
		})
	}
}

func TestNextStaysOnTheSite(t *testing.T) {
	s := serve(t, sessions.NewMemory(), nil)
	s.client(t).signUp("ann")
	tests := []struct{ next, want string }{
		{"", "/"},
		{"/account", "/account"},
		{"/account?a=1&b=2", "/account?a=1&b=2"},
		{"https://evil.example/", "/"},
		{"//evil.example/", "/"},
		{`/\evil.example/`, "/"},
		{`\/evil.example`, "/"},
		{"/\t/evil.example", "/"},
		{"javascript:alert(1)", "/"},
		{"/a\r\nSet-Cookie: x=1", "/"},
		{"account", "/"},
	}
	for _, test := range tests {
		t.Run(test.next, func(t *testing.T) {
			c := s.client(t)
			form := url.Values{"name": {"ann"}, "password": {"correct horse"}, "next": {test.next}}
			c.do(http.MethodPost, "/login", form).redirects(t, test.want)
			c.get("/login?next="+url.QueryEscape(test.next)).redirects(t, test.want)
		})
	}
}

func TestCrossOriginPostIsRefused(t *testing.T) {
	s := serve(t, sessions.NewMemory(), nil)
	c := s.client(t)
	c.signUp("ann")
	for _, header := range [][]string{
		{"Sec-Fetch-Site", "cross-site"},
		{"Origin", "https://evil.example"},
		{"Origin", "null"},
	} {
		a := c.do(http.MethodPost, "/logout", url.Values{}, header...)
		a.shows(t, http.StatusForbidden, "<h1>Forbidden</h1>", "This request came from another site")
		a.hides(t, "Sec-Fetch-Site", "cross-origin")
	}
	c.get("/account").shows(t, 200)
}
