package sessionstest

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/webapp2go/webapp2go/sessions"
)

// cookiesOfOneName sends several cookies with the session's name, as a browser does if they
// were set for several paths or domains. The newest living session is used.
func cookiesOfOneName(t *testing.T, b sessions.Backend) {
	w := &wire{Backend: b}
	s := newSite(t, sessions.Spec{Backend: w})
	// loggedIn returns the cookie and the browser of a new session of a user. Each session
	// begins a second after the one before.
	loggedIn := func(user string) (string, *browser) {
		t.Helper()
		s.step(time.Second)
		visitor := s.browser()
		visitor.visit(func(s *sessions.Session) { s.LogIn(user, sessions.Login{}) })
		return visitor.cookie(), visitor
	}
	ended := func(n int) (cookies []string) {
		for range n {
			cookie, visitor := loggedIn("dead")
			s.expire(visitor)
			cookies = append(cookies, cookie)
		}
		return cookies
	}
	loads := func() *int {
		n := new(int)
		w.cut(func(method, _ string, _ sessions.Record) error {
			if method == "load" {
				*n++
			}
			return nil
		})
		return n
	}
	reads := func(name, user string, most int, cookies ...string) {
		t.Helper()
		n := loads()
		v := s.browser().sends(cookies...)
		if got := v.User(); got != user || v.Err() != nil {
			t.Errorf("%s: the session is %q's, status %v, error %v; want %q", name, got, v.Status(), v.Err(), user)
		}
		if err := v.end(); err != nil || v.setsCookie() {
			t.Errorf("%s: a read: error %v, a cookie: %v", name, err, v.setsCookie())
		}
		if *n > most {
			t.Errorf("%s: %d loads, want at most %d", name, *n, most)
		}
		w.cut(nil)
	}

	older, _ := loggedIn("old")
	newer, _ := loggedIn("new")
	reads("two that are alive", "new", 1, older, newer)
	reads("two that are alive, the newer first", "new", 1, newer, older)
	garbage := "__Host-session=" + strings.Repeat("A", 60)
	for _, n := range []int{1, 4, 1000} {
		reads(fmt.Sprint(n, " that nobody signed"), "new", 1, append(repeat(garbage, n), newer)...)
	}
	alive, _ := loggedIn("ann")
	dead := ended(8)
	for _, n := range []int{0, 1, 7} {
		reads(fmt.Sprint(n, " newer and dead"), "ann", n+1, append(dead[:n:n], alive)...)
	}
	reads("8 newer and dead", "", 8, append(dead, alive)...)

	var one, two string // sealed in the same second
	for second := int64(-1); second != s.now().Unix(); {
		s.step(time.Second)
		second = s.now().Unix()
		s.step(-time.Second)
		one, _ = loggedIn("one")
		s.step(-time.Second)
		two, _ = loggedIn("two")
	}
	reads("equal seconds, the later in the header counts", "two", 1, one, two)
	reads("equal seconds, the other way round", "one", 1, two, one)

	for ahead, user := range map[time.Duration]string{59 * time.Second: "early", 62 * time.Second: "ann"} {
		s.step(ahead - time.Second)
		early, _ := loggedIn("early")
		s.step(-ahead)
		reads(fmt.Sprint("sealed ", ahead, " ahead"), user, 1, alive, early)
	}

	// If the backend fails at the second candidate, it is down: the visitor does not get a new
	// session.
	n := 0
	w.cut(func(method, _ string, _ sessions.Record) error {
		if n++; method == "load" && n == 2 {
			return errDown
		}
		return nil
	})
	if v := s.browser().sends(dead[0], alive); v.User() != "" || v.Status() != sessions.StatusDown || v.Err() == nil {
		t.Errorf("down at the second: user %q, status %v, error %v", v.User(), v.Status(), v.Err())
	}
	w.cut(nil)

	// A logout ends all of them, even those of other users, and so does a login.
	for name, do := range map[string]func(*sessions.Session){"logout": ends, "login": asBob} {
		older, _ := loggedIn("old")
		newer, _ := loggedIn("new")
		browser := s.browser()
		v := browser.sends(older, newer)
		do(v.Session)
		if err := v.end(); err != nil || !v.setsCookie() {
			t.Errorf("%s: error %v, a cookie: %v", name, err, v.setsCookie())
		}
		reads(name+", then the older alone", "", 1, older)
		reads(name+", then the newer alone", "", 1, newer)
		if name == "login" && !browser.is("bob") {
			t.Error("the login is lost")
		}
		// A session that was ended beside the chosen one does not affect the next login.
		v = s.browser().sends(older)
		v.Set("own", true)
		if err := v.end(); err != nil || !v.setsCookie() {
			t.Errorf("a change after the %s, with the older cookie: error %v, a cookie: %v", name, err, v.setsCookie())
		}
	}
}

// expire ends a session without leaving a tombstone.
func (s *site) expire(visitor *browser) {
	s.t.Helper()
	if err := s.backend.Delete(s.t.Context(), visitor.read().ID()); err != nil {
		s.t.Fatal(err)
	}
}

func repeat(text string, n int) []string {
	return strings.Split(strings.TrimSuffix(strings.Repeat(text+"\n", n), "\n"), "\n")
}
