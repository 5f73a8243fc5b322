package memcache_test

import (
	"testing"

	"github.com/webapp2go/webapp2go/internal/memcachetest"
	"github.com/webapp2go/webapp2go/sessions"
	"github.com/webapp2go/webapp2go/sessions/memcache"
	"github.com/webapp2go/webapp2go/sessions/sessionstest"
)

func TestConformance(t *testing.T) {
	one := memcachetest.Start(t)
	sessionstest.Run(t, func(t *testing.T) sessions.Backend { return newBackend(t, memcache.Config{}, one) })
}

func TestPlace(t *testing.T) {
	one := memcachetest.Start(t)
	sessionstest.RunPlace(t, sessionstest.Place{
		Open: func(t *testing.T) sessions.Backend { return newBackend(t, memcache.Config{}, one) },
		Breakable: func(t *testing.T, cut func(done bool) bool) sessions.Backend {
			return newBackend(t, memcache.Config{Servers: []string{sessionstest.Proxy(t, "unix", one.Addr, cut)}})
		},
		Small: func(t *testing.T) (sessions.Backend, func()) {
			b := newBackend(t, memcache.Config{}, memcachetest.Start(t, "-m", "2", "-M")) // MiB; -M: refuse, do not evict
			return b, func() {
				for range 1000 {
					if err := b.Create(t.Context(), newID(), record(string(make([]byte, 10_000)))); err != nil {
						break
					}
				}
			}
		},
	})
}
