package framework_test

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/webapp2go/webapp2go/framework"
	"github.com/webapp2go/webapp2go/internal/alloctest"
)

// A recorder keeps the steps of all requests as text.
type recorder struct {
	mutex sync.Mutex
	steps []string
}

func (rec *recorder) trace(r *http.Request) (*http.Request, func(framework.Step)) {
	return r, func(s framework.Step) {
		rec.mutex.Lock()
		defer rec.mutex.Unlock()
		text := [...]string{"", "begin ", "end "}[s.Phase] + string(s.Kind) + " " + s.Name
		if s.Err != nil {
			text += ": " + s.Err.Error()
		}
		if s.Time.IsZero() {
			text += " without a time"
		}
		rec.steps = append(rec.steps, text)
	}
}

// lowBase, midBase and topHandler each override Dispatch and embed the one before.
type lowBase struct{ framework.RequestHandler }

func (h *lowBase) Dispatch() error {
	h.Response.BeforeSend(addHeader)
	return h.RequestHandler.Dispatch()
}

func addHeader(w http.ResponseWriter) error { w.Header().Set("X-Hook", "1"); return nil }

type midBase struct{ lowBase }

func (h *midBase) Dispatch() error { return h.lowBase.Dispatch() }

func (h *midBase) Guard() error {
	switch h.Var("how") {
	case "forbidden":
		return h.Abort(403)
	case "redirected":
		return h.Redirect("/")
	}
	return nil
}

type topHandler struct{ midBase }

func (h *topHandler) Dispatch() error { return h.midBase.Dispatch() }

func (h *topHandler) Get() error {
	end := framework.BeginStep(h.Context(), "query", "books")
	end(nil)
	switch h.Var("how") {
	case "fails":
		return errors.New("no")
	case "panics":
		panic("no")
	}
	return h.Text("hello")
}

func (h *topHandler) HandleError(err error) error {
	return h.Text("sorry")
}

func TestTrace(t *testing.T) {
	begin := []string{
		"route /top/{how} (tree)",
		"handler *framework_test.topHandler",
		"begin init App.Init",
		"end init App.Init",
		"begin dispatch framework_test.(*topHandler).Dispatch",
		"begin dispatch framework_test.(*midBase).Dispatch",
		"begin dispatch framework_test.(*lowBase).Dispatch",
		"begin dispatch framework.(*RequestHandler).Dispatch",
		"begin guard Guard",
	}
	action := []string{
		"end guard Guard",
		"begin action framework_test.(*topHandler).Get",
		"begin query books",
		"end query books",
	}
	left := func(err string) []string {
		return []string{
			"end dispatch framework.(*RequestHandler).Dispatch" + err,
			"end dispatch framework_test.(*lowBase).Dispatch",
			"end dispatch framework_test.(*midBase).Dispatch",
			"end dispatch framework_test.(*topHandler).Dispatch" + err,
		}
	}
	handled := []string{"begin error HandleError", "end error HandleError"}
	sent := func(status string, size int) []string {
		return []string{"begin hook framework_test.addHeader", "end hook framework_test.addHeader", "header " + status, fmt.Sprintf("sent %d bytes", size)}
	}
	for path, want := range map[string][]string{
		"/top/well":       slices.Concat(begin, action, []string{"end action framework_test.(*topHandler).Get"}, left(""), sent("200 OK", 5)),
		"/top/fails":      slices.Concat(begin, action, []string{"end action framework_test.(*topHandler).Get: no"}, left(": no"), handled, sent("500 Internal Server Error", 5)),
		"/top/panics":     slices.Concat(begin, action, []string{"end action framework_test.(*topHandler).Get: framework: it has panicked"}, left(": framework: panic: no"), handled, sent("500 Internal Server Error", 5)),
		"/top/forbidden":  slices.Concat(begin, []string{"end guard Guard: 403 Forbidden"}, left(": 403 Forbidden"), handled, sent("403 Forbidden", 5)),
		"/top/redirected": slices.Concat(begin, []string{"end guard Guard: framework: the guard has responded, so that the action does not run"}, left(""), sent("302 Found", 0)),
		"/mux?a=1": {"route /mux (mux)", "handler *framework_test.hello", "begin init App.Init", "end init App.Init",
			"begin dispatch framework.(*RequestHandler).Dispatch", "begin action framework_test.(*hello).Get", "end action framework_test.(*hello).Get",
			"end dispatch framework.(*RequestHandler).Dispatch", "header 200 OK", "sent 5 bytes"},
		"/nowhere": nil,
	} {
		t.Run(path, func(t *testing.T) {
			app, _ := newApp(t)
			app.Handle("/top/{how}", framework.To[topHandler](app))
			app.Handle("/mux", framework.To[hello](app)).Queries("a", "1")
			var rec recorder
			app.Trace = rec.trace
			ask(app, "GET", path)
			if want == nil {
				if len(rec.steps) < 2 || rec.steps[0] != "route : 404 Not Found" || rec.steps[len(rec.steps)-2] != "header 404 Not Found" {
					t.Errorf("steps:\n%s", strings.Join(rec.steps, "\n"))
				}
				return
			}
			if !slices.Equal(rec.steps, want) {
				t.Errorf("steps:\n%s\nwant\n%s", strings.Join(rec.steps, "\n"), strings.Join(want, "\n"))
			}
		})
	}
}

