package framework_test

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/webapp2go/webapp2go/framework"
)

// badError is an error whose methods panic, like those of a nil pointer that was returned as an
// error.
type badError struct{ status int }

func (e *badError) Error() string   { return http.StatusText(e.status) }
func (e *badError) HTTPStatus() int { return e.status }

// If a handler misuses the API or returns a bad error, only its request fails: the client gets
// a response.
func TestMisuse(t *testing.T) {
	long := strings.Repeat("x", 100<<10)
	for name, test := range map[string]struct {
		method string
		do     func(h *action) error
		status int
		length int64 // -1: any status
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
			request, err := http.NewRequest(test.method, start(t, app).URL+"/", nil)
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

// nilErrors handles an error by returning a nil *Error.
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

// An App that was not made by New cannot route, and logs that.
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

// An App that was not checked logs its mistakes at the first request, once; one that was
// checked does not.
func TestMistakesAreLoggedAtTheFirstRequest(t *testing.T) {
	for name, check := range map[string]bool{"checked": true, "not checked": false} {
		t.Run(name, func(t *testing.T) {
			app, log := newApp(t)
			app.Handle("/", framework.To[needy](app))
			app.Handle("/too", framework.To[needy](app))
			if check {
				if err := app.Check(); err == nil || strings.Count(err.Error(), "app.Init") != 1 {
					t.Errorf("Check returned %v", err)
				}
			}
			server := start(t, http.StripPrefix("", app)) // middleware, which hides Check from a Server
			var asked sync.WaitGroup
			for range 5 {
				asked.Go(func() { get(t, server.URL+"/nowhere") })
			}
			asked.Wait()
			want := 1
			if check {
				want = 0
			}
			if got := log.records("level=ERROR", "the App has mistakes", "set app.Init = site.Init"); got != want {
				t.Errorf("told %d times, want %d:\n%s", got, want, log)
			}
		})
	}
}

// A name that looks misspelled may be the action of ToMethod.
func TestActionWithAnOddName(t *testing.T) {
	app, _ := newApp(t)
	app.Handle("/", framework.ToMethod(app, (*misspelling).Pots)).Methods("GET", "HEAD")
	if err := app.Check(); err != nil {
		t.Error(err)
	}
}

// If an action does not return its Abort, the request ends with that error all the same, and a
// warning is logged.
func TestAbortThatIsNotReturned(t *testing.T) {
	for name, test := range map[string]struct {
		end    func(h *action) error
		status int
		body   string
		warned int
	}{
		"Abort":         {func(h *action) error { h.Abort(403); return h.JSON("secret") }, 403, "", 1},
		"RedirectAbort": {func(h *action) error { h.RedirectAbort("/login", 303); return h.JSON("secret") }, 303, "", 1},
		"in a goroutine": {func(h *action) error {
			done := make(chan bool)
			go func() { h.Abort(403); close(done) }()
			<-done
			return h.JSON("secret")
		}, 403, "", 1},
		"and another error":         {func(h *action) error { h.Abort(403); return errors.New("broken") }, 500, "", 0},
		"returned":                  {func(h *action) error { return h.Abort(403) }, 403, "", 0},
		"the function":              {func(h *action) error { framework.Abort(403); return h.JSON("open") }, 200, "open", 0},
		"after the header was sent": {func(h *action) error { h.JSON("sent"); h.Response.Flush(); h.Abort(403); return nil }, 200, "sent", 1},
	} {
		t.Run(name, func(t *testing.T) {
			app, log := appOf(t, test.end)
			answer, body := get(t, start(t, app).URL+"/")
			if answer.StatusCode != test.status || strings.Contains(body, "secret") || !strings.Contains(body, test.body) {
				t.Errorf("answer %d %q", answer.StatusCode, body)
			}
			if got := log.records("level=WARN", "write return before the call", "method=GET", "path=/"); got != test.warned {
				t.Errorf("%d warnings, want %d:\n%s", got, test.warned, log)
			}
		})
	}
}

// If an override of Dispatch handles a returned error, the result is left alone.
func TestAbortThatDispatchAnswers(t *testing.T) {
	app, log := newApp(t)
	app.Handle("/", framework.To[forgiving](app))
	if answer, body := get(t, start(t, app).URL+"/"); answer.StatusCode != 200 || body != "forgiven" || log.String() != "" {
		t.Errorf("answer %d %q\n%s", answer.StatusCode, body, log)
	}
}

type forgiving struct{ framework.RequestHandler }

func (h *forgiving) Get() error { return h.Abort(404) }

func (h *forgiving) Dispatch() error {
	if err := h.RequestHandler.Dispatch(); framework.Status(err) != 404 {
		return err
	}
	_, err := io.WriteString(h, "forgiven")
	return err
}
