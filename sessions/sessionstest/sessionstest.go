// Package sessionstest has the tests that every [sessions.Backend] must pass. They check
// the contract of a Backend, and what happens to sessions when requests race or the
// backend fails.
//
// The author of a Backend calls them from a test:
//
//	func TestBackend(t *testing.T) {
//		sessionstest.Run(t, func(t *testing.T) sessions.Backend {
//			return mybackend.New(startServer(t))
//		})
//	}
//
// No check depends on the speed of the machine, and the only waits are for records to
// expire. Each race is run up to five hundred times. After a quarter of a second, or with
// -short, a tenth of that is enough, unless the tests may take half an hour: go test
// -timeout=30m runs every race to its end.
package sessionstest

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"iter"
	"slices"
	"testing"
	"time"

	"github.com/webapp2go/webapp2go/sessions"
)

// Run checks that the backends that newBackend makes keep the contract of
// [sessions.Backend], and that of [sessions.UserBackend] if they are one. If they have a
// method DeleteExpired(ctx, limit) (deleted, error), it checks that this deletes only
// expired records.
//
// It calls newBackend once for each subtest. The backends may keep their records in the
// same place, because no two subtests use the same id. Clean up with t.Cleanup.
func Run(t *testing.T, newBackend func(t *testing.T) sessions.Backend) {
	t.Helper()
	for _, group := range [][]check{
		recordChecks, idChecks, expiryChecks, limitChecks, raceChecks,
		updateChecks, endingChecks, loginChecks, lossChecks, faultChecks,
	} {
		for _, c := range group {
			t.Run(c.name, func(t *testing.T) { c.run(t, newBackend(t)) })
		}
	}
	t.Run("Sweep", func(t *testing.T) {
		if _, ok := newBackend(t).(sweeper); !ok {
			t.Skip("the backend has no DeleteExpired")
		}
		for _, c := range sweepChecks {
			t.Run(c.name, func(t *testing.T) { c.run(t, newBackend(t)) })
		}
	})
	t.Run("Users", func(t *testing.T) {
		if _, ok := newBackend(t).(sessions.UserBackend); !ok {
			t.Skip("the backend is no sessions.UserBackend: it cannot list the sessions of a user")
		}
		for _, c := range slices.Concat(userChecks, userEndingChecks) {
			t.Run(c.name, func(t *testing.T) { c.run(t, newBackend(t).(sessions.UserBackend)) })
		}
	})
}

// A check is one subtest of the suite.
type check struct {
	name string
	run  func(t *testing.T, b sessions.Backend)
}

// newID returns an id as the Manager makes them: 43 characters of base64url.
func newID() string {
	var id [32]byte
	rand.Read(id[:])
	return base64.RawURLEncoding.EncodeToString(id[:])
}

// newRecord returns a record that lives for an hour.
func newRecord(data string) sessions.Record {
	return sessions.Record{Data: []byte(data), Expires: time.Now().Add(time.Hour)}
}

// rounds yields the rounds of a race: n, or a tenth of that with -short or once the race has
// taken a quarter of a second. If the tests may take half an hour, it yields all n.
func rounds(t *testing.T, n int) iter.Seq[int] {
	return func(yield func(int) bool) {
		began := time.Now()
		patient := mayTakeLong(t)
		for i := range n {
			enough := testing.Short() || !patient && time.Since(began) > time.Second/4
			if i >= n/10 && enough || !yield(i) {
				return
			}
		}
	}
}

// mayTakeLong reports whether the tests may take half an hour (-timeout).
func mayTakeLong(t *testing.T) bool {
	limit, limited := t.Deadline()
	return !limited || time.Until(limit) > 20*time.Minute
}

// create keeps r under a new id, which it returns.
func create(t *testing.T, b sessions.Backend, r sessions.Record) string {
	t.Helper()
	id := newID()
	if err := b.Create(t.Context(), id, r); err != nil {
		t.Fatalf("Create: %v", err)
	}
	return id
}

// load returns the record of id, which must be there.
func load(t *testing.T, b sessions.Backend, id string) sessions.Record {
	t.Helper()
	r, err := b.Load(t.Context(), id)
	if err != nil {
		t.Fatalf("Load: %v", err)
	}
	if r.Version == 0 {
		t.Fatal("Load returned version 0")
	}
	return r
}

// wantData fails unless id has a record with this data.
func wantData(t *testing.T, b sessions.Backend, id, data string) {
	t.Helper()
	if r := load(t, b, id); string(r.Data) != data {
		t.Errorf("Load: data %s, want %s", shown(string(r.Data)), shown(data))
	}
}

// wantMissing fails unless id has no record.
func wantMissing(t *testing.T, b sessions.Backend, id string) {
	t.Helper()
	if r, err := b.Load(t.Context(), id); !errors.Is(err, sessions.ErrNotFound) {
		t.Errorf("Load: %s, error %v; want ErrNotFound", shown(string(r.Data)), err)
	}
}

// wantError fails unless err wraps target.
func wantError(t *testing.T, method string, err, target error) {
	t.Helper()
	if !errors.Is(err, target) {
		t.Errorf("%s: error %v, want %v", method, err, target)
	}
}
