// A handler that does not embed the base that App.Init fills.
package main

import (
	"github.com/webapp2go/webapp2go/framework"
	"github.com/webapp2go/webapp2go/framework/testdata/wrong/shared"
)

type Base struct {
	framework.RequestHandler
	greeting string
}

func (h *Base) greet(with string) { h.greeting = with }

type Page struct{ framework.RequestHandler }

func (h *Page) Get() error { return nil }

func main() {
	app := framework.New()
	app.Init = func(h framework.Handler) { h.(interface{ greet(string) }).greet("Hello") }
	app.Handle("/", framework.To[Page](app))
	shared.Serve(app)
}
