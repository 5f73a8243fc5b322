package framework_test

import (
	"context"
	"fmt"
	"io"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/webapp2go/webapp2go/framework"
)

type counter struct {
	framework.RequestHandler
	n int
}

func (h *counter) Get() error {
	h.n++
	_, err := fmt.Fprint(h, h.n, h.Var("id"))
	return err
}

// Each request has a handler of its own, which has no data of other requests.
func TestHandlerBelongsToOneRequest(t *testing.T) {
	app, _ := newApp(t)
	app.Handle("/{id}", framework.To[counter](app))
	var requests sync.WaitGroup
	for i := range 100 {
		requests.Go(func() {
			answer := ask(app, "GET", fmt.Sprintf("/%d", i))
			if want := fmt.Sprint(1, fmt.Sprint(i)); answer.Body.String() != want {
				t.Errorf("answer %q, want %q", answer.Body, want)
			}
		})
	}
	requests.Wait()
}

func TestFromMakesHandlers(t *testing.T) {
	app, _ := newApp(t)
	app.Handle("/", framework.From(app, func() *counter { return &counter{n: 41} }))
	if answer := ask(app, "GET", "/"); answer.Body.String() != "42" {
		t.Errorf("answer %q", answer.Body)
	}
}

// App.Init is called on the outermost handler, once, before any Dispatch.
func TestAppInit(t *testing.T) {
	app, _ := newApp(t)
	app.Init = func(h framework.Handler) { h.(*counter).n += 10 }
	app.Handle("/", framework.To[counter](app))
	if answer := ask(app, "GET", "/"); answer.Body.String() != "11" {
		t.Errorf("answer %q", answer.Body)
	}
}

func TestInitForATest(t *testing.T) {
	app, _ := newApp(t)
	app.Init = func(h framework.Handler) { h.(*counter).n = 6 }
	for name, call := range map[string]func(h *counter) error{
		"an action": func(h *counter) error { return h.Get() },
		"Dispatch":  func(h *counter) error { return h.Dispatch() },
	} {
		t.Run(name, func(t *testing.T) {
			recorder := httptest.NewRecorder()
			var h counter
			framework.Init(recorder, httptest.NewRequest("GET", "/", nil), app, &h)
			if err := call(&h); err != nil {
				t.Fatal(err)
			}
			if h.n != 7 || h.Response.Status() != 200 {
				t.Errorf("n %d, status %d", h.n, h.Response.Status())
			}
			h.Response.Flush()
			if recorder.Body.String() != "7" {
				t.Errorf("body %q", recorder.Body)
			}
		})
	}
}

// A handler knows its route, whichever router chose it, or that it has none.
func TestRoute(t *testing.T) {
	app, _ := newApp(t)
	name := func(h *action) error {
		if route := h.Route(); route != nil {
			_, err := io.WriteString(h, route.GetName())
			return err
		}
		_, err := io.WriteString(h, "none")
		return err
	}
	app.Handle("/by/{id}", do(app, name)).Name("by the index")
	app.Host("a.example").Path("/host").Handler(do(app, name)).Name("by mux")
	app.Errors = map[int]framework.ErrorHandler{404: func(h framework.Handler, err error) error {
		return name(h.(*action))
	}}
	app.Fallback = func() framework.Handler { return new(action) }
	for url, want := range map[string]string{
		"/by/7": "by the index", "http://a.example/host": "by mux", "/none": "none",
	} {
		if got := ask(app, "GET", url).Body.String(); got != want {
			t.Errorf("%s: %q, want %q", url, got, want)
		}
	}
	if new(action).Route() != nil {
		t.Error("a handler of no request has a route")
	}
}

func TestDispatchWithoutInit(t *testing.T) {
	err := new(counter).Dispatch()
	if err == nil || !strings.Contains(err.Error(), "call framework.Init") {
		t.Errorf("Dispatch returned %v", err)
	}
	if ctx := new(counter).Context(); ctx != context.Background() {
		t.Errorf("Context returned %v", ctx)
	}
}

func TestIntVar(t *testing.T) {
	app, _ := newApp(t)
	app.Handle("/{id}", do(app, func(h *action) error {
		id, err := h.IntVar("id")
		if err != nil {
			return err
		}
		_, err = fmt.Fprint(h, id)
		return err
	}))
	app.Handle("/{other}/x", do(app, func(h *action) error { _, err := h.IntVar("id"); return err }))
	for path, want := range map[string]string{
		"/7": "7", "/-7": "-7", "/9223372036854775807": "9223372036854775807",
	} {
		if answer := ask(app, "GET", path); answer.Body.String() != want {
			t.Errorf("%s: answer %d %q", path, answer.Code, answer.Body)
		}
	}
	for path, want := range map[string]int{
		"/9223372036854775808": 404, "/seven": 404, "/7.0": 404, "/0x7": 404, "/7/x": 500,
	} {
		if answer := ask(app, "GET", path); answer.Code != want {
			t.Errorf("%s: status %d, want %d", path, answer.Code, want)
		}
	}
}

// silent overrides Dispatch without calling the one that it embeds.
type silent struct {
	framework.RequestHandler
	answers bool
}

func (h *silent) Get() error { return nil }

func (h *silent) Dispatch() error {
	if h.answers {
		h.Response.WriteHeader(202)
	}
	return nil
}

func TestDispatchMustAnswerOrDelegate(t *testing.T) {
	app, log := newApp(t)
	app.Handle("/forgets", framework.To[silent](app))
	app.Handle("/answers", framework.From(app, func() *silent { return &silent{answers: true} }))
	if answer := ask(app, "GET", "/forgets"); answer.Code != 500 {
		t.Errorf("status %d", answer.Code)
	}
	if log.records("framework_test.silent.Dispatch has neither responded nor called the embedded Dispatch") != 1 {
		t.Errorf("log:\n%s", log)
	}
	if answer := ask(app, "GET", "/answers"); answer.Code != 202 {
		t.Errorf("status %d", answer.Code)
	}
}
