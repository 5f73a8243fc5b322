package framework_test

import (
	"fmt"
	"net/http/httptest"

	"github.com/webapp2go/webapp2go/framework"
)

func ExampleTemplate() {
	fmt.Println(framework.Template(`/archive/<year:\d{4}>/<slug>`))
	fmt.Println(framework.Template(`/<:(en|pt)>/home`))
	_, err := framework.Template(`/<name:(?!admin)\w+>`)
	fmt.Println(err)
	// Output:
	// /archive/{year:\d{4}}/{slug} <nil>
	// /{0:(?:en|pt)}/home <nil>
	// framework: route template "/<name:(?!admin)\\w+>": variable "name": (?! is a negative lookahead, which Go's regexp does not have; match more, and refuse in the handler
}

// About answers one form of its path; the other is a permanent redirect to it.
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
