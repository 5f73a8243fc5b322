package memcache_test

import (
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/webapp2go/webapp2go/internal/memcachetest"
	"github.com/webapp2go/webapp2go/sessions"
	"github.com/webapp2go/webapp2go/sessions/memcache"
)

// TestOneServerOfThree holds that a server that dies or hangs costs its own sessions,
// and little of the time of the others.
func TestOneServerOfThree(t *testing.T) {
	for name, outage := range map[string]struct {
		begin, end func(*memcachetest.Server)
		timeout    time.Duration
	}{
		"killed": {(*memcachetest.Server).Stop, (*memcachetest.Server).Restart, 5 * time.Second},
		"hung":   {(*memcachetest.Server).Pause, (*memcachetest.Server).Resume, 500 * time.Millisecond},
	} {
		t.Run(name, func(t *testing.T) {
			servers := []*memcachetest.Server{memcachetest.Start(t), memcachetest.Start(t), memcachetest.Start(t)}
			b := newBackend(t, memcache.Config{Timeout: outage.timeout}, servers...)
			ids := make([]string, 300)
			for i := range ids {
				ids[i] = newID()
				eventually(t, func() error { return b.Create(t.Context(), ids[i], record(ids[i])) })
			}
			load := func(id string) error {
				r, err := b.Load(t.Context(), id)
				if err == nil && string(r.Data) != id {
					t.Errorf("%s has the data of %s", id, r.Data)
				}
				return err
			}
			for _, s := range servers {
				if n := s.Stats()["curr_items"]; n < 60 || n > 140 {
					t.Errorf("a server of three keeps %d of %d sessions", n, len(ids))
				}
			}

			mine := servers[0].Stats()["curr_items"]
			outage.begin(servers[0])
			lost := map[string]bool{}
			for _, id := range ids {
				if load(id) != nil {
					lost[id] = true
				}
			}
			if len(lost) != mine {
				t.Errorf("%d of %d sessions are lost, %d were on the server", len(lost), len(ids), mine)
			}
			outage.end(servers[0])
			for _, id := range ids {
				eventually(t, func() error {
					err := load(id)
					if lost[id] && errors.Is(err, sessions.ErrNotFound) {
						return nil // killed
					}
					return err
				})
			}

			// Machines are noisy: one quiet moment in five will do.
			var before, after time.Duration
			for range 5 {
				before = p99(t, ids, lost, load)
				outage.begin(servers[0])
				after = p99(t, ids, lost, load)
				outage.end(servers[0])
				eventually(t, func() error { return b.Ping(t.Context()) })
				t.Logf("p99 of the others is %v before and %v after", before, after)
				if after < 10*before {
					return
				}
			}
			t.Errorf("p99 of the others is %v after, more than ten times the %v before", after, before)
		})
	}
}

// p99 loads all ids from 16 goroutines, each many times, and returns the 99th
// percentile of those that are not lost; none of them may fail.
func p99(t *testing.T, ids []string, lost map[string]bool, load func(id string) error) time.Duration {
	t.Helper()
	const callers, each = 16, 150
	var mu sync.Mutex
	var took []time.Duration
	var group sync.WaitGroup
	for i := range callers {
		group.Go(func() {
			for j := range each {
				id := ids[(i*each+j*7)%len(ids)]
				began := time.Now()
				err := load(id)
				elapsed := time.Since(began)
				if lost[id] {
					continue
				}
				if err != nil {
					t.Errorf("a session on another server: %v", err)
				}
				mu.Lock()
				took = append(took, elapsed)
				mu.Unlock()
			}
		})
	}
	group.Wait()
	slices.Sort(took)
	return took[len(took)*99/100]
}
