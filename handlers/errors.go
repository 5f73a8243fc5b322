package handlers

import (
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/webapp2go/webapp2go/framework"
	"github.com/webapp2go/webapp2go/templates"
)

// ErrorData is what the template "error" is given.
type ErrorData struct {
	Status  int    // 404
	Text    string // "Not Found"
	Message string // what the page says; never the cause of an error of the site
	Retry   string // the path to try again, if the error may pass by itself; else empty
	ID      string // of a 5xx: the id of its record in the log, for the user to report; else empty
}

// usualMessages are for errors without a message of their own.
var usualMessages = map[int]templates.Message{
	http.StatusBadRequest:            templates.Lazy("We do not understand this request."),
	http.StatusUnauthorized:          templates.Lazy("Log in first."),
	http.StatusForbidden:             templates.Lazy("You may not do this here."),
	http.StatusNotFound:              templates.Lazy("There is nothing at this address."),
	http.StatusMethodNotAllowed:      templates.Lazy("This address receives forms and has no page to show."),
	http.StatusRequestTimeout:        templates.Lazy("The request took too long to arrive. Please try again."),
	http.StatusConflict:              templates.Lazy("Somebody else changed this at the same moment. Please look at it again."),
	http.StatusGone:                  templates.Lazy("What was here has been removed."),
	http.StatusRequestEntityTooLarge: templates.Lazy("What you sent is too large."),
	http.StatusRequestURITooLong:     templates.Lazy("This address is too long."),
	http.StatusTooManyRequests:       templates.Lazy("You did that too often. Please wait a little."),
	http.StatusServiceUnavailable:    templates.Lazy("We cannot reach something that we need. Please try again in a moment."),
}

// usualMessage returns the message of an error that has none of its own.
func usualMessage(code int, method string) templates.Message {
	message, ok := usualMessages[code]
	switch {
	case code == http.StatusMethodNotAllowed && method != http.MethodGet && method != http.MethodHead:
		return templates.Lazy("This address does not accept what was sent to it.")
	case ok:
		return message
	case code >= 500:
		return templates.Lazy("Something went wrong on our side. It has been recorded.")
	}
	return templates.Lazy("We cannot answer this request.")
}

// statusTexts are those of http.StatusText.
var statusTexts = map[int]templates.Message{
	400: templates.Lazy("Bad Request"),
	401: templates.Lazy("Unauthorized"),
	402: templates.Lazy("Payment Required"),
	403: templates.Lazy("Forbidden"),
	404: templates.Lazy("Not Found"),
	405: templates.Lazy("Method Not Allowed"),
	406: templates.Lazy("Not Acceptable"),
	407: templates.Lazy("Proxy Authentication Required"),
	408: templates.Lazy("Request Timeout"),
	409: templates.Lazy("Conflict"),
	410: templates.Lazy("Gone"),
	411: templates.Lazy("Length Required"),
	412: templates.Lazy("Precondition Failed"),
	413: templates.Lazy("Request Entity Too Large"),
	414: templates.Lazy("Request URI Too Long"),
	415: templates.Lazy("Unsupported Media Type"),
	416: templates.Lazy("Requested Range Not Satisfiable"),
	417: templates.Lazy("Expectation Failed"),
	418: templates.Lazy("I'm a teapot"),
	421: templates.Lazy("Misdirected Request"),
	422: templates.Lazy("Unprocessable Entity"),
	423: templates.Lazy("Locked"),
	424: templates.Lazy("Failed Dependency"),
	425: templates.Lazy("Too Early"),
	426: templates.Lazy("Upgrade Required"),
	428: templates.Lazy("Precondition Required"),
	429: templates.Lazy("Too Many Requests"),
	431: templates.Lazy("Request Header Fields Too Large"),
	451: templates.Lazy("Unavailable For Legal Reasons"),
	500: templates.Lazy("Internal Server Error"),
	501: templates.Lazy("Not Implemented"),
	502: templates.Lazy("Bad Gateway"),
	503: templates.Lazy("Service Unavailable"),
	504: templates.Lazy("Gateway Timeout"),
	505: templates.Lazy("HTTP Version Not Supported"),
	506: templates.Lazy("Variant Also Negotiates"),
	507: templates.Lazy("Insufficient Storage"),
	508: templates.Lazy("Loop Detected"),
	510: templates.Lazy("Not Extended"),
	511: templates.Lazy("Network Authentication Required"),
}

