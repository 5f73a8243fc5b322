// Webapp2go-messages writes the messages of an application's templates and Go files to its
// output, as a template of catalogues for gettext's tools:
//
//	webapp2go-messages DIR > messages.pot
//	msginit -l de -i messages.pot -o locale/de/LC_MESSAGES/messages.po
//	msgmerge -U locale/de/LC_MESSAGES/messages.po messages.pot
//
// It cannot find a message that is not a constant. It lists each such place on standard
// error; that is not a failure.
package main

import (
	"flag"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"github.com/webapp2go/webapp2go/i18n/extract"
)

func main() {
	if err := run(os.Args[1:], os.Stdout, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "webapp2go-messages:", err)
		os.Exit(1)
	}
}

func run(args []string, stdout, stderr io.Writer) error {
	flags := flag.NewFlagSet("webapp2go-messages", flag.ContinueOnError)
	flags.SetOutput(stderr)
	left := flags.String("left", "", "the left delimiter of the templates; default {{")
	right := flags.String("right", "", "the right delimiter of the templates; default }}")
	functions := map[string]int{}
	flags.Func("function", "one more function with a message, and which argument it is, as in fail:2; can be repeated", func(value string) error {
		name, at, ok := strings.Cut(value, ":")
		n, err := strconv.Atoi(at)
		if !ok || err != nil || n < 1 || name == "" {
			return fmt.Errorf("write a name and a number, as in fail:2")
		}
		functions[name] = n
		return nil
	})
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() != 1 {
		return fmt.Errorf("give one folder: that of the application")
	}
	root, err := os.OpenRoot(flags.Arg(0))
	if err != nil {
		return err
	}
	defer root.Close()
	messages, problems, err := extract.Messages(root.FS(), extract.Options{Left: *left, Right: *right, Functions: functions})
	if err != nil {
		return err
	}
	for _, p := range problems {
		fmt.Fprintf(stderr, "%s: not a constant: %s\n", p.Place, p.Text)
	}
	return extract.WritePOT(stdout, messages)
}
