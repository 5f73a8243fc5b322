package sessionstest_test

import (
	"testing"

	"github.com/webapp2go/webapp2go/sessions"
	"github.com/webapp2go/webapp2go/sessions/sessionstest"
)

// A test of a backend is one call. Only a test can make it, so this Example prints nothing.
func ExampleRun() {
	_ = func(t *testing.T) { // func TestBackend(t *testing.T)
		sessionstest.Run(t, func(t *testing.T) sessions.Backend {
			return sessions.NewMemory()
		})
	}
	// Output:
}

// A backend that talks to a server is also tested with what can happen to the server. Checks
// for which the Place has no function are skipped.
func ExampleRunPlace() {
	_ = func(t *testing.T) { // func TestPlace(t *testing.T)
		sessionstest.RunPlace(t, sessionstest.Place{
			Open: func(t *testing.T) sessions.Backend { return sessions.NewMemory() },
		})
	}
	// Output:
}
