package cloud

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
)

// requestFields maps the attributes that make an httpRequest to their names and forms
// there (LogEntry.HttpRequest of the Cloud Logging API).
var requestFields = map[string]func(slog.Value) slog.Attr{
	"method":   func(v slog.Value) slog.Attr { return slog.String("requestMethod", v.String()) },
	"path":     func(v slog.Value) slog.Attr { return slog.String("requestUrl", v.String()) },
	"status":   func(v slog.Value) slog.Attr { return slog.Attr{Key: "status", Value: v} },
	"size":     func(v slog.Value) slog.Attr { return slog.String("responseSize", v.String()) },
	"duration": func(v slog.Value) slog.Attr { return slog.String("latency", seconds(v)) },
}

func seconds(v slog.Value) string {
	if v.Kind() != slog.KindDuration {
		return v.String()
	}
	return strconv.FormatFloat(v.Duration().Seconds(), 'f', -1, 64) + "s"
}

// splitRequest takes the attributes of a request out of a record that has a method and a
// status. Of any other record they stay in rest.
func splitRequest(record slog.Record) (request, rest []slog.Attr) {
	var method, status bool
	record.Attrs(func(a slog.Attr) bool {
		method = method || a.Key == "method"
		status = status || a.Key == "status"
		return true
	})
	record.Attrs(func(a slog.Attr) bool {
		if field := requestFields[a.Key]; field != nil && method && status {
			request = append(request, field(a.Value.Resolve()))
		} else {
			rest = append(rest, a)
		}
		return true
	})
	return request, rest
}

// Trace returns a handler that calls next and makes records of a [NewLogHandler] name the
// trace of the request, if they are logged with its context. Google's front end sends the
// trace in the header X-Cloud-Trace-Context; Cloud Logging shows the records of a trace
// together. [Elsewhere] Trace returns next, because any client could send that header.
//
// If next has a method Check() error, as an App has, framework.Serve still calls it.
func (p Platform) Trace(next http.Handler) http.Handler {
	if p == Elsewhere {
		return next
	}
	return tracer{next}
}

type tracer struct{ next http.Handler }

type traceKey struct{}

// A trace is the content of a header X-Cloud-Trace-Context.
type trace struct {
	id, span string // hexadecimal
	sampled  bool
}

func (t tracer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if found, ok := parseTrace(r.Header.Get("X-Cloud-Trace-Context")); ok {
		r = r.WithContext(context.WithValue(r.Context(), traceKey{}, found))
	}
	t.next.ServeHTTP(w, r)
}

// Check calls the Check of the next handler.
func (t tracer) Check() error {
	if checker, ok := t.next.(interface{ Check() error }); ok {
		return checker.Check()
	}
	return nil
}

// parseTrace reads "TRACE/SPAN;o=1": 32 hexadecimal digits, a decimal number, and
// whether the trace is sampled. The last two may be missing.
func parseTrace(text string) (trace, bool) {
	text, options, _ := strings.Cut(text, ";")
	id, span, _ := strings.Cut(text, "/")
	if len(id) != 32 || strings.Trim(id, "0123456789abcdef") != "" {
		return trace{}, false
	}
	t := trace{id: id, sampled: options == "o=1"}
	if n, err := strconv.ParseUint(span, 10, 64); err == nil && n != 0 {
		t.span = fmt.Sprintf("%016x", n)
	}
	return t, true
}

func (t trace) attributes(project string) []slog.Attr {
	list := []slog.Attr{slog.String("logging.googleapis.com/trace", "projects/"+project+"/traces/"+t.id)}
	if t.span != "" {
		list = append(list, slog.String("logging.googleapis.com/spanId", t.span))
	}
	if t.sampled {
		list = append(list, slog.Bool("logging.googleapis.com/trace_sampled", true))
	}
	return list
}
