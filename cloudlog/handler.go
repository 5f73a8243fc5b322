// Package cloudlog writes records of log/slog as Google Cloud Logging reads them from
// the standard output of a program on App Engine or Cloud Run: one JSON object a line,
// with the fields that it treats specially.
//
//	log := slog.New(cloudlog.NewHandler(os.Stdout, cloudlog.Options{Project: os.Getenv("GOOGLE_CLOUD_PROJECT")}))
//	slog.SetDefault(log)
//	app.Log, app.Proxy = log, framework.AppEngine
//	err := framework.Serve(ctx, cloudlog.Trace(app))
//
// Levels become severities, the message is "message", a warning or worse says where
// in the source it was made, and a record made with the context of a request that
// passed through [Trace] is found beside that request's other records. The record
// that package framework makes of a request, or of an error in one, has its method,
// path, status, size and duration as an httpRequest.
package cloudlog

import (
	"context"
	"io"
	"log/slog"
	"strconv"
)

// Options are what a Handler can be told. The zero value works.
type Options struct {
	Level   slog.Leveler // the least that is written; nil: slog.LevelInfo
	Project string       // whose traces are named; empty: records name no trace
}

// NewHandler returns a handler that writes to w, which may be shared: each record is
// one Write. It is safe for concurrent use.
func NewHandler(w io.Writer, o Options) slog.Handler {
	lines := slog.NewJSONHandler(w, &slog.HandlerOptions{Level: o.Level, ReplaceAttr: rename})
	return &handler{project: o.Project, top: lines, inner: lines}
}

// A handler puts the special fields at the top of each line, where Cloud Logging looks
// for them, whatever groups the record is in.
type handler struct {
	project string
	top     slog.Handler                      // without the groups
	into    []func(slog.Handler) slog.Handler // what WithGroup and WithAttrs did since the first group
	inner   slog.Handler                      // top, with that done to it
}

func (h *handler) Enabled(ctx context.Context, level slog.Level) bool {
	return h.top.Enabled(ctx, level)
}

func (h *handler) WithAttrs(attributes []slog.Attr) slog.Handler {
	return h.with(len(h.into) > 0, func(to slog.Handler) slog.Handler { return to.WithAttrs(attributes) })
}

func (h *handler) WithGroup(name string) slog.Handler {
	return h.with(name != "", func(to slog.Handler) slog.Handler { return to.WithGroup(name) })
}

func (h *handler) with(inGroup bool, f func(slog.Handler) slog.Handler) slog.Handler {
	next := *h
	if next.inner = f(h.inner); !inGroup {
		next.top = next.inner
		return &next
	}
	next.into = append(h.into[:len(h.into):len(h.into)], f)
	return &next
}

func (h *handler) Handle(ctx context.Context, record slog.Record) error {
	var special []slog.Attr
	if t, ok := ctx.Value(traceKey{}).(trace); ok && h.project != "" {
		special = t.attributes(h.project)
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
	line.AddAttrs(rest...)
	return h.inner.Handle(ctx, line)
}

// rename gives what slog writes into every record the names of Cloud Logging.
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

// severity names a level as Cloud Logging does. Between the levels of slog lie NOTICE
// and what is worse than an error.
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
