package framework_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/webapp2go/webapp2go/framework"
)

func passOn(next http.Handler) http.Handler { return next }

func deny(http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusUnauthorized)
	})
}

// Middleware that denies is never skipped, even if other routes before or after it match, or
// match with other methods. A handler may respond only if no middleware protects it.
func TestDenyingMiddlewareIsNeverSkipped(t *testing.T) {
	public := func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "public") }
	protections := map[string]func(app *framework.App) *framework.Router{
		"app": func(app *framework.App) *framework.Router {
			app.Use(deny)
			return app.Router
		},
		"router": func(app *framework.App) *framework.Router {
			app.Router.Use(deny)
			return app.Router
		},
		"subrouter": func(app *framework.App) *framework.Router {
			sub := app.PathPrefix("/a").Subrouter()
			sub.Use(deny)
			return sub
		},
		"subrouter of a subrouter": func(app *framework.App) *framework.Router {
			above := app.PathPrefix("/a").Subrouter()
			above.Use(deny)
			return above.NewRoute().Subrouter()
		},
		"subrouter with methods": func(app *framework.App) *framework.Router {
			sub := app.PathPrefix("/a").Methods("GET", "HEAD", "POST", "OPTIONS").Subrouter()
			sub.Use(deny)
			return sub
		},
		"subrouter of a host": func(app *framework.App) *framework.Router {
			sub := app.Host("example.com").PathPrefix("/a").Subrouter()
			sub.Use(deny)
			return sub
		},
	}
	routes := map[string]func(app *framework.App, protected *framework.Router, path string){
		"To": func(app *framework.App, p *framework.Router, path string) {
			p.Handle(path, framework.To[secretPage](app))
		},
		"ToMethod": func(app *framework.App, p *framework.Router, path string) {
			p.Handle(path, framework.ToMethod(app, (*secretPage).Get)).Methods("GET", "HEAD", "POST")
		},
		"split": func(app *framework.App, p *framework.Router, path string) {
			p.Handle(path, framework.To[secretPage](app)).Methods("POST")
			p.Handle(path, framework.To[secretPage](app)).Methods("GET", "HEAD")
		},
		"plain": func(app *framework.App, p *framework.Router, path string) {
			p.Handle(path, http.HandlerFunc(serveSecret))
		},
	}
	others := map[string]func(app *framework.App){
		"alone":         func(*framework.App) {},
		"other method":  func(app *framework.App) { app.HandleFunc("/a/b", public).Methods("PUT") },
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
					for _, method := range []string{"GET", "POST", "HEAD", "OPTIONS", "PUT", "DELETE", "BREW"} {
						answer := ask(app, method, "http://example.com/a/b")
						if answer.Header().Get("Secret") != "" || strings.Contains(answer.Body.String(), "secret") {
							t.Errorf("%s, %s, %s (first: %v): %s reached the handler", where, how, beside, first, method)
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

// Middleware runs for the routes and not for 404 and 405, as in mux.
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
		method, path string
		runs         int
	}{
		{"GET", "/", 1}, {"POST", "/", 1}, {"GET", "/get", 1}, {"POST", "/get", 0}, {"GET", "/nowhere", 0},
	} {
		runs = 0
		ask(app, test.method, test.path)
		if runs != test.runs {
			t.Errorf("%s %s: %d runs, want %d", test.method, test.path, runs, test.runs)
		}
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
