package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
)

// port runs webapp2go-port and returns its exit status. That is a program in a module of
// its own, because its parser is written in C.
func port(args []string, out, errout io.Writer) int {
	program, err := exec.LookPath("webapp2go-port")
	if err != nil {
		fmt.Fprintf(errout, `webapp2go: webapp2go-port, which ports a webapp2 application, is not installed. It needs a C compiler:

	go install %s/port/cmd/webapp2go-port@latest
`, framework)
		return 1
	}
	command := exec.Command(program, args...)
	command.Stdin, command.Stdout, command.Stderr = os.Stdin, out, errout
	if err := command.Run(); err != nil {
		var ended *exec.ExitError
		if !errors.As(err, &ended) {
			fmt.Fprintln(errout, "webapp2go:", err)
		}
		return 1
	}
	return 0
}
