package framework_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/gorilla/mux"

	"github.com/webapp2go/webapp2go/framework"
)

// WhichHandler names the route that was chosen.
type WhichHandler struct{ framework.RequestHandler }

func (h *WhichHandler) Get() error {
	_, err := fmt.Fprint(h, h.Route().GetName(), " ", h.Vars())
	return err
}

// The conditions of a route are those of gorilla/mux.
func ExampleRoute() {
	app := framework.New()
	which := framework.To[WhichHandler](app)
	app.Host("{user}.example.com").Path("/").Handler(which).Name("user")
	app.Handle("/", which).Queries("page", "{page:[0-9]+}").Name("page")
	app.Handle("/", which).HeadersRegexp("Accept-Language", "^de").Name("german")
	app.Handle("/", which).MatcherFunc(func(r *http.Request, _ *mux.RouteMatch) bool { return r.ContentLength > 0 }).Name("body")
	app.Handle("/", which).Name("home")

	for _, url := range []string{"http://ann.example.com/", "http://example.com/?page=2", "http://example.com/?page=two"} {
		w := httptest.NewRecorder()
		app.ServeHTTP(w, httptest.NewRequest("GET", url, nil))
		fmt.Println(w.Body)
	}
	// Output:
	// user map[user:ann]
	// page map[page:2]
	// home map[]
}

// Walk visits all routes in the order in which they match.
func ExampleRouter_Walk() {
	app := framework.New()
	app.Handle("/books", framework.To[WhichHandler](app)).Name("books")
	admin := app.PathPrefix("/admin").Subrouter()
	admin.Handle("/users", framework.To[WhichHandler](app)).Methods("GET")

	err := app.Walk(func(route *framework.Route, _ *framework.Router, above []*framework.Route) error {
		fmt.Println(len(above), route.GetPathTemplate(), route.GetMethods())
		return nil
	})
	fmt.Println(err, app.Named("books").GetVarNames(), app.Named("letters") == nil)
	// Output:
	// 0 /books []
	// 0 /admin []
	// 1 /admin/users [GET HEAD]
	// <nil> [] true
}

// A route on another server, which is only for its URL.
func ExampleRoute_BuildOnly() {
	app := framework.New()
	app.Host("static.example.com").Path("/{file:.+}").Schemes("https").BuildOnly().Name("download")

	fmt.Println(app.URL("download", "file", "guide.pdf"))
	try(app, "HEAD", "https://static.example.com/guide.pdf")
	// Output:
	// https://static.example.com/guide.pdf <nil>
	// HEAD https://static.example.com/guide.pdf: 404
}

// EnterHandler redirects from a function that it calls.
type EnterHandler struct{ framework.RequestHandler }

func (h *EnterHandler) Get() error {
	name, err := h.member()
	if err != nil {
		return err
	}
	return h.Text("Hello, " + name)
}

func (h *EnterHandler) member() (string, error) {
	return "", h.RedirectAbort("/join", http.StatusSeeOther)
}

func ExampleRequestHandler_RedirectAbort() {
	app := framework.New()
	app.Handle("/", framework.To[EnterHandler](app))

	try(app, "GET", "/")
	// Output: GET /: 303 Location: /join
}

// BrokenHandler panics. Its HandleError sees the panic as an error.
type BrokenHandler struct{ framework.RequestHandler }

func (h *BrokenHandler) Get() error { panic("out of paper") }

func (h *BrokenHandler) HandleError(err error) error {
	if panicked, ok := errors.AsType[*framework.PanicError](err); ok {
		return h.Text(fmt.Sprintln("panic:", panicked.Value, strings.Contains(string(panicked.Stack), "BrokenHandler")))
	}
	return err
}

func ExamplePanicError() {
	app := framework.New()
	app.Handle("/", framework.To[BrokenHandler](app))

	try(app, "GET", "/")
	// Output: GET /: 500 panic: out of paper true
}

// DraftHandler changes its mind about the response.
type DraftHandler struct{ framework.RequestHandler }

func (h *DraftHandler) Get() error {
	http.SetCookie(h.Response, &http.Cookie{Name: "seen", Value: "yes"})
	h.Response.WriteHeader(http.StatusAccepted)
	fmt.Fprint(h, "a draft")
	h.Response.Reset() // keeps the cookie
	fmt.Println(h.Response.Status(), len(h.Response.RequestID()) > 0)
	return h.Text("the final text")
}

func ExampleResponse_Reset() {
	app := framework.New()
	app.Handle("/", framework.To[DraftHandler](app))

	try(app, "GET", "/")
	// Output:
	// 200 true
	// GET /: 200 Set-Cookie: seen=yes the final text
}

// UpgradeHandler takes over the connection, as a WebSocket library does.
type UpgradeHandler struct{ framework.RequestHandler }

func (h *UpgradeHandler) Get() error {
	connection, buffered, err := h.Response.Hijack()
	if err != nil {
		return err
	}
	defer connection.Close()
	fmt.Fprint(buffered, "HTTP/1.1 200 OK\r\nContent-Length: 4\r\nConnection: close\r\n\r\nmine")
	return buffered.Flush()
}

func ExampleResponse_Hijack() {
	app := framework.New()
	app.Handle("/", framework.To[UpgradeHandler](app))
	server := httptest.NewServer(app)
	defer server.Close()

	response, err := http.Get(server.URL)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer response.Body.Close()
	fmt.Println(response.StatusCode, response.ContentLength)
	// Output: 200 4
}
