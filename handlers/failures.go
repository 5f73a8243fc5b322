package handlers

import (
	"crypto/sha256"
	"strconv"
	"sync"
	"time"
)

// failures counts failed logins by who failed. It is bounded in size and in time by
// two generations: the older is forgotten when the younger is a window old or full,
// so a failure counts for one window to two. Who failed is kept as a hash, since names
// may be as long as a form. The zero value is ready; safe for concurrent use. Only
// logins take its lock.
type failures struct {
	mu      sync.Mutex
	young   map[failed]int
	old     map[failed]int
	started time.Time // of the young generation
}

// failed is the hash of who.
type failed [sha256.Size]byte

const (
	failureWindow   = 15 * time.Minute
	failureNames    = 10_000 // in a generation: about a megabyte
	defaultFailures = 10
)

// try counts a try to log in before it is made, so that tries at the same time count
// as well. It returns how long who has to wait first; 0: not at all.
func (f *failures) try(who string, most int) time.Duration {
	switch {
	case most < 0:
		return 0
	case most == 0:
		most = defaultFailures
	}
	key := failed(sha256.Sum256([]byte(who)))
	f.mu.Lock()
	defer f.mu.Unlock()
	f.turn()
	if f.young[key]+f.old[key] >= most {
		return failureWindow - time.Since(f.started)
	}
	f.young[key]++
	return 0
}

// forget drops the count of who has logged in.
func (f *failures) forget(who string) {
	key := failed(sha256.Sum256([]byte(who)))
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.young, key)
	delete(f.old, key)
}

// turn begins a new generation where one is due.
func (f *failures) turn() {
	age := time.Since(f.started)
	if age < failureWindow && len(f.young) < failureNames {
		return
	}
	f.old = f.young
	if age >= 2*failureWindow {
		f.old = nil
	}
	f.young, f.started = map[failed]int{}, time.Now()
}

const tooManyFailures = "That was wrong too often. Try again in a quarter of an hour."

// retryAfter says in the header when another try makes sense (RFC 9110 section 10.2.3).
func (h *BaseHandler) retryAfter(wait time.Duration) {
	h.Response.Header().Set("Retry-After", strconv.Itoa(int(wait.Seconds())+1))
}
