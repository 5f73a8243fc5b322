package handlers_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/webapp2go/webapp2go/auth"
	"github.com/webapp2go/webapp2go/framework"
	"github.com/webapp2go/webapp2go/handlers"
	"github.com/webapp2go/webapp2go/internal/memcachetest"
	"github.com/webapp2go/webapp2go/internal/redistest"
	"github.com/webapp2go/webapp2go/sessions"
	"github.com/webapp2go/webapp2go/sessions/memcache"
	"github.com/webapp2go/webapp2go/sessions/valkey"
)

func (c *client) login(name, password string, header ...string) answer {
	c.t.Helper()
	return c.do(http.MethodPost, "/login", url.Values{"name": {name}, "password": {password}}, header...)
}

// wrong sends wrong passwords for a name until it has to wait, and returns how many.
func (c *client) wrong(name string) (n int) {
	c.t.Helper()
	for n = range 1000 {
		switch a := c.post("/login", "name", name, "password", "wrong"); a.status {
		case http.StatusUnauthorized:
		case http.StatusTooManyRequests:
			return n
		default:
			c.t.Fatalf("status %d", a.status)
		}
	}
	return n
}

// stopped sets the Throttle's clock to that of the test.
func stopped(s *server) { s.site.Throttle.Now = s.clock.Now }

func TestOnlyWrongPasswordsCount(t *testing.T) {
	var down atomic.Bool
	busy := &busyUsers{}
	s := serve(t, sessions.NewMemory(), func(s *server) {
		stopped(s)
		busy.Backend = &failingUsers{Backend: s.site.Users, down: &down}
		s.site.Users = busy
		s.site.Passwords.MaxConcurrent, s.site.Passwords.MaxWait = 1, time.Nanosecond
	})
	s.client(t).signUp("ann")
	c := s.client(t)
	login := func(password string, want int) {
		t.Helper()
		c.post("/login", "name", "ann", "password", password).shows(t, want)
	}
	for range 20 {
		c.post("/login", "name", "ann", "password", "correct horse").redirects(t, "/")
	}
	c = s.client(t)
	for range 20 {
		login(strings.Repeat("x", auth.MaxPassword+1), http.StatusUnauthorized)
		c.post("/login", "name", strings.Repeat("x", 12<<10), "password", "wrong").shows(t, http.StatusUnauthorized)
	}
	down.Store(true)
	for range 20 {
		login("correct horse", http.StatusServiceUnavailable)
	}
	down.Store(false)
	busy.busy.Store(true)
	for range 20 {
		login("correct horse", http.StatusServiceUnavailable)
	}
	busy.busy.Store(false)
	for range 20 {
		a := c.post("/login", "name", "ann", "password", "correct horse")
		a.redirects(t, "/")
		c.post("/account", "action", "password", "old", "correct horse", "new", "short").shows(t, http.StatusBadRequest)
	}
	if n := s.client(t).wrong("ann"); n != 10 {
		t.Errorf("%d wrong passwords were let through, want 10", n)
	}
}

// busyUsers returns auth.ErrBusy, as if too many passwords were verified at once.
type busyUsers struct {
	auth.Backend
	busy atomic.Bool
}

func (b *busyUsers) ByLogin(ctx context.Context, name string) (*auth.User, error) {
	if b.busy.Load() {
		return nil, auth.ErrBusy
	}
	return b.Backend.ByLogin(ctx, name)
}

