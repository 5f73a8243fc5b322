package framework

import (
	"context"
	"crypto/rand"
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// Traces keeps the steps of the newest 100 requests of an App in memory, as its
// App.Traces. It is for development: [ShowTraces] adds pages that show them. The zero value
// is ready. It is safe for concurrent use.
type Traces struct {
	// Skip reports whether a request is not kept, such as one of a static file. If nil, all
	// are kept. Set it before the first request.
	Skip func(r *http.Request) bool

	mutex sync.Mutex
	last  [100]*Trace // a ring
	next  int
}

// A Trace is the steps of one request. It is safe for concurrent use.
type Trace struct {
	ID     string    // random, so that nobody can guess it
	Method string    // of the request
	Path   string    // of the request, at most 200 bytes of it
	Began  time.Time // when the request came

	mutex sync.Mutex
	steps []TracedStep
	open  []int // the steps that have not ended, outermost first
}

// A TracedStep is a [Step] with its end.
type TracedStep struct {
	Kind  StepKind
	Name  string        // at most 2 KiB
	Depth int           // of how many other steps it is a part
	At    time.Duration // since the request came
	Took  time.Duration // from its begin to its end; 0 if it takes no time or has not ended
	Err   string        // the error of a step that has failed, at most 2 KiB; else empty
}

// mostSteps is how many steps a Trace keeps, the first ones.
const mostSteps = 200

func newTrace(r *http.Request) *Trace {
	path := r.URL.Path
	return &Trace{ID: rand.Text(), Method: cutText(r.Method), Path: strings.ToValidUTF8(path[:min(len(path), 200)], ""), Began: time.Now()}
}

// begin makes the Trace of a request, and keeps it. It returns nil if the request is skipped.
func (t *Traces) begin(r *http.Request) *Trace {
	if t.Skip != nil && t.Skip(r) {
		return nil
	}
	trace := newTrace(r)
	t.mutex.Lock()
	defer t.mutex.Unlock()
	t.last[t.next] = trace
	t.next = (t.next + 1) % len(t.last)
	return trace
}

// Find returns the Trace with an ID, or nil if it is not among the newest 100.
func (t *Traces) Find(id string) *Trace {
	for _, trace := range t.newest() {
		if trace.ID == id {
			return trace
		}
	}
	return nil
}

// newest returns all traces, newest first.
func (t *Traces) newest() (list []*Trace) {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	for i := range t.last {
		if trace := t.last[(t.next+len(t.last)-1-i)%len(t.last)]; trace != nil {
			list = append(list, trace)
		}
	}
	return list
}

// TraceOf returns the Trace of a request, by its context. It is nil unless the App is in
// Debug or App.Traces keeps the request. A page can show the steps that have happened when
// it is rendered; those that come later, such as saving the sessions, are in the Trace after
// the request.
func TraceOf(ctx context.Context) *Trace {
	if t, _ := ctx.Value(tracerKey{}).(*tracer); t != nil {
		return t.kept
	}
	return nil
}

// Steps returns the steps so far, at most 200, in the order in which they began.
func (t *Trace) Steps() []TracedStep {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	return slices.Clone(t.steps)
}

// add adds a step. The end of a step is put into the step that has begun last with the same
// kind and name.
func (t *Trace) add(s Step) {
	failed := ""
	if s.Err != nil {
		failed = cutText(s.Err.Error())
	}
	t.mutex.Lock()
	defer t.mutex.Unlock()
	at, name := s.Time.Sub(t.Began), cutText(s.Name)
	if s.Phase == StepEnded {
		for i, begun := range slices.Backward(t.open) {
			if step := &t.steps[begun]; step.Kind == s.Kind && step.Name == name {
				step.Took, step.Err = max(at-step.At, 1), failed
				t.open = slices.Delete(t.open, i, i+1)
				return
			}
		}
		return // its begin was not kept
	}
	if len(t.steps) == mostSteps {
		return
	}
	t.steps = append(t.steps, TracedStep{Kind: s.Kind, Name: name, Depth: len(t.open), At: at, Err: failed})
	if s.Phase == StepBegun {
		t.open = append(t.open, len(t.steps)-1)
	}
}

// status returns the status of the response, or "" if there is none yet.
func (t *Trace) status() string {
	for _, step := range slices.Backward(t.Steps()) {
		if step.Kind == StepHeader {
			return step.Name
		}
	}
	return ""
}

// ShowTraces adds two pages to an App in Debug: /trace lists the newest 100 requests, and
// each of them links to a page that lists what was done for the request, with the time of
// each step. It sets App.Traces.
//
//	if app.Debug {
//		framework.ShowTraces(app)
//	}
//
// Call it before a route is added that takes /trace too, such as one of /{name}. Without
// Debug, Check reports a mistake and the pages are 404: everybody could see what
// the visitors of the site ask for.
func ShowTraces(app *App) {
	if app.Traces == nil {
		app.Traces = new(Traces)
	}
	skip := app.Traces.Skip
	app.Traces.Skip = func(r *http.Request) bool {
		path := app.withoutPrefix(r).URL.Path
		return path == tracePath || strings.HasPrefix(path, tracePath+"/") || skip != nil && skip(r)
	}
	app.Handle(tracePath, To[tracePage](app))
	app.Handle(tracePath+"/{id}", To[tracePage](app))
}

const tracePath = "/trace"

// A tracePage lists the newest requests, or shows the one whose ID is in the path.
type tracePage struct{ RequestHandler }

var errTraceWithoutDebug = errors.New("ShowTraces is for an App in Debug, since it shows what visitors ask for: set App.Debug on your own machine, and call ShowTraces only then")

// Ready reports that the App is not in Debug.
func (h *tracePage) Ready() error {
	if !h.App.Debug {
		return errTraceWithoutDebug
	}
	return nil
}

// Guard refuses requests unless the App is in Debug.
func (h *tracePage) Guard() error {
	if !h.App.Debug {
		return h.Abort(http.StatusNotFound)
	}
	return nil
}

func (h *tracePage) Get() error {
	id := h.Var("id")
	if id == "" {
		h.list()
		return nil
	}
	trace := h.App.Traces.Find(id)
	if trace == nil {
		return h.Abort(http.StatusNotFound, "This trace is not kept any more: only those of the newest ", len(h.App.Traces.last), " requests are.")
	}
	h.show(trace)
	return nil
}

// list writes the page of the newest requests.
func (h *tracePage) list() {
	out := newDebugPage("Requests")
	out.write("<header>\n<h1>Requests, the newest first</h1>\n<p>Each links to what was done for it.</p>\n</header>\n<section>\n")
	if traces := h.App.Traces.newest(); len(traces) == 0 {
		out.write("<p>There was none yet.</p>\n")
	} else {
		out.write("<div class=\"wide\" tabindex=\"0\" role=\"region\" aria-label=\"Requests\">\n<table>\n<thead><tr><th>At</th><th>Request</th><th>Status</th></tr></thead>\n<tbody>\n")
		for _, trace := range traces {
			out.write("<tr><td>%s</td><td><a href=\"%s\"><code>%s %s</code></a></td><td>%s</td></tr>\n",
				trace.Began.Format(time.TimeOnly), h.Prefix()+tracePath+"/"+trace.ID, trace.Method, trace.Path, trace.status())
		}
		out.write("</tbody>\n</table>\n</div>\n")
	}
	out.write("</section>\n<footer><p>This page is shown because App.Debug is set.</p></footer>\n")
	out.send(h.Response)
}

// show writes the page of one request.
func (h *tracePage) show(trace *Trace) {
	steps := trace.Steps()
	out := newDebugPage(trace.Method + " " + trace.Path)
	out.write("<header>\n<h1>%s %s</h1>\n<p>%s · came at %s · <a href=\"%s\">all requests</a></p>\n</header>\n<section>\n<h2>What was done for the request</h2>\n",
		trace.Method, trace.Path, trace.status(), trace.Began.Format(time.TimeOnly), h.Prefix()+tracePath)
	out.steps(debugSteps(steps))
	if len(steps) == mostSteps {
		out.write("<p>Only the first %d steps are kept.</p>\n", mostSteps)
	}
	out.write("</section>\n<footer><p>This page is shown because App.Debug is set. Steps that are set in are parts of the one above.</p></footer>\n")
	out.send(h.Response)
}
