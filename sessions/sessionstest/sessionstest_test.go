package sessionstest_test

import (
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/webapp2go/webapp2go/sessions"
	"github.com/webapp2go/webapp2go/sessions/sessionstest"
)

func TestContractIsKept(t *testing.T) {
	sessionstest.Run(t, func(*testing.T) sessions.Backend { return newTable() })
}

func TestPlacesAreSound(t *testing.T) {
	sound := breakable(func(*client) {})
	sound.Small, sound.Empty = small(false).Small, openedTwice(true).Empty
	sessionstest.RunPlace(t, sound)
	sessionstest.RunPlace(t, indexed(&index{repairs: true}))
}

// TestFlawsAreFound runs the suite against one flawed backend after the other.
func TestFlawsAreFound(t *testing.T) {
	for name, flaw := range flaws {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			output := runFlawed(t, name, flaw.foundBy, "-test.short")
			if !strings.Contains(output, "--- FAIL: TestFlawed/"+flaw.foundBy) {
				t.Errorf("not found by %s:\n%s", flaw.foundBy, output)
			}
		})
	}
	for name, flaw := range flawedPlaces {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			output := runFlawed(t, name, flaw.foundBy)
			if !strings.Contains(output, "--- FAIL: TestFlawed/"+flaw.foundBy) {
				t.Errorf("not found by %s:\n%s", flaw.foundBy, output)
			}
		})
	}
}

// TestBlindSetLosesUpdates runs the race for lost updates against a backend that overwrites any
// version, as those of other libraries do.
func TestBlindSetLosesUpdates(t *testing.T) {
	output := runFlawed(t, "blind update", "LostUpdates")
	for _, what := range []string{"increments", "keys", "flashes"} {
		found := regexp.MustCompile(`lost (\d+) of (\d+) ` + what).FindStringSubmatch(output)
		if found == nil {
			t.Fatalf("no count of lost %s:\n%s", what, output)
		}
		lost, _ := strconv.Atoi(found[1])
		if all, _ := strconv.Atoi(found[2]); lost <= all/2 {
			t.Errorf("only %d of %d %s are lost", lost, all, what)
		}
	}
}

// runFlawed returns the output of a check of a flawed backend. It runs in a process of its own,
// because it must fail.
func runFlawed(t *testing.T, flaw, check string, args ...string) string {
	t.Helper()
	args = append(args, "-test.run=^TestFlawed$/^"+strings.ReplaceAll(check, "/", "$/^")+"$", "-test.timeout=2m")
	c := exec.CommandContext(t.Context(), os.Args[0], args...)
	c.Env = append(os.Environ(), "SESSIONSTEST_FLAW="+flaw)
	output, err := c.CombinedOutput()
	if err == nil {
		t.Fatalf("%s passed:\n%s", check, output)
	}
	return string(output)
}

// TestFlawed is the test that runFlawed runs.
func TestFlawed(t *testing.T) {
	name := os.Getenv("SESSIONSTEST_FLAW")
	if flaw, ok := flaws[name]; ok {
		sessionstest.Run(t, func(*testing.T) sessions.Backend { return flaw.backend() })
	} else if flaw, ok := flawedPlaces[name]; ok {
		sessionstest.RunPlace(t, flaw.place)
	} else {
		t.Skip("run by TestFlawsAreFound")
	}
}
