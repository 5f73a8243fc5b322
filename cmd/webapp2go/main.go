// Webapp2go makes an application to start from:
//
//	go run ./cmd/webapp2go new ../myapp
//
// The application is a Go module of its own, in less than 300 lines: a main function for a
// laptop and for the cloud, a base handler with Dispatch and Guard, a page with a form,
// accounts, a layout, a test, and files for make, Docker and App Engine. The name of the
// folder becomes the path of the module, unless the flag -module gives another:
//
//	go run ./cmd/webapp2go new -module example.com/myapp ../myapp
//
// "webapp2go port" runs webapp2go-port, which ports a webapp2 application.
package main

import (
	"embed"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"runtime/debug"
	"strings"
)

// framework is the path of the module that the application uses.
const framework = "github.com/webapp2go/webapp2go"

// app is the application: a program of this module, so that its test runs with the
// module's tests. write replaces its name, myapp.
//
//go:embed all:app
var app embed.FS

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

// run runs the program and returns its exit status.
func run(args []string, out, errout io.Writer) int {
	flags := flag.NewFlagSet("webapp2go new", flag.ContinueOnError)
	flags.SetOutput(errout)
	module := flags.String("module", "", "the `path` of the application's module; if empty, the name of the folder")
	flags.Usage = func() {
		fmt.Fprintln(errout, "usage: webapp2go new [-module PATH] FOLDER\n       webapp2go port FOLDER, see webapp2go-port -h")
		flags.PrintDefaults()
	}
	if len(args) > 0 && args[0] == "port" {
		return port(args[1:], out, errout)
	}
	if len(args) == 0 || args[0] != "new" {
		flags.Usage()
		return 2
	}
	if err := flags.Parse(args[1:]); errors.Is(err, flag.ErrHelp) {
		return 0
	} else if err != nil {
		return 2
	}
	if flags.NArg() != 1 {
		flags.Usage()
		return 2
	}
	if err := makeApp(flags.Arg(0), *module, out); err != nil {
		fmt.Fprintln(errout, "webapp2go:", err)
		return 1
	}
	return 0
}

// makeApp makes the application in a folder. If it fails before the files are complete,
// it removes what it has made.
func makeApp(folder, module string, out io.Writer) error {
	absolute, err := filepath.Abs(folder)
	if err != nil {
		return err
	}
	if err := checkEmpty(folder); err != nil {
		return err
	}
	if module == "" {
		module = filepath.Base(absolute)
	}
	files, err := moduleFiles(module)
	if err != nil {
		return err
	}
	name := nameOf(module)
	capital := strings.NewReplacer("myapp", name, "Myapp", strings.ToUpper(name[:1])+name[1:])
	err = fs.WalkDir(app, "app", func(file string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		text, err := app.ReadFile(file)
		files[strings.TrimPrefix(file, "app/")] = capital.Replace(string(text))
		return err
	})
	if err != nil {
		return err
	}
	for file, text := range files {
		file = filepath.Join(absolute, filepath.FromSlash(file))
		if err := os.MkdirAll(filepath.Dir(file), 0o777); err != nil {
			return err
		}
		if err := os.WriteFile(file, []byte(text), 0o666); err != nil {
			return err
		}
	}
	if _, err := goCommand(absolute, "mod", "tidy"); err != nil {
		return fmt.Errorf("the application is in %s, but not all of its modules could be found: run go mod tidy there when the network is back: %w", folder, err)
	}
	fmt.Fprintf(out, "The application %s is in %s. Next:\n\n\tcd %s\n\tmake run     # serves it on http://127.0.0.1:8080\n\tmake test\n\nIts routes are in app.go, its pages in the folder pages.\n", name, folder, folder)
	return nil
}

// nameOf returns the last element of a module's path, without a major version such as v2.
func nameOf(module string) string {
	folder, last := path.Split(module)
	before := strings.TrimSuffix(folder, "/")
	if version, found := strings.CutPrefix(last, "v"); found && strings.Contains(before, "/") && version != "" && strings.Trim(version, "0123456789") == "" {
		return path.Base(before)
	}
	return last
}

// checkEmpty returns an error if the folder contains anything except a new Git
// repository.
func checkEmpty(folder string) error {
	entries, err := os.ReadDir(folder)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("%w: name a folder that is empty or does not exist", err)
	}
	for _, entry := range entries {
		if entry.Name() != ".git" {
			return fmt.Errorf("the folder %s is not empty, it has %s: name a folder that is empty or does not exist", folder, entry.Name())
		}
	}
	return nil
}

// moduleFiles returns go.mod, and go.sum if it is known. It makes them in a temporary
// folder, so that the go command checks the path of the module.
func moduleFiles(module string) (map[string]string, error) {
	if err := checkStandard(module); err != nil {
		return nil, err
	}
	if module == "main" {
		return nil, errors.New(`the application's module cannot have the path "main", because its test could not import it: give another with -module, such as example.com/main`)
	}
	folder, err := os.MkdirTemp("", "webapp2go")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(folder)
	if _, err := goCommand(folder, "mod", "init", module); err != nil {
		return nil, fmt.Errorf("the application's module cannot have the path %q: give another with -module, such as example.com/myapp: %w", module, err)
	}
	files := map[string]string{}
	edit := []string{"mod", "edit"}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Path == framework && info.Main.Sum != "" { // go run module@version
		edit = append(edit, "-require="+framework+"@"+info.Main.Version)
	} else {
		clone, err := goCommand(".", "list", "-m", "-f", "{{.Dir}}", framework)
		if err != nil {
			return nil, fmt.Errorf("this must run in the clone of %s, as go run ./cmd/webapp2go new FOLDER: %w", framework, err)
		}
		edit = append(edit, "-require="+framework+"@v0.0.0", "-replace="+framework+"="+clone)
		if sums, err := os.ReadFile(filepath.Join(clone, "go.sum")); err == nil {
			files["go.sum"] = string(sums)
		}
	}
	if _, err := goCommand(folder, edit...); err != nil {
		return nil, err
	}
	text, err := os.ReadFile(filepath.Join(folder, "go.mod"))
	files["go.mod"] = string(text)
	return files, err
}

// checkStandard returns an error if the path begins like that of a package of the
// standard library. go mod init allows such a path.
func checkStandard(module string) error {
	first, _, _ := strings.Cut(module, "/")
	root, err := goCommand(".", "env", "GOROOT")
	if err != nil {
		return err
	}
	if fs.ValidPath(first) && first != "." {
		if _, err := os.Stat(filepath.Join(root, "src", first)); err == nil {
			return fmt.Errorf("%q is in Go's standard library: choose another name, or give a path with -module, such as example.com/%[1]s", first)
		}
	}
	return nil
}

// goCommand runs the go command in a folder. Its error includes the command's output.
func goCommand(folder string, arguments ...string) (string, error) {
	command := exec.Command("go", arguments...)
	command.Dir = folder
	var said strings.Builder
	command.Stderr = &said
	output, err := command.Output()
	if err != nil {
		return "", fmt.Errorf("go %s: %w: %s", arguments[0], err, strings.TrimSpace(said.String()))
	}
	return strings.TrimSpace(string(output)), nil
}
