package memcache_test

import (
	"github.com/webapp2go/webapp2go/internal/memcachetest"
	"github.com/webapp2go/webapp2go/sessions/memcache"
	"testing"
	"time"
)

// newBackend returns a backend over servers. Its timeout is long: a test that waits for
// one says so itself.
func newBackend(t testing.TB, c memcache.Config, servers ...*memcachetest.Server) *memcache.Backend {
	t.Helper()
	for _, s := range servers {
		c.Servers = append(c.Servers, s.Addr)
	}
	if c.Timeout == 0 {
		c.Timeout = 10 * time.Second
	}
	b, err := memcache.New(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.Close() })
	return b
}
