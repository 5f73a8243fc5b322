package main

import (
	"encoding/json"
	"errors"
	"io"
	"time"
)

// An order asks the load generator for one run.
type order struct {
	Addr        string        // of the server
	Request     string        // as it goes over the wire
	Want        string        // the body of every answer
	Connections int           // kept open, each with one request at a time
	Warm, Run   time.Duration // what comes before is not counted
}

// A yield is what a run gave.
type yield struct {
	Requests int           // answered within the run, each with status 200 and the body wanted
	Taken    time.Duration // the run's length as it was
	Busy     float64       // the share of its core that the generator used
	Error    string
}

// generateLoad obeys the orders on r and writes a yield for each to w, as JSON,
// until r ends.
func generateLoad(r io.Reader, w io.Writer) error {
	orders, yields := json.NewDecoder(r), json.NewEncoder(w)
	for {
		var o order
		if err := orders.Decode(&o); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		y, err := o.run()
		if err != nil {
			y.Error = err.Error()
		}
		if err := yields.Encode(y); err != nil {
			return err
		}
	}
}

// run keeps all connections busy, first for Warm and then for Run.
func (o order) run() (yield, error) {
	lines := make([]*line, o.Connections)
	for i := range lines {
		l, err := dialLine(o)
		if err != nil {
			return yield{}, err
		}
		defer l.close()
		lines[i] = l
	}
	if _, _, err := drive(lines, o.Warm); err != nil {
		return yield{}, err
	}
	used := processorTime()
	requests, taken, err := drive(lines, o.Run)
	return yield{Requests: requests, Taken: taken, Busy: float64(processorTime()-used) / float64(taken)}, err
}

// drive sends requests on all lines for the time given, and counts the answers. It
// goes round the lines, reads an answer where it stands and sends the next request:
// two system calls a request in one thread, so that the server is the bottleneck.
func drive(lines []*line, long time.Duration) (requests int, taken time.Duration, err error) {
	begin := time.Now()
	for _, l := range lines {
		if err := l.send(); err != nil {
			return 0, 0, err
		}
	}
	for taken < long {
		for _, l := range lines {
			if err := l.receive(); err != nil {
				return 0, 0, err
			}
			if err := l.send(); err != nil {
				return 0, 0, err
			}
		}
		requests += len(lines)
		taken = time.Since(begin)
	}
	for _, l := range lines { // what is still on its way is not counted
		if err := l.receive(); err != nil {
			return 0, 0, err
		}
	}
	return requests, taken, nil
}

// loadGenerator is a process that generates load, seen from its parent.
type loadGenerator struct{ process *process }

// run sends the order and waits for the yield.
func (g loadGenerator) run(o order) (yield, error) {
	if err := json.NewEncoder(g.process.stdin).Encode(o); err != nil {
		return yield{}, err
	}
	text, err := g.process.line()
	if err != nil {
		return yield{}, err
	}
	var y yield
	if err := json.Unmarshal([]byte(text), &y); err != nil {
		return yield{}, err
	}
	if y.Error != "" {
		return yield{}, errors.New(y.Error)
	}
	return y, nil
}
