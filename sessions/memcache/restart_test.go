package memcache_test

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/webapp2go/webapp2go/internal/memcachetest"
	"github.com/webapp2go/webapp2go/sessions"
	"github.com/webapp2go/webapp2go/sessions/memcache"
)

// TestRestartOfIdleConnections checks that no call fails because the connections that were open
// before a restart are stale.
func TestRestartOfIdleConnections(t *testing.T) {
	server := memcachetest.Start(t)
	b := newBackend(t, memcache.Config{}, server)
	const callers = 32
	all := func() {
		t.Helper()
		start := make(chan struct{})
		var group sync.WaitGroup
		for range callers {
			group.Go(func() {
				<-start
				id := newID()
				if err := b.Create(t.Context(), id, record(id)); err != nil {
					t.Errorf("Create: %v", err)
				}
				if r, err := b.Load(t.Context(), id); err != nil || string(r.Data) != id {
					t.Errorf("Load: %q, error %v; want %q", r.Data, err, id)
				}
			})
		}
		close(start)
		group.Wait()
	}
	for range 5 {
		all()
		server.Restart()
	}
	all()
}

// TestVersionsOfBeforeRestart: memcached counts its CAS ids from 1 again. So the version of a
// record can exist again after a restart, and must not match.
func TestVersionsOfBeforeRestart(t *testing.T) {
	server := memcachetest.Start(t)
	b := newBackend(t, memcache.Config{}, server)
	create := func(id string, r sessions.Record) {
		t.Helper()
		if err := b.Create(t.Context(), id, r); err != nil {
			t.Fatal(err)
		}
	}
	load := func(id string) sessions.Record {
		t.Helper()
		r, err := b.Load(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		return r
	}

	// A session: its id never gets a record again, whatever else is stored.
	id, other := newID(), newID()
	create(id, record("before"))
	old := load(id)
	server.Restart()
	create(other, record("of another"))
	if again := load(other); again.Version != old.Version {
		t.Fatalf("the versions are %d and %d: this test shows nothing", old.Version, again.Version)
	}
	if _, err := b.Update(t.Context(), id, old); !errors.Is(err, sessions.ErrNotFound) {
		t.Errorf("Update: error %v", err)
	}

	// An entry of a cache: it lives for a minute, and is made again after a restart.
	entry := record("before")
	entry.Expires = time.Now().Add(time.Minute)
	create(id, entry)
	old = load(id)
	server.Restart()
	create(id, entry)
	if _, err := b.Update(t.Context(), id, old); !errors.Is(err, sessions.ErrConflict) {
		t.Errorf("Update of an entry: error %v", err)
	}
}

// TestRestartUnderLoad kills the server and starts it again while it serves 32 visitors. Their
// sessions may be lost, but no visitor gets another's session, and all are served once the
// server is back.
func TestRestartUnderLoad(t *testing.T) {
	server := memcachetest.Start(t)
	site := newSite(t, newBackend(t, memcache.Config{Timeout: 2 * time.Second}, server))
	const visitors, restarts = 32, 3
	var served, refused, begun atomic.Int64
	stop := make(chan struct{})
	var group sync.WaitGroup
	for i := range visitors {
		name := fmt.Sprint("visitor", i)
		visitor := site.browser(t)
		visit := func() (served bool) {
			status, who := visitor.get(t, "/who?"+name)
			switch {
			case status == 503:
				refused.Add(1)
				return false
			case status != 200:
				t.Errorf("status %d: %s", status, who)
			case who == "":
				begun.Add(1)
			case who != name:
				t.Errorf("%s got the session of %s", name, who)
			}
			return true
		}
		group.Go(func() {
			for {
				select {
				case <-stop:
				default:
					if visit() {
						served.Add(1)
					}
					continue
				}
				// The server is back for good.
				eventually(t, func() error {
					if !visit() {
						return errors.New("not served yet")
					}
					return nil
				})
				for range 10 {
					if !visit() {
						t.Errorf("%s is refused though the server is back", name)
					}
				}
				return
			}
		})
	}
	progress := func() {
		t.Helper()
		for from, deadline := served.Load(), time.Now().Add(30*time.Second); served.Load() < from+5*visitors; time.Sleep(time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatalf("%d requests are served, and no more", served.Load())
			}
		}
	}
	progress()
	for range restarts {
		server.Restart()
		progress()
	}
	close(stop)
	group.Wait()
	t.Logf("%d restarts: %d requests were served, %d refused with 503, %d sessions begun by %d visitors",
		restarts, served.Load(), refused.Load(), begun.Load(), visitors)
	if begun.Load() <= visitors {
		t.Error("no session was lost: the server was not restarted under load")
	}
}
