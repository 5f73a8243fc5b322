package valkey_test

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"testing"
	"time"

	"github.com/webapp2go/webapp2go/internal/redistest"
	"github.com/webapp2go/webapp2go/sessions"
	"github.com/webapp2go/webapp2go/sessions/sessionstest"
	"github.com/webapp2go/webapp2go/sessions/valkey"
)

// newBackend returns a backend for servers. Unless the timeout is set it is long, so that a
// busy machine does not cause a failure.
func newBackend(t testing.TB, c valkey.Config, servers ...*redistest.Server) *valkey.Backend {
	t.Helper()
	for _, s := range servers {
		c.Addrs = append(c.Addrs, s.Addr)
	}
	if c.Timeout == 0 {
		c.Timeout = 10 * time.Second
	}
	b, err := valkey.New(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.Close() })
	return b
}

func newID() string {
	var id [32]byte
	rand.Read(id[:])
	return base64.RawURLEncoding.EncodeToString(id[:])
}

func record(data string) sessions.Record {
	return sessions.Record{Data: []byte(data), Expires: time.Now().Add(time.Hour)}
}

func create(t testing.TB, b sessions.Backend, r sessions.Record) (id string) {
	t.Helper()
	id = newID()
	if err := b.Create(t.Context(), id, r); err != nil {
		t.Fatalf("Create: %v", err)
	}
	return id
}

func load(t testing.TB, b sessions.Backend, id string) sessions.Record {
	t.Helper()
	r, err := b.Load(t.Context(), id)
	if err != nil {
		t.Fatalf("Load: %v", err)
	}
	return r
}

func TestConformance(t *testing.T) {
	t.Parallel()
	b := newBackend(t, valkey.Config{}, redistest.Start(t))
	sessionstest.Run(t, func(*testing.T) sessions.Backend { return b })
}

func TestConformanceInCluster(t *testing.T) {
	t.Parallel()
	b := newBackend(t, valkey.Config{}, redistest.Cluster(t)...)
	sessionstest.Run(t, func(*testing.T) sessions.Backend { return b })
}

func TestPlace(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	b := newBackend(t, valkey.Config{}, server)
	sessionstest.RunPlace(t, sessionstest.Place{
		Open: func(*testing.T) sessions.Backend { return b },
		Breakable: func(t *testing.T, cut func(done bool) bool) sessions.Backend {
			return newBackend(t, valkey.Config{Addrs: []string{sessionstest.Proxy(t, "tcp", server.Addr, cut)}})
		},
		LoseIndex: func(t *testing.T, user string) { valkey.LoseIndex(t, b, user) },
		Small: func(t *testing.T) (sessions.Backend, func()) {
			b := newBackend(t, valkey.Config{}, redistest.Start(t, "--maxmemory", "4mb"))
			return b, func() { fill(t, b) }
		},
	})
}

func TestPlaceInCluster(t *testing.T) {
	t.Parallel()
	b := newBackend(t, valkey.Config{}, redistest.Cluster(t)...)
	sessionstest.RunPlace(t, sessionstest.Place{
		Open:      func(*testing.T) sessions.Backend { return b },
		LoseIndex: func(t *testing.T, user string) { valkey.LoseIndex(t, b, user) },
	})
}

// fill makes records until there is no room for one more, large or small.
func fill(t *testing.T, b sessions.Backend) {
	for _, size := range []int{10_000, 100} {
		var err error
		for i := 0; err == nil; i++ {
			if i == 10_000 {
				t.Fatal("it is never full")
			}
			err = b.Create(t.Context(), newID(), record(string(bytes.Repeat([]byte("x"), size))))
		}
		t.Logf("full: %v", err)
	}
}
