package main

import (
	"context"
	"flag"
	"runtime"
	"syscall"
	"testing"
	"time"
)

// A pair is a floor and a subject, ready to be measured. The functions floor and subject
// each make one run and return the nanoseconds per request.
type pair struct {
	floor, subject func() (float64, error)
	finish         func(*result) error // adds figures that the runs do not return; may be nil
	close          func()              // may be nil
}

// measure runs floor and subject alternately, because the speed of a machine varies: both
// runs of a pair have nearly the same conditions, and the median ignores a pair that was
// disturbed. The order changes from pair to pair.
func (p pair) measure(ctx context.Context, rounds int, r *result) error {
	for i := range rounds {
		if err := ctx.Err(); err != nil {
			return err
		}
		first, second := p.floor, p.subject
		if i%2 == 1 {
			first, second = second, first
		}
		a, err := first()
		if err != nil {
			return err
		}
		b, err := second()
		if err != nil {
			return err
		}
		if i%2 == 1 {
			a, b = b, a
		}
		r.Floor, r.Subject = append(r.Floor, a), append(r.Subject, b)
	}
	if p.finish != nil {
		return p.finish(r)
	}
	return nil
}

// servedPair measures two clients that yield as a server does. The caller must keep
// GOMAXPROCS at 1, so that the garbage collector's work is part of the run that caused
// it.
func servedPair(floor, subject *client, run time.Duration, clock func() time.Duration) pair {
	floor.yields, subject.yields = true, true
	return pair{floor: runsOf(floor, run, clock), subject: runsOf(subject, run, clock)}
}

// runsOf returns a function that makes one run of the client. A run begins with a garbage
// collection, so that no contender pays for another's garbage. A few requests that are
// not counted follow, because the collection empties the pools.
func runsOf(c *client, run time.Duration, clock func() time.Duration) func() (float64, error) {
	timeOf := func(n int) float64 {
		runtime.GC()
		c.run(8)
		begin := clock()
		c.run(n)
		return float64(clock() - begin)
	}
	fill := 0 // the number of requests that fill a run
	return func() (float64, error) {
		if fill == 0 {
			n := 16
			for timeOf(n) < float64(run)/4 {
				n *= 2
			}
			fill = max(16, int(float64(n)*float64(run)/timeOf(n)))
		}
		return timeOf(fill) / float64(fill), nil
	}
}

// plainPair measures two clients as benchmarks of package testing do: without yielding,
// and with a writer that has only the methods of http.ResponseWriter.
func plainPair(floor, subject *client, run time.Duration) pair {
	floor.bare, subject.bare = true, true
	testing.Init()
	timeOf := func(c *client) func() (float64, error) {
		return func() (ns float64, err error) {
			err = flag.Set("test.benchtime", run.String())
			testing.Benchmark(func(b *testing.B) { // its last call is the longest
				begin := processorTime()
				c.run(b.N)
				ns = float64(processorTime()-begin) / float64(b.N)
			})
			return ns, err
		}
	}
	return pair{floor: timeOf(floor), subject: timeOf(subject)}
}

// allocations adds the allocations of a request.
func allocations(floor, subject *client) func(*result) error {
	return func(r *result) error {
		r.Allocations = []float64{testing.AllocsPerRun(200, floor.once), testing.AllocsPerRun(200, subject.once)}
		return nil
	}
}

// processorTime is the clock for runs that do not wait for another process. It returns
// the processor time that this process has used, including the garbage collector's. It
// does not advance while other processes have the core.
func processorTime() time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		panic(err) // cannot happen: the arguments are constant and valid
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

var began = time.Now()

// passedTime is the clock for runs that wait for another process.
func passedTime() time.Duration { return time.Since(began) }
