package framework

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"net/http"
	"strconv"
	"strings"
)

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
