package memcache_test

import (
	"strings"
	"testing"

	"github.com/webapp2go/webapp2go/internal/memcachetest"
	"github.com/webapp2go/webapp2go/sessions/memcache"
)

// BenchmarkLoad and BenchmarkUpdate measure one caller's round trips to a server on the same
// machine, with a record of 1 KiB.
func BenchmarkLoad(b *testing.B) {
	backend, id := newBackend(b, memcache.Config{}, memcachetest.Start(b)), newID()
	if err := backend.Create(b.Context(), id, record(strings.Repeat("x", 1<<10))); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := backend.Load(b.Context(), id); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkUpdate(b *testing.B) {
	backend, id := newBackend(b, memcache.Config{}, memcachetest.Start(b)), newID()
	if err := backend.Create(b.Context(), id, record(strings.Repeat("x", 1<<10))); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() { // as in a request: a get and a cas
		r, err := backend.Load(b.Context(), id)
		if err == nil {
			_, err = backend.Update(b.Context(), id, r)
		}
		if err != nil {
			b.Fatal(err)
		}
	}
}
