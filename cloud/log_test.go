package cloud_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"sync"
	"testing"
	"testing/slogtest"
	"time"

	"github.com/webapp2go/webapp2go/cloud"
	"github.com/webapp2go/webapp2go/framework"
)

// lines decodes what was written: every line must be one JSON object.
func lines(t *testing.T, out *bytes.Buffer) (list []map[string]any) {
	t.Helper()
	for line := range strings.Lines(out.String()) {
		var object map[string]any
		if err := json.Unmarshal([]byte(line), &object); err != nil {
			t.Fatalf("%v: %q", err, line)
		}
		list = append(list, object)
	}
	return list
}

// The handler is one of slog's, but for the names of what every record has.
func TestHandlerObeysSlog(t *testing.T) {
	var out bytes.Buffer
	slogtest.Run(t, func(*testing.T) slog.Handler {
		out.Reset()
		return cloud.NewLogHandler(&out, cloud.LogOptions{})
	}, func(t *testing.T) map[string]any {
		object := lines(t, &out)[0]
		object["msg"], object["level"] = object["message"], object["severity"]
		return object
	})
}

func TestSeverity(t *testing.T) {
	for level, want := range map[slog.Level]string{
		slog.LevelDebug: "DEBUG", slog.LevelInfo: "INFO", slog.LevelInfo + 2: "NOTICE", slog.LevelWarn: "WARNING",
		slog.LevelError: "ERROR", slog.LevelError + 4: "CRITICAL", slog.LevelDebug - 4: "DEBUG",
	} {
		var out bytes.Buffer
		log := slog.New(cloud.NewLogHandler(&out, cloud.LogOptions{Level: slog.LevelDebug - 4}))
		log.Log(t.Context(), level, "hello\nworld", "n", 7)
		got := lines(t, &out)[0]
		if got["severity"] != want || got["message"] != "hello\nworld" || got["n"] != 7.0 {
			t.Errorf("%v: %v, want %s", level, got, want)
		}
		if _, err := time.Parse(time.RFC3339Nano, got["time"].(string)); err != nil {
			t.Error(err)
		}
		if _, says := got["logging.googleapis.com/sourceLocation"]; says != (level >= slog.LevelWarn) {
			t.Errorf("%v: a place in the source: %t", level, says)
		}
	}
}

func TestSourceLocation(t *testing.T) {
	var out bytes.Buffer
	slog.New(cloud.NewLogHandler(&out, cloud.LogOptions{})).Warn("here")
	where := lines(t, &out)[0]["logging.googleapis.com/sourceLocation"].(map[string]any)
	if !strings.HasSuffix(where["file"].(string), "cloud/log_test.go") ||
		!strings.HasSuffix(where["function"].(string), "TestSourceLocation") || where["line"].(string) < "1" {
		t.Errorf("%v", where)
	}
}

const traceID = "105445aa7843bc8bf206b12000100000"

// The special fields are at the top, whatever the logger was given before.
func TestTrace(t *testing.T) {
	const prefix = "logging.googleapis.com/"
	const parent = "00-" + traceID + "-00f067aa0ba902b7-01"
	for name, test := range map[string]struct {
		header, project string
		want            map[string]any // of the special fields
		parent          string         // the other header
	}{
		"whole":                      {traceID + "/18;o=1", "p", map[string]any{"trace": "projects/p/traces/" + traceID, "spanId": "0000000000000012", "trace_sampled": true}, "00-00000000000000000000000000000001-00f067aa0ba902b7-00"},
		"not traced":                 {traceID + "/18;o=0", "p", map[string]any{"trace": "projects/p/traces/" + traceID, "spanId": "0000000000000012"}, ""},
		"bare":                       {traceID, "p", map[string]any{"trace": "projects/p/traces/" + traceID}, ""},
		"no project":                 {traceID + "/18;o=1", "", map[string]any{}, ""},
		"no header":                  {"", "p", map[string]any{}, ""},
		"forged":                     {"\"},{\"x\":\"/1", "p", map[string]any{}, ""},
		"parent":                     {"", "p", map[string]any{"trace": "projects/p/traces/" + traceID, "spanId": "00f067aa0ba902b7", "trace_sampled": true}, parent},
		"parent, not traced":         {"", "p", map[string]any{"trace": "projects/p/traces/" + traceID, "spanId": "00f067aa0ba902b7"}, parent[:54] + "2"},
		"parent beside a forged one": {"x", "p", map[string]any{"trace": "projects/p/traces/" + traceID, "spanId": "00f067aa0ba902b7", "trace_sampled": true}, parent},
		"parent of a later version":  {"", "p", map[string]any{"trace": "projects/p/traces/" + traceID, "spanId": "00f067aa0ba902b7", "trace_sampled": true}, "01" + parent[2:] + "-what-follows"},
		"parent with more fields":    {"", "p", map[string]any{}, parent + "-00"},
		"parent without a trace":     {"", "p", map[string]any{}, "00-00000000000000000000000000000000-00f067aa0ba902b7-01"},
		"parent without a span":      {"", "p", map[string]any{}, "00-" + traceID + "-0000000000000000-01"},
		"parent that is short":       {"", "p", map[string]any{}, parent[:54]},
		"parent in capitals":         {"", "p", map[string]any{}, strings.ToUpper(parent)},
	} {
		for kind, logger := range map[string]func(*slog.Logger) *slog.Logger{
			"plain":         func(l *slog.Logger) *slog.Logger { return l },
			"with":          func(l *slog.Logger) *slog.Logger { return l.With("a", 1) },
			"group":         func(l *slog.Logger) *slog.Logger { return l.WithGroup("g") },
			"with in group": func(l *slog.Logger) *slog.Logger { return l.With("a", 1).WithGroup("g").With("b", 2).WithGroup("h") },
		} {
			t.Run(name+", "+kind, func(t *testing.T) {
				var out bytes.Buffer
				log := logger(slog.New(cloud.NewLogHandler(&out, cloud.LogOptions{Project: test.project})))
				handler := cloud.AppEngine.Trace(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
					log.InfoContext(r.Context(), "hello", "c", 3)
				}))
				r := httptest.NewRequest("GET", "/", nil)
				r.Header.Set("X-Cloud-Trace-Context", test.header)
				r.Header.Set("traceparent", test.parent)
				handler.ServeHTTP(httptest.NewRecorder(), r)
				got := map[string]any{}
				for key, value := range lines(t, &out)[0] {
					if special, ok := strings.CutPrefix(key, prefix); ok {
						got[special] = value
					}
				}
				if !reflect.DeepEqual(got, test.want) {
					t.Errorf("got %v, want %v", got, test.want)
				}
			})
		}
	}
}

