// A method of a route with a value for its receiver.
package main

import (
	"context"
	"log"

	"github.com/webapp2go/webapp2go/framework"
)

type Books struct{ framework.RequestHandler }

func (h Books) List() error { return nil }

func main() {
	app := framework.New()
	app.Handle("/", framework.ToMethod(app, Books.List)).Methods("GET", "HEAD")
	log.Fatal(framework.Serve(context.Background(), app))
}
