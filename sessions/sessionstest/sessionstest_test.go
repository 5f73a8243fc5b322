package sessionstest_test

import (
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/webapp2go/webapp2go/sessions"
	"github.com/webapp2go/webapp2go/sessions/sessionstest"
)

func TestContractIsKept(t *testing.T) {
	sessionstest.Run(t, func(*testing.T) sessions.Backend { return newTable() })
}

// TestFlawsAreFound runs the suite against one flawed backend after the other, each
// in a process of its own, since there it must fail.
func TestFlawsAreFound(t *testing.T) {
	for name, flaw := range flaws {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestFlawed$/^"+strings.ReplaceAll(flaw.foundBy, "/", "$/^")+"$", "-test.short", "-test.timeout=1m")
			c.Env = append(os.Environ(), "SESSIONSTEST_FLAW="+name)
			output, err := c.CombinedOutput()
			if err == nil {
				t.Fatalf("the suite passed:\n%s", output)
			}
			if !strings.Contains(string(output), "--- FAIL: TestFlawed/"+flaw.foundBy) {
				t.Errorf("not found by %s:\n%s", flaw.foundBy, output)
			}
		})
	}
}

// TestFlawed is what TestFlawsAreFound runs.
func TestFlawed(t *testing.T) {
	flaw, ok := flaws[os.Getenv("SESSIONSTEST_FLAW")]
	if !ok {
		t.Skip("run by TestFlawsAreFound")
	}
	sessionstest.Run(t, func(*testing.T) sessions.Backend { return flaw.backend() })
}
