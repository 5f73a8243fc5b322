//go:build !cgo

// Webapp2go-port needs cgo: see main.go.
package main

import (
	"fmt"
	"os"
)

func main() {
	fmt.Fprintln(os.Stderr, `webapp2go-port was built without cgo, and its Python parser is written in C.
Install a C compiler (on Debian: apt install gcc; on macOS: xcode-select --install) and run

	CGO_ENABLED=1 go install github.com/webapp2go/webapp2go/port/cmd/webapp2go-port@latest`)
	os.Exit(1)
}
