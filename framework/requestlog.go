package framework

import (
	"context"
	"log/slog"
	"net/http"
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
