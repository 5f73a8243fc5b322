package cached_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/webapp2go/webapp2go/internal/datastoretest"
	"github.com/webapp2go/webapp2go/sessions"
	"github.com/webapp2go/webapp2go/sessions/cached"
	"github.com/webapp2go/webapp2go/sessions/datastore"
)

// TestReads counts the cost of reads: the first needs a lookup in the store, those after it and
// after a change need none.
func TestReads(t *testing.T) {
	server := datastoretest.Start(t)
	cache := hook(sessions.NewMemory())
	backend := cached.New(cache, datastore.New(server.Client(t.Context()), datastore.Config{}))
	id := create(t, backend, "0", "joe")
	lookups := func(what string, want int, do func()) {
		t.Helper()
		before := server.Calls()["Lookup"]
		do()
		if n := server.Calls()["Lookup"] - before; n != want {
			t.Errorf("%s: %d lookups in the store, want %d", what, n, want)
		}
	}
	lookups("the first read", 1, func() { load(t, backend, id) })
	cache.took("")
	lookups("the reads after it", 0, func() {
		for range 10 {
			load(t, backend, id)
		}
	})
	if n := cache.took("Load"); n != 10 {
		t.Errorf("%d loads from the cache for 10 reads", n)
	}
	first := load(t, backend, id)
	lookups("a change", 1, func() { update(t, backend, id, "1") }) // in its transaction
	lookups("the reads after a change", 0, func() {
		second := load(t, backend, id)
		if string(second.Data) != "1" || second.User != "joe" || second.Version == first.Version || second.Expires.IsZero() {
			t.Errorf("Load: %+v, want what was written", second)
		}
	})
}

// TestStale gives a process a cache that the changes of another process do not reach.
func TestStale(t *testing.T) {
	store := sessions.NewMemory()
	ours, theirs := cached.New(sessions.NewMemory(), store), cached.New(sessions.NewMemory(), store)
	id := create(t, ours, "0", "")
	load(t, ours, id)
	update(t, theirs, id, "1")

	stale := load(t, ours, id)
	if string(stale.Data) != "0" {
		t.Fatalf("Load: %q, want what the cache holds", stale.Data)
	}
	stale.Data = []byte("lost")
	if _, err := ours.Update(t.Context(), id, stale); !errors.Is(err, sessions.ErrConflict) {
		t.Errorf("Update of a stale record: %v, want ErrConflict", err)
	}
	wantData(t, ours, id, "1") // the read after a conflict
	update(t, ours, id, "2")
	wantData(t, ours, id, "2")
	if err := theirs.Delete(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	if _, err := ours.Update(t.Context(), id, stale); !errors.Is(err, sessions.ErrNotFound) {
		t.Errorf("Update of a record that is gone: %v, want ErrNotFound", err)
	}
	wantEnded(t, ours, id)
}

// TestHold checks that an entry is no longer used a minute after it was made.
func TestHold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := sessions.NewMemory()
		backend := cached.New(sessions.NewMemory(), store)
		id := create(t, backend, "0", "")
		for range 3 {
			began := time.Now()
			data := string(load(t, backend, id).Data)
			update(t, store, id, data+"+") // which the cache does not know
			for string(load(t, backend, id).Data) == data {
				time.Sleep(time.Second)
			}
			if held := time.Since(began); held > time.Minute {
				t.Errorf("an entry was used for %v", held)
			}
		}
	})
}

// TestUnreachable has a cache that can be read and not written. A process must still see its
// own changes.
func TestUnreachable(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cache := hook(sessions.NewMemory())
		store := hook(sessions.NewMemory())
		backend := cached.New(cache, store)
		id, other := create(t, backend, "0", ""), create(t, backend, "0", "")
		load(t, backend, id)
		load(t, backend, other)
		cache.set(func(method, _ string) error {
			if method != "Load" {
				return errDown
			}
			return nil
		}, nil)
		update(t, backend, id, "1")
		wantData(t, backend, id, "1")
		if err := backend.Delete(t.Context(), id); err != nil {
			t.Fatal(err)
		}
		wantEnded(t, backend, id)
		store.took("")
		if id[:2] != other[:2] {
			load(t, backend, other)
			if n := store.took("Load"); n != 0 {
				t.Error("a session that did not change is no longer read from the cache")
			}
		}
		cache.set(nil, nil)
		time.Sleep(61 * time.Second)
		wantEnded(t, backend, id)
	})
}

func TestUnsupported(t *testing.T) {
	backend := cached.New(sessions.NewMemory(), hook(sessions.NewMemory()))
	if _, err := backend.Sessions(t.Context(), "joe"); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("Sessions: %v, want ErrUnsupported", err)
	}
	if err := backend.EndUser(t.Context(), "joe"); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("EndUser: %v, want ErrUnsupported", err)
	}
}
