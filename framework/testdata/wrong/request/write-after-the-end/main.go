// A goroutine that outlives the request and keeps the handler.
package main

import (
	"fmt"

	"github.com/webapp2go/webapp2go/framework"
	"github.com/webapp2go/webapp2go/framework/testdata/wrong/shared"
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
	app := framework.New()
	app.Handle("/", framework.To[Page](app))
	shared.Request(app)
	close(ended)
	fmt.Println(<-wrote)
}
