// Hello is the smallest site.
package main

import (
	"context"
	"log"

	"github.com/webapp2go/webapp2go/framework"
)

type Hello struct{ framework.RequestHandler }

func (h *Hello) Get() error { return h.Text("Hello, " + h.Var("name") + "!\n") }

func main() {
	app := framework.New()
	app.Handle("/hello/{name}", framework.To[Hello](app))
	if err := framework.Serve(context.Background(), app); err != nil {
		log.Fatal(err)
	}
}
