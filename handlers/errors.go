package handlers

import (
	"errors"
	"net/http"
	"slices"
	"strings"

	"github.com/webapp2go/webapp2go/framework"
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
var usualMessages = map[int]string{
	http.StatusBadRequest:            "We do not understand this request.",
	http.StatusUnauthorized:          "Log in first.",
	http.StatusForbidden:             "You may not do this here.",
	http.StatusNotFound:              "There is nothing at this address.",
	http.StatusMethodNotAllowed:      "This address receives forms and has no page to show.",
	http.StatusRequestTimeout:        "The request took too long to arrive. Please try again.",
	http.StatusConflict:              "Somebody else changed this at the same moment. Please look at it again.",
	http.StatusGone:                  "What was here has been removed.",
	http.StatusRequestEntityTooLarge: "What you sent is too large.",
	http.StatusRequestURITooLong:     "This address is too long.",
	http.StatusTooManyRequests:       "You did that too often. Please wait a little.",
	http.StatusServiceUnavailable:    "We cannot reach something that we need. Please try again in a moment.",
}

// usualMessage returns the message of an error that has none of its own.
func usualMessage(code int, method string) string {
	message, ok := usualMessages[code]
	switch {
	case code == http.StatusMethodNotAllowed && method != http.MethodGet && method != http.MethodHead:
		return "This address does not accept what was sent to it."
	case ok:
		return message
	case code >= 500:
		return "Something went wrong on our side. It has been recorded."
	}
	return "We cannot answer this request."
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

// errorPage responds to an error in the site's layout. It leaves the error to the framework if
// the client wants JSON, see [framework.RequestHandler.WantsJSON]. In Debug it also leaves
// those to it that a developer has to find: a 5xx, a path without a route, and a 405.
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
	data := ErrorData{Status: code, Text: http.StatusText(code), Retry: base.retryPath(code)}
	if e, ok := errors.AsType[*framework.Error](err); ok && code < 500 {
		data.Message = e.Message
	}
	if data.Message == "" {
		data.Message = usualMessage(code, base.Request.Method)
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
	store := h.store.Load()
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
