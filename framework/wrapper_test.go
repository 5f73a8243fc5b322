package framework_test

import (
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/webapp2go/webapp2go/framework"
)

// wrapped is a writer of middleware without an Unwrap method.
type wrapped struct{ http.ResponseWriter }

// unwrapped has an Unwrap method.
type unwrapped struct{ http.ResponseWriter }

func (w unwrapped) Unwrap() http.ResponseWriter { return w.ResponseWriter }

var wrappers = map[string]func(http.ResponseWriter) http.ResponseWriter{
	"without Unwrap": func(w http.ResponseWriter) http.ResponseWriter { return wrapped{w} },
	"with Unwrap":    func(w http.ResponseWriter) http.ResponseWriter { return unwrapped{w} },
}

// If middleware wraps the writer, the handler has a Response of its own. Its hooks run and its
// errors get a response as usual.
func TestMiddlewareWrapsTheWriter(t *testing.T) {
	for name, wrap := range wrappers {
		for ending, test := range map[string]struct {
			end    func(h *action) error
			status int
			body   string
		}{
			"page":     {func(h *action) error { _, err := io.WriteString(h, "page"); return err }, 200, "page"},
			"large":    {func(h *action) error { _, err := h.Write([]byte(strings.Repeat("x", 200<<10))); return err }, 200, strings.Repeat("x", 200<<10)},
			"redirect": {func(h *action) error { io.WriteString(h, "page"); return h.Redirect("/there") }, 302, ""},
			"error":    {func(h *action) error { io.WriteString(h, "page"); return h.Abort(404) }, 404, "site's 404"},
			"panic":    {func(h *action) error { panic("broken") }, 500, "site's 500"},
			"bad hook": {func(h *action) error { h.Response.BeforeSend(fail); return nil }, 503, "site's 503"},
		} {
			t.Run(name+", "+ending, func(t *testing.T) {
				app, _ := appOf(t, func(h *action) error {
					h.Response.BeforeSend(bake("session"))
					return test.end(h)
				})
				app.Errors = map[int]framework.ErrorHandler{}
				for _, status := range []int{404, 500, 503} {
					app.Errors[status] = func(h framework.Handler, _ error) error {
						_, err := fmt.Fprintf(h.(*action), "site's %d", status)
						return err
					}
				}
				app.Use(func(next http.Handler) http.Handler {
					return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
						next.ServeHTTP(wrap(w), r)
						w.Header().Set("After", "the handler")
					})
				})
				answer, body := get(t, start(t, app).URL+"/")
				if answer.StatusCode != test.status || body != test.body || len(answer.Cookies()) != 1 {
					t.Errorf("answer %d %v %.80q", answer.StatusCode, answer.Header, body)
				}
				if held := len(test.body) < 64<<10; held && answer.Header.Get("After") == "" {
					t.Error("the App's own Response was not held back")
				}
			})
		}
	}
}

// compressing is middleware like most, including that of gorilla/handlers: it sets the
// Content-Encoding before the response is known.
func compressing(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		compressor := gzip.NewWriter(w)
		defer compressor.Close()
		next.ServeHTTP(compressed{w, compressor}, r)
	})
}

type compressed struct {
	http.ResponseWriter
	io.Writer
}

func (c compressed) Write(p []byte) (int, error) { return c.Writer.Write(p) }

// Each response through it has a Content-Encoding and no wrong length.
func TestMiddlewareCompresses(t *testing.T) {
	app := func() *framework.App {
		app, _ := appOf(t, func(h *action) error { _, err := io.WriteString(h, strings.Repeat("page ", 1000)); return err })
		app.Handle("/small", do(app, func(h *action) error { _, err := io.WriteString(h, "page"); return err }))
		app.Handle("/large", do(app, func(h *action) error { _, err := h.Write(make([]byte, 200<<10)); return err }))
		app.Handle("/error", do(app, func(h *action) error { return h.Abort(409, "taken") }))
		app.Handle("/redirect", do(app, func(h *action) error { return h.Redirect("/small") }))
		return app
	}
	inside := app()
	inside.Use(compressing)
	for name, handler := range map[string]http.Handler{"around the App": compressing(app()), "of the router": inside} {
		server := start(t, handler)
		for path, want := range map[string]struct{ status, size int }{
			"/": {200, 5000}, "/small": {200, 4}, "/large": {200, 200 << 10}, "/redirect": {302, 0}, "/error": {409, 0},
		} {
			answer, body := get(t, server.URL+path) // the client decompresses it
			if answer.StatusCode != want.status || !answer.Uncompressed || want.size > 0 && len(body) != want.size {
				t.Errorf("%s, %s: answer %d, %d bytes, uncompressed: %t", name, path, answer.StatusCode, len(body), answer.Uncompressed)
			}
			if want.status == 409 && !strings.Contains(body, "taken") {
				t.Errorf("%s, %s: %.80q", name, path, body)
			}
		}
	}
}

// A response without a body has no Content-Encoding either.
func TestMiddlewareCompressesNothing(t *testing.T) {
	for _, status := range []int{204, 304} {
		app, _ := appOf(t, func(h *action) error { h.Response.WriteHeader(status); return nil })
		inside, _ := appOf(t, func(h *action) error { h.Response.WriteHeader(status); return nil })
		inside.Use(compressing)
		for name, handler := range map[string]http.Handler{"around the App": compressing(app), "of the router": inside} {
			if answer, _ := get(t, start(t, handler).URL+"/"); answer.StatusCode != status || answer.Uncompressed || answer.Header.Get("Content-Encoding") != "" {
				t.Errorf("%s: answer %d %v, uncompressed: %t", name, answer.StatusCode, answer.Header, answer.Uncompressed)
			}
		}
	}
}

// A change after the header was written is also logged through a wrapped writer.
func TestMiddlewareSendsBeforeTheHandler(t *testing.T) {
	app, _ := appOf(t, func(h *action) error {
		if !h.Response.HeaderWritten() {
			t.Error("the handler does not know that the header has been written")
		}
		if err := h.Redirect("/there"); !errors.Is(err, framework.ErrHeaderWritten) {
			t.Errorf("Redirect returned %v", err)
		}
		_, err := io.WriteString(h, "page")
		return err
	})
	app.Use(func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			io.WriteString(w, "banner ")
			w.(http.Flusher).Flush()
			next.ServeHTTP(unwrapped{unwrapped{w}}, r)
		})
	})
	if _, body := get(t, start(t, app).URL+"/"); body != "banner page" {
		t.Errorf("body %q", body)
	}
}
