package sessions_test

import (
	"context"
	"net/http"
	"sync"
	"testing"
	"time"
)

func TestNothingComesBackAfterLogout(t *testing.T) {
	const races = 500
	p := newProbe()
	site := loginSite(t, p, func() {})
	late := 0
	for range races {
		b := site.browser()
		b.get("/login")
		twin := b.twin()
		var both sync.WaitGroup
		var count answer
		both.Go(func() { count = twin.get("/count") })
		both.Go(func() { b.get("/logout") })
		both.Wait()
		if count.status == "gone" {
			late++
		}
		for _, who := range []*browser{b, twin} {
			who.want("/show", " ")
		}
		if t.Failed() {
			return
		}
	}
	if n := p.living(); n != 0 {
		t.Errorf("%d sessions are left", n)
	}
	t.Logf("%d of %d writers met the logout", late, races)
}

func TestDestroy(t *testing.T) {
	tests := []struct{ name, path, sees string }{
		{"alone", "/logout", " "},
		{"after Renew", "/both", " "},
		{"then Set begins a new session", "/anew", " fresh=true"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			p := newProbe()
			site := loginSite(t, p, func() {})
			b := site.browser()
			b.get("/login")
			thief := b.twin()
			a := b.get(test.path)
			if n := len(a.Header["Set-Cookie"]); n != 1 || a.status != "new" {
				t.Errorf("%d cookies, status %s", n, a.status)
			}
			b.want("/show", test.sees)
			thief.want("/show", " ")
			left, err := p.Sessions(context.Background(), "ann")
			if err != nil || len(left) != 0 {
				t.Errorf("the user still has %d sessions, %v", len(left), err)
			}
		})
	}
}

func TestLogoutThatFailsSaysSo(t *testing.T) {
	p := newProbe()
	site := loginSite(t, p, func() {})
	b := site.browser()
	b.get("/login")
	p.hook(func(m, _ string) { p.dead.Store(m == "update") })
	if a := b.get("/logout"); a.StatusCode != http.StatusServiceUnavailable || a.Header["Set-Cookie"] != nil {
		t.Errorf("status %d, cookies %q", a.StatusCode, a.Header["Set-Cookie"])
	}
	p.hook(nil)
	p.dead.Store(false)
	b.want("/show", "ann login=true")
}

func TestTombstonesEnd(t *testing.T) {
	p := newProbe()
	site := loginSite(t, p, func() {})
	b := site.browser()
	b.get("/login")
	id := b.get("/id").body
	b.get("/logout")
	r, err := p.Memory.Load(context.Background(), id)
	if err != nil || !r.IsTombstone() || r.User != "" {
		t.Fatalf("%q of %q, %v; want a tombstone", r.Data, r.User, err)
	}
	if left := time.Until(r.Expires); left > time.Minute || left < 30*time.Second {
		t.Errorf("it stands for %v, want a minute", left)
	}
}
