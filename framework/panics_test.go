package framework_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/webapp2go/webapp2go/framework"
)

// A panic gets the site's error page, wherever it happens.
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

// http.ErrAbortHandler makes the server close the connection, and is not an error.
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
