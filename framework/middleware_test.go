package framework_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/gorilla/mux"

	"github.com/webapp2go/webapp2go/framework"
)

func passOn(next http.Handler) http.Handler { return next }

func deny(http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusUnauthorized)
	})
}

// Middleware that denies is never skipped, whatever else the table has that matches,
// or matches with other verbs, before or after it. A handler may answer only where
// nothing protects it.
func TestDenyingMiddlewareIsNeverSkipped(t *testing.T) {
	public := func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "public") }
	protections := map[string]func(app *framework.App) *mux.Router{
		"app": func(app *framework.App) *mux.Router {
			app.Use(deny)
			return app.Router
		},
		"router": func(app *framework.App) *mux.Router {
			app.Router.Use(deny)
			return app.Router
		},
		"subrouter": func(app *framework.App) *mux.Router {
			sub := app.PathPrefix("/a").Subrouter()
			sub.Use(deny)
			return sub
		},
		"subrouter of a subrouter": func(app *framework.App) *mux.Router {
			above := app.PathPrefix("/a").Subrouter()
			above.Use(deny)
			return above.NewRoute().Subrouter()
		},
		"subrouter with methods": func(app *framework.App) *mux.Router {
			sub := app.PathPrefix("/a").Methods("GET", "HEAD", "POST", "OPTIONS").Subrouter()
			sub.Use(deny)
			return sub
		},
		"subrouter of a host": func(app *framework.App) *mux.Router {
			sub := app.Host("example.com").PathPrefix("/a").Subrouter()
			sub.Use(deny)
			return sub
		},
	}
	routes := map[string]func(app *framework.App, protected *mux.Router, path string){
		"To": func(app *framework.App, p *mux.Router, path string) { p.Handle(path, framework.To[secretPage](app)) },
		"ToMethod": func(app *framework.App, p *mux.Router, path string) {
			p.Handle(path, framework.ToMethod(app, (*secretPage).Get)).Methods("GET", "HEAD", "POST")
		},
		"split": func(app *framework.App, p *mux.Router, path string) {
			p.Handle(path, framework.To[secretPage](app)).Methods("POST")
			p.Handle(path, framework.To[secretPage](app)).Methods("GET", "HEAD")
		},
		"plain": func(app *framework.App, p *mux.Router, path string) { p.Handle(path, http.HandlerFunc(serveSecret)) },
	}
	others := map[string]func(app *framework.App){
		"alone":         func(*framework.App) {},
		"other verb":    func(app *framework.App) { app.HandleFunc("/a/b", public).Methods("PUT") },
		"other path":    func(app *framework.App) { app.HandleFunc("/a/c", public) },
		"other prefix":  func(app *framework.App) { app.PathPrefix("/a").Methods("PUT").HandlerFunc(public) },
		"other scheme":  func(app *framework.App) { app.HandleFunc("/a/b", public).Schemes("ftp") },
		"sub of others": func(app *framework.App) { app.PathPrefix("/a").Subrouter().HandleFunc("/b", public).Methods("PUT") },
		"sub not found": func(app *framework.App) { app.PathPrefix("/a").Subrouter().HandleFunc("/z", public) },
	}
	for where, protect := range protections {
		for how, route := range routes {
			for beside, other := range others {
				for _, first := range []bool{true, false} {
					app, _ := newApp(t)
					if first {
						other(app)
					}
					protected := protect(app)
					path := "/b"
					if protected == app.Router {
						path = "/a/b"
					}
					route(app, protected, path)
					if !first {
						other(app)
					}
					for _, verb := range []string{"GET", "POST", "HEAD", "OPTIONS", "PUT", "DELETE", "BREW"} {
						answer := ask(app, verb, "http://example.com/a/b")
						if answer.Header().Get("Secret") != "" || strings.Contains(answer.Body.String(), "secret") {
							t.Errorf("%s, %s, %s (first: %v): %s reached the handler", where, how, beside, first, verb)
						}
					}
				}
			}
		}
	}
}

type secretPage struct{ framework.RequestHandler }

func (h *secretPage) Get() error  { serveSecret(h.Response, h.Request); return nil }
func (h *secretPage) Post() error { return h.Get() }

func serveSecret(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Secret", "told")
	io.WriteString(w, "secret")
}

// Middleware runs for the routes and not for 404 and 405, as with mux.
func TestMiddlewareDoesNotRunWithoutARoute(t *testing.T) {
	app, _ := newApp(t)
	runs := 0
	app.Use(func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			runs++
			next.ServeHTTP(w, r)
		})
	})
	app.Handle("/", framework.To[onlyGet](app))
	app.Handle("/get", framework.ToMethod(app, (*onlyGet).Get)).Methods("GET", "HEAD")
	for _, test := range []struct {
		verb, path string
		runs       int
	}{
		{"GET", "/", 1}, {"POST", "/", 1}, {"GET", "/get", 1}, {"POST", "/get", 0}, {"GET", "/nowhere", 0},
	} {
		runs = 0
		ask(app, test.verb, test.path)
		if runs != test.runs {
			t.Errorf("%s %s: %d runs, want %d", test.verb, test.path, runs, test.runs)
		}
	}
}