// A request that has to wait costs no hash and does not make the wait longer.
func TestWaitingCountsNothing(t *testing.T) {
	users := &countingUsers{}
	s := serve(t, sessions.NewMemory(), func(s *server) {
		stopped(s)
		users.Backend, s.site.Users = s.site.Users, users
	})
	s.client(t).signUp("ann")
	c := s.client(t)
	if n := c.wrong("ann"); n != 10 {
		t.Errorf("%d wrong passwords were let through, want 10", n)
	}
	asked := users.asked.Load()
	for range 50 {
		c.post("/login", "name", "ann", "password", "wrong").shows(t, http.StatusTooManyRequests)
	}
	if users.asked.Load() != asked {
		t.Error("a request that has to wait reads the user")
	}
	s.clock.Advance(90 * time.Second)
	if n := c.wrong("ann"); n != 1 {
		t.Errorf("%d wrong passwords after 90 s, want 1", n)
	}
	s.clock.Advance(15 * time.Minute)
	if n := c.wrong("ann"); n != 10 {
		t.Errorf("%d wrong passwords after 15 minutes, want 10", n)
	}
}

type countingUsers struct {
	auth.Backend
	asked atomic.Int64
}

func (c *countingUsers) ByLogin(ctx context.Context, name string) (*auth.User, error) {
	c.asked.Add(1)
	return c.Backend.ByLogin(ctx, name)
}

// Attempts in progress count before they have failed.
func TestParallelGuessesAreBounded(t *testing.T) {
	const tries = 20
	users := &heldUsers{release: make(chan struct{})}
	s := serve(t, sessions.NewMemory(), func(s *server) {
		stopped(s)
		users.Backend, s.site.Users = s.site.Users, users
	})
	s.client(t).signUp("ann")
	users.hold.Store(true)
	var all sync.WaitGroup
	var wrong, waits atomic.Int64
	arrived := func() {
		if users.held.Load()+waits.Load() == tries {
			users.once.Do(func() { users.hold.Store(false); close(users.release) })
		}
	}
	users.arrived = arrived
	for range tries {
		all.Go(func() {
			res, err := http.PostForm(s.URL+"/login", url.Values{"name": {"ann"}, "password": {"wrong"}})
			if err != nil {
				t.Error(err)
				return
			}
			res.Body.Close()
			switch res.StatusCode {
			case http.StatusUnauthorized:
				wrong.Add(1)
			case http.StatusTooManyRequests:
				waits.Add(1)
				arrived()
			}
		})
	}
	all.Wait()
	if wrong.Load() != 10 || waits.Load() != tries-10 {
		t.Errorf("%d passwords were checked and %d had to wait, want 10 and %d", wrong.Load(), waits.Load(), tries-10)
	}
}

type heldUsers struct {
	auth.Backend
	hold    atomic.Bool
	held    atomic.Int64
	release chan struct{}
	once    sync.Once
	arrived func()
}

func (h *heldUsers) ByLogin(ctx context.Context, name string) (*auth.User, error) {
	if h.hold.Load() {
		h.held.Add(1)
		h.arrived()
		<-h.release
	}
	return h.Backend.ByLogin(ctx, name)
}

// A known browser has limits of its own, also after a logout, but not for other users and not
// after a change of password.
func TestKnownBrowser(t *testing.T) {
	s := serve(t, sessions.NewMemory(), func(s *server) {
		stopped(s)
		s.site.Throttle.Name, s.site.Throttle.SignUps = 20, -1
	})
	home := s.client(t)
	home.signUp("ann")
	home.post("/logout")
	eve := s.client(t)
	eve.signUp("eve")
	eve.post("/logout")
	attacked := func() {
		for s.client(t).post("/login", "name", "ann", "password", "wrong").status == http.StatusUnauthorized {
		}
	}
	attacked()
	cookie := home.cookie("known-browser")
	if cookie == "" {
		t.Fatal("no cookie")
	}
	for name, value := range map[string]string{
		"another user's":        eve.cookie("known-browser"),
		"cut":                   cookie[:len(cookie)/2],
		"longer":                cookie + "A",
		"flipped":               cookie[:40] + string(cookie[40]^1) + cookie[41:],
		"endless":               strings.Repeat("A", 60_000),
		"empty":                 "",
		"of a session":          home.cookie("session"),
		"of another site's key": knownElsewhere(t),
	} {
		a := s.client(t).login("ann", "correct horse", "Cookie", "known-browser="+value)
		if a.status != http.StatusTooManyRequests {
			t.Errorf("%s: status %d", name, a.status)
		}
	}
	if n := eve.wrong("ann"); n != 0 {
		t.Errorf("eve's browser: %d guesses", n)
	}
	if n := home.wrong(" Ann"); n != 10 {
		t.Errorf("ann's browser: %d guesses, want 10", n)
	}
	s.clock.Advance(90 * time.Second)
	attacked()
	home.post("/login", "name", "ann", "password", "correct horse").redirects(t, "/")
	home.post("/logout")
	if n := home.wrong("ann"); n != 1 {
		t.Errorf("after a login: %d guesses, want 1: a login resets no count", n)
	}

	s.clock.Advance(time.Hour)
	attacked()
	home.login("ann", "correct horse").redirects(t, "/")
	home.post("/account", "action", "password", "old", "correct horse", "new", "battery staple").redirects(t, "/account")
	if a := s.client(t).login("ann", "battery staple", "Cookie", "known-browser="+cookie); a.status != http.StatusTooManyRequests {
		t.Errorf("the cookie of the password before: status %d", a.status)
	}
	home.post("/logout")
	home.login("ann", "battery staple").redirects(t, "/")
}

