// Pages with names that are ignored.
package main

import (
	"log"
	"testing/fstest"

	"github.com/webapp2go/webapp2go/templates"
)

func main() {
	_, err := templates.Parse(fstest.MapFS{
		"home.tmpl":    {Data: []byte("home")},
		"about.gohtml": {Data: []byte("about")},
	}, nil)
	log.Fatal(err)
}
