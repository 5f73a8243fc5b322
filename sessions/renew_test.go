package sessions_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/webapp2go/webapp2go/sessions"
)

// loginSite has the actions for the races. The paths under /slow call pause between reading the
// session and saving it.
func loginSite(t *testing.T, backend sessions.Backend, pause func()) *site {
	login := func(st *sessions.Store, _ *http.Request) string {
		st.Session().SetUser("ann")
		st.Session().Set("login", true)
		return st.Session().User()
	}
	logout := func(st *sessions.Store, _ *http.Request) string { st.Session().Destroy(); return "" }
	renew := func(st *sessions.Store, _ *http.Request) string { st.Session().Renew(); return "" }
	count := func(st *sessions.Store, _ *http.Request) string { return fmt.Sprint(st.Session().Incr("n", 1)) }
	actions := map[string]action{
		"/login": login, "/logout": logout, "/renew": renew, "/count": count,
		"/show": func(st *sessions.Store, _ *http.Request) string {
			return st.Session().User() + " " + show(st.Session())
		},
		"/id": func(st *sessions.Store, _ *http.Request) string { return st.Session().ID() },
		"/both": func(st *sessions.Store, _ *http.Request) string {
			st.Session().Renew()
			st.Session().Destroy()
			return ""
		},
		"/anew": func(st *sessions.Store, _ *http.Request) string {
			st.Session().Destroy()
			st.Session().Set("fresh", true)
			return show(st.Session())
		},
	}
	for _, name := range []string{"/login", "/logout", "/renew", "/count"} {
		do := actions[name]
		actions["/slow"+name] = func(st *sessions.Store, r *http.Request) string {
			body := do(st, r)
			pause()
			return body
		}
	}
	return newSite(t, sessions.Config{Sessions: []sessions.Spec{{Backend: backend}}}, actions)
}

// Each row pauses a request between reading the session and saving it, while a browser with the
// same cookies sends another. Then both browsers read their sessions.
func TestInterleavings(t *testing.T) {
	tests := []struct {
		slow, fast         string
		status             string // of the slow request, after its save
		slowSees, fastSees string // what their browsers see at the end
		living             int    // records that are left
	}{
		{"/count", "/renew", "gone", " ", " n=1", 1},
		{"/count", "/login", "gone", " ", "ann login=true n=1", 1},
		{"/count", "/logout", "gone", " ", " ", 0},
		{"/renew", "/count", "loaded", " n=2", " ", 1},
		{"/renew", "/renew", "gone", " ", " n=1", 1},
		{"/renew", "/logout", "gone", " ", " ", 0},
		{"/login", "/count", "loaded", "ann login=true n=2", " ", 1},
		{"/login", "/login", "new", "ann login=true", "ann login=true n=1", 2}, // each logs in, the second with a new session
		{"/login", "/logout", "new", "ann login=true", " ", 1},
		{"/logout", "/count", "new", " ", " ", 0},
		{"/logout", "/logout", "gone", " ", " ", 0},
		{"/logout", "/renew", "new", " ", " ", 0},                   // the logout follows the renewal
		{"/logout", "/login", "gone", " ", "ann login=true n=1", 1}, // the login made it a session of another owner
	}
	for _, test := range tests {
		t.Run(test.slow+" with "+test.fast+" in the middle", func(t *testing.T) {
			p := newProbe()
			var twin *browser
			site := loginSite(t, p, func() { twin.get(test.fast) })
			b := site.browser()
			b.get("/count")
			twin = b.twin()
			a := b.get("/slow" + test.slow)
			if a.status != test.status {
				t.Errorf("the slow request's status is %s, want %s", a.status, test.status)
			}
			if lines := a.Header["Set-Cookie"]; a.status == "gone" && lines != nil && (test.slow != "/logout" || !strings.HasPrefix(lines[0], "__Host-session=;")) {
				t.Errorf("it is gone and sets a cookie: %q", lines)
			}
			b.want("/show", test.slowSees)
			twin.want("/show", test.fastSees)
			if n := p.living(); n != test.living {
				t.Errorf("%d records live, want %d", n, test.living)
			}
		})
	}
}

