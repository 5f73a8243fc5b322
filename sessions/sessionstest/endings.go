package sessionstest

import (
	"errors"
	"testing"
	"time"

	"github.com/webapp2go/webapp2go/sessions"
)

// endingChecks check that a session that was ended stays ended, and that a renewed session is
// one session, under its new id.
var endingChecks = []check{
	{"LogoutAgainstWriter", func(t *testing.T, b sessions.Backend) {
		for name, write := range map[string]func(*sessions.Session){
			"count":                      func(s *sessions.Session) { s.Incr("n", 1) },
			"Renew":                      renews,
			"Renew and the same user":    func(s *sessions.Session) { s.Renew(); s.SetUser(s.User()) },
			"nobody, then the same user": func(s *sessions.Session) { user := s.User(); s.SetUser(""); s.SetUser(user) },
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				s := newSite(t, sessions.Spec{Backend: b})
				var races tally
				back := 0
				for race := range rounds(t, 500) {
					visitor := s.browser()
					visitor.login("ann")
					thief := visitor.twin()
					slow, logout := visitor.read(), visitor.read()
					write(slow.Session)
					logout.Destroy()
					if !races.shows(t, inOrder(race, logout.end, slow.end)) {
						continue
					}
					if visitor.loggedIn() || thief.loggedIn() {
						back++
					}
					if race%3 == 1 && (slow.Status() != sessions.StatusGone || slow.setsCookie()) {
						t.Fatalf("race %d: a save after the logout has status %v, sets a cookie: %v", race, slow.Status(), slow.setsCookie())
					}
				}
				if back > 0 {
					t.Errorf("%d of %d sessions are back after their logout", back, races.all)
				}
				t.Logf("%d of %d sessions are back after their logout", back, races.all-races.late)
				races.check(t)
			})
		}
	}},
	{"RenewalAgainstWriter", func(t *testing.T, b sessions.Backend) {
		s := newSite(t, sessions.Spec{Backend: b})
		visitor := s.browser()
		visitor.login("ann")
		var races tally
		acknowledged := 0
		for race := range rounds(t, 500) {
			before, thief := visitor.cookie(), visitor.twin()
			slow, renew := visitor.read(), visitor.read()
			slow.Incr("n", 1)
			renew.Renew()
			if !races.shows(t, inOrder(race, renew.end, slow.end)) {
				visitor, acknowledged = s.browser(), 0 // the session may or may not have ended
				visitor.login("ann")
				continue
			}
			if slow.Status() != sessions.StatusGone {
				acknowledged++
			}
			if visitor.cookie() == before {
				t.Fatalf("race %d: the browser has its old cookie still", race)
			}
			if !visitor.loggedIn() {
				t.Fatalf("race %d: the browser is logged out", race)
			}
			if thief.loggedIn() {
				t.Fatalf("race %d: the old cookie is still good", race)
			}
			if n := visitor.number("n"); n != acknowledged {
				t.Fatalf("race %d: %d writes are there, %d were acknowledged", race, n, acknowledged)
			}
		}
		races.check(t)
	}},
	{"RenewalAgainstLogout", func(t *testing.T, b sessions.Backend) {
		s := newSite(t, sessions.Spec{Backend: b})
		var races tally
		for race := range rounds(t, 100) {
			visitor := s.browser()
			visitor.login("ann")
			thief := visitor.twin()
			renew, logout := visitor.read(), visitor.read()
			renew.Renew()
			logout.Destroy()
			if !races.shows(t, inOrder(race, renew.end, logout.end)) {
				continue
			}
			if visitor.loggedIn() || thief.loggedIn() {
				t.Fatalf("race %d: the session is back after its logout", race)
			}
		}
		races.check(t)
	}},
	{"LogoutTwice", func(t *testing.T, b sessions.Backend) {
		visitor := newSite(t, sessions.Spec{Backend: b}).browser()
		visitor.login("ann")
		id := visitor.read().ID()
		one, two := visitor.read(), visitor.read()
		one.Destroy()
		two.Destroy()
		if err := inOrder(0, one.end, two.end); err != nil {
			t.Fatal(err)
		}
		wantEnded(t, b, id)
		if cookie := visitor.cookie(); cookie != "" {
			t.Errorf("the browser still sends %q", cookie)
		}
		wantError(t, "Create over the tombstone", b.Create(t.Context(), id, newRecord("back")), sessions.ErrExists)
	}},
	{"NewSessionAfterLogout", func(t *testing.T, b sessions.Backend) {
		visitor := newSite(t, sessions.Spec{Backend: b}).browser()
		visitor.login("ann")
		id := visitor.read().ID()
		visitor.visit((*sessions.Session).Destroy)
		visitor.visit(func(s *sessions.Session) { s.Set("n", 1) })
		after := visitor.read()
		if after.ID() == id || after.User() != "" || after.Get("n") != int64(1) {
			t.Errorf("the next session has id %q (it was %q), user %q, n %v", after.ID(), id, after.User(), after.Get("n"))
		}
	}},
}

