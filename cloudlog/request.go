package cloudlog

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
)

// requestFields are the attributes of a record that make an httpRequest, and their
// names and forms there (LogEntry's HttpRequest).
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

// splitRequest takes the attributes of a request out of a record that has a method and
// a status, and leaves any other record whole.
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

// Trace lets what next logs name the trace that Google's front end gave the request in
// X-Cloud-Trace-Context, which is how the log of the platform and the program's own
// are read side by side. Put it around the App, and only behind that front end:
// elsewhere anybody can send the header. A Check that next has is kept for
// framework.Serve.
func Trace(next http.Handler) http.Handler { return tracer{next} }

type tracer struct{ next http.Handler }

type traceKey struct{}

// A trace is what an X-Cloud-Trace-Context says.
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

// Check is that of the handler behind it.
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
