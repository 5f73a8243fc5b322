// A Guard of the wrong form, which would never be asked.
package main

import (
	"context"
	"log"

	"github.com/webapp2go/webapp2go/framework"
)

type Secret struct{ framework.RequestHandler }

func (h *Secret) Guard() bool { return false }
func (h *Secret) Get() error  { return nil }

func main() {
	app := framework.New()
	app.Handle("/", framework.To[Secret](app))
	log.Fatal(framework.Serve(context.Background(), app))
}
