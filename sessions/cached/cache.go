package cached

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/webapp2go/webapp2go/sessions"
)

// find returns the entry of id that is still in use, or [sessions.ErrNotFound].
func (b *Backend) find(ctx context.Context, id string) (entry, error) {
	ctx, cancel := context.WithTimeout(ctx, readPatience)
	defer cancel()
	r, err := b.cache.Load(ctx, id)
	if err != nil {
		return entry{}, err
	}
	e, err := decode(r.Data)
	if err == nil && !time.Now().Before(e.until) {
		return entry{}, sessions.ErrNotFound
	}
	return e, err
}

// fill keeps what a read has found, where there still is nothing. That it fails is
// no harm.
func (b *Backend) fill(ctx context.Context, id string, e entry) {
	ctx, cancel := context.WithTimeout(ctx, readPatience)
	defer cancel()
	_ = b.cache.Create(ctx, id, e.encode())
}

// bar keeps records of id that are older than version out of the cache.
func (b *Backend) bar(ctx context.Context, id string, version uint64) {
	b.advance(ctx, id, entry{barrier: true, version: version, until: time.Now().Add(writeHold)})
}

// advance brings the entry of id forward to e. It must not leave an older one in
// use: where it fails it puts up a barrier, or deletes the entry, and has this
// process ask the store for a while. The caller's context may be over, as after a
// change that took too long.
func (b *Backend) advance(ctx context.Context, id string, e entry) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), writePatience)
	defer cancel()
	err := b.put(ctx, id, e)
	if errors.Is(err, sessions.ErrTooLarge) { // for the cache, not for the store
		err = b.put(ctx, id, entry{barrier: true, version: e.version, until: e.until})
	}
	if err == nil {
		return
	}
	b.traces.of(id).doubt(time.Now().Add(writeHold))
	_ = b.cache.Delete(ctx, id) // for the other processes; what remains is over in a minute
}

// put writes e unless the cache holds something that e does not follow.
func (b *Backend) put(ctx context.Context, id string, e entry) error {
	next := e.encode()
	var err error
	for range 10 { // others write too, but few of them
		var now sessions.Record
		now, err = b.cache.Load(ctx, id)
		switch {
		case err == nil:
			if old, err := decode(now.Data); err == nil && !e.follows(old) {
				return nil
			}
			next.Version = now.Version
			_, err = b.cache.Update(ctx, id, next)
		case errors.Is(err, sessions.ErrNotFound):
			err = b.cache.Create(ctx, id, next)
		}
		switch {
		case errors.Is(err, sessions.ErrConflict), errors.Is(err, sessions.ErrExists), errors.Is(err, sessions.ErrNotFound):
		default:
			return err
		}
	}
	return fmt.Errorf("sessions/cached: the cache changes all the time: %w", err)
}
