package sessionstest

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/webapp2go/webapp2go/sessions"
)

// expiryChecks check that a record exists until Expires and not after, by time.Now.
var expiryChecks = []check{
	{"CreatedInThePast", func(t *testing.T, b sessions.Backend) {
		for _, ago := range []time.Duration{time.Millisecond, time.Hour, 60 * 24 * time.Hour} {
			r := newRecord("data")
			r.Expires = time.Now().Add(-ago)
			wantMissing(t, b, create(t, b, r))
		}
	}},
	{"UpdatedIntoThePast", func(t *testing.T, b sessions.Backend) {
		id := create(t, b, newRecord("data"))
		r := load(t, b, id)
		r.Expires = time.Now().Add(-time.Second)
		if _, err := b.Update(t.Context(), id, r); err != nil {
			t.Fatalf("Update: %v", err)
		}
		wantMissing(t, b, id)
	}},
	{"LongLived", func(t *testing.T, b sessions.Backend) {
		// memcached treats a time of more than 30 days as a date in 1970.
		for _, days := range []int{29, 30, 31, 400, 3650} {
			lifetime := time.Duration(days)*24*time.Hour + time.Second
			r := newRecord("first")
			r.Expires = time.Now().Add(lifetime)
			id := create(t, b, r)
			wantData(t, b, id, "first")

			r = load(t, b, id)
			r.Data, r.Expires = []byte("second"), time.Now().Add(lifetime)
			if _, err := b.Update(t.Context(), id, r); err != nil {
				t.Fatalf("Update to %d days: %v", days, err)
			}
			wantData(t, b, id, "second")
		}
	}},
	{"ShortLived", func(t *testing.T, b sessions.Backend) {
		r := newRecord("data")
		r.Expires = time.Now().Add(300 * time.Millisecond)
		id := create(t, b, r)
		loaded, err := b.Load(t.Context(), id)
		switch {
		case err == nil:
		case errors.Is(err, sessions.ErrNotFound) && !time.Now().Before(r.Expires): // a slow machine
		default:
			t.Fatalf("Load before it expires: %v", err)
		}

		awaitExpiry(r)
		wantMissing(t, b, id)
		if loaded.Version != 0 {
			_, err = b.Update(t.Context(), id, withVersion(newRecord("late"), loaded.Version))
			wantError(t, "Update of what has expired", err, sessions.ErrNotFound)
			wantMissing(t, b, id)
		}
	}},
	{"CreateOverExpired", func(t *testing.T, b sessions.Backend) {
		r := newRecord("old")
		r.Expires = time.Now().Add(50 * time.Millisecond)
		id := create(t, b, r)
		awaitExpiry(r)
		if err := b.Create(t.Context(), id, newRecord("new")); err != nil {
			t.Fatalf("Create: %v", err)
		}
		wantData(t, b, id, "new")
		wantError(t, "a second Create", b.Create(t.Context(), id, newRecord("newer")), sessions.ErrExists)
	}},
	{"UpdateMovesExpiry", func(t *testing.T, b sessions.Backend) {
		r := newRecord("data")
		r.Expires = time.Now().Add(10 * time.Minute)
		id := create(t, b, r)
		for _, lifetime := range []time.Duration{5 * time.Minute, 24 * time.Hour} {
			r = load(t, b, id)
			r.Expires = time.Now().Add(lifetime)
			if _, err := b.Update(t.Context(), id, r); err != nil {
				t.Fatal(err)
			}
			if d := load(t, b, id).Expires.Sub(r.Expires).Abs(); d > time.Millisecond {
				t.Errorf("expires %v away from what Update was given", d)
			}
		}
	}},
}

// A sweeper is a backend with a method that deletes expired records.
type sweeper interface {
	DeleteExpired(ctx context.Context, limit int) (deleted int, err error)
}

// sweepChecks check that the deletion of expired records deletes no other records. A record
// that expired less than two hours ago may stay: clocks differ, and an index may store only the
// hour.
var sweepChecks = []check{
	{"DeleteExpired", func(t *testing.T, b sessions.Backend) {
		sweeper := b.(sweeper)
		alive, dead := []string{}, 0
		for _, ago := range []time.Duration{
			-10 * time.Second, -time.Minute, -30 * time.Minute, -59 * time.Minute, -time.Hour, -25 * time.Hour, // these have not expired
			time.Millisecond, time.Minute, 30 * time.Minute, 59 * time.Minute, time.Hour, 2 * time.Hour, 25 * time.Hour,
		} {
			for range 10 {
				r := newRecord("data")
				r.Expires = time.Now().Add(-ago)
				id := create(t, b, r)
				if ago < 0 {
					alive = append(alive, id)
				} else if ago >= 2*time.Hour {
					dead++
				}
			}
		}
		r := newRecord("prolonged")
		r.Expires = time.Now().Add(3 * time.Second)
		prolonged := create(t, b, r)
		loaded := load(t, b, prolonged)
		loaded.Expires = time.Now().Add(time.Hour)
		if _, err := b.Update(t.Context(), prolonged, loaded); err != nil {
			t.Fatal(err)
		}
		replaced := newID()
		for _, expires := range []time.Time{time.Now().Add(-3 * time.Hour), time.Now().Add(time.Hour)} {
			r.Expires = expires
			if err := b.Create(t.Context(), replaced, r); err != nil {
				t.Fatal(err)
			}
		}
		awaitExpiry(sessions.Record{Expires: time.Now().Add(10 * time.Millisecond)})

		for _, limit := range []int{-1, 0} {
			if n, err := sweeper.DeleteExpired(t.Context(), limit); n != 0 || err != nil {
				t.Errorf("DeleteExpired(%d): %d, %v", limit, n, err)
			}
		}
		deleted := 0
		for _, limit := range []int{7, 10_000} {
			n, err := sweeper.DeleteExpired(t.Context(), limit)
			if err != nil || n > limit {
				t.Fatalf("DeleteExpired(%d): %d, %v", limit, n, err)
			}
			deleted += n
		}
		if deleted < dead {
			t.Errorf("%d records are deleted, %d had expired two hours ago or earlier", deleted, dead)
		}
		for _, id := range append(alive, prolonged, replaced) {
			load(t, b, id)
		}
	}},
	{"DeleteExpiredRace", func(t *testing.T, b sessions.Backend) {
		// If a record is renewed while it is being deleted as expired, it must stay.
		for range rounds(t, 50) {
			r := newRecord("old")
			r.Expires = time.Now().Add(-3 * time.Hour)
			id := create(t, b, r)
			errs := atOnce(3, func(i int) error {
				if i == 0 {
					return b.Create(t.Context(), id, newRecord("new"))
				}
				_, err := b.(sweeper).DeleteExpired(t.Context(), 1000)
				return err
			})
			if err := errors.Join(errs...); err != nil {
				t.Fatal(err)
			}
			wantData(t, b, id, "new")
		}
	}},
}

// awaitExpiry returns when r has expired, even by a clock with a resolution of milliseconds.
func awaitExpiry(r sessions.Record) {
	time.Sleep(time.Until(r.Expires) + 2*time.Millisecond)
}
