// A handler without a request.
package main

import (
	"fmt"

	"github.com/webapp2go/webapp2go/framework"
)

type Page struct{ framework.RequestHandler }

func (h *Page) Get() error { return nil }

func main() {
	fmt.Println(new(Page).Dispatch())
}
