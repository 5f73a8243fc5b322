package handlers_test

import (
	"context"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/webapp2go/webapp2go/auth"
	"github.com/webapp2go/webapp2go/sessions"
)

func TestChangeOfPasswordEndsOtherSessions(t *testing.T) {
	for name, backend := range backends {
		t.Run(name, func(t *testing.T) {
			s := serve(t, backend(), nil)
			here, there := s.client(t), s.client(t)
			here.signUp("ann")
			there.post("/login", "name", "ann", "password", "correct horse").redirects(t, "/")
			before := here.cookie("session")

			here.post("/account", "action", "password", "old", "correct horse", "new", "battery staple").redirects(t, "/account")
			if here.cookie("session") == before {
				t.Error("the session's id was not renewed")
			}
			here.get("/account").shows(t, 200, "your other sessions have been ended")
			here.get("/account").shows(t, 200)
			there.get("/account").redirects(t, "/login?next=%2Faccount")
			thief := s.client(t)
			thief.get("/account", "Cookie", "session="+before).redirects(t, "/login?next=%2Faccount")
			s.client(t).post("/login", "name", "ann", "password", "correct horse").shows(t, http.StatusUnauthorized)
			there.post("/login", "name", "ann", "password", "battery staple").redirects(t, "/")
			there.get("/account").shows(t, 200)
		})
	}
}

// A login whose password was verified before the change and is saved after it has no user.
func TestChangeOfPasswordEndsConcurrentLogins(t *testing.T) {
	for name, backend := range backends {
		t.Run(name, func(t *testing.T) {
			users := &pausingUsers{}
			s := serve(t, backend(), func(s *server) { users.Backend, s.site.Users = s.site.Users, users })
			here, there := s.client(t), s.client(t)
			here.signUp("ann")
			users.pause = func() {
				here.post("/account", "action", "password", "old", "correct horse", "new", "battery staple").redirects(t, "/account")
			}
			there.post("/login", "name", "ann", "password", "correct horse").redirects(t, "/")
			there.get("/account").redirects(t, "/login?next=%2Faccount")
			here.get("/account").shows(t, 200)
		})
	}
}

// pausingUsers calls pause once, after it has found a user by name.
type pausingUsers struct {
	auth.Backend
	pause func()
}

func (p *pausingUsers) ByLogin(ctx context.Context, name string) (*auth.User, error) {
	user, err := p.Backend.ByLogin(ctx, name)
	if pause := p.pause; pause != nil {
		p.pause = nil
		pause()
	}
	return user, err
}

func TestSignedCookiesCannotBeListed(t *testing.T) {
	c := serve(t, nil, nil).client(t)
	c.signUp("ann")
	c.get("/account").shows(t, 200, "cannot list your logins")
}

func TestSignedCookiesCannotBeEnded(t *testing.T) {
	s := serve(t, nil, nil)
	c := s.client(t)
	c.signUp("ann")
	for _, action := range []string{"end", "end-others"} {
		c.post("/account", "action", action, "session", "x").redirects(t, "/account")
		c.get("/account").shows(t, 200, "cannot list your logins")
	}
}

func TestChangeOfPasswordRefuses(t *testing.T) {
	s := serve(t, sessions.NewMemory(), func(s *server) { s.site.Throttle.Failures = 3 })
	c := s.client(t)
	c.signUp("ann")
	tests := []struct {
		name, old, new string
		status         int
		text           string
	}{
		{"wrong old one", "wrong horse", "battery staple", http.StatusForbidden, "not your current password"},
		{"short new one", "correct horse", "short", http.StatusBadRequest, "at least 8"},
		{"nothing", "", "", http.StatusBadRequest, "at least 8"},
		{"wrong old one", "wrong horse", "battery staple", http.StatusForbidden, "not your current password"},
		{"endless old one", strings.Repeat("x", 1025), "battery staple", http.StatusForbidden, "not your current password"},
		{"wrong old one", "wrong horse", "battery staple", http.StatusForbidden, "not your current password"},
		{"too often", "correct horse", "battery staple", http.StatusTooManyRequests, "too many wrong passwords"},
	}
	for _, test := range tests {
		c.post("/account", "action", "password", "old", test.old, "new", test.new).shows(t, test.status, test.text, `id="problem"`)
	}
	c.get("/account").shows(t, 200)
}

var endButton = regexp.MustCompile(`name="session" value="([^"]+)"`)

func TestEndASession(t *testing.T) {
	s := serve(t, sessions.NewMemory(), nil)
	here, there := s.client(t), s.client(t)
	here.signUp("ann")
	there.post("/login", "name", "ann", "password", "correct horse").redirects(t, "/")

	a := here.get("/account")
	a.shows(t, 200, "Unknown browser</strong>, this browser", "From 127.0.0.1.", "Last used", "End all others")
	buttons := endButton.FindAllStringSubmatch(a.body, -1)
	if len(buttons) != 1 {
		t.Fatalf("%d buttons to end a session, want 1", len(buttons))
	}
	id := buttons[0][1]

	eve := s.client(t)
	eve.signUp("eve")
	eve.post("/account", "action", "end", "session", id).redirects(t, "/account")
	eve.get("/account").shows(t, 200, "has ended already")
	there.get("/account").shows(t, 200)

	here.post("/account", "action", "end", "session", id).redirects(t, "/account")
	here.get("/account").shows(t, 200, "The session has been ended.")
	there.get("/account").redirects(t, "/login?next=%2Faccount")
	here.post("/account", "action", "end", "session", id).redirects(t, "/account")
	here.get("/account").shows(t, 200, "has ended already")
}