func TestAnAcknowledgedWriteSurvivesRenew(t *testing.T) {
	const races = 500
	memory := sessions.NewMemory()
	site := loginSite(t, memory, func() {})
	b := site.browser()
	acknowledged := 0
	b.get("/count")
	acknowledged++
	for range races {
		old := b.cookie()
		twin := b.twin()
		var both sync.WaitGroup
		var count, renew answer
		both.Go(func() { count = twin.get("/count") })
		both.Go(func() { renew = b.get("/renew") })
		both.Wait()
		if count.StatusCode != http.StatusOK || renew.StatusCode != http.StatusOK || renew.status != "loaded" {
			t.Fatalf("count: %d %s, renew: %d %s", count.StatusCode, count.status, renew.StatusCode, renew.status)
		}
		if count.status == "loaded" {
			acknowledged++
		}
		if b.cookie() == old {
			t.Fatal("the browser ends with the old cookie")
		}
		b.want("/show", fmt.Sprint(" n=", acknowledged))
		if t.Failed() {
			return
		}
	}
	if acknowledged == 1 {
		t.Error("no write was acknowledged: the races show nothing")
	}
	t.Logf("%d of %d writes were acknowledged", acknowledged-1, races)
}

func TestRenewKeepsDataAndEndsTheOldID(t *testing.T) {
	p := newProbe()
	site := loginSite(t, p, func() {})
	b := site.browser()
	b.get("/count")
	thief, before := b.twin(), b.get("/id").body
	b.get("/renew")
	if after := b.get("/id").body; after == before || len(after) != 43 {
		t.Errorf("id %q before, %q after", before, after)
	}
	b.want("/show", " n=1")
	thief.want("/show", " ")
	if a := thief.get("/count"); a.status != "gone" || a.Header["Set-Cookie"] != nil {
		t.Errorf("the old id: %s, %q", a.status, a.Header["Set-Cookie"])
	}
	b.want("/show", " n=1")
}

func TestSetUserRenews(t *testing.T) {
	p := newProbe()
	site := loginSite(t, p, func() {})
	b := site.browser()
	b.get("/count")
	before := b.get("/id").body
	b.get("/login")
	after := b.get("/id").body
	if after == before {
		t.Error("the login has kept the id")
	}
	b.get("/login")
	if again := b.get("/id").body; again != after {
		t.Error("to set the same user has renewed the id")
	}
}

// A failure during a renewal leaves the old session unchanged, and leaves no record whose id no
// browser has.
func TestRenewThatFails(t *testing.T) {
	for _, method := range []string{"create", "update"} {
		t.Run(method, func(t *testing.T) {
			p := newProbe()
			site := loginSite(t, p, func() {})
			b := site.browser()
			b.get("/login")
			p.hook(func(m, _ string) { p.dead.Store(m == method) })
			if a := b.get("/renew"); a.StatusCode != http.StatusServiceUnavailable || a.Header["Set-Cookie"] != nil {
				t.Errorf("status %d, cookies %q", a.StatusCode, a.Header["Set-Cookie"])
			}
			p.hook(nil)
			p.dead.Store(false)
			b.want("/show", "ann login=true")
			if n := p.living(); n != 1 {
				t.Errorf("%d records live, want the old one alone", n)
			}
		})
	}
}

// After a miss the session gets a new id, so that nobody with a copy of the old cookie shares
// it.
func TestAMissIsANewID(t *testing.T) {
	p := newProbe()
	site := loginSite(t, p, func() {})
	b := site.browser()
	b.get("/count")
	thief, before := b.twin(), b.get("/id").body
	if err := p.Memory.Delete(context.Background(), before); err != nil { // evicted
		t.Fatal(err)
	}
	if a := b.want("/show", " "); a.status != "gone" {
		t.Errorf("status %s", a.status)
	}
	b.want("/count", "1")
	if after := b.get("/id").body; after == before {
		t.Error("the id came back")
	}
	thief.want("/show", " ")
}

func TestEvictionInMidRequest(t *testing.T) {
	p := newProbe()
	var pause func()
	site := loginSite(t, p, func() { pause() })
	b := site.browser()
	b.get("/count")
	id := b.get("/id").body
	pause = func() { _ = p.Memory.Delete(context.Background(), id) }
	for _, path := range []string{"/slow/count", "/slow/renew"} {
		if a := b.get(path); a.StatusCode != http.StatusOK || a.Header["Set-Cookie"] != nil {
			t.Errorf("%s: status %d, %q", path, a.StatusCode, a.Header["Set-Cookie"])
		}
	}
	b.want("/show", " ")
}
