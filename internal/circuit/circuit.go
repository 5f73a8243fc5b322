// Package circuit keeps callers from waiting for a server that others have waited for in
// vain.
package circuit

import (
	"sync"
	"sync/atomic"
	"time"
)

const (
	// TripAfter is how many timeouts in a row open a Circuit.
	TripAfter = 3
	// MaxPause is the longest pause between two commands that try an open one. The first
	// is shorter, and doubles to it.
	MaxPause   = time.Second
	firstPause = 100 * time.Millisecond
)

// A Circuit stops asking a server that does not answer: after three timeouts in a row
// all commands fail at once, but for one that tries the server after each pause, until
// that one is answered. So a hung server costs a timeout a second, not one per request.
//
// In a row means one after the other: a timeout counts only if its command began after
// the last one was counted. Many commands that wait in one short stall are one timeout.
//
// It is safe for concurrent use, and the commands of a healthy server write nothing
// that they share.
type Circuit struct {
	timeouts atomic.Int32 // in a row; changed under mu

	mu      sync.Mutex
	counted time.Time // when the last timeout was counted
	next    time.Time // when a command may try the server
	trying  bool      // one does
}

// Allow reports whether a command may be sent. If so, its caller must report what became
// of it, and hand on when it began.
func (c *Circuit) Allow() (began time.Time, ok bool) {
	began = time.Now()
	if c.timeouts.Load() < TripAfter {
		return began, true
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	began = time.Now() // after the last timeout was counted: this one will count
	if c.timeouts.Load() < TripAfter {
		return began, true
	}
	if c.trying || began.Before(c.next) {
		return began, false
	}
	c.trying = true
	return began, true
}

// Report says whether a command that was allowed timed out.
func (c *Circuit) Report(began time.Time, timedOut bool) {
	if !timedOut && c.timeouts.Load() == 0 {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case !timedOut:
		c.timeouts.Store(0)
		c.trying = false
	case !began.Before(c.counted):
		c.counted = time.Now()
		c.trying = false
		if n := c.timeouts.Add(1); n >= TripAfter {
			c.next = c.counted.Add(min(firstPause<<min(n-TripAfter, 10), MaxPause))
		}
	}
}

// Leave is in place of Report for a command that its caller has given up, which says
// nothing of the server.
func (c *Circuit) Leave() {
	if c.timeouts.Load() == 0 {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.trying = false
}
