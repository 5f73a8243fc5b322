package sessions_test

import (
	"fmt"
	"testing"

	"github.com/webapp2go/webapp2go/sessions"
	"github.com/webapp2go/webapp2go/sessions/sessionstest"
)

func TestMemoryConforms(t *testing.T) {
	sessionstest.Run(t, func(*testing.T) sessions.Backend { return sessions.NewMemory() })
	sessionstest.RunPlace(t, sessionstest.Place{Small: func(t *testing.T) (sessions.Backend, func()) {
		b := &sessions.Memory{MaxBytes: 100_000}
		return b, func() { fill(t, b, 1000, nobody) }
	}})
}

func TestNextVersion(t *testing.T) {
	const writes = 10_000
	seen := map[uint64]bool{}
	old := []uint64{0, 1, 1 << 62, 1<<63 - 1, 1 << 63, 1<<64 - 1}
	for _, version := range old {
		for range writes {
			next := sessions.NextVersion(version)
			if next == 0 || next >= 1<<63 || version > 0 && version < 1<<63-1<<33 && next <= version {
				t.Fatalf("NextVersion(%d) is %d", version, next)
			}
			seen[next] = true
			version = next
		}
	}
	if all := len(old) * writes; len(seen) < all-10 { // random, so that it is unlikely to be used twice
		t.Errorf("%d of %d versions are different", len(seen), all)
	}
}

// A writer chooses a version before it sends a change. If it has to send the change again
// it sends the same version.
func ExampleNextVersion() {
	created := sessions.NextVersion(0)
	updated := sessions.NextVersion(created)
	fmt.Println(created > 0, updated > created)
	// Output: true true
}
