// A layout that shows no page.
package main

import (
	"log"
	"testing/fstest"

	"github.com/webapp2go/webapp2go/templates"
)

func main() {
	_, err := templates.Parse(fstest.MapFS{
		"layout.html": {Data: []byte("<title>site</title>")},
		"home.html":   {Data: []byte("home")},
	}, nil)
	log.Fatal(err)
}
