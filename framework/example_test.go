package framework_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/webapp2go/webapp2go/framework"
)

// try prints the response of an App.
func try(app http.Handler, method, path string) {
	recorder := httptest.NewRecorder()
	app.ServeHTTP(recorder, httptest.NewRequest(method, path, nil))
	answer := recorder.Result()
	fmt.Print(method, " ", path, ": ", answer.StatusCode)
	for _, name := range []string{"Allow", "Location", "Set-Cookie"} {
		if value := answer.Header.Get(name); value != "" {
			fmt.Print(" ", name, ": ", value)
		}
	}
	if body := recorder.Body.String(); body != "" {
		fmt.Print(" ", body)
	}
	fmt.Println()
}

type HelloHandler struct{ framework.RequestHandler }

func (h *HelloHandler) Get() error {
	_, err := fmt.Fprintf(h, "Hello, %s!", h.Var("name"))
	return err
}

func Example() {
	app := framework.New()
	app.Handle("/hello/{name}", framework.To[HelloHandler](app)).Name("hello")
	if err := app.Check(); err != nil {
		fmt.Println(err)
	}

	try(app, "GET", "/hello/Ann")
	try(app, "POST", "/hello/Ann")
	try(app, "OPTIONS", "/hello/Ann")
	// Output:
	// GET /hello/Ann: 200 Hello, Ann!
	// POST /hello/Ann: 405 Allow: GET, HEAD, OPTIONS <!doctype html>
	// <html lang="en">
	// <head>
	// <meta charset="utf-8">
	// <meta name="viewport" content="width=device-width, initial-scale=1">
	// <meta name="color-scheme" content="light dark">
	// <title>405 Method Not Allowed</title>
	// </head>
	// <body>
	// <main>
	// <h1>Method Not Allowed</h1>
	// </main>
	// </body>
	// </html>
	//
	// OPTIONS /hello/Ann: 204 Allow: GET, HEAD, OPTIONS
}
