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
// trace in the header X-Cloud-Trace-Context; without it, traceparent of W3C's Trace Context is
// read. Cloud Logging shows the records of a trace together. [Elsewhere] Trace returns next,
// because any client could send these headers.
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

// A trace is the content of a header X-Cloud-Trace-Context or traceparent.
type trace struct {
	id, span string // hexadecimal
	sampled  bool
}

func (t tracer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	found, ok := parseTrace(r.Header.Get("X-Cloud-Trace-Context"))
	if !ok {
		found, ok = parseTraceparent(r.Header.Get("Traceparent"))
	}
	if ok {
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
	if !isHex(id, 32) {
		return trace{}, false
	}
	t := trace{id: id, sampled: options == "o=1"}
	if n, err := strconv.ParseUint(span, 10, 64); err == nil && n != 0 {
		t.span = fmt.Sprintf("%016x", n)
	}
	return t, true
}

// parseTraceparent reads "VERSION-TRACE-SPAN-FLAGS", hexadecimal numbers of 2, 32, 16 and 2
// digits. Other versions than 00 may have more fields after these
// (https://www.w3.org/TR/trace-context).
func parseTraceparent(text string) (trace, bool) {
	fields := strings.SplitN(text, "-", 5)
	if len(fields) < 4 || fields[0] == "00" && len(fields) > 4 || fields[0] == "ff" ||
		!isHex(fields[0], 2) || !isHex(fields[1], 32) || !isHex(fields[2], 16) || !isHex(fields[3], 2) ||
		strings.Trim(fields[1], "0") == "" || strings.Trim(fields[2], "0") == "" {
		return trace{}, false
	}
	return trace{id: fields[1], span: fields[2], sampled: strings.ContainsRune("13579bdf", rune(fields[3][1]))}, true
}

// isHex reports whether text is a hexadecimal number of so many digits, in lower case.
func isHex(text string, digits int) bool {
	return len(text) == digits && strings.Trim(text, "0123456789abcdef") == ""
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
