package framework_test

import (
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/webapp2go/webapp2go/framework"
)

// shown returns the steps of a trace as text, without their times.
func shown(trace *framework.Trace) (texts []string) {
	for _, step := range trace.Steps() {
		text := strings.Repeat("  ", step.Depth) + string(step.Kind) + " " + step.Name
		if step.Err != "" {
			text += ": " + step.Err
		}
		texts = append(texts, text)
	}
	return texts
}

// A tracedAction shows the steps that have happened before its page is rendered.
type tracedAction struct{ framework.RequestHandler }

func (h *tracedAction) Get() error {
	framework.BeginStep(h.Context(), "query", "books")(errors.New("no <books>"))
	trace := framework.TraceOf(h.Context())
	if trace == nil {
		return h.Text("not traced")
	}
	return h.Text(trace.ID + "\n" + strings.Join(shown(trace), "\n"))
}

// A page can show the steps so far. The trace has all steps after the request.
func TestTraces(t *testing.T) {
	app, _ := newApp(t)
	app.Traces = &framework.Traces{Skip: func(r *http.Request) bool { return r.URL.Path == "/skipped" }}
	app.Handle("/{any}", framework.To[tracedAction](app))

	body := ask(app, "GET", "/page").Body.String()
	id, soFar, _ := strings.Cut(body, "\n")
	want := []string{
		"route /{any} (tree)",
		"handler *framework_test.tracedAction",
		"init App.Init",
		"dispatch framework.(*RequestHandler).Dispatch",
		"  action framework_test.(*tracedAction).Get",
		"    query books: no <books>",
	}
	if soFar != strings.Join(want, "\n") {
		t.Errorf("so far:\n%s\nwant:\n%s", soFar, strings.Join(want, "\n"))
	}
	trace := app.Traces.Find(id)
	if trace == nil || trace.Method != "GET" || trace.Path != "/page" {
		t.Fatalf("found %+v", trace)
	}
	want = append(want, "header 200 OK", fmt.Sprintf("sent %d bytes", len(body)))
	if got := shown(trace); strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("the whole:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	steps := trace.Steps()
	for i, step := range steps {
		if step.At < 0 || i > 0 && step.At < steps[i-1].At {
			t.Errorf("%s is at %v, the step before at %v", step.Name, step.At, steps[max(0, i-1)].At)
		}
		if takes := step.Kind == "init" || step.Kind == "dispatch" || step.Kind == "action" || step.Kind == "query"; takes != (step.Took > 0) {
			t.Errorf("%s took %v", step.Name, step.Took)
		}
	}
	if action, query := steps[4], steps[5]; query.At+query.Took > action.At+action.Took {
		t.Errorf("the query, %+v, ends after the action, %+v", query, action)
	}

	if body := ask(app, "GET", "/skipped").Body.String(); body != "not traced" {
		t.Errorf("a request that is skipped: %s", body)
	}
	if app.Traces.Find("") != nil || app.Traces.Find("nothing") != nil {
		t.Error("a trace that does not exist was found")
	}
	for range 100 {
		ask(app, "GET", "/page")
	}
	if app.Traces.Find(id) != nil {
		t.Error("more than 100 traces are kept")
	}
}

// Goroutines of one request may begin and end steps at the same time, even if there are more
// steps than are kept.
func TestTraceOfManySteps(t *testing.T) {
	app, _ := appOf(t, func(h *action) error {
		var all sync.WaitGroup
		for i := range 20 {
			all.Go(func() {
				for range 20 {
					framework.BeginStep(h.Context(), "query", fmt.Sprint(i, strings.Repeat("x", 1<<12)))(nil)
				}
			})
		}
		all.Wait()
		return h.Text(framework.TraceOf(h.Context()).ID)
	})
	app.Traces = new(framework.Traces)
	trace := app.Traces.Find(ask(app, "GET", "/").Body.String())
	steps := trace.Steps()
	if len(steps) != 200 {
		t.Errorf("%d steps are kept", len(steps))
	}
	for _, step := range steps {
		if step.Kind == "query" && (step.Took == 0 || len(step.Name) > 3<<10) {
			t.Errorf("%d bytes, took %v", len(step.Name), step.Took)
		}
	}
}

// The pages of ShowTraces.
func TestShowTraces(t *testing.T) {
	app, log := newApp(t)
	app.Debug = true
	app.Prefix = "/shop"
	app.Handle("/pay/{how}", framework.To[shopHandler](app)).Name("shop")
	framework.ShowTraces(app)
	if err := app.Check(); err != nil {
		t.Fatal(err)
	}
	server := start(t, app)
	if _, page := get(t, server.URL+"/shop/trace"); !strings.Contains(page, "There was none yet.") {
		t.Errorf("without a request:\n%s", page)
	}
	if answer, _ := get(t, server.URL+"/shop/pay/error%3Cb%3E"); answer.StatusCode != 500 {
		t.Fatalf("status %d\n%s", answer.StatusCode, log)
	}
	_, list := get(t, server.URL+"/shop/trace")
	links := regexp.MustCompile(`href="(/shop/trace/\w+)"><code>(.*?)</code></a></td><td>(.*?)</td>`).FindAllStringSubmatch(list, -1)
	if len(links) != 1 || links[0][2] != "GET /shop/pay/error&lt;b&gt;" || links[0][3] != "500 Internal Server Error" {
		t.Fatalf("the links are %q\n%s", links, list)
	}
	answer, page := get(t, server.URL+links[0][1])
	for _, want := range []string{"<h1>GET /shop/pay/error&lt;b&gt;</h1>", "route /pay/{how} (tree)", "action framework_test.(*shopHandler).Get</code> adding up: no &lt;price&gt;",
		"header 500 Internal Server Error", "sent ", `href="/shop/trace"`, "µs</td>"} {
		if !strings.Contains(page, want) {
			t.Errorf("the page does not have %q:\n%s", want, page)
		}
	}
	if answer.StatusCode != 200 || answer.Header.Get("Cache-Control") != "no-store" || !strings.Contains(answer.Header.Get("Content-Security-Policy"), "default-src 'none'") {
		t.Errorf("status %d, %v", answer.StatusCode, answer.Header)
	}
	if answer, _ := get(t, server.URL+"/shop/trace/NOTHING"); answer.StatusCode != 404 {
		t.Errorf("a trace that is not kept: status %d", answer.StatusCode)
	}
}

// Without Debug the pages do not exist, and Check gives the reason.
func TestShowTracesWithoutDebug(t *testing.T) {
	app, _ := newApp(t)
	app.Handle("/", framework.To[hello](app))
	framework.ShowTraces(app)
	if err := app.Check(); err == nil || !strings.Contains(err.Error(), "ShowTraces is for an App in Debug") {
		t.Errorf("Check returns %v", err)
	}
	ask(app, "GET", "/")
	for _, path := range []string{"/trace", "/trace/x"} {
		if w := ask(app, "GET", path); w.Code != 404 {
			t.Errorf("%s: status %d\n%s", path, w.Code, w.Body)
		}
	}
}

// A trace that takes long shows how long.
func TestTraceMeasures(t *testing.T) {
	app, _ := appOf(t, func(h *action) error {
		end := framework.BeginStep(h.Context(), "query", "slow")
		time.Sleep(20 * time.Millisecond)
		end(nil)
		return h.Text(framework.TraceOf(h.Context()).ID)
	})
	app.Traces = new(framework.Traces)
	for _, step := range app.Traces.Find(ask(app, "GET", "/").Body.String()).Steps() {
		if step.Kind == "query" && step.Took < 20*time.Millisecond {
			t.Errorf("it took %v", step.Took)
		}
	}
}
