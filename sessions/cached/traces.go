package cached

import (
	"hash/maphash"
	"sync/atomic"
	"time"
)

// traces are what this process remembers of the changes it has made itself, so that
// it never reads its own past from the cache. An id shares its trace with one in 4096
// others, which then now and then are read from the store without need: that bounds
// the memory, 64 KB, and spares a lock. The zero value is ready.
type traces [4096]trace

type trace struct {
	changes atomic.Uint32 // counts the changes that the store has made; their entries come after
	doubted atomic.Int64  // until when the cache is not to be read, in nanoseconds of Unix time
}

// of returns the trace of an id.
func (t *traces) of(id string) *trace { return &t[maphash.String(seed, id)%uint64(len(t))] }

var seed = maphash.MakeSeed()

// doubt says that the cache could not be brought up to date.
func (t *trace) doubt(until time.Time) {
	for {
		old := t.doubted.Load()
		if old >= until.UnixNano() || t.doubted.CompareAndSwap(old, until.UnixNano()) {
			return
		}
	}
}

func (t *trace) inDoubt(now time.Time) bool { return now.UnixNano() < t.doubted.Load() }
