package memcache_test

import (
	"errors"
	"strings"
	"testing"

	gomemcache "github.com/bradfitz/gomemcache/memcache"

	"github.com/webapp2go/webapp2go/internal/memcachetest"
	"github.com/webapp2go/webapp2go/sessions"
	"github.com/webapp2go/webapp2go/sessions/memcache"
)

// TestCommands counts the commands of requests in the server's own statistics.
func TestCommands(t *testing.T) {
	server := memcachetest.Start(t)
	visitor := newSite(t, newBackend(t, memcache.Config{}, server)).browser(t)
	for _, step := range []struct {
		path, what string
		gets, sets int // cmd_set counts add and cas
	}{
		{"/read", "a read where there is no session", 0, 0},
		{"/count", "a new session", 0, 1},
		{"/plain", "an untouched session", 0, 0},
		{"/read", "a read", 1, 0},
		{"/count", "a write", 1, 1},
		{"/read", "a read after a write", 1, 0},
	} {
		before := server.Stats()
		visitor.want(t, step.path, 200)
		after := server.Stats()
		gets, sets := after["cmd_get"]-before["cmd_get"], after["cmd_set"]-before["cmd_set"]
		others := after["cmd_touch"] + after["delete_hits"] + after["delete_misses"] + after["cas_badval"] + after["cas_misses"]
		if gets != step.gets || sets != step.sets || others != 0 {
			t.Errorf("%s costs %d gets, %d sets and %d others, want %d and %d", step.what, gets, sets, others, step.gets, step.sets)
		}
	}
}

// TestForeignItems checks that items of other programs, or of later versions of this package,
// are not treated as sessions and are not changed.
func TestForeignItems(t *testing.T) {
	server := memcachetest.Start(t)
	b := newBackend(t, memcache.Config{Prefix: "app:"}, server)
	client := gomemcache.New(server.Addr)
	for name, value := range map[string]string{
		"nothing": "", "text": "<html>", "another format": "\x02" + strings.Repeat("x", 40), "a header alone": "\x01\xff",
	} {
		t.Run(name, func(t *testing.T) {
			id := newID()
			if err := client.Set(&gomemcache.Item{Key: "app:" + id, Value: []byte(value)}); err != nil {
				t.Fatal(err)
			}
			if r, err := b.Load(t.Context(), id); !errors.Is(err, sessions.ErrNotFound) {
				t.Errorf("Load: %+v, error %v", r, err)
			}
			if err := b.Create(t.Context(), id, record("ours")); !errors.Is(err, sessions.ErrExists) {
				t.Errorf("Create: error %v", err)
			}
			if item, err := client.Get("app:" + id); err != nil || string(item.Value) != value {
				t.Errorf("it is %v now, error %v", item, err)
			}
		})
	}
}

// TestSizes compares the limit with the real server's, byte by byte.
func TestSizes(t *testing.T) {
	server := memcachetest.Start(t)
	for _, prefix := range []string{"", strings.Repeat("p", 207)} {
		b := newBackend(t, memcache.Config{Prefix: prefix}, server)
		key := len(prefix) + 43
		if prefix == "" {
			key += len("session:")
		}
		const header = 18 // of a record without user
		largest := 1<<20 - 59 - key - header
		for size, want := range map[int]error{largest - 1: nil, largest: nil, largest + 1: sessions.ErrTooLarge} {
			id, data := newID(), strings.Repeat("x", size)
			if err := b.Create(t.Context(), id, record(data)); !errors.Is(err, want) {
				t.Errorf("%d bytes under a key of %d: error %v, want %v", size, key, err, want)
			}
			if r, err := b.Load(t.Context(), id); want == nil && (err != nil || string(r.Data) != data) {
				t.Errorf("%d bytes under a key of %d come back as %d, error %v", size, key, len(r.Data), err)
			}
		}
	}
	// The server's limit is the same, and not one byte less.
	client := gomemcache.New(server.Addr)
	for size, ok := range map[int]bool{1<<20 - 59 - 1: true, 1<<20 - 59: false} {
		if err := client.Set(&gomemcache.Item{Key: "k", Value: make([]byte, size)}); (err == nil) != ok {
			t.Errorf("the server keeps %d bytes under a key of one: error %v", size, err)
		}
	}
}

// TestSmallerItems checks that the error of a server with a smaller item limit says so.
func TestSmallerItems(t *testing.T) {
	b := newBackend(t, memcache.Config{}, memcachetest.Start(t, "-I", "512k"))
	id := newID()
	if err := b.Create(t.Context(), id, record("small")); err != nil {
		t.Fatal(err)
	}
	r, err := b.Load(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	r.Data = make([]byte, 600<<10)
	if _, err := b.Update(t.Context(), id, r); !errors.Is(err, sessions.ErrTooLarge) {
		t.Errorf("Update: error %v", err)
	}
	if err := b.Create(t.Context(), newID(), r); !errors.Is(err, sessions.ErrTooLarge) {
		t.Errorf("Create: error %v", err)
	}
	if r, err := b.Load(t.Context(), id); err != nil || string(r.Data) != "small" {
		t.Errorf("Load: %d bytes, error %v; want what was there", len(r.Data), err)
	}
}

// TestServerWithoutCAS has a server without versions, on which every update would be
// unconditional.
func TestServerWithoutCAS(t *testing.T) {
	b := newBackend(t, memcache.Config{}, memcachetest.Start(t, "-C"))
	id := newID()
	if err := b.Create(t.Context(), id, record("data")); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Load(t.Context(), id); err == nil || !strings.Contains(err.Error(), "start memcached without -C") {
		t.Errorf("error %v", err)
	}
}
