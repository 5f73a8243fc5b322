package cached_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/webapp2go/webapp2go/sessions"
	"github.com/webapp2go/webapp2go/sessions/cached"
)

// endings are the ways in which a session ends.
var endings = map[string]func(t *testing.T, b *cached.Backend, id string){
	"deleted": func(t *testing.T, b *cached.Backend, id string) {
		if err := b.Delete(t.Context(), id); err != nil {
			t.Error(err)
		}
	},
	"tombstone": func(t *testing.T, b *cached.Backend, id string) {
		r := load(t, b, id)
		r.Data, r.Expires = nil, time.Now().Add(time.Minute)
		if _, err := b.Update(t.Context(), id, r); err != nil {
			t.Error(err)
		}
	},
	"all of a user": func(t *testing.T, b *cached.Backend, id string) {
		if err := b.EndUser(t.Context(), "joe"); err != nil {
			t.Error(err)
		}
	},
}

// TestDelayedFill delays a read, on its way from the store or to the cache, until some time
// after the session has ended. The entry that it then writes to the cache must not bring the
// session back.
func TestDelayedFill(t *testing.T) {
	for name, end := range endings {
		for _, where := range []string{"from the store", "to the cache"} {
			for _, delay := range []time.Duration{0, time.Second, 30 * time.Second, 59 * time.Second, 61 * time.Second, 5 * time.Minute} {
				t.Run(name+", "+where+", "+delay.String(), func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) { delayedFill(t, end, where, delay) })
				})
			}
		}
	}
}

func delayedFill(t *testing.T, end func(*testing.T, *cached.Backend, string), where string, delay time.Duration) {
	memory, truth := sessions.NewMemory(), sessions.NewMemory()
	cache, store := hook(onItsWay{memory}), hook(truth)
	slow := cached.New(cache, store)     // the process that fills late
	backend := cached.New(memory, truth) // the one that logs out
	other := cached.New(memory, truth)   // one that only reads
	id := create(t, backend, "data", "joe")
	reached, release := make(chan bool), make(chan bool)
	hold := func(string, string) error {
		store.set(nil, nil)
		cache.set(nil, nil)
		close(reached)
		<-release
		return nil
	}
	if where == "from the store" {
		store.set(nil, hold)
	} else {
		cache.set(func(method, id string) error {
			if method == "Create" {
				return hold(method, id)
			}
			return nil
		}, nil)
	}
	read := make(chan bool)
	go func() {
		load(t, slow, id)
		close(read)
	}()
	<-reached
	end(t, backend, id)
	time.Sleep(delay)
	close(release)
	<-read
	for range 130 {
		wantEnded(t, slow, id)
		wantEnded(t, backend, id)
		wantEnded(t, other, id)
		time.Sleep(time.Second)
	}
}

// TestDelayedFillOfOldData is the same with a change instead of the end.
func TestDelayedFillOfOldData(t *testing.T) {
	cache, store := hook(sessions.NewMemory()), sessions.NewMemory()
	slow, backend := cached.New(cache, store), cached.New(cache.Backend, store)
	id := create(t, backend, "old", "")
	cache.set(func(method, _ string) error {
		if method == "Create" {
			update(t, backend, id, "new")
		}
		return nil
	}, nil)
	wantData(t, slow, id, "old")
	wantData(t, slow, id, "new")
	wantData(t, backend, id, "new")
}

// TestFillAfterFlush has the cache lose the entry that prevents a late fill. Within one process
// the fill must still do no harm.
func TestFillAfterFlush(t *testing.T) {
	for name, end := range endings {
		t.Run(name, func(t *testing.T) {
			memory, store := sessions.NewMemory(), sessions.NewMemory()
			cache := hook(memory)
			backend := cached.New(cache, store)
			id := create(t, backend, "data", "joe")
			cache.set(func(method, _ string) error {
				if method == "Create" {
					cache.set(nil, nil)
					end(t, backend, id)
					return memory.Delete(t.Context(), id)
				}
				return nil
			}, nil)
			load(t, backend, id)
			wantEnded(t, backend, id)
		})
	}
}

// TestDelayedRefresh delays the refresh after one change until another change has made its
// refresh.
func TestDelayedRefresh(t *testing.T) {
	cache, store := hook(sessions.NewMemory()), sessions.NewMemory()
	slow, backend := cached.New(cache, store), cached.New(cache.Backend, store)
	id := create(t, backend, "0", "")
	r := load(t, slow, id)
	cache.set(func(method, _ string) error {
		cache.set(nil, nil)
		ours := load(t, store, id) // the cache does not have it yet
		ours.Data = []byte("2")
		if _, err := backend.Update(t.Context(), id, ours); err != nil {
			t.Error(err)
		}
		return nil
	}, nil)
	r.Data = []byte("1")
	if _, err := slow.Update(t.Context(), id, r); err != nil {
		t.Fatal(err)
	}
	wantData(t, slow, id, "2")
	wantData(t, backend, id, "2")
}

// TestDelayedRefreshAfterEnd is the same with an end instead of the other change.
func TestDelayedRefreshAfterEnd(t *testing.T) {
	for name, end := range endings {
		t.Run(name, func(t *testing.T) {
			memory, store := sessions.NewMemory(), sessions.NewMemory()
			cache := hook(memory)
			slow, backend := cached.New(cache, store), cached.New(memory, store)
			id := create(t, backend, "0", "joe")
			r := load(t, store, id)
			cache.set(func(string, string) error {
				cache.set(nil, nil)
				end(t, backend, id)
				return nil
			}, nil)
			if _, err := slow.Update(t.Context(), id, r); err != nil {
				t.Fatal(err)
			}
			wantEnded(t, slow, id)
			wantEnded(t, backend, id)
		})
	}
}

// TestConflictKeepsBarrier has a slow writer find a tombstone while a fill of the living
// session is in progress. Invalidating the entry that misled the writer must not allow the
// fill.
func TestConflictKeepsBarrier(t *testing.T) {
	cache, store := hook(sessions.NewMemory()), sessions.NewMemory()
	slow, backend := cached.New(cache, store), cached.New(cache.Backend, store)
	id := create(t, backend, "data", "joe")
	writer := load(t, store, id)
	cache.set(func(method, _ string) error {
		if method == "Create" {
			endings["tombstone"](t, backend, id)
			if _, err := backend.Update(t.Context(), id, writer); err == nil {
				t.Error("an update over a tombstone succeeded")
			}
		}
		return nil
	}, nil)
	load(t, slow, id)
	wantEnded(t, slow, id)
	wantEnded(t, backend, id)
}
