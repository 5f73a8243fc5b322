package framework_test

import (
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/webapp2go/webapp2go/framework"
)

// badError is an error whose methods panic, as a nil pointer that was returned as an
// error does.
type badError struct{ status int }

func (e *badError) Error() string   { return http.StatusText(e.status) }
func (e *badError) HTTPStatus() int { return e.status }

// What a handler does to itself or returns by mistake is its own failure: an answer
// goes out.
func TestMisuse(t *testing.T) {
	long := strings.Repeat("x", 100<<10)
	for name, test := range map[string]struct {
		verb   string
		do     func(h *action) error
		status int
		length int64 // -1: any
	}{
		"a nil pointer as the error": {"GET", func(*action) error { return (*badError)(nil) }, 500, -1},
		"a nil pointer as the error of a hook": {"GET", func(h *action) error {
			h.Response.BeforeSend(func(http.ResponseWriter) error { return (*badError)(nil) })
			return nil
		}, 500, -1},
		"no request any more": {"GET", func(h *action) error {
			h.Request = nil
			_, err := io.WriteString(h.Response, "page")
			return err
		}, 200, 4},
		"nothing any more": {"GET", func(h *action) error { *h = action{}; return nil }, 200, 0},
		"HEAD with a request of GET": {"HEAD", func(h *action) error {
			other := h.Request.Clone(h.Context())
			other.Method = "GET"
			h.Request = other
			_, err := io.WriteString(h, long)
			return err
		}, 200, int64(len(long))},
		"a hook that is nil": {"GET", func(h *action) error { h.Response.BeforeSend(nil); return nil }, 500, -1},
		"a hook that fails while another sends the answer": {"GET", func(h *action) error {
			h.Response.BeforeSend(func(w http.ResponseWriter) error { w.(http.Flusher).Flush(); return nil })
			h.Response.BeforeSend(fail)
			return nil
		}, 503, -1},
	} {
		t.Run(name, func(t *testing.T) {
			app, _ := appOf(t, test.do)
			request, err := http.NewRequest(test.verb, start(t, app).URL+"/", nil)
			if err != nil {
				t.Fatal(err)
			}
			answer, err := http.DefaultClient.Do(request)
			if err != nil {
				t.Fatal(err)
			}
			defer answer.Body.Close()
			if answer.StatusCode != test.status || test.length >= 0 && answer.ContentLength != test.length {
				t.Errorf("status %d, length %d", answer.StatusCode, answer.ContentLength)
			}
		})
	}
}

// nilErrors answers errors with one that is none.
type nilErrors struct{ framework.RequestHandler }

func (h *nilErrors) Get() error              { return h.Abort(404) }
func (h *nilErrors) HandleError(error) error { return (*badError)(nil) }

func TestMisuseInErrorHandlers(t *testing.T) {
	app, _ := newApp(t)
	app.Handle("/handler", framework.To[nilErrors](app))
	app.Handle("/site", do(app, func(h *action) error { return h.Abort(404) }))
	app.Errors = map[int]framework.ErrorHandler{404: func(framework.Handler, error) error { return (*badError)(nil) }}
	server := start(t, app)
	for _, path := range []string{"/handler", "/site"} {
		if answer, _ := get(t, server.URL+path); answer.StatusCode != 500 {
			t.Errorf("%s: status %d", path, answer.StatusCode)
		}
	}
}

// An App that New has not made cannot route, and says so in the log.
func TestAppWithoutNew(t *testing.T) {
	answer, _ := get(t, start(t, &framework.App{}).URL+"/")
	if answer.StatusCode != 500 {
		t.Errorf("status %d", answer.StatusCode)
	}
}

// Hooks may be registered by all goroutines of the request, and none is lost.
func TestHooksOfGoroutines(t *testing.T) {
	const goroutines = 8
	ran := 0
	app, _ := appOf(t, func(h *action) error {
		var all sync.WaitGroup
		for range goroutines {
			all.Go(func() { h.Response.BeforeSend(func(http.ResponseWriter) error { ran++; return nil }) })
		}
		all.Wait()
		return nil
	})
	get(t, start(t, app).URL+"/")
	if ran != goroutines {
		t.Errorf("%d of %d hooks ran", ran, goroutines)
	}
}
