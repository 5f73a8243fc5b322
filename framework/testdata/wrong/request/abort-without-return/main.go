// An Abort that is not returned.
package main

import (
	"github.com/webapp2go/webapp2go/framework"
	"github.com/webapp2go/webapp2go/framework/testdata/wrong/shared"
)

type Page struct{ framework.RequestHandler }

func (h *Page) Get() error {
	h.Abort(403)
	_, err := h.Write([]byte("secret"))
	return err
}

func main() {
	app := framework.New()
	app.Handle("/", framework.To[Page](app))
	shared.Request(app)
}
