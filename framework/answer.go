package framework

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"slices"
)

// answer turns an error into a response: the outermost handler may do it, then the
// site's error handler for the status, then a plain page does. Each is asked once, so
// one that fails itself cannot go round for ever.
func (a *App) answer(h Handler, err error) {
	core := h.requestHandler()
	w, r := core.Response, core.Request
	w.prepare(err)
	left := sound(protect(func() error { return h.HandleError(err) }))
	if left == nil {
		return
	}
	if thrown, ok := left.(*PanicError); ok && !errors.Is(err, thrown) {
		a.report(w, r, err) // HandleError panicked, and knows nothing of the first error
	}
	err = left
	if !w.sent && Status(err) >= 400 && !slices.Contains(w.Header()["Vary"], errorVary) {
		w.Header().Add("Vary", errorVary)
	}
	id := a.report(w, r, err)
	if site := a.Errors[Status(err)]; site != nil && !w.sent {
		w.prepare(err)
		failed := sound(protect(func() error { return site(h, err) }))
		if failed == nil {
			return
		}
		if !errors.Is(failed, err) {
			err = failed
			id = a.report(w, r, err)
		}
	}
	if w.sent {
		w.broken = true
		return
	}
	w.prepare(err)
	a.errorPage(core, page{Status: Status(err), Error: err, ID: id})
}

// report logs an error that is the server's own, or that comes too late to be
// answered, and returns the id of the request, under which the log has it. Any other is
// the client's, which is told, and has none; so is a verb that nobody knows.
func (a *App) report(w *Response, r *http.Request, err error) (id string) {
	status := Status(err)
	if (status < 500 || status == http.StatusNotImplemented) && !w.sent {
		return ""
	}
	id = w.RequestID()
	attributes := []any{"error", err, "status", status, "id", id, "method", r.Method, "path", r.URL.Path, "sent", w.sent}
	level := slog.LevelError
	if thrown, ok := errors.AsType[*PanicError](err); ok {
		attributes = append(attributes, "stack", string(thrown.Stack))
	} else if r.Context().Err() == context.Canceled {
		level = slog.LevelInfo // the client has gone: nobody's fault
	}
	a.logger().Log(r.Context(), level, "request failed", attributes...)
	return id
}