func knownElsewhere(t *testing.T) string {
	s := serve(t, sessions.NewMemory(), nil)
	c := s.client(t)
	c.signUp("ann")
	return c.cookie("known-browser")
}

// The cookie is HttpOnly, is Secure over https, and has a bounded size.
func TestKnownBrowserCookie(t *testing.T) {
	s := serve(t, sessions.NewMemory(), func(s *server) {
		stopped(s)
		s.app.TrustedProxy, s.site.Throttle.SignUps, s.site.Throttle.Name = framework.Proxies(1), -1, 1
	})
	c := s.client(t)
	for i := range 7 {
		name := fmt.Sprint("user", i)
		s.clock.Advance(time.Second)
		c.signUp(name)
		c.post("/logout")
		for s.client(t).post("/login", "name", name, "password", "wrong").status == http.StatusUnauthorized {
		}
	}
	for i := range 7 {
		a := c.post("/login", "name", fmt.Sprint("user", i), "password", "wrong")
		if known := a.status == http.StatusUnauthorized; known != (i >= 2) {
			t.Errorf("user%d of 7: the browser is known: %v", i, known)
		}
	}
	if n := len(c.cookie("known-browser")); n > 1000 {
		t.Errorf("the cookie of 5 users has %d bytes", n)
	}
	form := url.Values{"name": {"ann"}, "password": {"correct horse"}}
	a := c.do(http.MethodPost, "/signup", form, "X-Forwarded-Proto", "https", "X-Forwarded-For", "192.0.2.1")
	var found *http.Cookie
	for _, line := range a.header["Set-Cookie"] {
		if cookie, err := http.ParseSetCookie(line); err == nil && cookie.Name == "__Host-known-browser" {
			found = cookie
		}
	}
	if found == nil || !found.Secure || !found.HttpOnly || found.SameSite != http.SameSiteLaxMode || found.Path != "/" || found.Domain != "" || found.MaxAge <= 0 {
		t.Errorf("over https the cookie is %v", found)
	}
	s.clock.Advance(401 * 24 * time.Hour)
	for range 2 {
		s.client(t).post("/login", "name", "user6", "password", "wrong")
	}
	c.post("/login", "name", "user6", "password", "wrong").shows(t, http.StatusTooManyRequests)
}

