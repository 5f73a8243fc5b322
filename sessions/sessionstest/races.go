package sessionstest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/webapp2go/webapp2go/sessions"
)

// writers is how many goroutines race for one record.
const writers = 16

// raceChecks check that exactly one of the calls that race for a record succeeds.
var raceChecks = []check{
	{"CreateRace", func(t *testing.T, b sessions.Backend) {
		for range rounds(t, 50) {
			id := newID()
			errs := atOnce(writers, func(i int) error {
				return b.Create(t.Context(), id, newRecord(fmt.Sprint(i)))
			})
			wantData(t, b, id, fmt.Sprint(winner(t, errs, sessions.ErrExists)))
		}
	}},
	{"UpdateRace", func(t *testing.T, b sessions.Backend) {
		id := create(t, b, newRecord("start"))
		for range rounds(t, 50) {
			version := load(t, b, id).Version
			errs := atOnce(writers, func(i int) error {
				_, err := b.Update(t.Context(), id, withVersion(newRecord(fmt.Sprint(i)), version))
				return err
			})
			wantData(t, b, id, fmt.Sprint(winner(t, errs, sessions.ErrConflict)))
		}
	}},
	{"CountRace", func(t *testing.T, b sessions.Backend) {
		// Versions that are unique for one round only would pass UpdateRace.
		id := create(t, b, newRecord(""))
		var all atomic.Int64
		errs := atOnce(4, func(int) error {
			for range rounds(t, 50) {
				if err := appendByte(t.Context(), b, id); err != nil {
					return err
				}
				all.Add(1)
			}
			return nil
		})
		if err := errors.Join(errs...); err != nil {
			t.Fatal(err)
		}
		if got, want := len(load(t, b, id).Data), int(all.Load()); got != want {
			t.Errorf("%d of %d updates are there", got, want)
		}
	}},
	{"DeleteRace", func(t *testing.T, b sessions.Backend) {
		for range rounds(t, 50) {
			id := create(t, b, newRecord("data"))
			r := load(t, b, id)
			errs := atOnce(2, func(i int) error {
				if i == 0 {
					return b.Delete(t.Context(), id)
				}
				_, err := b.Update(t.Context(), id, r)
				return err
			})
			if errs[0] != nil {
				t.Fatalf("Delete: %v", errs[0])
			}
			if err := errs[1]; err != nil && !errors.Is(err, sessions.ErrNotFound) && !errors.Is(err, sessions.ErrConflict) {
				t.Fatalf("Update: %v", err)
			}
			wantMissing(t, b, id)
		}
	}},
}

// appendByte makes the data of id one byte longer, and reads it again after each conflict.
func appendByte(ctx context.Context, b sessions.Backend, id string) error {
	for {
		r, err := b.Load(ctx, id)
		if err != nil {
			return err
		}
		r.Data, r.Expires = append(r.Data, 'x'), time.Now().Add(time.Hour)
		if _, err = b.Update(ctx, id, r); !errors.Is(err, sessions.ErrConflict) {
			return err
		}
	}
}

// atOnce calls f(0) to f(n-1) in goroutines that start together, and returns their results.
func atOnce(n int, f func(i int) error) []error {
	var group sync.WaitGroup
	start := make(chan struct{})
	errs := make([]error, n)
	for i := range n {
		group.Go(func() {
			<-start
			errs[i] = f(i)
		})
	}
	close(start)
	group.Wait()
	return errs
}

// winner returns the index of the call without an error. All others must have returned the
// error lost.
func winner(t *testing.T, errs []error, lost error) int {
	t.Helper()
	won := -1
	for i, err := range errs {
		switch {
		case err == nil && won >= 0:
			t.Fatalf("both %d and %d won", won, i)
		case err == nil:
			won = i
		case !errors.Is(err, lost):
			t.Fatalf("error %v, want nil or %v", err, lost)
		}
	}
	if won < 0 {
		t.Fatalf("none of %d calls won", len(errs))
	}
	return won
}
