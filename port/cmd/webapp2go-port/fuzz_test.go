//go:build cgo

package main

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/webapp2go/webapp2go/port/internal/gocode"
	"github.com/webapp2go/webapp2go/port/internal/source"
)

// A damaged source is read, or refused with an error. Everything in it that looks like a
// route is converted or listed, as in an undamaged source.
func TestDamagedSources(t *testing.T) {
	files, err := filepath.Glob("testdata/*/*.py")
	if err != nil || len(files) < 15 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	random := rand.New(rand.NewPCG(1, 2))
	dir := t.TempDir()
	try := func(text string) {
		defer func() {
			if p := recover(); p != nil {
				t.Errorf("panic: %v\n%s", p, text)
			}
		}()
		if err := os.WriteFile(filepath.Join(dir, "main.py"), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		app, err := source.Read(dir)
		if err != nil {
			return
		}
		module, err := gocode.Write(app, gocode.Options{Module: "example.com/x"})
		if err == nil {
			module.Report("", dir)
			err = app.Resolve()
		}
		if err != nil && strings.Contains(err.Error(), "mistake of this tool") {
			t.Errorf("%v\n%s", err, text)
		}
	}
	parts := []string{"(", ")", "[", "]", "{", "}", ":", ",", ".", "=", "*", "**", "'", `"""`, "\\", "\n", "    ", "\t", "class ", "def ", "lambda: ", "for x in ", "if ", "import ", "from . import *\n", "@", "(,)", "None", "->", "%", "\x00", "\xff"}
	for _, file := range files {
		whole, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		text := string(whole)
		try(text)
		for range 12 {
			from := random.IntN(len(text) + 1)
			to := min(len(text), from+random.IntN(20))
			part := parts[random.IntN(len(parts))]
			try(text[:from])                      // the end is missing
			try(text[:from] + text[to:])          // a piece is missing
			try(text[:from] + part + text[from:]) // an additional piece
			try(text[:from] + part + text[to:])   // a different piece
		}
		if t.Failed() {
			return
		}
	}
}
