// A goroutine that outlives the request and keeps the handler.
package main

import (
	"fmt"
	"log"
	"net/http/httptest"

	"github.com/webapp2go/webapp2go/framework"
)

type Page struct{ framework.RequestHandler }

var ended, wrote = make(chan bool), make(chan error)

func (h *Page) Get() error {
	go func() {
		<-ended
		_, err := fmt.Fprint(h, "late")
		wrote <- err
	}()
	return nil
}

func main() {
	log.SetFlags(0)
	app := framework.New()
	app.Handle("/", framework.To[Page](app))
	answer := httptest.NewRecorder()
	app.ServeHTTP(answer, httptest.NewRequest("GET", "/", nil))
	fmt.Println("answer:", answer.Code)
	close(ended)
	fmt.Println(<-wrote)
}
