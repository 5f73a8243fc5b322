package main

import (
	"fmt"
	"net/http"
	"runtime"
	"slices"
	"testing"
	"time"
)

// A comparison is what measuring a subject against the floor gave.
type comparison struct {
	ratio       float64       // the median of the pairs' ratios, subject to floor
	low, high   float64       // the quartiles of the ratios
	floor       time.Duration // the median time of a request to the floor
	subject     time.Duration // the median time of a request to the subject
	floorAllocs float64       // allocations a request
	allocs      float64
}

// A pace says how much is measured, and by which clock.
type pace struct {
	rounds int           // pairs of runs
	run    time.Duration // of one run
	clock  func() time.Duration
}

// compare measures the subject against the floor in pairs of short runs that take
// turns, because a machine is now faster and now slower: a pair feels the same
// weather, and the median forgets the pair that was interrupted. Within a pair the
// order changes from round to round. The caller keeps GOMAXPROCS at one, so that the
// garbage collector's work is paid for within the run that made it.
func compare(p pace, floor, subject *client) comparison {
	floorRequests, subjectRequests := calibrate(p, floor), calibrate(p, subject)
	ratios := make([]float64, p.rounds)
	floorTimes, subjectTimes := make([]float64, p.rounds), make([]float64, p.rounds)
	for i := range p.rounds {
		if i%2 == 0 {
			floorTimes[i] = timeOf(p, floor, floorRequests)
			subjectTimes[i] = timeOf(p, subject, subjectRequests)
		} else {
			subjectTimes[i] = timeOf(p, subject, subjectRequests)
			floorTimes[i] = timeOf(p, floor, floorRequests)
		}
		ratios[i] = subjectTimes[i] / floorTimes[i]
	}
	slices.Sort(ratios)
	return comparison{
		ratio:       quantile(ratios, 0.5),
		low:         quantile(ratios, 0.25),
		high:        quantile(ratios, 0.75),
		floor:       time.Duration(median(floorTimes)),
		subject:     time.Duration(median(subjectTimes)),
		floorAllocs: testing.AllocsPerRun(200, floor.once),
		allocs:      testing.AllocsPerRun(200, subject.once),
	}
}

// calibrate returns how many requests fill a run, after as many to warm up.
func calibrate(p pace, c *client) int {
	n := 16
	for timeOf(p, c, n)*float64(n) < float64(p.run)/4 {
		n *= 2
	}
	return max(16, int(float64(p.run)/timeOf(p, c, n)))
}

// timeOf returns the nanoseconds of a request, over n of them. It begins with an
// empty heap, so that nobody pays for another's garbage, and with a few requests
// that are not counted, because a collection empties the pools.
func timeOf(p pace, c *client, n int) float64 {
	runtime.GC()
	c.run(8)
	begin := p.clock()
	c.run(n)
	return float64(p.clock()-begin) / float64(n)
}

// median returns the middle of the values, which it sorts.
func median(values []float64) float64 {
	slices.Sort(values)
	return quantile(values, 0.5)
}

// quantile returns the value below which the share q of sorted values lies,
// interpolated between neighbours.
func quantile(sorted []float64, q float64) float64 {
	if len(sorted) == 0 {
		return 0
	}
	at := q * float64(len(sorted)-1)
	below := int(at)
	above := min(below+1, len(sorted)-1)
	return sorted[below] + (sorted[above]-sorted[below])*(at-float64(below))
}

// compareScenario measures the scenario, and says whose answer was wrong.
func compareScenario(p pace, s scenario, subject contender) (comparison, error) {
	makeFloor, makeSubject := floor.site, subject.site
	if s.name == hello.name {
		makeFloor, makeSubject = floor.plain, subject.plain
	}
	below, err := s.newClient(makeFloor())
	if err != nil {
		return comparison{}, fmt.Errorf("%s: %w", floor.name, err)
	}
	above, err := s.newClient(makeSubject())
	if err != nil {
		return comparison{}, fmt.Errorf("%s: %w", subject.name, err)
	}
	return compare(p, below, above), nil
}

// compareOurs measures a scenario of ours alone beside one of the floor.
func compareOurs(p pace, of, ours scenario, site http.Handler) (comparison, error) {
	below, err := of.newClient(floor.site())
	if err != nil {
		return comparison{}, fmt.Errorf("%s: %w", floor.name, err)
	}
	above, err := ours.newClient(site)
	if err != nil {
		return comparison{}, fmt.Errorf("%s: %w", ours.name, err)
	}
	return compare(p, below, above), nil
}

// compareTable measures the routing of a table of n routes.
func compareTable(p pace, n int, subject contender) (comparison, error) {
	routes := newRoutes(n)
	below, err := newTableClient(floor.table(routes), routes)
	if err != nil {
		return comparison{}, fmt.Errorf("%s: %w", floor.name, err)
	}
	above, err := newTableClient(subject.table(routes), routes)
	if err != nil {
		return comparison{}, fmt.Errorf("%s: %w", subject.name, err)
	}
	return compare(p, below, above), nil
}
