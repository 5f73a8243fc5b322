package valkey_test

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/webapp2go/webapp2go/internal/redistest"
	"github.com/webapp2go/webapp2go/sessions/sessionstest"
	"github.com/webapp2go/webapp2go/sessions/valkey"
)

func newCounter(t *testing.T, addrs ...string) *valkey.Counter {
	t.Helper()
	c, err := valkey.NewCounter(valkey.Config{Addrs: addrs, Timeout: 5 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

func TestCounter(t *testing.T) {
	for name, start := range map[string]func(t testing.TB) []*redistest.Server{
		"one server": func(t testing.TB) []*redistest.Server { return []*redistest.Server{redistest.Start(t)} },
		"a cluster":  func(t testing.TB) []*redistest.Server { return redistest.Cluster(t) },
	} {
		t.Run(name, func(t *testing.T) {
			servers := start(t)
			var addrs []string
			for _, s := range servers {
				addrs = append(addrs, s.Addr)
			}
			here, there := newCounter(t, addrs...), newCounter(t, addrs...)
			const keys, adds = 8, 25
			var all sync.WaitGroup
			names := make([]string, keys)
			for i := range names {
				names[i] = fmt.Sprint("key", i)
				for _, c := range []*valkey.Counter{here, there} {
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
			if err := here.Add(t.Context(), "short", 50*time.Millisecond); err != nil {
				t.Fatal(err)
			}
			time.Sleep(60 * time.Millisecond)
			if counts, err := here.Counts(t.Context(), []string{"short"}); err != nil || counts[0] != 0 {
				t.Errorf("a count that is over: %v, %v", counts, err)
			}
			if _, err := here.Counts(t.Context(), nil); err != nil {
				t.Error(err)
			}
			if err := here.Probe(t.Context()); err != nil {
				t.Error(err)
			}
			for _, s := range servers {
				s.Stop()
			}
			if _, err := here.Counts(t.Context(), names); err == nil {
				t.Error("the servers are down, and nobody says so")
			}
			if err := here.Add(t.Context(), "key", time.Hour); err == nil {
				t.Error("the servers are down, and nobody says so")
			}
		})
	}
}

// TestLostAdd checks that an addition whose reply is lost is not repeated.
func TestLostAdd(t *testing.T) {
	server := redistest.Start(t)
	marked := "sessionstest: marked"
	if !sessionstest.Marked([]byte(marked)) {
		t.Fatal("this test shows nothing")
	}
	direct := newCounter(t, server.Addr)
	if err := direct.Add(t.Context(), "another", time.Hour); err != nil { // which loads the script
		t.Fatal(err)
	}
	broken := newCounter(t, sessionstest.Proxy(t, "tcp", server.Addr, func(done bool) bool { return done }))
	for range 5 {
		if err := broken.Add(t.Context(), marked, time.Hour); err == nil {
			t.Error("the answer was lost, and nobody says so")
		}
	}
	counts, err := direct.Counts(t.Context(), []string{marked})
	if err != nil || counts[0] != 5 {
		t.Errorf("%v are counted, %v, want 5", counts, err)
	}
}
