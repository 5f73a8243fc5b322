package memcache_test

import (
	"sync"
	"testing"

	"github.com/webapp2go/webapp2go/internal/memcachetest"
	"github.com/webapp2go/webapp2go/sessions/memcache"
)

// TestIdleConnectionsAreKept checks that requests in bursts of 32 dial once each, and not again
// in every burst as with gomemcache's own two idle connections.
func TestIdleConnectionsAreKept(t *testing.T) {
	const callers, bursts = 32, 10
	server := memcachetest.Start(t)
	dials := func(maxIdle int) int64 {
		p := newProxy(t, server)
		b := newBackend(t, memcache.Config{Servers: []string{p.addr}, MaxIdle: maxIdle})
		for range bursts {
			var together, group sync.WaitGroup
			together.Add(callers)
			// A connection is in use until its reply has arrived. No reply is sent before all
			// requests have arrived.
			cut := func(_ string, carriedOut bool) bool {
				if carriedOut {
					together.Done()
					together.Wait()
				}
				return false
			}
			p.cut.Store(&cut)
			for range callers {
				group.Go(func() {
					if err := b.Delete(t.Context(), newID()); err != nil {
						t.Error(err)
					}
				})
			}
			group.Wait()
		}
		return p.dials.Load()
	}
	if n := dials(0); n != callers {
		t.Errorf("%d dials for %d bursts of %d, want %d", n, bursts, callers, callers)
	}
	if n := dials(2); n != callers+(bursts-1)*(callers-2) {
		t.Errorf("%d dials with 2 idle connections", n)
	}
}
