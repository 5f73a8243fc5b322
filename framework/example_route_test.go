package framework_test

import (
	"fmt"
	"net/http/httptest"

	"github.com/webapp2go/webapp2go/framework"
)

type BookHandler struct {
	framework.RequestHandler
	shelf string
}

func (h *BookHandler) Get() error {
	_, err := fmt.Fprint(h, "book ", h.Var("id"), " of ", h.shelf)
	return err
}

func (h *BookHandler) List() error {
	_, err := fmt.Fprint(h, "all books")
	return err
}

func (h *BookHandler) Archive() error {
	return h.RedirectTo("book", "id", h.Var("id"), "archived", true)
}

func ExampleToMethod() {
	app := framework.New()
	app.Handle("/books", framework.ToMethod(app, (*BookHandler).List)).Methods("GET", "HEAD")
	app.Handle("/books/{id:[0-9]+}", framework.To[BookHandler](app)).Name("book")
	app.Handle("/books/{id:[0-9]+}/archive", framework.ToMethod(app, (*BookHandler).Archive)).Methods("POST")

	try(app, "GET", "/books")
	try(app, "POST", "/books/7/archive")
	// Output:
	// GET /books: 200 all books
	// POST /books/7/archive: 302 Location: /books/7?archived=true
}

func ExampleFrom() {
	app := framework.New()
	app.Handle("/books/{id}", framework.From(app, func() *BookHandler { return &BookHandler{shelf: "poetry"} }))

	try(app, "GET", "/books/7")
	// Output:
	// GET /books/7: 200 book 7 of poetry
}

// A test calls a method of a handler without a route or a server.
func ExampleInit() {
	app := framework.New()
	answer := httptest.NewRecorder()
	var h BookHandler
	framework.Init(answer, httptest.NewRequest("GET", "/", nil), app, &h)
	h.Request.SetPathValue("id", "7")
	h.shelf = "travel"

	err := h.Get()
	h.Response.Flush()
	fmt.Println(answer.Body, err)
	// Output:
	// book 7 of travel <nil>
}

// About serves one form of its path; the other is a permanent redirect to it.
type About struct{ framework.RequestHandler }

func (h *About) Get() error {
	_, err := fmt.Fprint(h, "about us")
	return err
}

func ExampleSlashRedirect() {
	app := framework.New()
	app.Handle("/about", framework.To[About](app)).Name("about")
	app.Handle("/about/", framework.SlashRedirect())

	w := httptest.NewRecorder()
	app.ServeHTTP(w, httptest.NewRequest("POST", "/about/?page=2", nil))
	fmt.Println(w.Code, w.Header().Get("Location"))
	// Output: 308 /about?page=2
}
