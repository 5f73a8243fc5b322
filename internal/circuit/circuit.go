// Package circuit makes commands fail at once while a server does not respond.
package circuit

import (
	"sync"
	"sync/atomic"
	"time"
)

const (
	// TripAfter is how many timeouts in a row open a Circuit.
	TripAfter = 3
	// MaxPause is the longest pause between two commands that try an open Circuit. The
	// first pause is shorter; each doubles the one before.
	MaxPause   = time.Second
	firstPause = 100 * time.Millisecond
)

// A Circuit opens when a server does not respond: after three timeouts in a row all
// commands fail at once, except one that tries the server after each pause, until the
// server responds. So a server that hangs costs one timeout a second, not one for each
// request.
//
// A timeout counts only if its command began after the last timeout was counted. So many
// commands that wait during one short stall count as one timeout.
//
// It is safe for concurrent use. Commands of a healthy server do not write to shared
// memory.
type Circuit struct {
	timeouts atomic.Int32 // in a row; changed under mu

	mu      sync.Mutex
	counted time.Time // when the last timeout was counted
	next    time.Time // when a command may try the server
	trying  bool      // a command is trying it
}

// Allow reports whether a command may be sent. If so, the caller must call Report or
// Leave, and give Report the time that Allow returned.
func (c *Circuit) Allow() (began time.Time, ok bool) {
	began = time.Now()
	if c.timeouts.Load() < TripAfter {
		return began, true
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	began = time.Now() // after the last timeout was counted, so that this one counts
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

// Leave is called instead of Report for a command that its caller has given up, which
// says nothing about the server.
func (c *Circuit) Leave() {
	if c.timeouts.Load() == 0 {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.trying = false
}
