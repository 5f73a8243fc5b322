package framework

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"log/slog"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// An Error is an error that says how to answer it.
type Error struct {
	Code    int    // the HTTP status, 300 to 599; anything else answers 500, and so does a redirect without a target
	Message string // shown to the client where Code is a 4xx; empty: the status text
	Err     error  // the cause, for the log; never shown outside Debug
}

// Error returns the status, the message and the cause.
func (e *Error) Error() string {
	if e == nil {
		return "framework: no error"
	}
	text := fmt.Sprintf("%d %s", e.Code, http.StatusText(e.Code))
	if e.Message != "" {
		text += ": " + e.Message
	}
	if e.Err != nil {
		text += ": " + e.Err.Error()
	}
	return text
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error {
	if e == nil {
		return nil
	}
	return e.Err
}

// Abort returns an *[Error] that answers with a status and a message, made of its
// arguments as by fmt.Sprint: webapp2's abort, which raised where this returns.
//
//	return framework.Abort(http.StatusConflict, "the name ", name, " is taken")
//
// A redirect needs a target: Abort with 301, 302, 303, 307 or 308 is a mistake that
// answers 500. Use [RequestHandler.RedirectAbort].
func Abort(code int, message ...any) error {
	e := &Error{Code: code, Message: fmt.Sprint(message...)}
	if redirects(code) {
		e.Err = fmt.Errorf("framework: Abort(%d) has no target: use RedirectAbort(to, %[1]d)", code)
	}
	return e
}

// A PanicError is a panic that was recovered. It answers 500, or the status of the
// error that was thrown.
type PanicError struct {
	Value any    // what was thrown
	Stack []byte // as runtime/debug.Stack printed it
}

// Error returns what was thrown.
func (e *PanicError) Error() string { return fmt.Sprintf("framework: panic: %v", e.Value) }

// Unwrap returns the error that was thrown, nil where it was no error.
func (e *PanicError) Unwrap() error {
	err, _ := e.Value.(error)
	return err
}

// Status returns the HTTP status that answers an error: the Code of the first
// *[Error] in its chain, else what an HTTPStatus() int in the chain says, else 413
// for an *[http.MaxBytesError], else 500. A status outside 300 to 599 is 500, and so is
// a redirect that no RedirectAbort made; nil is 200.
func Status(err error) int {
	if err == nil {
		return http.StatusOK
	}
	code := http.StatusInternalServerError
	if e, ok := errors.AsType[*Error](err); ok && e != nil {
		code = e.Code
		if _, has := errors.AsType[redirection](err); redirects(code) && !has {
			return http.StatusInternalServerError
		}
	} else if s, ok := errors.AsType[interface {
		error
		HTTPStatus() int
	}](err); ok {
		code = s.HTTPStatus()
	} else if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		code = http.StatusRequestEntityTooLarge
	}
	if code < 300 || code > 599 {
		return http.StatusInternalServerError
	}
	return code
}

// ErrHeaderWritten says that a change came after the header had gone: a redirect, a status, or
// a change of a session, whose error matches it with errors.Is.
var ErrHeaderWritten error = headerWrittenError{}

type headerWrittenError struct{}

func (headerWrittenError) Error() string { return "framework: the header has been sent already" }

func (headerWrittenError) HeaderSent() bool { return true }

// Is makes all errors with the same meaning match, of packages that cannot import
// each other.
func (headerWrittenError) Is(target error) bool {
	_, same := target.(interface{ HeaderSent() bool })
	return same
}

// checkError returns err, and what it throws instead where its own methods panic, as those of
// a nil pointer do that was returned as an error.
func checkError(err error) error {
	if err == nil {
		return nil
	}
	thrown := protect(func() error {
		_, _ = Status(err), err.Error()
		return nil
	})
	return cmp.Or(thrown, err)
}

