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

// errorPage answers with a plain page, HTML or JSON by the Accept header.
func (a *App) errorPage(w *Response, r *http.Request, p page) {
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
	w.Header().Add("Vary", "Accept")
	if prefersJSON(r.Header.Get("Accept")) {
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

// prefersJSON tells whether an Accept header asks for JSON before HTML (RFC 9110
// section 12.5.1). No preference is HTML: a browser, or somebody with curl.
func prefersJSON(accept string) bool {
	var ofJSON, ofHTML float64
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
		case kind == "application/json", strings.HasPrefix(kind, "application/") && strings.HasSuffix(kind, "+json"):
			ofJSON = max(ofJSON, quality)
		case kind == "text/html", kind == "application/xhtml+xml":
			ofHTML = max(ofHTML, quality)
		}
	}
	return ofJSON > ofHTML
}
