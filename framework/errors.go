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

// An Error is an error with the status of its response.
type Error struct {
	Code    int    // the HTTP status, 300 to 599; any other, and a redirect without a target, is 500
	Message string // shown to the client if Code is a 4xx; if empty, the status text
	Err     error  // the cause, for the log; shown to the client only in Debug
}

// Error returns the status, the message and the cause.
func (e *Error) Error() string {
	if e == nil {
		return "framework: nil *Error"
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

// Abort returns an *[Error] with a status, and with a message that is made as by
// fmt.Sprint. Webapp2's abort raised an exception; return this error:
//
//	return framework.Abort(http.StatusConflict, "the name ", name, " is taken")
//
// A redirect needs a target: Abort with 301, 302, 303, 307 or 308 is a mistake, and a
// 500. Use [RequestHandler.RedirectAbort].
func Abort(code int, message ...any) error {
	e := &Error{Code: code, Message: fmt.Sprint(message...)}
	if redirects(code) {
		e.Err = fmt.Errorf("framework: Abort(%d) has no target: use RedirectAbort(to, %[1]d)", code)
	}
	return e
}

// A PanicError is a panic that was recovered. Its status is 500 or, if the value is an
// error, the status of that error.
type PanicError struct {
	Value any    // the argument of panic
	Stack []byte // from runtime/debug.Stack
}

// Error returns the value of the panic.
func (e *PanicError) Error() string { return fmt.Sprintf("framework: panic: %v", e.Value) }

// Unwrap returns the value of the panic if it is an error, else nil.
func (e *PanicError) Unwrap() error {
	err, _ := e.Value.(error)
	return err
}

// Status returns the HTTP status of the response to an error: the Code of the first
// *[Error] in its chain, else the result of a method HTTPStatus() int in the chain, else
// 413 for an *[http.MaxBytesError], else 500. It returns 500 for a status outside of 300
// to 599 and for a redirect without a target, and 200 for nil.
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

// ErrHeaderWritten is in the chain of the error of a redirect, and of a change of a
// session, that comes after the header has been written.
var ErrHeaderWritten error = headerWrittenError{}

type headerWrittenError struct{}

func (headerWrittenError) Error() string { return "framework: the header has been written already" }

func (headerWrittenError) HeaderSent() bool { return true }

// Is reports whether target has the same meaning: package sessions, which cannot import
// this one, has an error of its own with a method HeaderSent.
func (headerWrittenError) Is(target error) bool {
	_, same := target.(interface{ HeaderSent() bool })
	return same
}

// checkError returns err, or a *PanicError if a method of err panics, as those of a typed
// nil pointer may.
func checkError(err error) error {
	if err == nil {
		return nil
	}
	panicked := protect(func() error {
		_, _ = Status(err), err.Error()
		return nil
	})
	return cmp.Or(panicked, err)
}

// respondToError responds to an error: the outermost handler's HandleError may do so, then the
// error handler in App.Errors, then a plain page. Each is called once, so that an error
// of theirs cannot loop.
func (a *App) respondToError(h Handler, err error) {
	core := h.requestHandler()
	w, r := core.Response, core.Request
	w.beginError(err)
	t := w.tracer()
	handle := func() error { return checkError(protect(func() error { return h.HandleError(err) })) }
	var left error
	if t == nil {
		left = handle()
	} else {
		left = t.run(StepError, "HandleError", handle)
	}
	if left == nil {
		return
	}
	if panicked, ok := left.(*PanicError); ok && !errors.Is(err, panicked) {
		a.report(w, r, err) // HandleError has panicked, and its error does not include err
	}
	err = left
	if !w.sent && Status(err) >= 400 && !slices.Contains(w.Header()["Vary"], errorVary) {
		w.Header().Add("Vary", errorVary)
	}
	id := a.report(w, r, err)
	if site := a.Errors[Status(err)]; site != nil && !w.sent {
		w.beginError(err)
		show := func() error { return checkError(protect(func() error { return site(h, err) })) }
		var failed error
		if t == nil {
			failed = show()
		} else {
			failed = t.run(StepError, fmt.Sprintf("App.Errors[%d]", Status(err)), show)
		}
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

// report logs an error if its status is a 5xx, or if it comes too late for a response,
// and returns the id of the log record. It does not log errors of the client, which
// include unknown methods, and returns "".
func (a *App) report(w *Response, r *http.Request, err error) (id string) {
	status := Status(err)
	if (status < 500 || status == http.StatusNotImplemented) && !w.sent {
		return ""
	}
	id = w.RequestID()
	attributes := []any{"error", err, "status", status, "id", id, "method", r.Method, "path", r.URL.Path, "sent", w.sent}
	level := slog.LevelError
	if panicked, ok := errors.AsType[*PanicError](err); ok {
		attributes = append(attributes, "stack", string(panicked.Stack))
	} else if r.Context().Err() == context.Canceled {
		level = slog.LevelInfo // the client has closed the connection
	}
	a.logger().Log(r.Context(), level, "request failed", attributes...)
	return id
}

// A page is the content of a plain error page.
type page struct {
	Status int
	Error  error
	ID     string // of the log record; empty if there is none
}

// errorPage writes a plain page, HTML or JSON, see [RequestHandler.WantsJSON].
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
	detail := ""
	var report *debugReport
	if a.Debug {
		detail = cutText(p.Error.Error())
		if err := protect(func() error { report = a.newDebugReport(h, p); return nil }); err != nil {
			detail = errors.Join(p.Error, err).Error() // DebugInfo of the application has panicked
		}
	}
	w.Header().Set("X-Content-Type-Options", "nosniff")
	if h.WantsJSON() {
		w.Header().Set("Content-Type", "application/json")
		// Strings, numbers and maps of strings: encoding cannot fail.
		body, _ := json.Marshal(struct {
			Status  int          `json:"status"`
			Error   string       `json:"error"`
			Message string       `json:"message,omitempty"`
			ID      string       `json:"id,omitempty"`
			Detail  string       `json:"detail,omitempty"`
			Debug   *debugReport `json:"debug,omitempty"`
		}{p.Status, title, message, p.ID, detail, report})
		w.Write(append(body, '\n'))
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	if report != nil {
		report.writeHTML(h, p, title)
		return
	}
	fmt.Fprintf(w, "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<meta name=\"color-scheme\" content=\"light dark\">\n"+
		"<title>%d %[2]s</title>\n</head>\n<body>\n<main>\n<h1>%[2]s</h1>\n", p.Status, html.EscapeString(title))
	for _, line := range []struct{ before, text, after string }{
		{"<p>", message, "</p>\n"},
		{"<p>The log has this as <code>", p.ID, "</code>.</p>\n"},
		{"<pre>", detail, "</pre>\n"},
	} {
		if line.text != "" {
			fmt.Fprint(w, line.before, html.EscapeString(line.text), line.after)
		}
	}
	fmt.Fprint(w, "</main>\n</body>\n</html>\n")
}

// WantsJSON reports whether an error of the request is JSON rather than an HTML page. If
// the Accept header names JSON or HTML, that decides. Else it is JSON if the request's
// body is JSON, if [RequestHandler.DecodeJSON] was called, if the response so far is
// JSON, if a script has sent the request ("Sec-Fetch-Dest: empty"), or if IsAPI returns
// true.
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

// IsAPI reports whether the handler is part of an API, so that its errors are JSON unless
// the Accept header asks for HTML. The default returns false. Override it in the base of
// an API's handlers, and in that of App.Fallback if the whole site is an API.
func (h *RequestHandler) IsAPI() bool { return false }

// preferences returns the weights of JSON and HTML in an Accept header, 0 to 1. It is 0
// if the header does not name the type (RFC 9110 section 12.5.1).
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

// errorVary are the headers of a request that WantsJSON reads.
const errorVary = "Accept, Sec-Fetch-Dest"
