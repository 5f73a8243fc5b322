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
