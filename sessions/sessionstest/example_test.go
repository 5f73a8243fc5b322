package sessionstest_test

import (
	"testing"

	"github.com/webapp2go/webapp2go/sessions"
	"github.com/webapp2go/webapp2go/sessions/sessionstest"
)

// A test of a backend is one call. Only a test can make it, so that nothing is
// printed here.
func ExampleRun() {
	_ = func(t *testing.T) { // func TestBackend(t *testing.T)
		sessionstest.Run(t, func(t *testing.T) sessions.Backend {
			return sessions.NewMemory()
		})
	}
	// Output:
}
