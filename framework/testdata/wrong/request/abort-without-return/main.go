// An Abort that is not returned.
package main

import (
	"fmt"
	"log"
	"net/http/httptest"

	"github.com/webapp2go/webapp2go/framework"
)

type Page struct{ framework.RequestHandler }

func (h *Page) Get() error {
	h.Abort(403)
	_, err := h.Write([]byte("secret"))
	return err
}

func main() {
	log.SetFlags(0)
	app := framework.New()
	app.Handle("/", framework.To[Page](app))
	answer := httptest.NewRecorder()
	app.ServeHTTP(answer, httptest.NewRequest("GET", "/", nil))
	fmt.Println("answer:", answer.Code)
}
