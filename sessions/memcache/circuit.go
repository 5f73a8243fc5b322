package memcache

import (
	"sync/atomic"
	"time"
)

const (
	tripAfter = 3           // timeouts in a row
	openFor   = time.Second // between two commands that try whether the server is back
)

// A circuit stops asking a server that does not answer: after three timeouts in a row
// all commands fail at once, but for one each second that tries the server, until that
// one is answered. So a hung server costs a timeout a second, not one per request.
//
// It is safe for concurrent use, and the commands of a healthy server write nothing
// that they share.
type circuit struct {
	timeouts atomic.Int32 // in a row
	next     atomic.Int64 // when the server is tried again, as sinceStart
}

// processStart is what sinceStart counts from: a clock that is set does not move it.
var processStart = time.Now()

func sinceStart() int64 { return int64(time.Since(processStart)) }

// allow reports whether a command may be sent.
func (c *circuit) allow() bool {
	if c.timeouts.Load() < tripAfter {
		return true
	}
	now, next := sinceStart(), c.next.Load()
	return now >= next && c.next.CompareAndSwap(next, now+int64(openFor))
}

// report says whether a command timed out.
func (c *circuit) report(timedOut bool) {
	switch {
	case timedOut:
		c.next.Store(sinceStart() + int64(openFor))
		c.timeouts.Add(1)
	case c.timeouts.Load() != 0:
		c.timeouts.Store(0)
	}
}
