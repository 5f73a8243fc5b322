// The pages of the traces on an App that is not in Debug.
package main

import (
	"github.com/webapp2go/webapp2go/framework"
	"github.com/webapp2go/webapp2go/framework/testdata/wrong/shared"
)

type Page struct{ framework.RequestHandler }

func (h *Page) Get() error { return h.Text("hello") }

func main() {
	app := framework.New()
	app.Handle("/", framework.To[Page](app))
	framework.ShowTraces(app)
	shared.Serve(app)
}