// answer turns an error into a response: the outermost handler may do it, then the
// site's error handler for the status, then a plain page does. Each is asked once, so
// one that fails itself cannot go round for ever.
func (a *App) answer(h Handler, err error) {
	core := h.requestHandler()
	w, r := core.Response, core.Request
	w.beginError(err)
	left := checkError(protect(func() error { return h.HandleError(err) }))
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
		w.beginError(err)
		failed := checkError(protect(func() error { return site(h, err) }))
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
	w.beginError(err)
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

// page is what a plain error page says.
type page struct {
	Status int
	Error  error
	ID     string // of the log record; empty for a 4xx
}

// errorPage answers with a plain page, HTML or JSON, see [RequestHandler.WantsJSON].
func (a *App) errorPage(h *RequestHandler, p page) {
	w := h.Response
	if p.Status < 400 {
		return
	}
	title := cmp.Or(http.StatusText(p.Status), "Error")
	message := ""
	if e, ok := errors.AsType[*Error](p.Error); ok && p.Status < 500 {
		message = e.Message
	}
	detail, stack := "", ""
	if a.Debug {
		detail = p.Error.Error()
		if thrown, ok := errors.AsType[*PanicError](p.Error); ok {
			stack = string(thrown.Stack)
		}
	}
	w.Header().Set("X-Content-Type-Options", "nosniff")
	if h.WantsJSON() {
		w.Header().Set("Content-Type", "application/json")
		// Strings and an int: encoding cannot fail.
		body, _ := json.Marshal(struct {
			Status  int    `json:"status"`
			Error   string `json:"error"`
			Message string `json:"message,omitempty"`
			ID      string `json:"id,omitempty"`
			Detail  string `json:"detail,omitempty"`
			Stack   string `json:"stack,omitempty"`
		}{p.Status, title, message, p.ID, detail, stack})
		w.Write(append(body, '\n'))
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	fmt.Fprintf(w, "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n<title>%d %[2]s</title>\n<h1>%[2]s</h1>\n", p.Status, html.EscapeString(title))
	for _, line := range []struct{ before, text, after string }{
		{"<p>", message, "</p>\n"},
		{"<p>The log has this as <code>", p.ID, "</code>.</p>\n"},
		{"<pre>", detail, "</pre>\n"},
		{"<pre>", stack, "</pre>\n"},
	} {
		if line.text != "" {
			fmt.Fprint(w, line.before, html.EscapeString(line.text), line.after)
		}
	}
}

// WantsJSON reports whether an error of the request is answered with JSON, else it is with
// a page. An Accept header that names JSON or HTML decides. Without such a name the answer
// is JSON if the body of the request is JSON or [RequestHandler.DecodeJSON] was called, if
// the action had begun to answer with JSON, if a script of a page asks ("Sec-Fetch-Dest:
// empty"), or if IsAPI says so.
func (h *RequestHandler) WantsJSON() bool {
	asked := h.Request.Header
	ofJSON, ofHTML := preferences(strings.Join(asked["Accept"], ","))
	if ofJSON > 0 || ofHTML > 0 {
		return ofJSON > ofHTML
	}
	if h.Response.json || isJSON(asked.Get("Content-Type")) || asked.Get("Sec-Fetch-Dest") == "empty" {
		return true
	}
	api, ok := h.outermost.(interface{ IsAPI() bool })
	return ok && api.IsAPI()
}

// IsAPI reports whether the handler is for programs, so that its errors are JSON for a
// client that names neither JSON nor HTML in Accept. The default is false; override it in
// the base of an API's handlers, and in that of App.Fallback if a whole site is an API.
func (h *RequestHandler) IsAPI() bool { return false }

// preferences returns how much an Accept header wants JSON and HTML where it names them,
// each 0 to 1 (RFC 9110 section 12.5.1).
func preferences(accept string) (ofJSON, ofHTML float64) {
	for entry := range strings.SplitSeq(accept, ",") {
		kind, parameters, _ := strings.Cut(entry, ";")
		quality := 1.0
		for parameter := range strings.SplitSeq(parameters, ";") {
			if text, ok := strings.CutPrefix(strings.TrimSpace(parameter), "q="); ok {
				if q, err := strconv.ParseFloat(text, 64); err == nil {
					quality = q
				}
			}
		}
		switch kind = strings.ToLower(strings.TrimSpace(kind)); {
		case isJSON(kind):
			ofJSON = max(ofJSON, quality)
		case kind == "text/html", kind == "application/xhtml+xml":
			ofHTML = max(ofHTML, quality)
		}
	}
	return ofJSON, ofHTML
}

// isJSON reports whether a media type is JSON (RFC 6839 section 3.1).
func isJSON(kind string) bool {
	kind, _, _ = strings.Cut(kind, ";")
	kind = strings.ToLower(strings.TrimSpace(kind))
	return kind == "application/json" || strings.HasPrefix(kind, "application/") && strings.HasSuffix(kind, "+json")
}

// errorVary lists what of a request WantsJSON asks, beside its body and its handler.
const errorVary = "Accept, Sec-Fetch-Dest"
