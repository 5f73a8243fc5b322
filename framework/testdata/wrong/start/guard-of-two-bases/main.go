// Two bases with a Guard, of which Go promotes neither.
package main

import (
	"github.com/webapp2go/webapp2go/framework"
	"github.com/webapp2go/webapp2go/framework/testdata/wrong/shared"
)

type Private struct{ framework.RequestHandler }

func (h *Private) Guard() error { return h.Abort(403) }

type Limited struct{}

func (Limited) Guard() error { return nil }

type Secret struct {
	Private
	Limited
}

func (h *Secret) Get() error { return nil }

func main() {
	app := framework.New()
	app.Handle("/", framework.To[Secret](app))
	shared.Serve(app)
}
