package cloud

import (
	"context"
	"io"
	"log/slog"
	"os"
	"strconv"
	"strings"
)

// Logger returns the logger of a program. On App Engine and Cloud Run it writes to
// standard output with a [NewLogHandler] that names the [Project] in traces; without a
// project the records name no trace. [Elsewhere] it writes lines of text to standard
// error.
//
// Level is the lowest level that is written; if nil, slog.LevelInfo.
func (p Platform) Logger(ctx context.Context, level slog.Leveler) *slog.Logger {
	if p == Elsewhere {
		return slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: level}))
	}
	project, err := Project(ctx)
	log := slog.New(NewLogHandler(os.Stdout, LogOptions{Level: level, Project: project}))
	if err != nil {
		log.WarnContext(ctx, "records of the log name no trace", "error", err)
	}
	return log
}

// LogOptions are the options of a log handler. The zero value works.
type LogOptions struct {
	Level   slog.Leveler // the lowest level that is written; if nil, slog.LevelInfo
	Project string       // the id of the project whose traces records name; if empty, records name no trace
}

// NewLogHandler returns a handler that writes records as Cloud Logging reads them from
// the standard output of a program on App Engine or Cloud Run: one JSON object a line,
// with the special fields of its structured logging.
//
// Levels become severities, and the message is "message". A warning or worse has the
// place in the source code where it was logged. A record that is logged with the context
// of a request that passed through [Platform.Trace] is shown beside the other records of
// that request. A record of package framework about a request has its method, path,
// status, size and duration as an httpRequest. An error or worse has the @type of a
// ReportedErrorEvent, and the attribute "stack" of a panic becomes its stack_trace, so that
// Error Reporting lists it (https://docs.cloud.google.com/error-reporting/docs/formatting-error-messages).
//
// Each record is one call of w.Write. The handler is safe for concurrent use.
func NewLogHandler(w io.Writer, o LogOptions) slog.Handler {
	lines := slog.NewJSONHandler(w, &slog.HandlerOptions{Level: o.Level, ReplaceAttr: rename})
	return &logHandler{project: o.Project, top: lines, inner: lines}
}

// A logHandler puts the special fields at the top of each line, where Cloud Logging looks
// for them, even if the record is in a group.
type logHandler struct {
	project string
	top     slog.Handler                      // without the groups
	into    []func(slog.Handler) slog.Handler // the calls of WithGroup and WithAttrs since the first group
	inner   slog.Handler                      // top, after those calls
}

func (h *logHandler) Enabled(ctx context.Context, level slog.Level) bool {
	return h.top.Enabled(ctx, level)
}

func (h *logHandler) WithAttrs(attributes []slog.Attr) slog.Handler {
	return h.with(len(h.into) > 0, func(to slog.Handler) slog.Handler { return to.WithAttrs(attributes) })
}

func (h *logHandler) WithGroup(name string) slog.Handler {
	return h.with(name != "", func(to slog.Handler) slog.Handler { return to.WithGroup(name) })
}

func (h *logHandler) with(inGroup bool, f func(slog.Handler) slog.Handler) slog.Handler {
	next := *h
	if next.inner = f(h.inner); !inGroup {
		next.top = next.inner
		return &next
	}
	next.into = append(h.into[:len(h.into):len(h.into)], f)
	return &next
}

func (h *logHandler) Handle(ctx context.Context, record slog.Record) error {
	var special []slog.Attr
	if t, ok := ctx.Value(traceKey{}).(trace); ok && h.project != "" {
		special = t.attributes(h.project)
	}
	if record.Level >= slog.LevelError {
		special = append(special, slog.String("@type", reportedError))
	}
	if source := record.Source(); source != nil && record.Level >= slog.LevelWarn {
		special = append(special, slog.Group("logging.googleapis.com/sourceLocation",
			"file", source.File, "line", strconv.Itoa(source.Line), "function", source.Function))
	}
	if len(h.into) > 0 {
		inner := h.top
		if len(special) > 0 {
			inner = inner.WithAttrs(special)
		}
		for _, f := range h.into {
			inner = f(inner)
		}
		return inner.Handle(ctx, record)
	}
	request, rest := splitRequest(record)
	if len(request) > 0 {
		special = append(special, slog.Attr{Key: "httpRequest", Value: slog.GroupValue(request...)})
	}
	line := slog.NewRecord(record.Time, record.Level, record.Message, 0)
	line.AddAttrs(special...)
	line.AddAttrs(withStackTrace(record, rest)...)
	return h.inner.Handle(ctx, line)
}

const reportedError = "type.googleapis.com/google.devtools.clouderrorreporting.v1beta1.ReportedErrorEvent"

// withStackTrace gives the stack of a panic the name and the form that Error Reporting
// reads: a line about the error, and then what runtime.Stack would have returned where the
// code has panicked.
func withStackTrace(record slog.Record, attributes []slog.Attr) []slog.Attr {
	if record.Level < slog.LevelError {
		return attributes
	}
	header, stack := record.Message, -1
	for i, a := range attributes {
		switch a.Key {
		case "error":
			header += ": " + strings.ReplaceAll(a.Value.Resolve().String(), "\n", " ")
		case "stack":
			stack = i
		}
	}
	if stack < 0 {
		return attributes
	}
	goroutine, calls, _ := strings.Cut(attributes[stack].Value.Resolve().String(), "\n")
	if !strings.HasPrefix(goroutine, "goroutine ") {
		return attributes
	}
	if parts := strings.SplitN(calls, "\npanic(", 2); len(parts) == 2 { // two lines, about panic itself
		if lines := strings.SplitN(parts[1], "\n", 3); len(lines) == 3 {
			calls = lines[2]
		}
	}
	attributes[stack] = slog.String("stack_trace", header+"\n\n"+goroutine+"\n"+calls)
	return attributes
}

// rename gives the level and the message of a record the names that Cloud Logging uses.
func rename(groups []string, a slog.Attr) slog.Attr {
	if len(groups) > 0 {
		return a
	}
	switch a.Key {
	case slog.LevelKey:
		if level, ok := a.Value.Any().(slog.Level); ok {
			return slog.String("severity", severity(level))
		}
	case slog.MessageKey:
		a.Key = "message"
	}
	return a
}

// severity returns Cloud Logging's name of a level. NOTICE and CRITICAL are between and
// above the levels of slog.
func severity(level slog.Level) string {
	switch {
	case level < slog.LevelInfo:
		return "DEBUG"
	case level < slog.LevelInfo+2:
		return "INFO"
	case level < slog.LevelWarn:
		return "NOTICE"
	case level < slog.LevelError:
		return "WARNING"
	case level < slog.LevelError+4:
		return "ERROR"
	}
	return "CRITICAL"
}
