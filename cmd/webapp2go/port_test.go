package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestPort(t *testing.T) {
	folder := t.TempDir()
	t.Setenv("PATH", folder)
	var out, errout bytes.Buffer
	if status := run([]string{"port", "old"}, &out, &errout); status != 1 || !strings.Contains(errout.String(), "go install github.com/webapp2go/webapp2go/port/cmd/webapp2go-port@latest") || !strings.Contains(errout.String(), "C compiler") {
		t.Errorf("without the program: %d, %s", status, &errout)
	}
	for script, want := range map[string]int{"#!/bin/sh\necho \"$@\"\n": 0, "#!/bin/sh\nexit 3\n": 1} {
		out.Reset()
		if err := os.WriteFile(filepath.Join(folder, "webapp2go-port"), []byte(script), 0o755); err != nil {
			t.Fatal(err)
		}
		if status := run([]string{"port", "-out", "new", "old"}, &out, &errout); status != want || want == 0 && out.String() != "-out new old\n" {
			t.Errorf("%q: %d, %q", script, status, &out)
		}
	}
}
