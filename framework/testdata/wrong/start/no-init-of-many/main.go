// Many handlers that need what App.Init gives, and no App.Init.
package main

import (
	"github.com/webapp2go/webapp2go/framework"
	"github.com/webapp2go/webapp2go/framework/testdata/wrong/shared"
	"github.com/webapp2go/webapp2go/handlers"
)

type (
	One   struct{ handlers.BaseHandler }
	Two   struct{ handlers.BaseHandler }
	Three struct{ handlers.BaseHandler }
)

func (h *One) Get() error   { return nil }
func (h *Two) Get() error   { return nil }
func (h *Three) Get() error { return nil }

func main() {
	site := new(handlers.Site)
	app := framework.New()
	app.Handle("/1", framework.To[One](app))
	app.Handle("/2", framework.To[Two](app))
	app.Handle("/3", framework.To[Three](app))
	site.Routes(app)
	shared.Serve(app)
}
