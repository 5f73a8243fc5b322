package cached

import (
	"hash/maphash"
	"sync/atomic"
	"time"
)

// traces remember the changes that this process has made, so that it never reads from the
// cache what it has itself replaced. An id shares its trace with one in 4096 other ids,
// which are then sometimes read from the store without need. That bounds the memory to 64
// KB and needs no lock. The zero value is ready.
type traces [4096]trace

type trace struct {
	changes atomic.Uint32 // how many changes the store has made; the entries of the cache are written after that
	doubted atomic.Int64  // until when the cache is not to be read, in nanoseconds of Unix time
}

// of returns the trace of an id.
func (t *traces) of(id string) *trace { return &t[maphash.String(seed, id)%uint64(len(t))] }

var seed = maphash.MakeSeed()

// doubt notes that the cache could not be updated, so that it is not read before until.
func (t *trace) doubt(until time.Time) {
	for {
		old := t.doubted.Load()
		if old >= until.UnixNano() || t.doubted.CompareAndSwap(old, until.UnixNano()) {
			return
		}
	}
}

func (t *trace) inDoubt(now time.Time) bool { return now.UnixNano() < t.doubted.Load() }
