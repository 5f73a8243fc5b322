package framework_test

import (
	"fmt"
	"testing"

	"github.com/webapp2go/webapp2go/framework"
)

// lost is a site's Fallback, on the site's base.
type lost struct{ base }

func (h *lost) HandleError(err error) error {
	_, _ = fmt.Fprint(h, "lost: ", framework.Status(err))
	return h.base.HandleError(nil)
}

// If no route matches, the Fallback responds, through the site's base and its Init.
func TestFallback(t *testing.T) {
	app, _ := newApp(t)
	made := map[framework.Handler]bool{}
	app.Init = func(h framework.Handler) { made[h] = true }
	app.Fallback = func() framework.Handler { return new(lost) }
	app.Handle("/get", framework.ToMethod(app, (*onlyGet).Get)).Methods("GET", "HEAD")
	if err := app.Check(); err != nil { // which makes handlers of its own
		t.Fatal(err)
	}
	clear(made)
	for _, test := range []struct {
		method, path string
		status       int
	}{
		{"GET", "/nowhere", 404}, {"POST", "/nowhere", 404}, {"GET", "/a/../get", 404},
		{"POST", "/get", 405}, {"BREW", "/get", 501},
	} {
		answer := ask(app, test.method, test.path)
		if answer.Code != test.status || answer.Body.String() != fmt.Sprint("lost: ", test.status) {
			t.Errorf("%s %s: answer %d %q", test.method, test.path, answer.Code, answer.Body)
		}
		if steps := fmt.Sprint(answer.Header()["Steps"]); steps != "[base> <base base.HandleError]" {
			t.Errorf("%s %s: steps %s", test.method, test.path, steps)
		}
	}
	if len(made) != 5 {
		t.Errorf("%d handlers for 5 requests", len(made))
	}
}
