package framework_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/webapp2go/webapp2go/framework"
)

// trace is a chain of three: page embeds admin embeds base.
type base struct{ framework.RequestHandler }

func (h *base) step(format string, arguments ...any) {
	h.Response.Header().Add("Steps", fmt.Sprintf(format, arguments...))
}

func (h *base) Dispatch() error {
	h.step("base>")
	defer h.step("<base")
	return h.RequestHandler.Dispatch()
}

func (h *base) HandleError(err error) error {
	h.step("base.HandleError")
	return h.RequestHandler.HandleError(err)
}

type admin struct{ base }

func (h *admin) Dispatch() error {
	h.step("admin>")
	defer h.step("<admin")
	return h.base.Dispatch()
}

type page struct{ admin }

func (h *page) Dispatch() error {
	h.step("page>")
	defer h.step("<page")
	return h.admin.Dispatch()
}

func (h *page) HandleError(err error) error {
	h.step("page.HandleError")
	return h.admin.HandleError(err)
}

func (h *page) Get() error {
	h.step("Get")
	_, err := io.WriteString(h, "got")
	return err
}

func (h *page) Post() error {
	h.step("Post")
	return errors.New("posted in vain")
}

func (h *page) Put() error {
	h.step("Put")
	panic("put")
}

func TestChainRunsInOrder(t *testing.T) {
	app, _ := newApp(t)
	app.Handle("/", framework.To[page](app))
	for _, test := range []struct {
		method string
		status int
		steps  string
	}{
		{"GET", 200, "page> admin> base> Get <base <admin <page"},
		{"POST", 500, "page> admin> base> Post <base <admin <page page.HandleError base.HandleError"},
		{"PUT", 500, "page> admin> base> Put <base <admin <page page.HandleError base.HandleError"},
		{"DELETE", 405, "page> admin> base> <base <admin <page page.HandleError base.HandleError"},
	} {
		t.Run(test.method, func(t *testing.T) {
			recorder := httptest.NewRecorder()
			app.ServeHTTP(recorder, httptest.NewRequest(test.method, "/", nil))
			if recorder.Code != test.status {
				t.Errorf("status %d, want %d", recorder.Code, test.status)
			}
			if steps := strings.Join(recorder.Header()["Steps"], " "); steps != test.steps {
				t.Errorf("steps\n %s\nwant\n %s", steps, test.steps)
			}
		})
	}
}

func TestResponsesWithoutARoute(t *testing.T) {
	app, _ := newApp(t)
	app.Handle("/page", framework.To[page](app))
	app.HandleFunc("/plain", func(http.ResponseWriter, *http.Request) {}).Methods("GET", "HEAD")
	for _, test := range []struct {
		method, path string
		status       int
		allow        string
	}{
		{"GET", "/nowhere", 404, ""},
		{"GET", "/page/", 404, ""},
		{"GET", "//page", 404, ""},
		{"GET", "/a/%2e%2e/page", 404, ""},
		{"GET", "/p%00age", 404, ""},
		{"GET", "/%ff", 404, ""},
		{"POST", "/plain", 405, "GET, HEAD, OPTIONS"},
		{"OPTIONS", "/plain", 204, "GET, HEAD, OPTIONS"},
		{"DELETE", "/page", 405, "GET, HEAD, POST, PUT, OPTIONS"},
		{"OPTIONS", "/page", 204, "GET, HEAD, POST, PUT, OPTIONS"},
		{"BREW", "/page", 501, ""},
		{"BREW", "/plain", 501, ""},
		{"BREW", "/nowhere", 501, ""},
		{"HEAD", "/page", 200, ""},
	} {
		t.Run(test.method+" "+test.path, func(t *testing.T) {
			recorder := httptest.NewRecorder()
			app.ServeHTTP(recorder, httptest.NewRequest(test.method, test.path, nil))
			if recorder.Code != test.status {
				t.Errorf("status %d, want %d", recorder.Code, test.status)
			}
			if allow := recorder.Header().Get("Allow"); allow != test.allow {
				t.Errorf("Allow %q, want %q", allow, test.allow)
			}
		})
	}
}
