package handlers

import (
	"runtime"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestFailuresAreForgivenInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var f failures
		for range 3 {
			if wait := f.try("ann", 3); wait != 0 {
				t.Fatalf("has to wait %v", wait)
			}
		}
		wait := f.try("ann", 3)
		if wait <= 0 || wait > failureWindow {
			t.Fatalf("has to wait %v", wait)
		}
		if f.try("bob", 3) != 0 {
			t.Error("another one has to wait as well")
		}
		time.Sleep(2 * failureWindow)
		if wait := f.try("ann", 3); wait != 0 {
			t.Errorf("two windows later: has to wait %v", wait)
		}
	})
}

func TestFailuresAreBounded(t *testing.T) {
	var f failures
	for i := range 5 * failureNames {
		f.try(strconv.Itoa(i), 3)
		if n := len(f.young) + len(f.old); n > 2*failureNames {
			t.Fatalf("%d names are kept", n)
		}
	}
}

// Names come from forms, as long as those may be: none of them is kept.
func TestFailuresKeepNoNames(t *testing.T) {
	var f failures
	before := heap()
	for i := range 64 {
		f.try(strings.Repeat(string(rune('a'+i)), 1<<20), 3)
	}
	if grown := heap() - before; grown > 8<<20 {
		t.Errorf("%d MiB are kept of 64 names of 1 MiB", grown>>20)
	}
	runtime.KeepAlive(&f)
}

// heap returns how many bytes are in use.
func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

func TestFailuresWithoutABound(t *testing.T) {
	var f failures
	for range 100 {
		if f.try("ann", -1) != 0 {
			t.Fatal("has to wait")
		}
	}
}

func TestSuccessForgets(t *testing.T) {
	var f failures
	for range 100 {
		if f.try("ann", 1) != 0 {
			t.Fatal("has to wait")
		}
		f.forget("ann")
	}
}
