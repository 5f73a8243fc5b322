package circuit

import (
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// allowed returns how many of 20 commands at once the circuit lets through, and when the
// last of those began.
func allowed(c *Circuit) (n int, began time.Time) {
	var group sync.WaitGroup
	var count atomic.Int64
	var last atomic.Value
	for range 20 {
		group.Go(func() {
			if began, ok := c.Allow(); ok {
				count.Add(1)
				last.Store(began)
			}
		})
	}
	group.Wait()
	began, _ = last.Load().(time.Time)
	return int(count.Load()), began
}

// TestCircuit: three timeouts in a row open the circuit. Then one command tries the
// server, 100 ms after the last timeout at first, twice as long after each one that is
// not answered, and never more than a second.
func TestCircuit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const timeout = 50 * time.Millisecond
		var c Circuit
		want := func(when string, n int) (began time.Time) {
			t.Helper()
			got, began := allowed(&c)
			if got != n {
				t.Errorf("%s: %d of 20 commands are allowed, want %d", when, got, n)
			}
			return began
		}
		silent := func(when string) {
			t.Helper()
			began := want(when, 20)
			time.Sleep(timeout)
			c.Report(began, true)
		}

		silent("at first")
		silent("after a timeout")
		c.Report(want("after two timeouts", 20), false)
		silent("after an answer")
		silent("after an answer and a timeout")
		silent("after an answer and two timeouts")
		for _, pause := range []time.Duration{100, 200, 400, 800, 1000, 1000, 1000} {
			pause *= time.Millisecond
			want("when it has opened", 0)
			time.Sleep(pause - time.Nanosecond)
			want("just before "+pause.String(), 0)
			time.Sleep(time.Nanosecond)
			began := want("after "+pause.String(), 1)
			want("while that one is out", 0)
			time.Sleep(time.Minute)
			want("while that one is out for a minute", 0)
			c.Report(began, true)
		}
		time.Sleep(time.Second)
		c.Report(want("after another second", 1), false)
		silent("when it was answered")
		silent("after one timeout more")
		silent("after two timeouts more")
		want("when it has opened again", 0)
		time.Sleep(100 * time.Millisecond)
		want("after 100 ms again", 1)
	})
}

// TestCircuitCountsAStallOnce: commands that wait at the same time learn of the same
// silence. Only one that began after the last counted timeout tells more.
func TestCircuitCountsAStallOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const timeout = 100 * time.Millisecond
		var c Circuit
		for round := range 3 {
			var began []time.Time
			for range 50 {
				b, ok := c.Allow()
				if !ok {
					t.Fatalf("round %d: the circuit is open", round)
				}
				began = append(began, b)
				time.Sleep(time.Millisecond)
			}
			time.Sleep(timeout)
			for _, b := range began {
				c.Report(b, true)
			}
		}
		if n, _ := allowed(&c); n != 0 {
			t.Errorf("%d commands are allowed after three rounds of silence", n)
		}
	})
}