// A customer has at least a /64 of IPv6 and may have a /48.
func TestNetworksOfIPv6(t *testing.T) {
	guesses := func(change func(throttle *handlers.Throttle), address func(i int) string) (n int) {
		throttle := &handlers.Throttle{Now: func() time.Time { return time.Unix(1_900_000_000, 0) }}
		if change != nil {
			change(throttle)
		}
		for i := range 1000 {
			r := httptest.NewRequest("POST", "/login", nil)
			r.RemoteAddr = "[" + address(i) + "]:1"
			name := fmt.Sprint("name", i/5)
			if throttle.Wait(r, name) == 0 {
				throttle.Failed(r, name)
				n++
			}
		}
		return n
	}
	for name, test := range map[string]struct {
		address func(i int) string
		want    int
	}{
		"one /64":        {func(i int) string { return fmt.Sprintf("2001:db8:0:1::%x", i) }, 100},
		"one /48":        {func(i int) string { return fmt.Sprintf("2001:db8:0:%x::1", i) }, 200},
		"many /48":       {func(i int) string { return fmt.Sprintf("2001:db8:%x::1", i) }, 1000},
		"IPv4 in IPv6":   {func(i int) string { return "::ffff:192.0.2.1" }, 100},
		"one link, many": {func(i int) string { return fmt.Sprintf("fe80::%x", i) }, 1000},
	} {
		if got := guesses(nil, test.address); got != test.want {
			t.Errorf("%s: %d guesses, want %d", name, got, test.want)
		}
	}
	none := func(throttle *handlers.Throttle) { throttle.Address = -1 }
	if got := guesses(none, func(int) string { return "2001:db8::1" }); got != 1000 {
		t.Errorf("without a limit: %d guesses, want 1000", got)
	}
	for _, address := range []int{math.MinInt, math.MinInt + 50} {
		none := func(throttle *handlers.Throttle) { throttle.Address = address }
		if got := guesses(none, func(int) string { return "2001:db8::1" }); got != 1000 {
			t.Errorf("with a limit of %d: %d guesses, want 1000", address, got)
		}
	}
}

// Behind a proxy, a stranger does not lock out other clients.
func TestStrangersBehindAProxy(t *testing.T) {
	s := serve(t, sessions.NewMemory(), func(s *server) { s.app.TrustedProxy = framework.Proxies(1) })
	s.client(t).signUp("ann")
	target, err := url.Parse(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	// The proxy appends the address of its client, as nginx does. Here the tests set the
	// address.
	proxy := httptest.NewServer(&httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(target)
		r.Out.Header["X-Forwarded-For"] = append(r.In.Header["X-Forwarded-For"], r.In.Header.Get("Test-Address"))
	}})
	defer proxy.Close()
	post := func(address, password string) int {
		r, err := http.NewRequest("POST", proxy.URL+"/login", strings.NewReader(url.Values{"name": {"ann"}, "password": {password}}.Encode()))
		if err != nil {
			t.Fatal(err)
		}
		r.Header = http.Header{"Content-Type": {"application/x-www-form-urlencoded"}, "Test-Address": {address}, "X-Forwarded-For": {"198.51.100.9"}}
		res, err := http.DefaultTransport.RoundTrip(r)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		return res.StatusCode
	}
	for i := range 20 {
		want := http.StatusUnauthorized
		if i >= 10 {
			want = http.StatusTooManyRequests
		}
		if status := post("192.0.2.1", "wrong"); status != want {
			t.Errorf("guess %d: status %d, want %d", i, status, want)
		}
	}
	if status := post("192.0.2.2", "correct horse"); status != http.StatusFound {
		t.Errorf("the user, from another address: status %d", status)
	}
}

