package demo

import (
	"net/http"
	"strings"

	"github.com/webapp2go/webapp2go/framework"
	"github.com/webapp2go/webapp2go/handlers"
	"github.com/webapp2go/webapp2go/templates"
)

// traceRequests makes the App keep the steps of its requests, and adds the page that shows
// those of one. Every page shows the steps up to its rendering. Static files, traces, and what
// the script of /session loads are not traced.
func traceRequests(app *framework.App) {
	app.Traces = &framework.Traces{Skip: func(r *http.Request) bool {
		path := r.URL.Path
		return strings.HasPrefix(path, templates.StaticPath) || strings.HasPrefix(path, "/trace/") || path == livePath || path == nowPath
	}}
	app.Handle("/trace/{id}", framework.To[traceHandler](app)).Name("trace")
}

// withTrace adds the trace of the request to the values of the layout, if it is kept.
func withTrace(h *handlers.BaseHandler, values map[string]any) map[string]any {
	if trace := framework.TraceOf(h.Context()); trace != nil && h.App.Traces != nil && h.App.Traces.Find(trace.ID) != nil {
		values["trace"] = trace
	}
	return values
}

// A traceHandler shows the whole trace of a request. Its id cannot be guessed.
type traceHandler struct{ handlers.BaseHandler }

func (h *traceHandler) Get() error {
	h.Response.Header().Set("Cache-Control", "no-store")
	trace := h.App.Traces.Find(h.Var("id"))
	if trace == nil {
		return h.Abort(http.StatusNotFound, "This trace is no longer kept. Only those of the last 100 requests are.")
	}
	h.Page().Title = trace.Method + " " + trace.Path
	return h.Render("trace", trace)
}
