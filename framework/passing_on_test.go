package framework_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/webapp2go/webapp2go/framework"
)

// frontDesk passes its request on to another route, and handles its own errors.
type frontDesk struct {
	framework.RequestHandler
	next http.Handler
	err  error
}

func (h *frontDesk) Get() error {
	h.next.ServeHTTP(h.Response, h.Request)
	return h.err
}

func (h *frontDesk) HandleError(err error) error {
	_, _ = fmt.Fprint(h, "the front desk: ", err)
	return nil
}

// mute neither responds nor delegates.
type mute struct{ framework.RequestHandler }

func (h *mute) Dispatch() error { return nil }
func (h *mute) Get() error      { return nil }

// told responds with the route that its handler got.
type told struct{ framework.RequestHandler }

func (h *told) Get() error {
	_, err := fmt.Fprint(h, h.Route() != nil && h.Route().GetName() == "front")
	return err
}

// A handler that gets a request of another handler responds itself, and gets the route that
// matched the request.
func TestHandedOn(t *testing.T) {
	for name, test := range map[string]struct {
		next func(app *framework.App) http.Handler
		want string
	}{
		"one that does nothing":         {func(app *framework.App) http.Handler { return framework.To[mute](app) }, "500 "},
		"one that asks for its route":   {func(app *framework.App) http.Handler { return framework.To[told](app) }, "200 true"},
		"one that answers with nothing": {func(app *framework.App) http.Handler { return do(app, func(*action) error { return nil }) }, "200 "},
	} {
		t.Run(name, func(t *testing.T) {
			app, _ := newApp(t)
			next := test.next(app)
			app.Errors = map[int]framework.ErrorHandler{500: func(framework.Handler, error) error { return nil }}
			app.Handle("/", framework.From(app, func() *frontDesk { return &frontDesk{next: next} })).Name("front")
			w := httptest.NewRecorder()
			app.ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
			if got := fmt.Sprint(w.Code, " ", w.Body); got != test.want {
				t.Errorf("%q, want %q", got, test.want)
			}
		})
	}
}

// A handler may let the handler of another route respond. Its errors are still its own.
func TestHandOn(t *testing.T) {
	for want, err := range map[string]error{"hello": nil, "the front desk: broken": errors.New("broken")} {
		app, _ := newApp(t)
		next := framework.To[hello](app)
		app.Handle("/next", next)
		app.Handle("/", framework.From(app, func() *frontDesk { return &frontDesk{next: next, err: err} }))
		w := httptest.NewRecorder()
		app.ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
		if got := w.Body.String(); got != want {
			t.Errorf("with the error %v: %q, want %q", err, got, want)
		}
	}
}