// If all clients seem to have one address, the log has one warning that names the setting.
func TestWrongProxyIsNoticed(t *testing.T) {
	for name, test := range map[string]struct {
		remote string
		names  int
		want   int
	}{
		"many names from this machine":     {"127.0.0.1:1", 20, 1},
		"many names from this network":     {"10.0.0.1:1", 9, 1},
		"many names by a socket":           {"@", 9, 1},
		"eight names from this machine":    {"127.0.0.1:1", 8, 0},
		"many names from somewhere else":   {"192.0.2.1:1", 20, 0},
		"one name from this machine often": {"127.0.0.1:1", 1, 0},
	} {
		t.Run(name, func(t *testing.T) {
			var log bytes.Buffer
			app := framework.New()
			app.Log = slog.New(slog.NewTextHandler(&log, nil))
			now := time.Unix(1_900_000_000, 0)
			throttle := &handlers.Throttle{App: app, Failures: -1, Now: func() time.Time { return now }}
			for i := range 60 {
				r := httptest.NewRequest("POST", "/login", nil)
				r.RemoteAddr = test.remote
				throttle.Failed(r, fmt.Sprint("name", i%test.names))
				now = now.Add(time.Minute / 2)
			}
			if got := strings.Count(log.String(), "App.TrustedProxy"); got != 2*test.want || strings.Count(log.String(), "\n") != test.want {
				t.Errorf("want %d warnings:\n%s", test.want, &log)
			}
		})
	}
	var log bytes.Buffer
	app := framework.New()
	app.Log = slog.New(slog.NewTextHandler(&log, nil))
	now := time.Unix(1_900_000_000, 0)
	throttle := &handlers.Throttle{App: app, Now: func() time.Time { return now }}
	for i := range 60 {
		r := httptest.NewRequest("POST", "/login", nil)
		r.RemoteAddr = "10.0.0.1:1"
		throttle.Failed(r, fmt.Sprint("name", i))
		now = now.Add(8 * time.Minute) // seven or eight an hour
	}
	if log.Len() > 0 {
		t.Errorf("eight names an hour: %s", &log)
	}
}

// The length of a name is checked before any work, and no name is stored.
func TestLongNamesCostNothing(t *testing.T) {
	throttle := &handlers.Throttle{Address: -1, Name: -1}
	throttle.Failed(httptest.NewRequest("POST", "/login", nil), "the tables are made")
	work := func(size int) (allocated uint64, kept int64) {
		name := strings.Repeat("\ufdfa", size/3)
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		for i := range 200 {
			r := httptest.NewRequest("POST", "/login", nil)
			name := fmt.Sprint(i, name)
			throttle.Wait(r, name)
			throttle.Failed(r, name)
		}
		runtime.ReadMemStats(&after)
		allocated = after.TotalAlloc - before.TotalAlloc - uint64(200*size)
		runtime.GC()
		runtime.ReadMemStats(&after)
		return allocated, int64(after.HeapAlloc) - int64(before.HeapAlloc)
	}
	work(200)
	short, _ := work(200)
	long, kept := work(16 << 10)
	if long > 4*short {
		t.Errorf("names of 16 KiB take %d bytes, those of 200 bytes %d", long, short)
	}
	if kept > 1<<20 {
		t.Errorf("%d bytes are kept", kept)
	}
}

// Two instances count together on one server. If it is down, each counts separately.
func TestSharedCounter(t *testing.T) {
	t.Run("memcached", func(t *testing.T) {
		server := memcachetest.Start(t)
		testSharedCounter(t, server.Flush, server.Stop, func() (closingCounter, error) {
			return memcache.NewCounter(memcache.Config{Servers: []string{server.Addr}, Timeout: 10 * time.Second})
		})
	})
	t.Run("Valkey", func(t *testing.T) {
		server := redistest.Start(t)
		testSharedCounter(t, func() { server.Command("FLUSHALL") }, server.Stop, func() (closingCounter, error) {
			return valkey.NewCounter(valkey.Config{Addrs: []string{server.Addr}, Timeout: 10 * time.Second})
		})
	})
}

type closingCounter interface {
	handlers.Counter
	Close() error
}