func TestEndOtherSessions(t *testing.T) {
	s := serve(t, sessions.NewMemory(), nil)
	here := s.client(t)
	here.signUp("ann")
	others := []*client{s.client(t), s.client(t), s.client(t)}
	for _, c := range others {
		c.post("/login", "name", "ann", "password", "correct horse").redirects(t, "/")
	}
	here.post("/account", "action", "end-others").redirects(t, "/account")
	a := here.get("/account")
	a.shows(t, 200, "All other sessions have been ended.", ", this browser")
	a.hides(t, "End all others")
	for _, c := range others {
		c.get("/account").redirects(t, "/login?next=%2Faccount")
	}
}

func TestAccountRefusesOtherActions(t *testing.T) {
	s := serve(t, sessions.NewMemory(), nil)
	c := s.client(t)
	c.signUp("ann")
	for _, action := range []string{"", "end-all", "password\r\n", strings.Repeat("x", 1000)} {
		c.post("/account", "action", action).shows(t, http.StatusBadRequest, "end-others")
	}
	c.post("/account", "action", "end", "session", "../../etc/passwd").redirects(t, "/account")
}

// Ending sessions needs a login within the last quarter of an hour, or the password again.
// An open browser or a copied cookie must not lock its user out elsewhere.
func TestEndingSessionsNeedsARecentLogin(t *testing.T) {
	for _, action := range []string{"end", "end-others"} {
		s := serve(t, sessions.NewMemory(), nil)
		here, there := s.client(t), s.client(t)
		here.signUp("ann")
		there.post("/login", "name", "ann", "password", "correct horse").redirects(t, "/")
		for range 3 { // used all the time, which is no login
			s.clock.Advance(5*time.Minute + time.Second)
			here.get("/account")
			there.get("/account")
		}
		end := func() answer { return here.post("/account", "action", action, "session", list(t, s, "ann")[0].ID) }
		here.get("/account").shows(t, 200, "You will be asked for your password first", "<h1>ann</h1>")
		const confirm = "/confirm?next=%2Faccount&unprocessed=1"
		end().redirects(t, confirm)
		there.get("/account").shows(t, 200)

		here.get(confirm).shows(t, 200, "The form that you sent was not processed.")
		here.post("/confirm", "next", "/account", "password", "wrong horse").shows(t, http.StatusForbidden, "That is not your password.")
		end().redirects(t, confirm)
		before := here.cookie("session")
		here.post("/confirm", "next", "/account", "unprocessed", "1", "password", "correct horse").redirects(t, "/account")
		here.get("/account").shows(t, 200, "Please send it again.")
		if here.cookie("session") == before {
			t.Error("a login that was confirmed keeps its id")
		}
		here.get("/account").hides(t, "You will be asked for your password first")
		for _, info := range list(t, s, "ann") {
			if info.Login.At.Before(s.clock.Now().Add(-time.Minute)) {
				here.post("/account", "action", action, "session", info.ID).redirects(t, "/account")
			}
		}
		there.get("/account").redirects(t, "/login?next=%2Faccount")
		here.get("/account").shows(t, 200)
	}
}

func list(t *testing.T, s *server, name string) []sessions.SessionInfo {
	t.Helper()
	user, err := s.site.Users.ByLogin(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	infos, err := s.site.Sessions.UserSessions(t.Context(), "", user.ID)
	if err != nil {
		t.Fatal(err)
	}
	return infos
}

// The account page lists 20 sessions at once. The current one is first.
func TestAccountShowsSessionsPageByPage(t *testing.T) {
	s := serve(t, sessions.NewMemory(), nil)
	here := s.client(t)
	here.signUp("ann")
	for n := range 44 {
		s.clock.Advance(time.Second)
		s.client(t).post("/login", "name", "ann", "password", "correct horse", "n", strconv.Itoa(n)).redirects(t, "/")
	}
	for page, want := range map[string]int{"": 20, "1": 20, "2": 20, "3": 5, "4": 5, "-1": 20, "0": 20, "x": 20, "99999999999999999999": 5} {
		a := here.get("/account?page=" + page)
		a.shows(t, 200, "45 sessions")
		rows := strings.Count(a.body, `name="action" value="end"`) + strings.Count(a.body, ", this browser")
		if rows != want {
			t.Errorf("page %q has %d sessions, want %d", page, rows, want)
		}
		if first := want == 20 && page != "2"; first != strings.Contains(a.body, ", this browser") {
			t.Errorf("page %q: this browser's session must be on the first page only", page)
		}
	}
	if len(here.get("/account").body) > 20<<10 {
		t.Error("a page of the account is large")
	}
}
