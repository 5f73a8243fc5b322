package sessionstest

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/webapp2go/webapp2go/sessions"
)

// A site is a Manager with a backend and a clock that tests move. Its requests do not use the
// network. The tests check how they affect each other in the backend.
type site struct {
	t       *testing.T
	manager *sessions.Manager
	backend sessions.Backend
	ahead   atomic.Int64             // of the real time, in nanoseconds
	events  atomic.Pointer[[]string] // the events so far; if nil, they are not recorded
}

func newSite(t *testing.T, spec sessions.Spec) *site {
	t.Helper()
	if spec.MaxPerUser == 0 {
		spec.MaxPerUser = -1 // many tests have the same user
	}
	s := &site{t: t, backend: spec.Backend}
	manager, err := sessions.New(sessions.Config{
		Keys:     []sessions.Key{sessions.RandomKey()},
		Sessions: []sessions.Spec{spec},
		Log:      slog.New(slog.DiscardHandler),
		Now:      s.now,
		OnEvent: func(e sessions.Event) {
			if events := s.events.Load(); events != nil {
				*events = append(*events, e.Kind.String())
			}
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	s.manager = manager
	return s
}

// now is the clock of the site.
func (s *site) now() time.Time { return time.Now().Add(time.Duration(s.ahead.Load())) }

// step moves the clock.
func (s *site) step(by time.Duration) { s.ahead.Add(int64(by)) }

// home is the URL of every request.
var home = &url.URL{Scheme: "https", Host: "example.org", Path: "/"}

// A browser keeps the cookies of one visitor. It is safe for concurrent use.
type browser struct {
	site *site
	jar  *cookiejar.Jar
}

func (s *site) browser() *browser {
	jar, err := cookiejar.New(nil)
	if err != nil {
		s.t.Fatal(err)
	}
	return &browser{s, jar}
}

// twin returns another browser with a copy of the cookies.
func (b *browser) twin() *browser {
	twin := b.site.browser()
	cookies := b.jar.Cookies(home)
	for _, c := range cookies {
		c.Path, c.Secure = "/", true
	}
	twin.jar.SetCookies(home, cookies)
	return twin
}

// cookie returns the Cookie header that the browser would send.
func (b *browser) cookie() string {
	r := http.Request{Header: http.Header{}}
	for _, c := range b.jar.Cookies(home) {
		r.AddCookie(c)
	}
	return r.Header.Get("Cookie")
}

// A visit is one request. The handler uses its session between begin and end.
type visit struct {
	*sessions.Session
	browser *browser
	store   *sessions.Store
	answer  *httptest.ResponseRecorder
}

// begin begins a request. The session is not read yet.
func (b *browser) begin() *visit {
	r := httptest.NewRequest(http.MethodGet, home.String(), nil)
	for _, c := range b.jar.Cookies(home) {
		r.AddCookie(c)
	}
	store := b.site.manager.Store(r)
	return &visit{store.Session(), b, store, httptest.NewRecorder()}
}

// sends begins a request with another Cookie header.
func (b *browser) sends(cookies ...string) *visit {
	r := httptest.NewRequest(http.MethodGet, home.String(), nil)
	r.Header.Set("Cookie", strings.Join(cookies, "; "))
	store := b.site.manager.Store(r)
	return &visit{store.Session(), b, store, httptest.NewRecorder()}
}

// read begins a request and reads its session.
func (b *browser) read() *visit {
	v := b.begin()
	v.User()
	return v
}

// end saves the session and gives the browser its cookie.
func (v *visit) end() error {
	err := v.store.Save(v.answer)
	v.browser.jar.SetCookies(home, v.answer.Result().Cookies())
	return err
}

// setsCookie reports whether the response has a Set-Cookie.
func (v *visit) setsCookie() bool { return len(v.answer.Header()["Set-Cookie"]) > 0 }

// visit makes a whole request, which must succeed. If one runs out of time, it is repeated if
// the browser has no session that it could have changed.
func (b *browser) visit(handle func(s *sessions.Session)) *visit {
	b.site.t.Helper()
	for tries := 10; ; tries-- {
		v := b.read()
		handle(v.Session)
		err := v.end()
		if err == nil {
			return v
		}
		if !outOfTime(err) || b.cookie() != "" || tries == 1 {
			b.site.t.Fatalf("a request failed: %v", err)
		}
	}
}

// login makes the browser's session that of user, with a value in it.
func (b *browser) login(user string) {
	b.site.t.Helper()
	b.visit(func(s *sessions.Session) {
		s.SetUser(user)
		s.Set("login", true)
	})
}

// mustRead is read for a session that must be readable. If that takes too long it is tried
// again.
func (b *browser) mustRead() *visit {
	b.site.t.Helper()
	v := b.read()
	for tries := 10; outOfTime(v.Err()) && tries > 1; tries-- {
		v = b.read()
	}
	if err := v.Err(); err != nil {
		b.site.t.Fatalf("a session cannot be read: %v", err)
	}
	return v
}

// loggedIn reports whether the browser's session has a user or what login has set.
func (b *browser) loggedIn() bool {
	b.site.t.Helper()
	v := b.mustRead()
	return v.User() != "" || v.Get("login") != nil
}

// number returns the integer of key.
func (b *browser) number(key string) int {
	n, _ := sessions.Get[int](b.mustRead().Session, key)
	return n
}

// outOfTime reports whether a request failed because it exceeded its time, which on a busy
// machine is not a fault of the backend. Its change may or may not have been made.
func outOfTime(err error) bool {
	return unavailable(err) && errors.Is(err, context.DeadlineExceeded)
}

// A tally counts races, and those that prove nothing because they ran out of time.
type tally struct{ all, late int }

// shows reports whether a race that returned err proves anything.
func (c *tally) shows(t *testing.T, err error) bool {
	t.Helper()
	c.all++
	if outOfTime(err) {
		c.late++
		return false
	}
	if err != nil {
		t.Fatalf("race %d: %v", c.all-1, err)
	}
	return true
}

// check fails if too many races have proved nothing.
func (c *tally) check(t *testing.T) {
	t.Helper()
	if c.late > c.all/4 {
		t.Errorf("%d of %d races ran out of time: the backend is too slow to show anything", c.late, c.all)
	}
}

// inOrder calls two functions, in turn concurrently or one after the other.
func inOrder(turn int, a, b func() error) error {
	switch turn % 3 {
	case 0:
		return errors.Join(atOnce(2, func(i int) error { return []func() error{a, b}[i]() })...)
	case 1:
		return errors.Join(a(), b())
	default:
		return errors.Join(b(), a())
	}
}
