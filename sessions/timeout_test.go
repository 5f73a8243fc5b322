package sessions_test

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/webapp2go/webapp2go/sessions"
)

const minute = time.Minute

// The server checks both timeouts with the clock of the Config.
func TestTimeouts(t *testing.T) {
	renew := func(st *sessions.Store, _ *http.Request) string { st.Session().Renew(); return "" }
	actions := map[string]action{"/write": write, "/read": read, "/login": loggingIn, "/renew": renew}
	type step struct {
		after  time.Duration
		path   string
		status string
	}
	memory := func() sessions.Backend { return sessions.NewMemory() }
	cookie := func() sessions.Backend { return nil }
	tests := []struct {
		name    string
		backend func() sessions.Backend
		spec    sessions.Spec
		steps   []step
	}{
		{"idle: 30 minutes by default", memory, sessions.Spec{}, []step{
			{0, "/write", "new"}, {29 * minute, "/read", "loaded"}, {29 * minute, "/read", "loaded"}, {31 * minute, "/read", "expired"}}},
		{"absolute: 12 hours by default, whatever is done", memory, sessions.Spec{IdleTimeout: 7 * time.Hour}, []step{
			{0, "/write", "new"}, {6 * time.Hour, "/write", "loaded"}, {5 * time.Hour, "/write", "loaded"}, {61 * minute, "/read", "expired"}}},
		{"a cookie has no idle timeout by default", cookie, sessions.Spec{}, []step{
			{0, "/write", "new"}, {11 * time.Hour, "/read", "loaded"}, {61 * minute, "/read", "expired"}}},
		{"a cookie's absolute timeout does not restart at a write", cookie, sessions.Spec{}, []step{
			{0, "/write", "new"}, {11 * time.Hour, "/write", "loaded"}, {61 * minute, "/read", "expired"}}},
		{"a cookie's idle timeout", cookie, sessions.Spec{IdleTimeout: 10 * minute}, []step{
			{0, "/write", "new"}, {9 * minute, "/read", "loaded"}, {9 * minute, "/read", "loaded"}, {11 * minute, "/read", "expired"}}},
		{"Renew does not restart the absolute timeout", memory, sessions.Spec{IdleTimeout: 24 * time.Hour}, []step{
			{0, "/write", "new"}, {11 * time.Hour, "/renew", "loaded"}, {61 * minute, "/read", "expired"}}},
		{"a login does", memory, sessions.Spec{IdleTimeout: 24 * time.Hour}, []step{
			{0, "/write", "new"}, {11 * time.Hour, "/login", "loaded"}, {11 * time.Hour, "/read", "loaded"}, {61 * minute, "/read", "expired"}}},
		{"what has expired begins anew", memory, sessions.Spec{}, []step{
			{0, "/write", "new"}, {31 * minute, "/write", "expired"}, {0, "/read", "loaded"}}},
		{"a cookie that has expired begins anew", cookie, sessions.Spec{}, []step{
			{0, "/write", "new"}, {13 * time.Hour, "/write", "expired"}, {0, "/read", "loaded"}}},
		{"a clock that is set back a little", memory, sessions.Spec{}, []step{
			{0, "/write", "new"}, {-50 * time.Second, "/read", "loaded"}}},
		{"a clock that is set back", memory, sessions.Spec{}, []step{
			{0, "/write", "new"}, {-50 * time.Minute, "/read", "clock"}, {0, "/write", "clock"}, {50 * time.Minute, "/read", "loaded"}}},
		{"the same, in a cookie", cookie, sessions.Spec{}, []step{
			{0, "/write", "new"}, {-50 * time.Minute, "/read", "clock"}, {0, "/write", "clock"}, {50 * time.Minute, "/read", "loaded"}}},
		{"set back by more than an hour", cookie, sessions.Spec{}, []step{
			{0, "/write", "new"}, {-61 * time.Minute, "/write", "clock"}, {0, "/read", "loaded"}}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			c := &clock{}
			test.spec.Backend = test.backend()
			b := newSite(t, sessions.Config{Sessions: []sessions.Spec{test.spec}, Now: c.now}, actions).browser()
			for i, s := range test.steps {
				c.advance(s.after)
				if a := b.get(s.path); a.status != s.status {
					t.Errorf("step %d, %s: %s, want %s", i, s.path, a.status, s.status)
				}
			}
		})
	}
}