// userEndingChecks are the ending checks that need a UserBackend.
var userEndingChecks = []userCheck{
	{"NewestFirst", func(t *testing.T, b sessions.UserBackend) {
		s, ann := newSite(t, sessions.Spec{Backend: b}), newUser()
		var want []string // oldest first
		for range 3 {
			visitor := s.browser()
			visitor.login(ann)
			want = append(want, visitor.read().ID())
			s.step(time.Second)
		}
		infos, err := s.manager.UserSessions(t.Context(), "", ann)
		if err != nil || len(infos) != len(want) {
			t.Fatalf("UserSessions: %v, error %v; want %d", infos, err, len(want))
		}
		for i, info := range infos {
			if info.ID != want[len(want)-1-i] || info.Created.IsZero() || info.Seen.Before(info.Created) {
				t.Errorf("session %d is %+v, want id %s and its times", i, info, want[len(want)-1-i])
			}
		}
	}},
	{"MaxPerUser", func(t *testing.T, b sessions.UserBackend) {
		s, ann := newSite(t, sessions.Spec{Backend: b, MaxPerUser: 3}), newUser()
		var visitors []*browser
		for range 6 {
			visitor := s.browser()
			visitor.visit(func(s *sessions.Session) { s.LogIn(ann, sessions.Login{}) })
			visitors = append(visitors, visitor)
			s.step(time.Second)
		}
		for i, visitor := range visitors {
			if alive := visitor.is(ann); alive != (i >= 3) {
				t.Errorf("session %d of 6 with room for 3: alive is %v", i, alive)
			}
		}
		if infos, err := s.manager.UserSessions(t.Context(), "", ann); err != nil || len(infos) != 3 {
			t.Errorf("UserSessions: %d, error %v; want 3", len(infos), err)
		}
	}},
	{"EndUserAgainstWriter", func(t *testing.T, b sessions.UserBackend) {
		s := newSite(t, sessions.Spec{Backend: b})
		var races tally
		for race := range rounds(t, 500) {
			ann := newUser()
			here, there := s.browser(), s.browser()
			here.login(ann)
			there.login(ann)
			slow := there.read()
			slow.Incr("n", 1)
			change := func() error {
				return s.manager.EndUser(t.Context(), "", ann, here.read().ID())
			}
			if !races.shows(t, inOrder(race, change, slow.end)) {
				continue
			}
			if there.loggedIn() {
				t.Fatalf("race %d: a session of the user is left", race)
			}
			if !here.loggedIn() {
				t.Fatalf("race %d: the session that was excepted is ended", race)
			}
			infos, err := s.manager.UserSessions(t.Context(), "", ann)
			if err != nil || len(infos) != 1 {
				t.Fatalf("race %d: UserSessions: %v, error %v; want one", race, infos, err)
			}
		}
		races.check(t)
	}},
	{"EndSession", func(t *testing.T, b sessions.UserBackend) {
		s, ann := newSite(t, sessions.Spec{Backend: b}), newUser()
		visitor, other := s.browser(), s.browser()
		visitor.login(ann)
		other.login(newUser())
		err := s.manager.EndSession(t.Context(), "", ann, other.read().ID())
		if !errors.Is(err, sessions.ErrNotFound) || !other.loggedIn() {
			t.Errorf("ending another user's session: error %v, still logged in: %v", err, other.loggedIn())
		}
		if err := s.manager.EndSession(t.Context(), "", ann, visitor.read().ID()); err != nil || visitor.loggedIn() {
			t.Errorf("ending a session: error %v, still logged in: %v", err, visitor.loggedIn())
		}
	}},
}
