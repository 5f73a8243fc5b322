package architecture

import (
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// The public surface is a promise: a change of it shows in a golden file, so that it
// is always deliberate. `make golden` rewrites them.
func TestPublicSurface(t *testing.T) {
	for _, name := range []string{"framework", "sessions"} {
		t.Run(name, func(t *testing.T) {
			command := exec.Command("go", "doc", "-all", "./"+name)
			command.Dir = "../.."
			output, err := command.Output()
			if err != nil {
				t.Fatal(err)
			}
			golden := filepath.Join("testdata", name+".txt")
			if *update {
				if err := os.WriteFile(golden, output, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if line, got, old := firstDifference(string(output), string(want)); line > 0 {
				t.Errorf("the public surface of %s changed at line %d:\n now %q\n was %q\nIf that is meant, run: make golden", name, line, got, old)
			}
		})
	}
}

// firstDifference returns the number of the first line in which two texts differ, and
// the two lines; 0 if they are the same.
func firstDifference(a, b string) (line int, inA, inB string) {
	if a == b {
		return 0, "", ""
	}
	linesA, linesB := strings.Split(a, "\n"), strings.Split(b, "\n")
	for i := range max(len(linesA), len(linesB)) {
		if i < len(linesA) {
			inA = linesA[i]
		}
		if i < len(linesB) {
			inB = linesB[i]
		}
		if inA != inB || i >= len(linesA) || i >= len(linesB) {
			return i + 1, inA, inB
		}
	}
	return 0, "", ""
}
