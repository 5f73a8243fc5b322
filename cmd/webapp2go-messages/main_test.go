package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestRun(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "a.html"), []byte(`{{t "Hello"}}{{t .X}}`), 0o644); err != nil {
		t.Fatal(err)
	}
	var stdout, stderr bytes.Buffer
	if err := run([]string{dir}, &stdout, &stderr); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(stdout.String(), "#: a.html:1\nmsgid \"Hello\"") || !strings.Contains(stderr.String(), "a.html:1: not a constant: t .X") {
		t.Errorf("%s\n%s", &stdout, &stderr)
	}
	if err := os.WriteFile(filepath.Join(dir, "a.go"), []byte("package a\n\nvar _ = fail(1, \"Failed.\")\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := run([]string{"-function", "fail:2", dir}, &stdout, &stderr); err != nil || !strings.Contains(stdout.String(), `msgid "Failed."`) {
		t.Errorf("%v\n%s", err, &stdout)
	}
	for _, args := range [][]string{nil, {"nothere"}, {"-x"}, {"-function", "fail", dir}, {"-function", "fail:0", dir}} {
		if run(args, &stdout, &stderr) == nil {
			t.Errorf("%v: no error", args)
		}
	}
}
