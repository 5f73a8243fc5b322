// A folder of pages, and no fs.Sub.
package main

import (
	"log"
	"testing/fstest"

	"github.com/webapp2go/webapp2go/templates"
)

func main() {
	_, err := templates.Parse(fstest.MapFS{
		"pages/home.html":    {Data: []byte("home")},
		"pages/static/a.css": {Data: []byte("p {}")},
	}, nil)
	log.Fatal(err)
}
