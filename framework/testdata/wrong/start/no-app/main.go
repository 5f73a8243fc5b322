// A route that is made before its App.
package main

import (
	"github.com/webapp2go/webapp2go/framework"
)

type Page struct{ framework.RequestHandler }

func (h *Page) Get() error { return nil }

func main() {
	var app *framework.App
	app.Handle("/", framework.To[Page](app))
}
