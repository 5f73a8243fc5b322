package framework

import (
	"context"
	"crypto/rand"
	"log/slog"
	"net/http"
	"strings"
	"time"
)

// logRequest writes the record of a request that is over into App.RequestLog: its
// method, the template of its route, its path without the query, the address of the
// client as [App.ClientIP] says it, the status, the bytes of body that were sent, how long
// it took, and its id. A request whose answer
// was broken off has "aborted" too.
func (a *App) logRequest(w *Response, r *http.Request, began time.Time) {
	ctx := context.WithoutCancel(r.Context())
	if !a.RequestLog.Enabled(ctx, slog.LevelInfo) {
		return
	}
	status, size := w.Status(), w.count
	if w.hijacked {
		status = http.StatusSwitchingProtocols // or what else the connection is used for
	}
	if r.Method == http.MethodHead {
		size = 0
	}
	template := ""
	if route := w.core.route; route != nil {
		template = route.template
	}
	attributes := []slog.Attr{
		slog.String("method", r.Method),
		slog.String("route", template),
		slog.String("path", r.URL.Path),
		slog.String("address", a.ClientIP(r)),
		slog.Int("status", status),
		slog.Int64("size", size),
		slog.Duration("duration", time.Since(began)),
		slog.String("id", w.RequestID()),
	}
	if w.broken || !w.finished {
		attributes = append(attributes, slog.Bool("aborted", true))
	}
	a.RequestLog.LogAttrs(ctx, slog.LevelInfo, "request", attributes...)
}

// RequestID returns the id under which the logs have this request: the error page of
// a 5xx shows it to the user, the record of the error and [App.RequestLog] have it as
// "id". If App.TrustedProxy is AppEngine or CloudRun it is the id of the request's trace, by
// which Google's logs are found too; else it is random, and made when it is first
// asked for.
func (r *Response) RequestID() string {
	extras := r.needExtras()
	if extras.id != "" {
		return extras.id
	}
	switch outer := responseOf(r.writer); {
	case outer != nil: // middleware wrapped the writer: it is the same request
		extras.id = outer.RequestID()
	case (r.proxy() == AppEngine || r.proxy() == CloudRun) && r.core.Request != nil:
		extras.id = traceID(r.core.Request.Header.Get("X-Cloud-Trace-Context"))
	}
	if extras.id == "" {
		extras.id = rand.Text()[:12]
	}
	return extras.id
}

// traceID returns the trace of an X-Cloud-Trace-Context, "TRACE/SPAN;o=1", where it is
// what such an id must be, 32 hexadecimal digits, and "" otherwise: a client may have
// sent it.
func traceID(context string) string {
	id, _, _ := strings.Cut(context, "/")
	if len(id) != 32 || strings.Trim(id, "0123456789abcdef") != "" {
		return ""
	}
	return id
}
