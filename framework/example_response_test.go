package framework_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/webapp2go/webapp2go/framework"
)

type VisitHandler struct{ framework.RequestHandler }

func (h *VisitHandler) Get() error {
	h.Response.BeforeSend(func(w http.ResponseWriter) error {
		http.SetCookie(w, &http.Cookie{Name: "visited", Value: "yes"})
		return nil
	})
	fmt.Fprint(h, "half a page")
	return h.Abort(http.StatusTeapot, "and then an error")
}

func (h *VisitHandler) HandleError(error) error {
	_, err := fmt.Fprint(h, "short and stout")
	return err
}

// The function runs however the action ends, and its cookie is part of every response.
func ExampleResponse_BeforeSend() {
	app := framework.New()
	app.Handle("/", framework.To[VisitHandler](app))

	try(app, "GET", "/")
	// Output:
	// GET /: 418 Set-Cookie: visited=yes short and stout
}

// A Tally is saved with the response.
type Tally struct{ n int }

func (t *Tally) Save(w http.ResponseWriter) error {
	http.SetCookie(w, &http.Cookie{Name: "tally", Value: fmt.Sprint(t.n)})
	return nil
}

// CountingHandler keeps its Tally by value, so that saving it costs no allocation.
type CountingHandler struct {
	framework.RequestHandler
	tally Tally
}

func (h *CountingHandler) Dispatch() error {
	h.Response.SaveWith(&h.tally)
	return h.RequestHandler.Dispatch()
}

func (h *CountingHandler) Get() error {
	h.Response.BeforeSend(func(http.ResponseWriter) error {
		h.tally.n++ // runs before the Tally is saved
		return nil
	})
	h.tally.n++
	return nil
}

func ExampleResponse_SaveWith() {
	app := framework.New()
	app.Handle("/", framework.To[CountingHandler](app))

	try(app, "GET", "/")
	// Output:
	// GET /: 200 Set-Cookie: tally=2
}

type OrderHandler struct{ framework.RequestHandler }

func (h *OrderHandler) Post() error {
	saved := false
	h.Response.BeforeSend(func(http.ResponseWriter) error {
		saved = true
		return nil
	})
	if err := h.Response.Commit(); err != nil {
		return err
	}
	_, err := fmt.Fprint(h, "saved: ", saved, ", sent: ", h.Response.HeaderWritten())
	return err
}

func ExampleResponse_Commit() {
	app := framework.New()
	app.Handle("/", framework.To[OrderHandler](app))

	try(app, "POST", "/")
	// Output:
	// POST /: 200 saved: true, sent: false
}

type ClockHandler struct{ framework.RequestHandler }

func (h *ClockHandler) Get() error {
	fmt.Fprint(h, "tick ")
	h.Response.Flush()
	if err := h.Redirect("/elsewhere"); errors.Is(err, framework.ErrHeaderWritten) {
		fmt.Fprint(h, "too late to go elsewhere")
	}
	return nil
}

func ExampleResponse_Flush() {
	app := framework.New()
	app.Handle("/", framework.To[ClockHandler](app))

	try(app, "GET", "/")
	// Output:
	// GET /: 200 tick too late to go elsewhere
}

// MovingHandler sends the client to the route of the book.
type MovingHandler struct{ framework.RequestHandler }

func (h *MovingHandler) Get() error { return h.RedirectTo("book", "id", h.Var("id")) }

func ExampleRequestHandler_RedirectTo() {
	app := framework.New()
	app.Handle("/books/{id}", framework.To[BookHandler](app)).Name("book")
	app.Handle("/old/{id}", framework.To[MovingHandler](app))

	try(app, "GET", "/old/7")
	// Output:
	// GET /old/7: 302 Location: /books/7
}

// OfferHandler responds in two formats.
type OfferHandler struct{ framework.RequestHandler }

func (h *OfferHandler) Get() error {
	if h.WantsJSON() {
		return h.JSON(map[string]int{"price": 12})
	}
	return h.HTML("<p>12 euros")
}

func ExampleRequestHandler_JSON() {
	app := framework.New()
	app.Handle("/offer", framework.To[OfferHandler](app))

	for _, accept := range []string{"application/json", "text/html"} {
		r := httptest.NewRequest("GET", "/offer", nil)
		r.Header.Set("Accept", accept)
		w := httptest.NewRecorder()
		app.ServeHTTP(w, r)
		fmt.Println(w.Header().Get("Content-Type"), strings.TrimSpace(w.Body.String()))
	}
	// Output:
	// application/json {"price":12}
	// text/html; charset=utf-8 <p>12 euros
}
