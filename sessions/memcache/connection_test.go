package memcache_test

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/webapp2go/webapp2go/internal/memcachetest"
	"github.com/webapp2go/webapp2go/sessions"
	"github.com/webapp2go/webapp2go/sessions/memcache"
)

// TestBrokenConnections closes a connection that has been used before, as a restart, a firewall
// or memcached's own idle_timeout does, before or after the server has carried out a command.
func TestBrokenConnections(t *testing.T) {
	server := memcachetest.Start(t)
	direct := newBackend(t, memcache.Config{}, server)
	p := newProxy(t, server)

	type state struct {
		b  *memcache.Backend
		id string
		r  sessions.Record // of id, as it is loaded
	}
	write := func(t *testing.T, b sessions.Backend, id, data string) {
		r, err := b.Load(t.Context(), id)
		if err == nil {
			r.Data = []byte(data)
			_, err = b.Update(t.Context(), id, r)
		}
		if err != nil {
			t.Errorf("the other writer: %v", err)
		}
	}
	update := func(t *testing.T, s *state) error {
		s.r.Data = []byte("ours")
		version, err := s.b.Update(t.Context(), s.id, s.r)
		if err != nil {
			return err
		}
		// The version is valid for another update.
		s.r.Version = version
		s.r.Data = []byte("ours again")
		_, err = s.b.Update(t.Context(), s.id, s.r)
		return err
	}
	create := func(t *testing.T, s *state) error {
		s.id = newID()
		return s.b.Create(t.Context(), s.id, record("ours"))
	}
	createTaken := func(t *testing.T, s *state) error { return s.b.Create(t.Context(), s.id, record("ours")) }
	load := func(t *testing.T, s *state) error { _, err := s.b.Load(t.Context(), s.id); return err }
	remove := func(t *testing.T, s *state) error { return s.b.Delete(t.Context(), s.id) }
	otherWrites := func(t *testing.T, s *state) { write(t, direct, s.id, "theirs") }
	otherDeletes := func(t *testing.T, s *state) {
		if err := direct.Delete(t.Context(), s.id); err != nil {
			t.Error(err)
		}
	}

	unknown := errors.New("any other error")
	for name, c := range map[string]struct {
		verb       string
		carriedOut bool
		meanwhile  func(*testing.T, *state) // before the client knows
		do         func(*testing.T, *state) error
		want       error
		data       string // the record in the end; if empty, none
	}{
		"get":                            {"gets", false, nil, load, nil, "first"},
		"get, reply lost":                {"gets", true, nil, load, nil, "first"},
		"delete":                         {"delete", false, nil, remove, nil, ""},
		"delete, reply lost":             {"delete", true, nil, remove, nil, ""},
		"add":                            {"add", false, nil, create, nil, "ours"},
		"add, reply lost":                {"add", true, nil, create, nil, "ours"},
		"add over another":               {"add", false, nil, createTaken, sessions.ErrExists, "first"},
		"add over another, reply lost":   {"add", true, nil, createTaken, sessions.ErrExists, "first"},
		"cas":                            {"cas", false, nil, update, nil, "ours again"},
		"cas, reply lost":                {"cas", true, nil, update, nil, "ours again"},
		"cas, reply lost, then deleted":  {"cas", true, otherDeletes, update, sessions.ErrNotFound, ""},
		"cas, reply lost, then replaced": {"cas", true, otherWrites, update, unknown, "theirs"},
		"cas, replaced before it":        {"cas", false, otherWrites, update, unknown, "theirs"},
		"cas, deleted before it":         {"cas", false, otherDeletes, update, sessions.ErrNotFound, ""},
	} {
		t.Run(name, func(t *testing.T) {
			p.cut.Store(nil)
			s := &state{b: newBackend(t, memcache.Config{Servers: []string{p.addr}}), id: newID()}
			if err := s.b.Create(t.Context(), s.id, record("first")); err != nil {
				t.Fatal(err)
			}
			var err error
			if s.r, err = s.b.Load(t.Context(), s.id); err != nil {
				t.Fatal(err)
			}
			p.cutOnce(c.verb, c.carriedOut, func() {
				if c.meanwhile != nil {
					c.meanwhile(t, s)
				}
			})
			err = c.do(t, s)
			if c.want != unknown && !errors.Is(err, c.want) || c.want == unknown && !isUnknown(err) {
				t.Errorf("error %v, want %v", err, c.want)
			}
			got, err := direct.Load(t.Context(), s.id)
			if string(got.Data) != c.data || (err != nil) != (c.data == "") {
				t.Errorf("%q is there, error %v; want %q", got.Data, err, c.data)
			}
		})
	}
}

// isUnknown reports whether err means that a write may or may not have been made: a caller must
// neither assume that it was made nor repeat it.
func isUnknown(err error) bool {
	return err != nil && !errors.Is(err, sessions.ErrConflict) && !errors.Is(err, sessions.ErrNotFound) && !errors.Is(err, sessions.ErrExists)
}

// TestFreshConnectionIsNotRetried checks that a connection that the server closes before its
// first reply does not count as stale, and that the command is not sent twice.
func TestFreshConnectionIsNotRetried(t *testing.T) {
	server := memcachetest.Start(t)
	direct := newBackend(t, memcache.Config{}, server)
	id := newID()
	if err := direct.Create(t.Context(), id, record("first")); err != nil {
		t.Fatal(err)
	}
	r, err := direct.Load(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	p := newProxy(t, server)
	p.cutOnce("cas", true, nil)
	b := newBackend(t, memcache.Config{Servers: []string{p.addr}})
	if _, err := b.Update(t.Context(), id, r); !isUnknown(err) {
		t.Errorf("error %v, want one that leaves it open", err)
	}
	if n := p.commands.Load(); n != 1 {
		t.Errorf("%d commands, want 1", n)
	}
}

// TestIncrementsOverBrokenConnections checks that acknowledged increments are counted, and that
// none is counted twice, although every tenth reply to a write is lost.
func TestIncrementsOverBrokenConnections(t *testing.T) {
	p := newProxy(t, memcachetest.Start(t))
	site := newSite(t, newBackend(t, memcache.Config{Servers: []string{p.addr}}))
	visitor := site.browser(t)
	visitor.want(t, "/count", 200)

	var writes atomic.Int64
	cut := func(verb string, carriedOut bool) bool {
		return verb == "cas" && carriedOut && writes.Add(1)%10 == 0
	}
	p.cut.Store(&cut)
	const writers, each = 4, 100
	var acknowledged, failed atomic.Int64
	var group sync.WaitGroup
	for range writers {
		group.Go(func() {
			for range each {
				switch status, _ := visitor.get(t, "/count"); status {
				case 200:
					acknowledged.Add(1)
				case 503:
					failed.Add(1)
				default:
					t.Errorf("status %d", status)
				}
			}
		})
	}
	group.Wait()
	p.cut.Store(nil)
	_, body := visitor.get(t, "/count")
	var n int64
	fmt.Sscan(body, &n)
	n -= 2 // the first and this one
	t.Logf("%d of %d increments were acknowledged, %d failed, %d are counted; %d replies lost", acknowledged.Load(), writers*each, failed.Load(), n, writes.Load()/10)
	if n < acknowledged.Load() || n > acknowledged.Load()+failed.Load() {
		t.Errorf("%d increments are counted, of %d acknowledged and %d that failed", n, acknowledged.Load(), failed.Load())
	}
	if acknowledged.Load() == 0 {
		t.Error("none was acknowledged")
	}
}
