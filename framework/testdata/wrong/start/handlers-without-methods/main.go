// Two types that serve nothing, a method that is nil, and middleware that is nil.
package main

import (
	"github.com/webapp2go/webapp2go/framework"
	"github.com/webapp2go/webapp2go/framework/testdata/wrong/shared"
)

type Page struct{ framework.RequestHandler }

type List struct{ framework.RequestHandler }

func (h *List) Show() error { return nil }

func main() {
	app := framework.New()
	app.Use(nil)
	app.Handle("/", framework.To[Page](app))
	app.Handle("/too", framework.To[Page](app))
	app.Handle("/list", framework.ToMethods(app, map[string]func(*List) error{"get": (*List).Show}))
	app.Handle("/show", framework.ToMethod[List](app, nil)).Methods("GET")
	shared.Serve(app)
}