func testSharedCounter(t *testing.T, flush, stop func(), newCounter func() (closingCounter, error)) {
	key, users := sessions.RandomKey(), auth.NewMemory()
	var instances []*handlers.Throttle
	var logs bytes.Buffer
	now := time.Unix(1_900_000_800, 0) // the beginning of a window
	for range 2 {
		manager, err := sessions.New(sessions.Config{Keys: []sessions.Key{key}})
		if err != nil {
			t.Fatal(err)
		}
		counter, err := newCounter()
		if err != nil {
			t.Fatal(err)
		}
		defer counter.Close()
		app := framework.New()
		app.Log = slog.New(slog.NewTextHandler(&logs, nil))
		instances = append(instances, &handlers.Throttle{App: app, Sessions: manager, Users: users, Counter: counter, Now: func() time.Time { return now }})
	}
	guess := func(throttle *handlers.Throttle, name string) bool {
		r := httptest.NewRequest("POST", "/login", nil)
		r.RemoteAddr = "192.0.2.1:1"
		defer throttle.Done(r)
		if throttle.Wait(r, name) > 0 {
			return false
		}
		throttle.Failed(r, name)
		return true
	}
	guesses := func(name string) (n int) {
		for i := range 40 {
			if guess(instances[i%2], name) {
				n++
			}
		}
		return n
	}
	if n := guesses("ann"); n != 10 {
		t.Errorf("%d guesses on two instances, want 10", n)
	}
	now = now.Add(2 * time.Hour)
	if n := guesses("ann"); n != 10 {
		t.Errorf("%d guesses two hours later, want 10", n)
	}
	flush()
	if n := guesses("ann"); n != 10 {
		t.Errorf("%d more guesses after a flush, want 10: each instance has 5 of its own left", n)
	}
	for _, throttle := range instances {
		if n := mails(throttle, "ann@example.com"); n > 3 {
			t.Errorf("%d mails", n)
		}
	}
	if n := mails(instances[1], "ann@example.com"); n != 0 {
		t.Errorf("%d mails more", n)
	}
	if logs.Len() > 0 {
		t.Errorf("log: %s", &logs)
	}
	stop()
	if n := guesses("bob"); n != 20 {
		t.Errorf("%d guesses without the server, want 10 on each of two instances", n)
	}
	if n := strings.Count(logs.String(), "Throttle.Counter failed"); n != 2 {
		t.Errorf("%d warnings, want one of each instance:\n%s", n, &logs)
	}
}

func mails(throttle *handlers.Throttle, to string) (n int) {
	for range 10 {
		if throttle.WaitMail(context.Background(), to) == 0 {
			n++
		}
	}
	return n
}

// If a handler does not call Done, its attempts count as in progress for a minute.
func TestAttemptsWithoutDone(t *testing.T) {
	now := time.Unix(1_900_000_000, 0)
	throttle := &handlers.Throttle{Now: func() time.Time { return now }}
	try := func() time.Duration {
		r := httptest.NewRequest("POST", "/login", nil)
		return throttle.Wait(r, "ann")
	}
	for range 10 {
		if wait := try(); wait != 0 {
			t.Fatalf("has to wait %v", wait)
		}
	}
	if try() == 0 {
		t.Error("an eleventh try is under way")
	}
	now = now.Add(2 * time.Minute)
	if wait := try(); wait != 0 {
		t.Errorf("two minutes later: has to wait %v", wait)
	}
}

// A request can have attempts for several names and must end each.
func TestAttemptsOfOneRequest(t *testing.T) {
	throttle := &handlers.Throttle{Now: func() time.Time { return time.Unix(1_900_000_000, 0) }}
	for range 100 {
		r := httptest.NewRequest("POST", "/login", nil)
		if throttle.Wait(r, "ann") != 0 || throttle.Wait(r, "bob") != 0 {
			t.Fatal("has to wait")
		}
		throttle.Done(r)
		throttle.Done(r)
	}
	r := httptest.NewRequest("POST", "/login", nil)
	for i := range 10 {
		throttle.Wait(r, "ann")
		throttle.Wait(r, "bob")
		throttle.Failed(r, "ANN")
		if i == 4 {
			throttle.Done(r)
		}
	}
	throttle.Done(r)
	if throttle.Wait(r, "ann") == 0 {
		t.Error("ten failures of ann do not count")
	}
	if throttle.Wait(r, "bob") != 0 {
		t.Error("failures of ann count for bob")
	}
}

