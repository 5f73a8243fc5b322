package sessionstest

import (
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/webapp2go/webapp2go/sessions"
)

// faultChecks check the cost of requests, and their results when the backend fails.
var faultChecks = []check{
	{"Calls", func(t *testing.T, b sessions.Backend) {
		f := newFaulty(b)
		s := newSite(t, sessions.Spec{Backend: f})
		visitor := s.browser()
		want := func(what string, loads, creates, updates, deletes int64) {
			t.Helper()
			if got, want := f.calls(), [4]int64{loads, creates, updates, deletes}; got != want {
				t.Errorf("%s: %v loads, creates, updates and deletes, want %v", what, got, want)
			}
		}
		visitor.visit(func(s *sessions.Session) { s.Get("n") })
		want("reading where there is no session", 0, 0, 0, 0)
		visitor.login("ann")
		want("a new session", 0, 1, 0, 0)
		if err := visitor.begin().end(); err != nil {
			t.Fatal(err)
		}
		want("not touching it", 0, 0, 0, 0)
		visitor.visit(func(s *sessions.Session) { s.Get("n"); s.Get("login"); s.Get("n") })
		want("reading it", 1, 0, 0, 0)
		visitor.visit(func(s *sessions.Session) { s.Set("n", 1); s.Set("m", 2); s.Get("n") })
		want("changing it", 1, 0, 1, 0)
		s.step(5 * time.Minute)
		visitor.visit(func(*sessions.Session) {})
		want("reading it within a fifth of its idle time", 1, 0, 0, 0)
		s.step(2 * time.Minute)
		visitor.visit(func(*sessions.Session) {})
		want("reading it after that", 1, 0, 1, 0)
		visitor.visit(func(*sessions.Session) {})
		want("reading it once more", 1, 0, 0, 0)
		visitor.visit((*sessions.Session).Renew)
		want("renewing it", 1, 1, 1, 0)
		visitor.visit((*sessions.Session).Destroy)
		want("ending it", 1, 0, 1, 0)
	}},
	{"Down", func(t *testing.T, b sessions.Backend) {
		f := newFaulty(b)
		visitor := newSite(t, sessions.Spec{Backend: f}).browser()
		visitor.login("ann")

		f.down()
		wantDown(t, visitor, func(*sessions.Session) {}, errDown)
		wantDown(t, visitor, func(s *sessions.Session) { s.Set("n", 1) }, errDown)
		if err := visitor.begin().end(); err != nil {
			t.Errorf("a request that does not touch its session fails: %v", err)
		}
		newcomer := visitor.site.browser()
		wantDown(t, newcomer, func(s *sessions.Session) { s.Set("n", 1) }, errDown)

		f.heal()
		v := visitor.read()
		v.Set("n", 1)
		f.down()
		if err := v.end(); !errors.Is(err, errDown) || v.setsCookie() {
			t.Errorf("the backend fails at the save: error %v, sets a cookie: %v", err, v.setsCookie())
		}
		f.heal()
		if !visitor.loggedIn() || visitor.number("n") != 0 {
			t.Error("the session is not as it was when the backend is back")
		}
	}},
	{"DownAndEmpty", func(t *testing.T, b sessions.Backend) {
		f := newFaulty(b)
		visitor := newSite(t, sessions.Spec{Backend: f, WhenDown: sessions.EmptyWhenDown}).browser()
		visitor.login("ann")
		f.down()
		v := visitor.visit(func(*sessions.Session) {}) // must succeed
		if v.User() != "" || v.Err() == nil || v.setsCookie() {
			t.Errorf("a read has user %q, Err %v, sets a cookie: %v", v.User(), v.Err(), v.setsCookie())
		}
		wantDown(t, visitor, func(s *sessions.Session) { s.Set("n", 1) }, errDown)
		f.heal()
		if !visitor.loggedIn() {
			t.Error("the session is gone when the backend is back")
		}
	}},
	{"Hung", func(t *testing.T, b sessions.Backend) {
		f := newFaulty(b)
		visitor := newSite(t, sessions.Spec{Backend: f}).browser()
		visitor.login("ann")
		saving := visitor.read()
		saving.Set("n", 1)
		f.hang()
		errs := atOnce(2, func(i int) error {
			if i == 0 {
				return soon(saving.end)
			}
			return soon(func() error { return visitor.read().end() })
		})
		for i, err := range errs {
			wantUnavailable(t, []string{"the save", "the load"}[i], err)
		}
		f.heal()
		if !visitor.loggedIn() {
			t.Error("the session is gone when the backend is back")
		}
	}},
	{"Slow", func(t *testing.T, b sessions.Backend) {
		f := newFaulty(b)
		acknowledged, failed, counted := countWhile(t, f, f.slow)
		if failed != 0 || counted != acknowledged {
			t.Errorf("%d increments were acknowledged, %d failed, %d are counted", acknowledged, failed, counted)
		}
	}},
	{"Flapping", func(t *testing.T, b sessions.Backend) {
		f := newFaulty(b)
		acknowledged, failed, counted := countWhile(t, f, f.flap)
		if acknowledged == 0 || failed == 0 || counted != acknowledged {
			t.Errorf("%d increments were acknowledged, %d failed, %d are counted", acknowledged, failed, counted)
		}
	}},
	{"LostReplies", func(t *testing.T, b sessions.Backend) {
		// A caller without a response must not treat that as a conflict and count again.
		f := newFaulty(b)
		acknowledged, failed, counted := countWhile(t, f, func() { f.lose.Store(true) })
		if acknowledged != 0 || counted > failed {
			t.Errorf("%d increments were acknowledged, %d failed, %d are counted", acknowledged, failed, counted)
		}
	}},
}

// countWhile runs four requests at a time that increment a number of one session while the
// backend has a fault. It returns how many were acknowledged, how many failed, and the number
// at the end.
func countWhile(t *testing.T, f *faulty, fault func()) (acknowledged, failed, counted int) {
	t.Helper()
	visitor := newSite(t, sessions.Spec{Backend: f}).browser()
	visitor.visit(func(s *sessions.Session) { s.Set("n", 0) })
	fault()
	for range rounds(t, 10) {
		for _, err := range atOnce(4, func(int) error {
			v := visitor.read()
			v.Incr("n", 1)
			return v.end()
		}) {
			if err == nil {
				acknowledged++
				continue
			}
			failed++
			wantUnavailable(t, "the save", err)
		}
	}
	f.heal()
	return acknowledged, failed, visitor.number("n")
}

// wantDown makes a request that must fail with 503, show an empty session and set no cookie.
func wantDown(t *testing.T, b *browser, handle func(*sessions.Session), cause error) {
	t.Helper()
	v := b.read()
	handle(v.Session)
	err := v.end()
	wantUnavailable(t, "the save", err)
	if !errors.Is(err, cause) {
		t.Errorf("error %v does not wrap the backend's", err)
	}
	if v.User() != "" || v.Get("login") != nil || v.setsCookie() {
		t.Errorf("user %q, login %v, sets a cookie: %v; want nothing", v.User(), v.Get("login"), v.setsCookie())
	}
}

// wantUnavailable fails unless the status of err is 503.
func wantUnavailable(t *testing.T, what string, err error) {
	t.Helper()
	if !unavailable(err) {
		t.Errorf("%s: error %v, want one whose HTTPStatus is 503", what, err)
	}
}

func unavailable(err error) bool {
	var status interface{ HTTPStatus() int }
	return errors.As(err, &status) && status.HTTPStatus() == http.StatusServiceUnavailable
}
