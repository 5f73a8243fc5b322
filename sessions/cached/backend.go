// Package cached puts a fast [sessions.Backend] that may lose records in front of a slow
// one that keeps them: memcached or Valkey in front of Datastore or a SQL database.
//
//	cache, err := memcache.New(memcache.Config{Servers: servers})
//	...
//	backend := cached.New(cache, datastore.New(client, datastore.Config{}))
//
// The slow one is called the store, and it alone decides: every change is made there
// first. The cache only saves reads of the store. It may be down, stale, flushed or
// restarted at any time: sessions get slower, and nothing is lost.
//
//   - A read that finds an entry in the cache does not call the store. A read that finds none
//     asks the store, and fills the cache by Create (memcached's add).
//   - After a change the entry is replaced by a newer version, never by an older one.
//   - A stale entry costs a retry: the store refuses a change of the old version, and the
//     entry is invalidated before the caller reads again.
//   - When a session ends, a barrier takes its place in the cache for a minute, so that a
//     slow read cannot fill the cache with what it read before.
//   - An entry is used for at most a minute.
//
// # Stale reads
//
// If a process changes a session in the store and cannot reach the cache, it reads that
// session from the store for the next minute, and tries at least once a second to
// invalidate the old entry. Until it succeeds, other processes that reach the cache may
// read the old session there, for example as it was before a logout. If the process
// stops, or if more than a thousand sessions wait, the old entry stays until it is a
// minute old. No change can be based on it, because the store refuses such a change. The
// same can happen if the cache is flushed between a change in one process and the end of
// a read in another.
//
// # Costs
//
// Load is one get, and after a miss one Load of the store and one add. Update is the
// Update of the store, one get, and one compare-and-swap or add. Delete is the same.
// Create does not use the cache. What a cache costs that is down depends on its package:
// memcache does not ask a silent server for a while.
//
// The example of [New] is a site with such a Backend.
package cached

import (
	"context"
	"errors"
	"math"
	"time"

	"github.com/webapp2go/webapp2go/sessions"
)

const (
	// writeHold is how long an entry that a change has written is used, barriers
	// included.
	writeHold = 60 * time.Second
	// fillHold is how long an entry that a read has written is used, from the beginning
	// of the read. It is shorter than writeHold, by the time that a change may take and
	// that clocks may differ, so that an entry written late never outlives a barrier that
	// it missed.
	fillHold = 50 * time.Second
	// readPatience is how long a read waits for the cache before it asks the store.
	readPatience = 250 * time.Millisecond
	// writePatience is how long a change waits for the cache after the store has made it.
	// It is longer, because other processes read an entry that stays out of date.
	writePatience = 2 * time.Second
)

// A Backend is a store with a cache in front of it. It is safe for concurrent use, by any
// number of processes that share both. Make one with [New].
//
// Sessions and EndUser need a store that is a [sessions.UserBackend]. With any other they
// return an error that wraps [errors.ErrUnsupported].
type Backend struct {
	cache, store sessions.Backend
	traces       traces
	late         late
}

var _ sessions.UserBackend = (*Backend)(nil)

// New returns a Backend that keeps sessions in store and copies of them in cache. Nothing
// else may use the cache with the same ids. The versions of a record in the store must
// grow, as those of [sessions.NextVersion] do, so package memcache cannot be the store.
func New(cache, store sessions.Backend) *Backend {
	return &Backend{cache: cache, store: store}
}

// Load implements [sessions.Backend].
func (b *Backend) Load(ctx context.Context, id string) (sessions.Record, error) {
	if err := sessions.CheckID(id); err != nil {
		return sessions.Record{}, err
	}
	if err := ctx.Err(); err != nil {
		return sessions.Record{}, err
	}
	began, trace := time.Now(), b.traces.of(id)
	if trace.inDoubt(began) {
		return b.store.Load(ctx, id)
	}
	changes := trace.changes.Load()
	found, err := b.find(ctx, id)
	if err == nil && !found.barrier && began.Before(found.record.Expires) {
		return found.record, nil
	}
	missed := errors.Is(err, sessions.ErrNotFound)
	r, err := b.store.Load(ctx, id)
	if err != nil {
		return sessions.Record{}, err
	}
	switch e := recordEntry(r, began.Add(fillHold)); {
	case missed:
		b.fill(ctx, id, e)
	case found.barrier && e.follows(found):
		b.advance(ctx, id, e)
	default:
		return r, nil
	}
	b.barOvertaken(ctx, id, r.Version, trace, changes)
	return r, nil
}

// barOvertaken invalidates an entry of version if this process has changed the session
// since changes were counted. That change has updated the cache, but the cache may have
// lost its entry before this one was written.
func (b *Backend) barOvertaken(ctx context.Context, id string, version uint64, trace *trace, changes uint32) {
	if trace.changes.Load() != changes {
		b.bar(ctx, id, version+1)
	}
}

// Create implements [sessions.Backend]. The first read of the record writes it into the
// cache, because its version is not known before.
func (b *Backend) Create(ctx context.Context, id string, r sessions.Record) error {
	return b.store.Create(ctx, id, r)
}

// Update implements [sessions.Backend].
func (b *Backend) Update(ctx context.Context, id string, r sessions.Record) (uint64, error) {
	if err := sessions.CheckID(id); err != nil {
		return 0, err
	}
	began, trace := time.Now(), b.traces.of(id)
	changes := trace.changes.Load()
	version, err := b.store.Update(ctx, id, r)
	trace.changes.Add(1)
	switch {
	case err == nil:
		r.Version = version
		b.advance(ctx, id, recordEntry(r, began.Add(writeHold)))
		b.barOvertaken(ctx, id, version, trace, changes+1)
	case errors.Is(err, sessions.ErrTooLarge):
	case errors.Is(err, sessions.ErrNotFound):
		b.bar(ctx, id, math.MaxUint64)
	default:
		// On a conflict the version is out of date. After any other error it may be: the
		// change may have been made.
		b.bar(ctx, id, r.Version+1)
	}
	return version, err
}

// Delete implements [sessions.Backend].
func (b *Backend) Delete(ctx context.Context, id string) error {
	if err := sessions.CheckID(id); err != nil {
		return err
	}
	err := b.store.Delete(ctx, id)
	b.traces.of(id).changes.Add(1)
	b.bar(ctx, id, math.MaxUint64)
	return err
}
