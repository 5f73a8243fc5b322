package memcache_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/webapp2go/webapp2go/internal/memcachetest"
	"github.com/webapp2go/webapp2go/sessions"
	"github.com/webapp2go/webapp2go/sessions/memcache"
)

// TestOneServerOfThree checks that a server that dies or hangs affects only its own sessions,
// and hardly delays the others.
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

			// Machines are noisy: one good measurement of five is enough.
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

// TestCreateWithAServerDown checks that if one server of three is down, Create reports when
// another id can help, and that another id helps.
func TestCreateWithAServerDown(t *testing.T) {
	for name, test := range map[string]struct {
		begin   func(*memcachetest.Server)
		timeout time.Duration
	}{
		"killed": {(*memcachetest.Server).Stop, 5 * time.Second},
		"hung":   {(*memcachetest.Server).Pause, 500 * time.Millisecond},
	} {
		t.Run(name, func(t *testing.T) {
			servers := []*memcachetest.Server{memcachetest.Start(t), memcachetest.Start(t), memcachetest.Start(t)}
			b := newBackend(t, memcache.Config{Timeout: test.timeout}, servers...)
			test.begin(servers[0])
			const visitors = 200
			refused := 0
			for range visitors {
				var err error
				for range 20 {
					if err = b.Create(t.Context(), newID(), record("data")); !errors.Is(err, sessions.ErrUnavailable) {
						break
					}
					refused++
				}
				if err != nil {
					t.Fatalf("error %v, want another id to help", err)
				}
			}
			// One third of all attempts fail, which is half as many as succeed.
			if refused < visitors/4 || refused > visitors {
				t.Errorf("%d ids were refused for %d records, want about %d", refused, visitors, visitors/2)
			}
			err := b.Create(t.Context(), "short", record("data"))
			if !errors.Is(err, sessions.ErrBadID) || errors.Is(err, sessions.ErrUnavailable) {
				t.Errorf("a bad id: error %v", err)
			}
			err = b.Create(t.Context(), newID(), record(strings.Repeat("x", 2<<20)))
			if !errors.Is(err, sessions.ErrTooLarge) || errors.Is(err, sessions.ErrUnavailable) {
				t.Errorf("a large record: error %v", err)
			}
			ctx, cancel := context.WithCancel(t.Context())
			cancel()
			for range 20 {
				if err := b.Create(ctx, newID(), record("data")); err == nil || errors.Is(err, sessions.ErrUnavailable) {
					t.Errorf("a context that is over: error %v", err)
				}
			}
		})
	}
}

// TestCreateWithTheOnlyServerDown checks that no other id helps if there is no other server.
func TestCreateWithTheOnlyServerDown(t *testing.T) {
	server := memcachetest.Start(t)
	b := newBackend(t, memcache.Config{}, server)
	server.Stop()
	if err := b.Create(t.Context(), newID(), record("data")); !isUnknown(err) || errors.Is(err, sessions.ErrUnavailable) {
		t.Errorf("error %v", err)
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

// If one of several servers is down, no new session is refused, because another id belongs to
// another server.
func TestNewSessionsWithAServerDown(t *testing.T) {
	servers := []*memcachetest.Server{memcachetest.Start(t), memcachetest.Start(t), memcachetest.Start(t)}
	site := newSite(t, newBackend(t, memcache.Config{}, servers...))
	servers[0].Stop()
	for n := range 200 {
		b := site.browser(t)
		if code, body := b.get(t, "/count"); code != 200 || body != "1" {
			t.Fatalf("new session %d: %d %q", n, code, body)
		}
		if code, body := b.get(t, "/count"); code != 200 || body != "2" {
			t.Fatalf("session %d: %d %q", n, code, body)
		}
	}
}