func TestSignUpsAreBounded(t *testing.T) {
	s := serve(t, sessions.NewMemory(), stopped)
	for i := range 30 {
		s.client(t).post("/signup", "name", fmt.Sprint("user", i), "password", "short").shows(t, http.StatusBadRequest)
	}
	for i := range 20 {
		name := fmt.Sprint("user", i/2) // every second name is taken
		s.client(t).post("/signup", "name", name, "password", "correct horse")
	}
	a := s.client(t).post("/signup", "name", "another", "password", "correct horse")
	a.shows(t, http.StatusTooManyRequests, "Try again in 3 minutes", `value="another"`)
	if a.header.Get("Retry-After") != "180" {
		t.Errorf("Retry-After: %q", a.header.Get("Retry-After"))
	}
	s.client(t).post("/login", "name", "user1", "password", "correct horse").redirects(t, "/")
	s.clock.Advance(3 * time.Minute)
	s.client(t).signUp("another")
}

// Each call of Passwords.Rule for a password counts, because the password may have been looked
// up.
func TestQuestionsOfTheRuleAreBounded(t *testing.T) {
	var asked atomic.Int64
	var answer atomic.Pointer[error]
	full := &fullUsers{}
	s := serve(t, sessions.NewMemory(), func(s *server) {
		stopped(s)
		full.Backend, s.site.Users = s.site.Users, full
		s.site.Passwords.Rule = func(context.Context, *auth.User, string) error {
			asked.Add(1)
			return *answer.Load()
		}
	})
	var fine, refused, down error = nil, &auth.InvalidError{Field: "password", Message: "It was in a breach."}, errors.New("the look-up is down")
	answer.Store(&fine)
	c := s.client(t)
	c.signUp("ann")
	for name, test := range map[string]struct {
		answer error
		full   bool
		status int
	}{
		"refused":              {refused, false, http.StatusBadRequest},
		"without an answer":    {down, false, http.StatusServiceUnavailable},
		"let pass, not stored": {fine, true, http.StatusServiceUnavailable},
	} {
		t.Run(name, func(t *testing.T) {
			s.clock.Advance(2 * time.Hour)
			answer.Store(&test.answer)
			full.full.Store(test.full)
			asked.Store(0)
			for i := range 30 {
				want := test.status
				if i >= 20 {
					want = http.StatusTooManyRequests
				}
				s.client(t).post("/signup", "name", "bob", "password", "battery staple").shows(t, want)
			}
			if n := asked.Load(); n != 20 {
				t.Errorf("the rule was asked %d times at sign-ups, want 20", n)
			}
		})
	}
	s.clock.Advance(2 * time.Hour)
	c.post("/login", "name", "ann", "password", "correct horse").redirects(t, "/")
	answer.Store(&refused)
	asked.Store(0)
	for i := range 20 {
		want := http.StatusBadRequest
		if i >= 10 {
			want = http.StatusTooManyRequests
		}
		c.post("/account", "action", "password", "old", "correct horse", "new", "battery staple").shows(t, want)
	}
	if n := asked.Load(); n != 10 {
		t.Errorf("the rule was asked %d times at changes of a password, want 10", n)
	}
}

// fullUsers cannot store a user.
type fullUsers struct {
	auth.Backend
	full atomic.Bool
}

func (f *fullUsers) Create(ctx context.Context, u *auth.User) error {
	if f.full.Load() {
		return errDown
	}
	return f.Backend.Create(ctx, u)
}

