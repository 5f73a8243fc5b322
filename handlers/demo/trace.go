package demo

import (
	"cmp"
	"context"
	"crypto/rand"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/webapp2go/webapp2go/framework"
	"github.com/webapp2go/webapp2go/handlers"
)

// traces keeps the steps of the last requests, for the page /trace/{id}. Every page shows
// those that had happened when it was rendered.
type traces struct {
	mutex sync.Mutex
	last  [100]*trace // a ring
	next  int
}

// A trace is the steps of one request.
type trace struct {
	ID           string
	Method, Path string

	mutex sync.Mutex
	steps []framework.Step
}

// mostTraced is how many steps a trace keeps.
const mostTraced = 200

type traceKey struct{}

// traceRequests makes the App keep the steps of its requests, and adds the page that shows
// them.
func traceRequests(app *framework.App) {
	t := new(traces)
	app.Trace = t.begin
	app.Handle("/trace/{id}", framework.From(app, func() *traceHandler { return &traceHandler{traces: t} })).Name("trace")
}

// begin begins the trace of a request. Style sheets, pictures and traces are not traced.
func (t *traces) begin(r *http.Request) (*http.Request, func(framework.Step)) {
	if strings.HasPrefix(r.URL.Path, "/static/") || strings.HasPrefix(r.URL.Path, "/trace/") {
		return r, nil
	}
	path := r.URL.Path
	tr := &trace{ID: rand.Text(), Method: r.Method, Path: path[:min(len(path), 200)]}
	t.mutex.Lock()
	t.last[t.next] = tr
	t.next = (t.next + 1) % len(t.last)
	t.mutex.Unlock()
	return r.WithContext(context.WithValue(r.Context(), traceKey{}, tr)), tr.add
}

func (t *trace) add(s framework.Step) {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	if len(t.steps) < mostTraced {
		t.steps = append(t.steps, s)
	}
}

// A traceLine is one step as the page shows it.
type traceLine struct {
	At, Took   string // since the request came, and from begin to end; Took is empty if the step takes no time or has not ended
	Depth      string // a space for each step that it is a part of
	Kind, Name string
	Err        string
}

// Lines returns the steps so far. It is called by the templates.
func (t *trace) Lines() (lines []traceLine) {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	type begun struct{ line, step int }
	var open []begun
	for i, s := range t.steps {
		at := milliseconds(s.Time.Sub(t.steps[0].Time))
		if s.Phase == framework.StepEnded && len(open) > 0 {
			last := open[len(open)-1]
			open = open[:len(open)-1]
			lines[last.line].Took = milliseconds(s.Time.Sub(t.steps[last.step].Time))
			if s.Err != nil {
				lines[last.line].Err = s.Err.Error()
			}
			continue
		}
		line := traceLine{At: at, Depth: strings.Repeat("\u2003", len(open)), Kind: string(s.Kind), Name: s.Name}
		if s.Err != nil {
			line.Err = s.Err.Error()
		}
		if s.Phase == framework.StepBegun {
			open = append(open, begun{len(lines), i})
		}
		lines = append(lines, line)
	}
	return lines
}

func milliseconds(d time.Duration) string {
	return fmt.Sprintf("%.2f ms", float64(d)/float64(time.Millisecond))
}

// withTrace adds the trace of the request to the values of the layout.
func withTrace(h *handlers.BaseHandler, values map[string]any) map[string]any {
	if tr, ok := h.Context().Value(traceKey{}).(*trace); ok {
		values["trace"] = tr
	}
	return values
}

// A traceHandler shows the whole trace of a request. Its id cannot be guessed.
type traceHandler struct {
	handlers.BaseHandler
	traces *traces
}

func (h *traceHandler) Get() error {
	h.Response.Header().Set("Cache-Control", "no-store")
	h.traces.mutex.Lock()
	var found *trace
	for _, tr := range h.traces.last {
		if tr != nil && tr.ID == h.Var("id") {
			found = tr
		}
	}
	h.traces.mutex.Unlock()
	if found == nil {
		return h.Abort(http.StatusNotFound, "This trace is no longer kept. Only those of the last ", len(h.traces.last), " requests are.")
	}
	h.Page().Title = cmp.Or(found.Method+" "+found.Path, "Trace")
	return h.Render("trace", found)
}