// The framework's records about a request have an httpRequest.
func TestRequestOfTheFramework(t *testing.T) {
	var out bytes.Buffer
	app := framework.New()
	app.TrustedProxy = framework.AppEngine
	app.Log = slog.New(cloud.NewLogHandler(&out, cloud.LogOptions{Project: "p"}))
	app.RequestLog = app.Log
	app.Handle("/books/{id}", framework.From(app, func() *failing { return new(failing) }))
	r := httptest.NewRequest("GET", "/books/7", nil)
	r.Header.Set("X-Cloud-Trace-Context", traceID+"/18;o=1")
	cloud.AppEngine.Trace(app).ServeHTTP(httptest.NewRecorder(), r)
	records := lines(t, &out)
	if len(records) != 2 {
		t.Fatalf("%d records, want that of the error and that of the request", len(records))
	}
	for i, record := range records {
		request := record["httpRequest"].(map[string]any)
		if request["requestMethod"] != "GET" || request["requestUrl"] != "/books/7" || request["status"] != 500.0 {
			t.Errorf("record %d: %v", i, request)
		}
		if record["id"] != traceID || record["logging.googleapis.com/trace"] != "projects/p/traces/"+traceID {
			t.Errorf("record %d: %v", i, record)
		}
	}
	if records[0]["severity"] != "ERROR" || records[0]["error"] != "oops" {
		t.Errorf("the error: %v", records[0])
	}
	request := records[1]["httpRequest"].(map[string]any)
	latency, err := time.ParseDuration(request["latency"].(string))
	if err != nil || latency <= 0 || request["responseSize"] == "0" || records[1]["route"] != "/books/{id}" {
		t.Errorf("the request: %v, %v", records[1], err)
	}
}

type failing struct{ framework.RequestHandler }

func (*failing) Get() error { return errors.New("oops") }

// Error Reporting finds errors, and the stack of a panic begins where the code has
// panicked.
func TestErrorReporting(t *testing.T) {
	var out bytes.Buffer
	app := framework.New()
	app.Log = slog.New(cloud.NewLogHandler(&out, cloud.LogOptions{}))
	app.Handle("/", framework.From(app, func() *panicking { return new(panicking) }))
	app.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/", nil))
	app.Log.Error("plain", "stack", "no stack")
	app.Log.WithGroup("g").Error("grouped")
	app.Log.Warn("a warning", "stack", "goroutine 1 [running]:\n")
	records := lines(t, &out)
	if len(records) != 4 {
		t.Fatalf("%d records", len(records))
	}
	for i, record := range records {
		const want = "type.googleapis.com/google.devtools.clouderrorreporting.v1beta1.ReportedErrorEvent"
		if _, has := record["@type"]; has != (i < 3) || has && record["@type"] != want {
			t.Errorf("record %d: @type is %v", i, record["@type"])
		}
		if _, has := record["stack_trace"]; has != (i == 0) {
			t.Errorf("record %d: stack_trace is %v", i, record["stack_trace"])
		}
	}
	stack, _ := records[0]["stack_trace"].(string)
	first := strings.SplitN(stack, "\n", 5)
	if len(first) < 5 || first[0] != "request failed: framework: panic: two lines" || first[1] != "" ||
		!strings.HasPrefix(first[2], "goroutine ") || !strings.Contains(first[3], "(*panicking).Get(") || !strings.Contains(first[4], "cloud/log_test.go:") {
		t.Errorf("the stack is\n%s", stack)
	}
}

type panicking struct{ framework.RequestHandler }

func (*panicking) Get() error { panic("two\nlines") }

func TestTraceKeepsCheck(t *testing.T) {
	app := framework.New()
	app.Handle("/{", http.RedirectHandler("/", http.StatusFound))
	if err := cloud.AppEngine.Trace(app).(interface{ Check() error }).Check(); err == nil {
		t.Error("the App's mistakes are hidden")
	}
	if err := cloud.AppEngine.Trace(http.NotFoundHandler()).(interface{ Check() error }).Check(); err != nil {
		t.Error(err)
	}
}

// Records of parallel requests do not run into each other.
func TestHandlerIsSafeForConcurrentUse(t *testing.T) {
	var out bytes.Buffer // guarded by the handler
	log := slog.New(cloud.NewLogHandler(&out, cloud.LogOptions{Project: "p"})).WithGroup("g")
	var wait sync.WaitGroup
	for i := range 8 {
		wait.Go(func() {
			for range 50 {
				log.With("i", i).Warn("hello")
			}
		})
	}
	wait.Wait()
	if n := len(lines(t, &out)); n != 400 {
		t.Errorf("%d records, want 400", n)
	}
}
