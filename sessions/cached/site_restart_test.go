package cached_test

import (
	"fmt"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/webapp2go/webapp2go/internal/datastoretest"
	"github.com/webapp2go/webapp2go/internal/memcachetest"
	"github.com/webapp2go/webapp2go/sessions/cached"
	"github.com/webapp2go/webapp2go/sessions/datastore"
)

// phases are the states of memcached during the test. Each lasts until the 32 clients have had
// their share of responses.
var phases = []string{"up", "killed", "back", "hung", "back again"}

// A client is one browser of the load: it writes and reads its own session.
type client struct {
	owner, cookie           string
	acknowledged, uncertain int64
}

// TestRestart kills memcached while 32 connections are busy, starts it again, stops it for a
// while, and lets it continue. Each response must show the client its own session, with every
// acknowledged write.
func TestRestart(t *testing.T) {
	store, cache := datastoretest.Start(t), memcachetest.Start(t)
	s := newSite(t, cached.New(newMemcache(t, cache.Addr, 0), datastore.New(store.Client(t.Context()), datastore.Config{})))
	var phase, left, slow atomic.Int32
	times := make([][][]time.Duration, 32)
	var wait sync.WaitGroup
	const share = 300
	left.Store(share)
	for i := range times {
		times[i] = make([][]time.Duration, len(phases))
		c := client{owner: fmt.Sprint("owner", i)}
		c.cookie = s.login(c.owner)
		wait.Go(func() {
			for turn := 0; ; turn++ {
				p := int(phase.Load())
				if p == len(phases) {
					return
				}
				began := time.Now()
				switch a := c.turn(s, turn); {
				case a.slow():
					slow.Add(1)
				case a.Code != http.StatusOK:
					t.Errorf("memcached is %s: %+v", phases[p], a)
				}
				times[i][p] = append(times[i][p], time.Since(began))
				left.Add(-1)
			}
		})
	}
	for p := range phases {
		switch phases[p] {
		case "killed":
			cache.Stop()
		case "back":
			cache.Restart()
			awaitUse(t, cache)
		case "hung":
			cache.Pause()
		case "back again":
			cache.Resume()
			awaitUse(t, cache)
		}
		for left.Store(share); left.Load() > 0; {
			time.Sleep(time.Millisecond)
		}
		phase.Add(1)
	}
	wait.Wait()
	for p, name := range phases {
		var all []time.Duration
		for _, of := range times {
			all = append(all, of[p]...)
		}
		slices.Sort(all)
		t.Logf("%-10s %5d requests, median %v, p99 %v", name, len(all), all[len(all)/2], all[len(all)*99/100])
	}
	t.Logf("%d were too slow", slow.Load())
}

// awaitUse returns when the clients read from memcached again. They do not use it for a while
// after it has failed.
func awaitUse(t *testing.T, cache *memcachetest.Server) {
	t.Helper()
	before := cache.Stats()["cmd_get"]
	for deadline := time.Now().Add(time.Minute); cache.Stats()["cmd_get"] < before+50; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("memcached is up and nobody uses it")
		}
	}
}

// turn writes once in four requests, and checks the response.
func (c *client) turn(s *site, turn int) answer {
	path := "/read"
	if turn%4 == 0 {
		path = "/write"
		c.uncertain++
	}
	a := s.do(c.cookie, path)
	if a.Code != http.StatusOK {
		return a
	}
	if turn%4 == 0 {
		c.acknowledged++
		c.uncertain--
	}
	if a.Values["owner"] != c.owner {
		s.t.Errorf("%s is answered with the session of %v", c.owner, a.Values["owner"])
	}
	if a.N < c.acknowledged || a.N > c.acknowledged+c.uncertain {
		s.t.Errorf("%s: %d writes are there of %d that were acknowledged and %d that were refused", c.owner, a.N, c.acknowledged, c.uncertain)
	}
	return a
}
