// An override of Dispatch that forgets the embedded one.
package main

import (
	"fmt"
	"log"
	"net/http/httptest"

	"github.com/webapp2go/webapp2go/framework"
)

type Page struct{ framework.RequestHandler }

func (h *Page) Dispatch() error {
	h.Response.Header().Set("Cache-Control", "no-store")
	return nil
}

func (h *Page) Get() error { return nil }

func main() {
	log.SetFlags(0)
	app := framework.New()
	app.Handle("/", framework.To[Page](app))
	answer := httptest.NewRecorder()
	app.ServeHTTP(answer, httptest.NewRequest("GET", "/", nil))
	fmt.Println("answer:", answer.Code)
}
