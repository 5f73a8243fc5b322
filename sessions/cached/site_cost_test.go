package cached_test

import (
	"testing"
	"time"

	"github.com/webapp2go/webapp2go/internal/datastoretest"
	"github.com/webapp2go/webapp2go/internal/memcachetest"
	"github.com/webapp2go/webapp2go/sessions/cached"
	"github.com/webapp2go/webapp2go/sessions/datastore"
)

// TestCosts counts the cost of whole requests, by the counters of memcached and Datastore.
func TestCosts(t *testing.T) {
	store, cache := datastoretest.Start(t), memcachetest.Start(t)
	s := newSite(t, cached.New(newMemcache(t, cache.Addr, time.Minute), datastore.New(store.Client(t.Context()), datastore.Config{})))
	var cookie string
	for _, step := range []struct {
		name string
		do   func()
		want map[string]int // commands of memcached and calls of Datastore
	}{
		{"untouched, no cookie", func() { s.do("", "/untouched") }, map[string]int{}},
		{"a new session", func() { cookie = s.login("") }, map[string]int{"Commit": 1}},
		{"untouched", func() { s.do(cookie, "/untouched") }, map[string]int{}},
		{"a forged cookie", func() { s.do(cookie[1:], "/read") }, map[string]int{}},
		{"the first read", func() { s.do(cookie, "/read") }, map[string]int{"cmd_get": 1, "cmd_set": 1, "Lookup": 1}},
		{"a read", func() { s.do(cookie, "/read") }, map[string]int{"cmd_get": 1}},
		// In memcached: the read, then a get and a cas whose version costs one more get.
		{"a write", func() { s.do(cookie, "/write") }, map[string]int{"cmd_get": 3, "cmd_set": 1, "BeginTransaction": 1, "Lookup": 1, "Commit": 1}},
		{"a read after a write", func() { s.do(cookie, "/read") }, map[string]int{"cmd_get": 1}},
		{"logout", func() { s.do(cookie, "/logout") }, map[string]int{"cmd_get": 3, "cmd_set": 1, "BeginTransaction": 1, "Lookup": 1, "Commit": 1}},
		{"a read after logout", func() { s.do(cookie, "/read") }, map[string]int{"cmd_get": 1}},
	} {
		commands, calls := cache.Stats(), store.Calls()
		step.do()
		after := store.Calls()
		for name, n := range cache.Stats() {
			if name == "cmd_get" || name == "cmd_set" || name == "cmd_touch" || name == "cmd_flush" || name == "delete_hits" || name == "delete_misses" {
				after[name] = n
				calls[name] = commands[name]
			}
		}
		for name, n := range after {
			if n -= calls[name]; n != step.want[name] {
				t.Errorf("%s: %d times %s, want %d", step.name, n, name, step.want[name])
			}
		}
	}
}
