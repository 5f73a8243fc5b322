// Command bench measures webapp2go, its peers and a floor of net/http on the same
// scenarios and prints one table.
//
// A figure is the time of a request as a ratio to the floor in the same run: the
// median over pairs of short runs that take turns. The floor's own column shows its
// time. docs/performance.md says how to read the table.
package main

import (
	"flag"
	"fmt"
	"io"
	"os"
	"runtime"
	"time"
)

func main() {
	rounds := flag.Int("rounds", 31, "pairs of runs for each figure")
	var r role
	r.flags(flag.CommandLine)
	flag.Parse()
	played, err := r.play()
	if !played {
		err = measureAll(
			pace{rounds: *rounds, run: 40 * time.Millisecond, clock: processorTime},
			pace{rounds: *rounds, run: 200 * time.Millisecond, clock: passedTime},
			os.Stdout, os.Stderr)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// measureAll measures in process and over sockets at their paces, prints the table
// to out and what it is at to progress.
func measureAll(inProcess, network pace, out, progress io.Writer) error {
	runtime.GOMAXPROCS(1) // see compare
	r := newReport(inProcess, network, progress)
	for _, part := range []func() error{r.control, r.tables, r.scenarios, r.memcached, r.endToEnd} {
		if err := part(); err != nil {
			return err
		}
	}
	fmt.Fprintf(progress, "%s, %d cores, in %.0f s\n\n", runtime.Version(), runtime.NumCPU(), time.Since(began).Seconds())
	return r.table.print(out)
}