// The steps are also reported if middleware has wrapped the response.
func TestTraceBehindMiddleware(t *testing.T) {
	app, _ := newApp(t)
	app.Use(func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			next.ServeHTTP(struct{ unwrapper }{unwrapper{w}}, r)
		})
	})
	app.Handle("/", framework.To[hello](app))
	var rec recorder
	app.Trace = rec.trace
	ask(app, "GET", "/")
	for _, want := range []string{"handler *framework_test.hello", "end action framework_test.(*hello).Get", "sent 5 bytes"} {
		if !slices.Contains(rec.steps, want) {
			t.Errorf("no %q in:\n%s", want, strings.Join(rec.steps, "\n"))
		}
	}
}

// unwrapper is a writer that hides the Response and has an Unwrap.
type unwrapper struct{ http.ResponseWriter }

func (u unwrapper) Unwrap() http.ResponseWriter { return u.ResponseWriter }

// If Trace returns no function for a request, it is not traced and costs no more than without
// Trace.
func TestNoTraceAllocatesNothing(t *testing.T) {
	for name, trace := range map[string]func(*http.Request) (*http.Request, func(framework.Step)){
		"no Trace":   nil,
		"not traced": func(r *http.Request) (*http.Request, func(framework.Step)) { return r, nil },
	} {
		t.Run(name, func(t *testing.T) {
			app := framework.New()
			app.Trace = trace
			app.Handle("/hello", framework.To[stepping](app))
			r, err := http.NewRequest("GET", "/hello", http.NoBody)
			if err != nil {
				t.Fatal(err)
			}
			most := 1.0 // the handler and its Response
			if trace != nil {
				most = 2 // and the variable of the request, which Trace may replace
			}
			w := alloctest.NewWriter()
			alloctest.Check(t, most, func() {
				w.Reset()
				app.ServeHTTP(w, r)
			})
		})
	}
}

// A request that Traces skips costs as much as one for which Trace returns no function.
func TestNoTracesAllocatesNothing(t *testing.T) {
	app := framework.New()
	app.Traces = &framework.Traces{Skip: func(*http.Request) bool { return true }}
	app.Handle("/hello", framework.To[stepping](app))
	r, err := http.NewRequest("GET", "/hello", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	w := alloctest.NewWriter()
	alloctest.Check(t, 2, func() {
		w.Reset()
		app.ServeHTTP(w, r)
	})
}

// stepping is a hello that begins and ends a step.
type stepping struct{ hello }

func (h *stepping) Get() error {
	end := framework.BeginStep(h.Context(), "query", "books")
	defer end(nil)
	return h.hello.Get()
}
