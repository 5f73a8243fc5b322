// A folder that is not there.
package main

import (
	"log"
	"os"

	"github.com/webapp2go/webapp2go/templates"
)

func main() {
	_, err := templates.Parse(os.DirFS("nowhere"), nil)
	log.Fatal(err)
}
