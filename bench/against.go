package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"time"

	"golang.org/x/perf/benchmath"
)

// against compares this build with another build of the same program. It measures the
// selected rows with the two builds alternately, each time in a new process, because the
// memory layout of a process is random and affects its speed. The table shows each
// build's time as a ratio to the floor's, the ratio of the two, and the p-value of the
// Mann-Whitney U test, as benchstat does.
func against(ctx context.Context, other string, pairs int, arguments []string, out, progress io.Writer) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	ratios := map[string]*[2][]float64{} // by row and contender: the other build's and this build's
	allocations := map[string]*[2]float64{}
	var order []string
	for i := range pairs {
		if i > 0 {
			fmt.Fprintf(progress, "%d of %d pairs, %s left\n", i, pairs, about(time.Since(began)*time.Duration(pairs-i)/time.Duration(i)))
		}
		for turn := range 2 {
			build := (turn + i) % 2 // the order changes from pair to pair
			rec, err := measureBuild(ctx, []string{other, self}[build], arguments)
			if err != nil {
				return err
			}
			for _, r := range rec.Results {
				name := r.Row + ", " + r.Contender
				if ratios[name] == nil {
					ratios[name], allocations[name] = new([2][]float64), new([2]float64)
					order = append(order, name)
				}
				ratios[name][build] = append(ratios[name][build], r.ratio().median)
				if r.Allocations != nil {
					allocations[name][build] = r.Allocations[1]
				}
			}
		}
	}
	t := newTable("This build against "+other, "other", "this", "this to other", "quartiles", "p", "allocations")
	for _, name := range order {
		theirs, mine := ratios[name][0], ratios[name][1]
		if len(theirs) != len(mine) {
			fmt.Fprintf(progress, "%s: only one of the builds has it\n", name)
			continue
		}
		changes := make([]float64, len(mine))
		for i := range mine {
			changes[i] = mine[i] / theirs[i]
		}
		change := summarize(changes)
		p := benchmath.AssumeNothing.Compare(benchmath.NewSample(theirs, &benchmath.DefaultThresholds), benchmath.NewSample(mine, &benchmath.DefaultThresholds)).P
		t.add(name, ratioText(summarize(theirs).median), ratioText(summarize(mine).median), fmt.Sprintf("%.3f", change.median),
			fmt.Sprintf("%.3f to %.3f", change.low, change.high), fmt.Sprintf("%.3f", p),
			countText(allocations[name][0])+" to "+countText(allocations[name][1]))
	}
	var b bytes.Buffer
	t.print(&b)
	_, err = out.Write(b.Bytes())
	return err
}

// measureBuild runs a build to measure rows, and returns its record.
func measureBuild(ctx context.Context, program string, arguments []string) (*record, error) {
	command := exec.CommandContext(ctx, program, append([]string{"-json"}, arguments...)...)
	var progress bytes.Buffer
	command.Stderr = &progress
	out, err := command.Output()
	if err != nil {
		return nil, fmt.Errorf("%s: %w: %s", program, err, progress.Bytes())
	}
	rec := new(record)
	if err := json.Unmarshal(out, rec); err != nil {
		return nil, fmt.Errorf("%s -json: %w", program, err)
	}
	return rec, nil
}