// wrapped is a writer as middleware makes one, without a way to what it wraps.
type wrapped struct{ http.ResponseWriter }

// unwrapped is one that has it.
type unwrapped struct{ http.ResponseWriter }

func (w unwrapped) Unwrap() http.ResponseWriter { return w.ResponseWriter }

var wrappers = map[string]func(http.ResponseWriter) http.ResponseWriter{
	"without Unwrap": func(w http.ResponseWriter) http.ResponseWriter { return wrapped{w} },
	"with Unwrap":    func(w http.ResponseWriter) http.ResponseWriter { return unwrapped{w} },
}

// Where middleware wraps the writer the handler has a Response of its own, whose hooks
// run and whose errors are answered as ever.
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
					app.Errors[status] = func(h framework.Handler, err error) error {
						_, err = fmt.Fprintf(h.(*action), "site's %d", status)
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

// A change that comes too late is reported through a wrapped writer too.
func TestMiddlewareSendsBeforeTheHandler(t *testing.T) {
	app, _ := appOf(t, func(h *action) error {
		if !h.Response.Sent() {
			t.Error("the handler does not know that the header has gone")
		}
		if err := h.Redirect("/there"); !errors.Is(err, framework.ErrSent) {
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

// A panic is answered with the site's page, whoever throws it.
func TestPanicsOutsideOfDispatch(t *testing.T) {
	for name, build := range map[string]func(app *framework.App){
		"middleware before": func(app *framework.App) {
			app.Use(func(http.Handler) http.Handler {
				return http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("thrown") })
			})
		},
		"middleware after": func(app *framework.App) {
			app.Use(func(next http.Handler) http.Handler {
				return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					next.ServeHTTP(w, r)
					panic("thrown")
				})
			})
		},
		"Init": func(app *framework.App) { app.Init = func(framework.Handler) { panic("thrown") } },
		"plain": func(app *framework.App) {
			app.HandleFunc("/plain", func(http.ResponseWriter, *http.Request) { panic("thrown") })
		},
		"Fallback": func(app *framework.App) { app.Fallback = func() framework.Handler { panic("thrown") } },
		"nil":      func(app *framework.App) { app.Fallback = func() framework.Handler { return nil } },
		"From": func(app *framework.App) {
			made := false
			app.Handle("/from", framework.From(app, func() *onlyGet {
				if made {
					panic("thrown")
				}
				made = true
				return new(onlyGet)
			}))
		},
	} {
		t.Run(name, func(t *testing.T) {
			app, log := newApp(t)
			app.Handle("/", do(app, func(h *action) error { h.Response.BeforeSend(bake("session")); return nil }))
			build(app)
			path := map[string]string{"plain": "/plain", "From": "/from", "Fallback": "/nowhere", "nil": "/nowhere"}[name]
			if path == "" {
				path = "/"
			}
			answer, body := get(t, start(t, app).URL+path)
			if answer.StatusCode != 500 || !strings.Contains(body, "Internal Server Error") {
				t.Errorf("answer %d %q", answer.StatusCode, body)
			}
			if name != "nil" && log.records("level=ERROR", "thrown", "stack=") != 1 {
				t.Errorf("log:\n%s", log)
			}
			if name == "middleware after" && len(answer.Cookies()) != 1 {
				t.Error("the handler's cookie is lost")
			}
		})
	}
}

// http.ErrAbortHandler asks the server to drop the connection, and is nobody's error.
func TestErrAbortHandlerPassesThrough(t *testing.T) {
	for name, app := range map[string]func() (*framework.App, *logbook){
		"action": func() (*framework.App, *logbook) {
			return appOf(t, func(h *action) error { panic(http.ErrAbortHandler) })
		},
		"hook": func() (*framework.App, *logbook) {
			return appOf(t, func(h *action) error {
				h.Response.BeforeSend(func(http.ResponseWriter) error { panic(http.ErrAbortHandler) })
				return nil
			})
		},
		"middleware": func() (*framework.App, *logbook) {
			app, log := appOf(t, func(h *action) error { return nil })
			app.Use(func(http.Handler) http.Handler {
				return http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
			})
			return app, log
		},
	} {
		t.Run(name, func(t *testing.T) {
			app, log := app()
			answer, err := http.DefaultTransport.RoundTrip(request(t, "GET", start(t, app).URL+"/", ""))
			if err == nil {
				answer.Body.Close()
				t.Errorf("answer %d", answer.StatusCode)
			}
			if log.String() != "" {
				t.Errorf("log:\n%s", log)
			}
		})
	}
}

// An App is an http.Handler like any other, also below another App.
func TestAppBelowAnApp(t *testing.T) {
	inner, _ := newApp(t)
	inner.Handle("/in/side", do(inner, func(h *action) error {
		h.Response.BeforeSend(bake("inner"))
		return h.Abort(404, "inner's")
	}))
	outer, _ := newApp(t)
	outer.PathPrefix("/in").Handler(inner)
	answer, body := get(t, start(t, outer).URL+"/in/side")
	if answer.StatusCode != 404 || !strings.Contains(body, "inner&#39;s") || len(answer.Cookies()) != 1 {
		t.Errorf("answer %d %v %q", answer.StatusCode, answer.Header, body)
	}
}
