package cached_test

import (
	"context"
	"math/rand/v2"
	"testing"

	"github.com/webapp2go/webapp2go/sessions"
	"github.com/webapp2go/webapp2go/sessions/cached"
	"github.com/webapp2go/webapp2go/sessions/sessionstest"
)

// TestContract checks the whole contract, whatever the state of the cache.
func TestContract(t *testing.T) {
	for name, newBackend := range map[string]func(t *testing.T) sessions.Backend{
		"healthy": func(t *testing.T) sessions.Backend {
			return cached.New(sessions.NewMemory(), sessions.NewMemory())
		},
		"dead": func(t *testing.T) sessions.Backend {
			return cached.New(faulty(sessions.NewMemory(), 1), sessions.NewMemory())
		},
		"fails now and then": func(t *testing.T) sessions.Backend {
			return cached.New(faulty(sessions.NewMemory(), 0.3), sessions.NewMemory())
		},
		"forgets": func(t *testing.T) sessions.Backend {
			return cached.New(forgetful{sessions.NewMemory()}, sessions.NewMemory())
		},
		"too small": func(t *testing.T) sessions.Backend {
			return cached.New(small{sessions.NewMemory()}, sessions.NewMemory())
		},
		"shared by three processes": func(t *testing.T) sessions.Backend {
			cache, store := sessions.NewMemory(), sessions.NewMemory()
			return anyOf{cached.New(cache, store), cached.New(cache, store), cached.New(cache, store)}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sessionstest.Run(t, newBackend)
		})
	}
}

// TestContractForReal has three processes on each pair of servers.
func TestContractForReal(t *testing.T) {
	for name, pair := range map[string]func(t *testing.T) func() *cached.Backend{
		"memcached before Datastore": memcachedBeforeDatastore,
		"Valkey before PostgreSQL":   valkeyBeforePostgreSQL,
		"memcached before SQLite":    memcachedBeforeSQLite,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			newBackend := pair(t)
			b := anyOf{newBackend(), newBackend(), newBackend()}
			sessionstest.Run(t, func(*testing.T) sessions.Backend { return b })
		})
	}
}

// anyOf is a site of several processes: each call goes to one of them.
type anyOf []*cached.Backend

func (a anyOf) one() *cached.Backend { return a[rand.N(len(a))] }

func (a anyOf) Load(ctx context.Context, id string) (sessions.Record, error) {
	return a.one().Load(ctx, id)
}

func (a anyOf) Create(ctx context.Context, id string, r sessions.Record) error {
	return a.one().Create(ctx, id, r)
}

func (a anyOf) Update(ctx context.Context, id string, r sessions.Record) (uint64, error) {
	return a.one().Update(ctx, id, r)
}

func (a anyOf) Delete(ctx context.Context, id string) error { return a.one().Delete(ctx, id) }

func (a anyOf) Sessions(ctx context.Context, user string) ([]sessions.SessionInfo, error) {
	return a.one().Sessions(ctx, user)
}

func (a anyOf) EndUser(ctx context.Context, user string, except ...string) error {
	return a.one().EndUser(ctx, user, except...)
}
