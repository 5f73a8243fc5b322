package framework_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/webapp2go/webapp2go/framework"
)

// frontDesk hands its request on to another route, and answers for its own errors.
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

// A handler may let the handler of another route answer. Its errors stay its own.
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
