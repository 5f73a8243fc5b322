// Package shared is what the programs with a mistake share.
package shared

import (
	"context"
	"fmt"
	"log"
	"net/http"
	"net/http/httptest"
	"testing/fstest"

	"github.com/webapp2go/webapp2go/auth"
	"github.com/webapp2go/webapp2go/framework"
	"github.com/webapp2go/webapp2go/handlers"
	"github.com/webapp2go/webapp2go/sessions"
	"github.com/webapp2go/webapp2go/templates"
)

// Home are the files of a site with one page.
var Home = fstest.MapFS{"home.html": {Data: []byte("home")}}

// Site returns a site with these files, without users.
func Site(files fstest.MapFS) *handlers.Site {
	manager, err := sessions.New(sessions.Config{Keys: []sessions.Key{sessions.RandomKey()}})
	if err != nil {
		log.Fatal(err)
	}
	pages, err := templates.Parse(files, nil)
	if err != nil {
		log.Fatal(err)
	}
	return &handlers.Site{Sessions: manager, Templates: pages, Users: auth.NewMemory()}
}

// Serve serves app as a program does.
func Serve(app http.Handler) { log.Fatal(framework.Serve(context.Background(), app)) }

// Request sends app one request, without a server, and prints the status of the response.
func Request(app http.Handler) {
	log.SetFlags(0)
	w := httptest.NewRecorder()
	app.ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
	fmt.Println("answer:", w.Code)
}
