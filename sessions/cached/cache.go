package cached

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"sync"
	"time"

	"github.com/webapp2go/webapp2go/sessions"
)

// find returns the entry of id, or [sessions.ErrNotFound] if there is none that may still
// be used.
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

// fill writes what a read has found, if there still is no entry. A failure does no harm.
func (b *Backend) fill(ctx context.Context, id string, e entry) {
	ctx, cancel := context.WithTimeout(ctx, readPatience)
	defer cancel()
	_ = b.cache.Create(ctx, id, e.encode())
}

// bar keeps records of id that are older than version out of the cache.
func (b *Backend) bar(ctx context.Context, id string, version uint64) {
	b.advance(ctx, id, entry{barrier: true, version: version, until: time.Now().Add(writeHold)})
}

// advance replaces an older entry of id with e. It must not leave an older one in use: if
// it fails, it writes a barrier or deletes the entry, now or later, and has this process
// read from the store for a while. The context of the caller may have ended, as after a
// change that took too long.
func (b *Backend) advance(ctx context.Context, id string, e entry) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), writePatience)
	defer cancel()
	err := b.put(ctx, id, e)
	barrier := entry{barrier: true, version: e.version, until: e.until}
	if errors.Is(err, sessions.ErrTooLarge) { // too large for the cache, not for the store
		err = b.put(ctx, id, barrier)
	}
	if err == nil {
		return
	}
	b.traces.of(id).doubt(time.Now().Add(writeHold))
	// For other processes, which would read the older entry for up to a minute.
	if err := b.cache.Delete(ctx, id); err != nil {
		b.putLater(id, barrier)
	}
}

// The limits for entries that this process could not invalidate yet.
const (
	maxLate      = 1024 // how many barriers wait; if there are more, their entries end by themselves
	maxFailures  = 16   // in one round; the others wait for the next round
	firstPause   = 100 * time.Millisecond
	longestPause = time.Second // between two rounds; the first pause doubles to it
)

// late holds the barriers that could not be written yet, by id. Each waits until it is
// written, or until the entry that it should replace ends by itself, after a minute at
// most.
type late struct {
	mu       sync.Mutex
	barriers map[string]entry
	running  bool // a goroutine writes them
}

// putLater has a goroutine write a barrier as soon as the cache allows. The goroutine
// ends when no barrier is left.
func (b *Backend) putLater(id string, barrier entry) {
	b.late.mu.Lock()
	defer b.late.mu.Unlock()
	old, waits := b.late.barriers[id]
	if waits && !barrier.follows(old) || !waits && len(b.late.barriers) >= maxLate {
		return
	}
	if b.late.barriers == nil {
		b.late.barriers = map[string]entry{}
	}
	b.late.barriers[id] = barrier
	if !b.late.running {
		b.late.running = true
		go b.putLate()
	}
}

func (b *Backend) putLate() {
	for pause := firstPause; ; pause = min(2*pause, longestPause) {
		time.Sleep(pause)
		barriers := b.late.waiting()
		if barriers == nil {
			return
		}
		failures := 0
		for id, barrier := range barriers { // in random order, so that one dead server of several does not hold up every round
			ctx, cancel := context.WithTimeout(context.Background(), readPatience)
			err := b.put(ctx, id, barrier)
			cancel()
			if err == nil {
				b.late.done(id, barrier)
			} else if failures++; failures == maxFailures {
				break
			}
		}
	}
}

// waiting returns a copy of the barriers that are still needed. If it returns nil, there
// are none, and the goroutine that calls it must end.
func (l *late) waiting() map[string]entry {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	maps.DeleteFunc(l.barriers, func(_ string, e entry) bool { return !now.Before(e.until) })
	if len(l.barriers) == 0 {
		l.barriers, l.running = nil, false
		return nil
	}
	return maps.Clone(l.barriers)
}

// done removes a barrier, unless a later one waits for the same id by now.
func (l *late) done(id string, barrier entry) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if now := l.barriers[id]; now.version == barrier.version && now.until.Equal(barrier.until) {
		delete(l.barriers, id)
	}
}

// put writes e, unless e does not follow what the cache has.
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
	return fmt.Errorf("sessions/cached: other writers change the cache again and again: %w", err)
}
