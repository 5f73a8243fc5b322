// A Guard of the wrong form, which would never be asked.
package main

import (
	"github.com/webapp2go/webapp2go/framework"
	"github.com/webapp2go/webapp2go/framework/testdata/wrong/shared"
)

type Secret struct{ framework.RequestHandler }

func (h *Secret) Guard() bool { return false }
func (h *Secret) Get() error  { return nil }

func main() {
	app := framework.New()
	app.Handle("/", framework.To[Secret](app))
	shared.Serve(app)
}
