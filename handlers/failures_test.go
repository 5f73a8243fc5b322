package handlers

import (
	"strconv"
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
