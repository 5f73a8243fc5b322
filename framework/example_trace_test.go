package framework_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/webapp2go/webapp2go/framework"
)

// ListHandler lists books.
type ListHandler struct{ framework.RequestHandler }

func (h *ListHandler) Guard() error { return nil }

func (h *ListHandler) Get() error {
	end := framework.BeginStep(h.Context(), "query", "books by name")
	books := []string{"Emma", "Ulysses"}
	end(nil)
	return h.Text(strings.Join(books, "\n"))
}

// A trace prints what is done for a request, in order.
func ExampleStep() {
	app := framework.New()
	app.Handle("/books", framework.To[ListHandler](app))
	app.Trace = func(r *http.Request) (*http.Request, func(framework.Step)) {
		depth := 0
		return r, func(s framework.Step) {
			if s.Phase == framework.StepEnded {
				depth--
				return
			}
			fmt.Printf("%s%s: %s\n", strings.Repeat("  ", depth), s.Kind, s.Name)
			if s.Phase == framework.StepBegun {
				depth++
			}
		}
	}
	app.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/books", nil))
	// Output:
	// route: /books (tree)
	// handler: *framework_test.ListHandler
	// init: App.Init
	// dispatch: framework.(*RequestHandler).Dispatch
	//   guard: Guard
	//   action: framework_test.(*ListHandler).Get
	//     query: books by name
	// header: 200 OK
	// sent: 12 bytes
}
