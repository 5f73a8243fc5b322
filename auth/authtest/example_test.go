package authtest_test

import (
	"testing"

	"github.com/webapp2go/webapp2go/auth"
	"github.com/webapp2go/webapp2go/auth/authtest"
)

// A test of a Backend is one call. Only a test can make it, so this Example prints nothing.
func ExampleRun() {
	_ = func(t *testing.T) { // func TestBackend(t *testing.T)
		authtest.Run(t, func(*testing.T) auth.Backend { return auth.NewMemory() })
	}
	// Output:
}
