// A handler that needs what App.Init gives, and no App.Init.
package main

import (
	"errors"

	"github.com/webapp2go/webapp2go/framework"
	"github.com/webapp2go/webapp2go/framework/testdata/wrong/shared"
)

type Base struct {
	framework.RequestHandler
	greeting string
}

func (h *Base) Ready() error {
	if h.greeting == "" {
		return errors.New("set app.Init, which gives the handlers their greeting")
	}
	return nil
}

type Page struct{ Base }

func (h *Page) Get() error { return nil }

func main() {
	app := framework.New()
	app.Handle("/", framework.To[Page](app))
	shared.Serve(app)
}
