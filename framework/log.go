package framework

import (
	"cmp"
	"context"
	"crypto/rand"
	"log/slog"
	"net/http"
	"strings"
	"time"
)

// logRequest writes the record of a request to App.RequestLog: method, template of the
// route, path without the query, address of the client, see [App.ClientIP], status, size
// of the body in bytes, duration, and id. If the response was not completed, the record
// has "aborted".
func (a *App) logRequest(w *Response, r *http.Request, began time.Time) {
	ctx := context.WithoutCancel(r.Context())
	if !a.RequestLog.Enabled(ctx, slog.LevelInfo) {
		return
	}
	status, size := w.Status(), w.count
	if w.hijacked {
		status = http.StatusSwitchingProtocols // what the connection is used for is not known
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

// RequestID returns the id of the request in the logs. The page of a 5xx shows it; the
// records of the error and of [App.RequestLog] have it as "id". If App.TrustedProxy is
// AppEngine or CloudRun, it is the trace id of Google's logs. Else it is random, and made
// at the first call.
func (r *Response) RequestID() string {
	extras := r.needExtras()
	if extras.id != "" {
		return extras.id
	}
	switch outer := responseOf(r.writer); {
	case outer != nil: // middleware has wrapped the writer of the same request
		extras.id = outer.RequestID()
	case (r.proxy() == AppEngine || r.proxy() == CloudRun) && r.core.Request != nil:
		_, parent, _ := strings.Cut(r.core.Request.Header.Get("Traceparent"), "-")
		extras.id = cmp.Or(traceID(r.core.Request.Header.Get("X-Cloud-Trace-Context"), "/"), traceID(parent, "-"))
	}
	if extras.id == "" {
		extras.id = rand.Text()[:12]
	}
	return extras.id
}

// traceID returns the trace id that a header begins with: that of an X-Cloud-Trace-Context,
// "TRACE/SPAN;o=1", or of a traceparent after its version, "TRACE-SPAN-01". If it is not 32
// hexadecimal digits, which a client may have sent, traceID returns "".
func traceID(context, end string) string {
	id, _, _ := strings.Cut(context, end)
	if len(id) != 32 || strings.Trim(id, "0") == "" || strings.Trim(id, "0123456789abcdef") != "" {
		return ""
	}
	return id
}
