package cached_test

import (
	"fmt"
	"io"
	"net"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/webapp2go/webapp2go/internal/datastoretest"
	"github.com/webapp2go/webapp2go/internal/memcachetest"
	"github.com/webapp2go/webapp2go/sessions"
	"github.com/webapp2go/webapp2go/sessions/cached"
	"github.com/webapp2go/webapp2go/sessions/datastore"
)

// TestEndWhileTheCacheIsAway ends a session in a process that cannot reach memcached at that
// moment. Another process that can reach it must see the end soon after the first one is
// connected again. The old entry alone would mislead it for 50 seconds.
func TestEndWhileTheCacheIsAway(t *testing.T) {
	for name, end := range endings {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := memcachetest.Start(t)
			store := datastore.New(datastoretest.Start(t).Client(t.Context()), datastore.Config{Timeout: time.Minute})
			path := newPath(t, server.Addr)
			here := cached.New(newMemcache(t, path.addr, time.Minute), store)
			there := cached.New(newMemcache(t, server.Addr, time.Minute), store)
			id := create(t, here, "data", "joe")
			wantData(t, there, id, "data") // which fills the cache
			path.close(true)
			end(t, here, id)
			wantEnded(t, here, id)
			path.close(false)
			for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(10 * time.Millisecond) {
				if r, err := there.Load(t.Context(), id); err != nil || len(r.Data) == 0 {
					break
				}
				if time.Now().After(deadline) {
					t.Fatal("the session is still read at the other process")
				}
			}
			wantEnded(t, there, id)
		})
	}
}

// TestOldEntries checks how a process treats entries that it could not reach: it tries again at
// most once a second, with a few calls each time, until the cache responds or the entries have
// expired. Then nothing is left running.
func TestOldEntries(t *testing.T) {
	for name, outage := range map[string]time.Duration{
		"a moment": 50 * time.Millisecond,
		"seconds":  10 * time.Second,
		"for good": time.Hour,
	} {
		for _, ended := range []int{1, 100, 5000} {
			t.Run(fmt.Sprint(name, ", ", ended), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) { oldEntries(t, outage, ended) })
			})
		}
	}
}

func oldEntries(t *testing.T, outage time.Duration, ended int) {
	memory, store := sessions.NewMemory(), sessions.NewMemory()
	cache := hook(memory)
	here, there := cached.New(cache, store), cached.New(memory, store)
	ids := make([]string, ended)
	for i := range ids {
		ids[i] = create(t, here, "data", "joe")
		wantData(t, there, ids[i], "data")
	}
	cache.set(func(string, string) error { return errDown }, nil)
	for _, id := range ids {
		endings["deleted"](t, here, id)
	}
	cache.took("")
	if outage < time.Minute {
		time.Sleep(outage)
		if n, most := cache.took("Load"), 20*int(outage/time.Second+4); n > most {
			t.Errorf("%d tries in %v, want %d at most", n, outage, most)
		}
		cache.set(nil, nil)
		time.Sleep(1100 * time.Millisecond)
		misled := 0
		for _, id := range ids {
			if _, err := there.Load(t.Context(), id); err == nil {
				misled++
			}
		}
		if most := max(0, ended-1000); misled > most {
			t.Errorf("a second after the outage %d of %d sessions are still read, want %d at most", misled, ended, most)
		}
		time.Sleep(time.Minute)
	} else {
		time.Sleep(2 * time.Minute)
		if n := cache.took("Load"); n > 20*64 {
			t.Errorf("%d tries in two minutes", n)
		}
	}
	for _, id := range ids {
		wantEnded(t, there, id)
	}
	cache.took("")
	time.Sleep(time.Hour)
	if n := cache.took("Load"); n != 0 {
		t.Errorf("%d tries when all is over", n)
	}
}

// TestOldEntryNeverReplacesANewOne has another process update the entry before this one can.
// The barrier of this one comes late, and must not invalidate newer data.
func TestOldEntryNeverReplacesANewOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		memory, store := sessions.NewMemory(), sessions.NewMemory()
		cache, counted := hook(memory), hook(store)
		here, there := cached.New(cache, store), cached.New(memory, counted)
		id := create(t, here, "0", "")
		wantData(t, there, id, "0")
		cache.set(func(string, string) error { return errDown }, nil)
		update(t, here, id, "1")
		if _, err := there.Update(t.Context(), id, load(t, store, id)); err != nil {
			t.Fatal(err)
		}
		counted.took("")
		cache.set(nil, nil)
		time.Sleep(5 * time.Second)
		wantData(t, there, id, "1")
		if n := counted.took("Load"); n != 0 {
			t.Error("the newer entry is out of use")
		}
	})
}

// A path leads to a server. If it is closed, it breaks its connections and accepts no more.
type path struct {
	addr string

	mu     sync.Mutex
	closed bool
	open   map[net.Conn]bool
}

func newPath(t *testing.T, socket string) *path {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &path{addr: l.Addr().String(), open: map[net.Conn]bool{}}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			go p.pass(client, socket)
		}
	}()
	return p
}

func (p *path) pass(client net.Conn, socket string) {
	defer client.Close()
	server, err := net.Dial("unix", socket)
	if err != nil {
		return
	}
	defer server.Close()
	p.mu.Lock()
	if p.closed {
		p.mu.Unlock()
		return
	}
	p.open[client] = true
	p.mu.Unlock()
	go func() {
		defer client.Close()
		io.Copy(client, server)
	}()
	io.Copy(server, client)
}

func (p *path) close(closed bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = closed
	for client := range p.open {
		client.Close()
	}
	clear(p.open)
}
