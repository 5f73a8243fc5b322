package webapp2_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"

	"github.com/webapp2go/webapp2go/framework"
	"github.com/webapp2go/webapp2go/webapp2"
)

func ExampleTemplate() {
	fmt.Println(webapp2.Template(`/archive/<year:\d{4}>/<slug>`))
	fmt.Println(webapp2.Template(`/<:(en|pt)>/home`))
	_, err := webapp2.Template(`/<name:(?!admin)\w+>`)
	fmt.Println(err)
	// Output:
	// /archive/{year:\d{4}}/{slug} <nil>
	// /{0:(?:en|pt)}/home <nil>
	// webapp2: route template "/<name:(?!admin)\\w+>": variable "name": (?! is a negative lookahead, which Go's regexp does not have; match more, and refuse in the handler
}

func ExampleRedirectHandler() {
	app := framework.New()
	app.Handle("/old", webapp2.RedirectHandler("/new", http.StatusPermanentRedirect))

	w := httptest.NewRecorder()
	app.ServeHTTP(w, httptest.NewRequest("POST", "/old", nil))
	fmt.Println(w.Code, w.Header().Get("Location"))
	// Output: 308 /new
}
