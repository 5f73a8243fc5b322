package framework_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
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

// A trace prints the steps of a request, in order.
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

// In Debug, the page /trace lists the newest requests, and links to the steps of each.
func ExampleShowTraces() {
	app := framework.New()
	app.Debug = true
	app.Handle("/books", framework.To[ListHandler](app)).Name("books")
	framework.ShowTraces(app)
	app.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/books", nil))

	w := httptest.NewRecorder()
	app.ServeHTTP(w, httptest.NewRequest("GET", "/trace", nil))
	fmt.Println(w.Code, strings.Contains(w.Body.String(), "GET /books"))
	// Output:
	// 200 true
}

// A page shows the steps that have happened when it is made. Those after it, such as
// sending it, are in the Trace after the request.
func ExampleTraceOf() {
	app := framework.New()
	app.Traces = new(framework.Traces)
	show := func(w io.Writer, trace *framework.Trace) {
		for _, step := range trace.Steps() {
			fmt.Fprintf(w, "%*s%s %s\n", 2*step.Depth, "", step.Kind, step.Name)
		}
	}
	var trace *framework.Trace
	app.HandleFunc("/books", func(w http.ResponseWriter, r *http.Request) {
		trace = framework.TraceOf(r.Context())
		show(w, trace)
	})
	w := httptest.NewRecorder()
	app.ServeHTTP(w, httptest.NewRequest("GET", "/books", nil))
	fmt.Print("In the page:\n", w.Body)
	fmt.Println("In the end:")
	show(os.Stdout, app.Traces.Find(trace.ID))
	// Output:
	// In the page:
	// route /books (tree)
	// In the end:
	// route /books (tree)
	// header 200 OK
	// sent 20 bytes
}