// retryPath returns the path to try again if the error may pass by itself, else "".
func (h *BaseHandler) retryPath(code int) string {
	switch code {
	case http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		if r := h.Request; r.Method == http.MethodGet || r.Method == http.MethodHead {
			return framework.SafeNext(h.Prefix()+r.URL.RequestURI(), "")
		}
	}
	return ""
}

// fallbackHandler responds to requests that match no route, so that the response has the site's
// layout.
type fallbackHandler struct{ BaseHandler }

// errorPage responds to an error in the site's layout. It leaves the error to the
// framework if the client wants JSON, see [framework.RequestHandler.WantsJSON]. In Debug
// it also leaves to the framework the errors that a developer has to look into: a 5xx, a
// path without a route, and a 405.
func errorPage(h framework.Handler, err error) error {
	embedded, ok := h.(interface{ base() *BaseHandler })
	if !ok {
		return err
	}
	base := embedded.base()
	code := framework.Status(err)
	if base.Site == nil || base.Site.Templates == nil || base.WantsJSON() || base.App.Debug && isForDeveloper(base, code) {
		return err
	}
	data := ErrorData{Status: code, Text: statusTexts[code].In(base.Locale()), Retry: base.retryPath(code)}
	if e, ok := errors.AsType[*framework.Error](err); ok && code < 500 && e.Message != "" {
		data.Message = base.said(e.Message)
	}
	if data.Message == "" {
		data.Message = usualMessage(code, base.Request.Method).In(base.Locale())
	}
	if code >= 500 && code != http.StatusNotImplemented {
		data.ID = base.Response.RequestID()
	}
	base.findUser()
	if err := base.setLayoutValues(); err != nil {
		base.logger().WarnContext(base.Context(), "handlers: an error page is shown without the values of its layout", "error", err)
	}
	base.Response.WriteHeader(code)
	return base.renderWithoutSession("error", data)
}

// isForDeveloper reports whether the debug page is shown for an error.
func isForDeveloper(h *BaseHandler, code int) bool {
	return code >= 500 || code == http.StatusMethodNotAllowed || code == http.StatusNotFound && h.Route() == nil
}

// DebugInfo returns what the error page of App.Debug shows of the session: its status, its
// keys without their values, and the user. It reads nothing that the request has not read.
func (h *BaseHandler) DebugInfo() map[string]string {
	store := h.opened.Load()
	if store == nil || !store.Used() {
		return map[string]string{"Session": "not used by this request"}
	}
	session := store.Session()
	info := map[string]string{"Session": session.Status().String()}
	if err := session.Err(); err != nil {
		info["Session error"] = err.Error()
	}
	var keys []string
	for key := range session.All() {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	info["Session keys"] = strings.Join(keys, ", ")
	if user := h.knownUser(); user != nil {
		info["User"] = user.Name
	}
	return info
}

// findUser reads the user for an error page. If a backend is down, the page is shown without
// a user, and keeps its status.
func (h *BaseHandler) findUser() {
	logIgnored := func(err error) {
		if err != nil {
			h.logger().DebugContext(h.Context(), "handlers: an error page is shown without the user", "error", err)
		}
	}
	if store := h.Store(); !store.Used() {
		// The action has not used the sessions, so that nothing is lost if they cannot be saved.
		h.Response.BeforeSend(func(w http.ResponseWriter) error { logIgnored(store.Save(w)); return nil })
	}
	_, err := h.User()
	logIgnored(err)
}
