package memcache_test

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/webapp2go/webapp2go/internal/memcachetest"
	"github.com/webapp2go/webapp2go/sessions/memcache"
)

func newCounter(t *testing.T, servers ...*memcachetest.Server) *memcache.Counter {
	t.Helper()
	config := memcache.Config{Timeout: 5 * time.Second}
	for _, s := range servers {
		config.Servers = append(config.Servers, s.Addr)
	}
	c, err := memcache.NewCounter(config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

func TestCounter(t *testing.T) {
	one, two := memcachetest.Start(t), memcachetest.Start(t)
	here, there := newCounter(t, one, two), newCounter(t, two, one)
	const keys, adds = 8, 25
	var all sync.WaitGroup
	names := make([]string, keys)
	for i := range names {
		names[i] = fmt.Sprint("key", i)
		for _, c := range []*memcache.Counter{here, there} {
			all.Go(func() {
				for range adds {
					if err := c.Add(t.Context(), names[i], time.Hour); err != nil {
						t.Error(err)
					}
				}
			})
		}
	}
	all.Wait()
	counts, err := here.Counts(t.Context(), append(names, "another"))
	if err != nil {
		t.Fatal(err)
	}
	if want := append(slices.Repeat([]int{2 * adds}, keys), 0); !slices.Equal(counts, want) {
		t.Errorf("counts %v, want %v", counts, want)
	}
	if one.Stats()["curr_items"] == 0 || two.Stats()["curr_items"] == 0 {
		t.Error("one server has all keys")
	}
	if _, err := here.Counts(t.Context(), nil); err != nil {
		t.Error(err)
	}
	two.Stop()
	if _, err := here.Counts(t.Context(), names); err == nil {
		t.Error("a server is down, and nobody says so")
	}
	var failed int
	for _, name := range names {
		if here.Add(t.Context(), name, time.Hour) != nil {
			failed++
		}
	}
	if failed == 0 || failed == keys {
		t.Errorf("%d of %d keys are on the server that is down", failed, keys)
	}
}

func TestCounterConfig(t *testing.T) {
	if _, err := memcache.NewCounter(memcache.Config{}); err == nil {
		t.Error("a Counter without servers")
	}
}
