package framework

import (
	"context"
	"crypto/rand"
	"errors"
	"net/http"
)

// answer turns an error into a response: the outermost handler may do it, then the
// site's error handler for the status, then a plain page does.
func (a *App) answer(h Handler, err error) {
	core := h.requestHandler()
	w, ctx := core.Response, core.Context()
	w.prepare(err)
	err = protect(func() error { return h.HandleError(err) })
	if err == nil {
		return
	}
	status := Status(err)
	id := a.report(ctx, core.Request, err, status)
	if w.Sent() {
		w.broken = status >= 500
		return
	}
	w.prepare(err)
	if site := a.Errors[status]; site != nil {
		failed := protect(func() error { return site(h, err) })
		if failed == nil {
			return
		}
		if !errors.Is(failed, err) {
			err, status = failed, Status(failed)
			id = a.report(ctx, core.Request, err, status)
		}
		w.prepare(err)
	}
	a.errorPage(w, core.Request, page{Status: status, Error: err, ID: id})
}

// report logs an error that is the server's own, and returns the id under which the
// log has it; a 3xx or 4xx is the client's, and has none.
func (a *App) report(ctx context.Context, r *http.Request, err error, status int) (id string) {
	if status < 500 {
		return ""
	}
	id = rand.Text()[:12]
	attributes := []any{"error", err, "status", status, "id", id, "method", r.Method, "path", r.URL.Path}
	if p, ok := errors.AsType[*PanicError](err); ok {
		attributes = append(attributes, "stack", string(p.Stack))
	}
	a.logger().ErrorContext(ctx, "request failed", attributes...)
	return id
}