// A reader renews the idle time at most once per fifth of it.
func TestIdleRenewalIsSeldom(t *testing.T) {
	c, p := &clock{}, newProbe()
	b := newSite(t, sessions.Config{
		Sessions: []sessions.Spec{{Backend: p, IdleTimeout: 50 * minute}},
		Now:      c.now,
	}, map[string]action{"/write": write, "/read": read}).browser()
	b.get("/write")
	for i := range 100 {
		c.advance(minute)
		a := b.get("/read")
		if a.status != "loaded" || a.Header["Set-Cookie"] != nil {
			t.Fatalf("minute %d: %s, %q", i, a.status, a.Header["Set-Cookie"])
		}
	}
	if n := p.updates.Load(); n != 10 {
		t.Errorf("%d updates in 100 minutes, want 10", n)
	}
}

// A renewal that conflicts with a write is dropped. One that finds that the session has ended
// reports it.
func TestIdleRenewalGivesWay(t *testing.T) {
	c, p := &clock{}, newProbe()
	var pause func()
	site := newSite(t, sessions.Config{Sessions: []sessions.Spec{{Backend: p}}, Now: c.now}, map[string]action{
		"/write": write,
		"/read":  read,
		"/end":   end,
		"/slow": func(st *sessions.Store, r *http.Request) string {
			defer pause()
			return read(st, r)
		},
	})
	b := site.browser()
	b.get("/write")
	twin := b.twin()
	c.advance(10 * minute)
	pause = func() { twin.get("/write") }
	if a := b.get("/slow"); a.status != "loaded" {
		t.Errorf("status %s", a.status)
	}
	b.want("/read", "n=2")
	c.advance(10 * minute)
	pause = func() { _ = p.Memory.Delete(t.Context(), p.ids[0]) }
	if a := b.get("/slow"); a.status != "gone" || a.StatusCode != http.StatusOK {
		t.Errorf("status %s, %d", a.status, a.StatusCode)
	}
}

// If the idle time cannot be renewed, the response is still sent.
func TestIdleRenewalFails(t *testing.T) {
	c, p := &clock{}, newProbe()
	degraded := 0
	b := newSite(t, sessions.Config{
		Sessions: []sessions.Spec{{Backend: p}},
		Now:      c.now,
		OnEvent: func(e sessions.Event) {
			if e.Kind == sessions.EventDown {
				degraded++
			}
		},
	}, map[string]action{"/write": write, "/read": read}).browser()
	b.get("/write")
	c.advance(10 * minute)
	p.hook(func(method, _ string) { p.dead.Store(method == "update") })
	b.want("/read", "n=1")
	if degraded != 1 {
		t.Errorf("%d events", degraded)
	}
}

func TestRecordsExpireInRealTime(t *testing.T) {
	c, p := &clock{}, newProbe()
	c.advance(-1000 * time.Hour)
	site := newSite(t, sessions.Config{
		Sessions: []sessions.Spec{{Backend: p, IdleTimeout: time.Hour, AbsoluteTimeout: 90 * minute}},
		Now:      c.now,
	}, map[string]action{"/": write})
	b := site.browser()
	for _, want := range []time.Duration{60 * minute, 45 * minute} {
		b.get("/")
		r, err := p.Memory.Load(t.Context(), p.ids[0])
		if err != nil {
			t.Fatal(err)
		}
		if left := time.Until(r.Expires); left > want || left < want-10*time.Second {
			t.Errorf("it expires in %v, want %v", left, want)
		}
		info := r.Info(p.ids[0])
		if age := c.now().Sub(info.Seen); age < 0 || age > 10*time.Second || info.Created.After(info.Seen) {
			t.Errorf("created %v, seen %v, now %v", info.Created, info.Seen, c.now())
		}
		c.advance(45 * minute)
	}
	if info := (sessions.Record{Data: []byte("no session")}).Info("x"); !info.Created.IsZero() || info.ID != "x" {
		t.Error(fmt.Sprint(info))
	}
}
