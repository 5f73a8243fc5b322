//go:build cgo

// Webapp2go-port reads the Python sources of a webapp2 application and writes a Go module
// for webapp2go:
//
//	webapp2go-port [flags] DIR
//
// The module has the application's routes, a type for each handler with a method for each
// of its HTTP methods, a struct for each model of ndb, the settings of its sessions, and a
// main function. It builds, and App.Check finds no mistake in it. The bodies of the methods
// stay Python, in comments. REPORT.md lists the features that the application uses, what
// replaces them in webapp2go, and everything that was not converted, with file and line. The
// program changes nothing in DIR and runs no Python.
//
// The parser is written in C, so building this program needs a C compiler.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/webapp2go/webapp2go/port/internal/gocode"
	"github.com/webapp2go/webapp2go/port/internal/source"
)

func main() {
	if err := run(os.Args[1:], os.Stdout, os.Stderr); err != nil {
		if !errors.Is(err, flag.ErrHelp) {
			fmt.Fprintln(os.Stderr, "webapp2go-port:", err)
		}
		os.Exit(1)
	}
}

func run(args []string, stdout, stderr io.Writer) error {
	flags := flag.NewFlagSet("webapp2go-port", flag.ContinueOnError)
	flags.SetOutput(stderr)
	out := flags.String("out", "", "write the module into this `folder`, which must be empty or new; default: DIR with -go at its end")
	module := flags.String("module", "", "`path` of the module; default: example.com/ and the folder's name")
	replace := flags.String("replace", "", "use the copy of webapp2go in this `folder` instead of the newest release")
	build := flags.Bool("build", true, "build the module and run its check")
	flags.Usage = func() {
		fmt.Fprintln(stderr, "usage: webapp2go-port [flags] DIR")
		flags.PrintDefaults()
	}
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() != 1 {
		flags.Usage()
		return errors.New("give one folder: that of the webapp2 application")
	}
	dir, err := filepath.Abs(flags.Arg(0))
	if err != nil {
		return err
	}
	if *out == "" {
		*out = dir + "-go"
	}
	if *module == "" {
		*module = "example.com/" + moduleName(filepath.Base(*out))
	}
	if *replace != "" {
		if *replace, err = filepath.Abs(*replace); err != nil {
			return err
		}
	}
	if err := makeEmpty(*out); err != nil {
		return err
	}
	app, err := source.Read(dir)
	if err != nil {
		return err
	}
	written, err := gocode.Write(app, gocode.Options{Module: *module, Replace: *replace})
	if err != nil {
		return err
	}
	if err := app.Resolve(); err != nil {
		return err
	}
	for name, data := range written.Files {
		if err := os.WriteFile(filepath.Join(*out, name), data, 0o644); err != nil {
			return err
		}
	}
	status, failed := "Not built.", error(nil)
	if *build {
		status, failed = check(*out)
	}
	if err := os.WriteFile(filepath.Join(*out, "REPORT.md"), written.Report(status, dir), 0o644); err != nil {
		return err
	}
	fmt.Fprintf(stdout, "%s: %d routes, %d handler types, %d methods. %s Read %s next.\n",
		*out, written.Routes, written.Types, written.Verbs, status, filepath.Join(*out, "REPORT.md"))
	return failed
}

func moduleName(s string) string {
	return strings.Map(func(c rune) rune {
		if c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '_' {
			return c
		}
		return '-'
	}, s)
}

// makeEmpty makes a folder. It returns an error if the folder exists and is not empty.
func makeEmpty(dir string) error {
	entries, err := os.ReadDir(dir)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return os.MkdirAll(dir, 0o755)
	case err != nil:
		return err
	case len(entries) > 0:
		return fmt.Errorf("%s is not empty; give another folder with -out", dir)
	}
	return nil
}

// check builds a module and runs its test, which calls Check.
func check(dir string) (status string, err error) {
	for _, step := range []struct{ fails, command string }{
		{"Its modules could not be fetched", "go mod tidy"},
		{"It does not build", "go vet ./..."},
		{"Check finds mistakes", "go test ./..."},
	} {
		words := strings.Fields(step.command)
		command := exec.Command(words[0], words[1:]...)
		command.Dir = dir
		command.Env = append(os.Environ(), "GOFLAGS=-mod=mod", "GOWORK=off")
		if output, err := command.CombinedOutput(); err != nil {
			return fmt.Sprintf("%s (`%s`).", step.fails, step.command), fmt.Errorf("%s: %s\n%s", step.command, err, output)
		}
	}
	return "It builds, and Check finds no mistake.", nil
}
