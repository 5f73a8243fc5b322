// Package cached puts a fast [sessions.Backend] that may forget before a slow one
// that does not: memcached or Valkey before Datastore or a SQL database.
//
//	cache, err := memcache.New(memcache.Config{Servers: servers})
//	...
//	backend := cached.New(cache, datastore.New(client, datastore.Config{}))
//
// The store is the truth. Every change is made there first and decided there alone;
// the cache only spares reads. It may be dead, stale, flushed or restarted at any
// time: sessions get slower, and nothing is lost.
//
//   - A read that finds an entry costs no call of the store. One that does not is
//     answered by the store, and fills the cache by Create (memcached's add).
//   - After a change the entry is brought forward, never back: versions decide.
//   - A stale entry costs a retry: the store refuses the change that was made over
//     it, and the entry is put out of use before the caller reads again.
//   - Where a session was ended, a barrier stands in the cache for a minute, so that
//     a read that was under way cannot put back what it has seen before.
//   - An entry is used for at most a minute.
//
// # What the cache can still do
//
// A process that changes a session in the store but cannot reach the cache itself
// asks the store for that session for the next minute, and tries once a second or more
// often to put the old entry out of use. Other processes that reach the cache may read
// the old session there, a logout included, until that succeeds, or until the entry is a
// minute old: so it is if the process ends meanwhile, or if more than a thousand sessions
// wait. They cannot change it: the store refuses. The same may come to pass if the cache
// is flushed between a change in one process and the end of a read in another.
//
// # Costs
//
// Load is one get, and after a miss one load of the store and one add. Update is
// that of the store, one get, and one compare-and-swap or add. Delete is the same.
// Create does not touch the cache. A cache that is down costs what its own backend
// makes of it: package memcache leaves a dead server alone for a while.
package cached

import (
	"context"
	"errors"
	"math"
	"time"

	"github.com/webapp2go/webapp2go/sessions"
)

const (
	// writeHold is how long what a change left in the cache is used, barriers included.
	writeHold = 60 * time.Second
	// fillHold is how long what a read left in the cache is used, from the moment the
	// read began. It is shorter than writeHold by what a change may take and clocks may
	// differ: a fill that is late never outlives the barrier it has missed.
	fillHold = 50 * time.Second
	// readPatience bounds what a read waits for the cache before it asks the store.
	readPatience = 250 * time.Millisecond
	// writePatience bounds what a change waits for the cache after the store has made
	// it. It is longer: an entry that stays out of date misleads other processes.
	writePatience = 2 * time.Second
)

// A Backend is a store with a cache before it. It is safe for concurrent use by any
// number of processes that share both. Make one with [New].
//
// It is a [sessions.UserBackend] if the store is one; else Sessions and EndUser
// return an error that wraps [errors.ErrUnsupported].
type Backend struct {
	cache, store sessions.Backend
	traces       traces
	late         late
}

var _ sessions.UserBackend = (*Backend)(nil)

// New returns a Backend that keeps sessions in store and copies of them in cache,
// which nothing else may use under the same ids. The versions that store gives to one
// record must grow, as those of [sessions.NextVersion] do; memcached's do not.
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

// barOvertaken puts an entry of version out of use if this process has made another
// change since changes were counted. The one who made it has brought the cache forward,
// but the cache may have forgotten that before the entry came.
func (b *Backend) barOvertaken(ctx context.Context, id string, version uint64, trace *trace, changes uint32) {
	if trace.changes.Load() != changes {
		b.bar(ctx, id, version+1)
	}
}

// Create implements [sessions.Backend]. The cache learns of the record when it is
// first read: its version is not known before.
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
