// A route that redirects to another host by accident.
package main

import (
	"context"
	"log"

	"github.com/webapp2go/webapp2go/framework"
)

func main() {
	app := framework.New()
	app.Handle("/old", framework.RedirectRoute("//new", 301))
	log.Fatal(framework.Serve(context.Background(), app))
}
