package memcache

import (
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func TestCircuit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var c circuit
		allowed := func() (n int) { // of 20 commands at once
			var group sync.WaitGroup
			var count atomic.Int64
			for range 20 {
				group.Go(func() {
					if c.allow() {
						count.Add(1)
					}
				})
			}
			group.Wait()
			return int(count.Load())
		}
		want := func(when string, n int) {
			t.Helper()
			if got := allowed(); got != n {
				t.Errorf("%s: %d of 20 commands are allowed, want %d", when, got, n)
			}
		}

		want("at first", 20)
		c.report(true)
		c.report(true)
		want("after two timeouts", 20)
		c.report(false)
		c.report(true)
		c.report(true)
		want("after two more with an answer between", 20)
		c.report(true)
		want("after three in a row", 0)
		time.Sleep(openFor - 1)
		want("just before a second", 0)
		time.Sleep(time.Nanosecond)
		want("after a second", 1)
		want("while that one is out", 0)
		c.report(true)
		want("when it has failed", 0)
		time.Sleep(openFor)
		want("after another second", 1)
		time.Sleep(openFor)
		want("when that one has told nothing for a second", 1)
		c.report(false)
		want("when it was answered", 20)
	})
}
