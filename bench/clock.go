package main

import (
	"syscall"
	"time"
)

// processorTime is the clock for what waits for nobody: the processor time that this
// process has used, the garbage collector's included. It stands still while others
// have the core, so that their work is not in the figures.
func processorTime() time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		panic(err) // no reason for it is left: the arguments are constant
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

var began = time.Now()

// passedTime is the clock for what waits for another process.
func passedTime() time.Duration { return time.Since(began) }
