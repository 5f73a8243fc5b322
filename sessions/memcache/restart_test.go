package memcache_test

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/webapp2go/webapp2go/internal/memcachetest"
	"github.com/webapp2go/webapp2go/sessions/memcache"
)

// TestRestartOfIdleConnections: every connection that was open when the server was
// restarted is stale, and no call fails for it.
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

// TestRestartUnderLoad kills the server and starts it again while 32 visitors are
// served. Their sessions may be gone, and nothing else may break: nobody gets
// another's session, and all are served once the server is back.
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
