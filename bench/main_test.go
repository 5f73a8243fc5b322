package main

import (
	"bytes"
	"flag"
	"io"
	"os"
	"strings"
	"testing"
	"time"
)

// TestMain lets the test's binary play the roles, since processes are started from
// the binary that runs.
func TestMain(m *testing.M) {
	var r role
	r.flags(flag.CommandLine)
	flag.Parse()
	if played, err := r.play(); err != nil {
		panic(err)
	} else if played {
		return
	}
	os.Exit(m.Run())
}

func TestMeasureAllPrintsOneTable(t *testing.T) {
	needMemcached(t)
	var out bytes.Buffer
	short := pace{rounds: 1, run: time.Millisecond, clock: passedTime}
	if err := measureAll(short, short, &out, io.Discard); err != nil {
		t.Fatal(err)
	}
	for _, row := range []string{"hello", "session untouched", "anonymous", "session read", "session write", "login",
		"routing, n = 1000", "memcached, session write: commands", "end to end, session read, ratio"} {
		if !strings.Contains(out.String(), "\n| "+row+" ") {
			t.Errorf("the table has no row %q", row)
		}
	}
	for line := range strings.Lines(out.String()) {
		if !strings.HasPrefix(line, "|") {
			t.Errorf("beside the table is %q", line)
		}
	}
}