// An attempt with a password that is too long reads no user.
func TestLongPasswordsReadNoUser(t *testing.T) {
	users := &countingUsers{}
	var log bytes.Buffer
	s := serve(t, sessions.NewMemory(), func(s *server) {
		users.Backend, s.site.Users = s.site.Users, users
		s.site.SecurityLog = slog.New(slog.NewJSONHandler(&log, nil))
	})
	ann := s.client(t)
	ann.signUp("ann")
	log.Reset()
	c, long := s.client(t), strings.Repeat("x", auth.MaxPassword+1)
	asked := users.asked.Load()
	c.post("/login", "name", "ann", "password", long).shows(t, http.StatusUnauthorized)
	c.post("/login", "name", strings.Repeat("x", auth.MaxName+1), "password", "wrong").shows(t, http.StatusUnauthorized)
	ann.post("/confirm", "password", long).shows(t, http.StatusForbidden)
	if n := users.asked.Load() - asked; n != 0 {
		t.Errorf("the users were asked %d times for a name", n)
	}
	records := securityRecords(t, &log)
	if len(records) != 3 {
		t.Fatalf("records %v, want three", records)
	}
	for i, user := range []bool{false, false, true} { // a logged-in user is known
		if record := records[i]; record["msg"] != "authn_login_fail" || record["name_hmac"] == nil || (record["user"] != nil) != user {
			t.Errorf("record %v", record)
		}
	}
}

// An attempt has to wait if 4,096 are in progress, whatever the limits are.
func TestAttemptsUnderWayAreBounded(t *testing.T) {
	throttle := &handlers.Throttle{Failures: -1, Address: -1, Name: -1, Now: func() time.Time { return time.Unix(1_900_000_000, 0) }}
	try := func() (*http.Request, time.Duration) {
		r := httptest.NewRequest("POST", "/login", nil)
		return r, throttle.Wait(r, "ann")
	}
	first, wait := try()
	for i := 1; i < 4096; i++ {
		if _, more := try(); more != 0 || wait != 0 {
			t.Fatalf("try %d has to wait %v", i, more)
		}
	}
	if _, wait := try(); wait != time.Second {
		t.Errorf("try 4,097 has to wait %v, want a second", wait)
	}
	throttle.Done(first)
	if _, wait := try(); wait != 0 {
		t.Errorf("after one has ended the next has to wait %v", wait)
	}
	if _, wait := try(); wait != time.Second {
		t.Errorf("and the one after it %v, want a second", wait)
	}
}

// A site that is printed shows no key and no input of visitors.
func TestPrintedSiteShowsNoSecret(t *testing.T) {
	s := serve(t, sessions.NewMemory(), nil)
	s.client(t).post("/login", "name", "hunter2", "password", "wrong").shows(t, http.StatusUnauthorized)
	r := httptest.NewRequest("POST", "/login", nil)
	defer s.site.Throttle.Done(r)
	s.site.Throttle.Wait(r, "hunter3")
	mac := s.site.Sessions.Derive("throttle")[0]
	numbers := strings.Trim(fmt.Sprint(mac), "[]")
	for _, format := range []string{"%v", "%+v", "%#v", "%d", "%x", "%s", "%q"} {
		text := fmt.Sprintf(format, s.site)
		for _, secret := range []string{numbers, fmt.Sprintf("%x", mac), fmt.Sprintf("%#v", mac), string(mac), "hunter2", "hunter3", fmt.Sprintf("%x", "hunter2")} {
			if strings.Contains(text, secret) {
				t.Errorf("%s shows %q", format, secret)
			}
		}
	}
}

// The size of a Throttle does not depend on how many attempts fail.
func TestThrottleIsBounded(t *testing.T) {
	throttle := &handlers.Throttle{}
	runtime.GC()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for i := range 50_000 {
		r := &http.Request{Header: http.Header{}}
		if r.RemoteAddr = fmt.Sprintf("[2001:db8:%x:%x::1]:1", i>>8, i); i%2 == 0 {
			r.RemoteAddr = fmt.Sprintf("11.0.%d.%d:1", byte(i>>8), byte(i))
		}
		name := fmt.Sprint("name", i)
		throttle.Wait(r, name)
		throttle.Failed(r, name)
		throttle.SignedUp(r)
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	if grown := int64(after.HeapAlloc) - int64(before.HeapAlloc); grown > 6<<20 {
		t.Errorf("it has %d KiB, at most 6 MiB are right", grown>>10)
	}
	runtime.KeepAlive(throttle)
}
