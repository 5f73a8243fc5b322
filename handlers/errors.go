package handlers

import (
	"cmp"
	"errors"
	"log/slog"
	"net/http"
	"strings"

	"github.com/webapp2go/webapp2go/framework"
)

// ErrorData is what the template "error" is given.
type ErrorData struct {
	Status  int    // 404
	Text    string // "Not Found"
	Message string // what is said to the user; never the cause of an error of the site's own
	Retry   string // the address to try again, of an error that may pass by itself; else empty
	ID      string // of a 5xx: what the log has it under, for the user to tell; else empty
}

// usualMessages are for errors without a message of their own.
var usualMessages = map[int]string{
	http.StatusBadRequest:            "We do not understand this request.",
	http.StatusUnauthorized:          "Log in first.",
	http.StatusForbidden:             "You may not do this here.",
	http.StatusNotFound:              "There is nothing at this address.",
	http.StatusMethodNotAllowed:      "This address takes what a form sends, and has no page to show.",
	http.StatusRequestTimeout:        "The request took too long to arrive. Please try again.",
	http.StatusConflict:              "Somebody else changed this at the same moment. Please look at it again.",
	http.StatusGone:                  "What was here has been removed.",
	http.StatusRequestEntityTooLarge: "What you have sent is too large.",
	http.StatusRequestURITooLong:     "This address is too long.",
	http.StatusTooManyRequests:       "That was too often. Please wait a little.",
	http.StatusServiceUnavailable:    "We cannot reach something that we need. Please try again in a moment.",
}

// usualMessage is what is said of an error without a message of its own.
func usualMessage(code int, method string) string {
	message, ok := usualMessages[code]
	switch {
	case code == http.StatusMethodNotAllowed && method != http.MethodGet && method != http.MethodHead:
		return "This address does not take what was sent to it."
	case ok:
		return message
	case code >= 500:
		return "Something went wrong on our side. We have a note of it."
	}
	return "We cannot answer this request."
}

// retryPath is the address to try again after an error that may pass by itself; empty: there
// is none.
func (h *BaseHandler) retryPath(code int) string {
	switch code {
	case http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		if r := h.Request; r.Method == http.MethodGet || r.Method == http.MethodHead {
			return framework.SafeNext(h.Prefix()+r.URL.RequestURI(), "")
		}
	}
	return ""
}

// FallbackHandler answers where no route does, in the site's layout. Routes makes it
// the App's Fallback.
type FallbackHandler struct{ BaseHandler }

// errorPage answers an error in the site's layout. What is no page of the site keeps
// the framework's own answer: JSON for a client that wants it, see
// [framework.RequestHandler.WantsJSON], and in Debug the page with the stack.
func errorPage(h framework.Handler, err error) error {
	embedded, ok := h.(interface{ base() *BaseHandler })
	if !ok {
		return err
	}
	base := embedded.base()
	code := framework.Status(err)
	if base.Site == nil || base.Site.Templates == nil || base.WantsJSON() || base.App.Debug && code >= 500 {
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
		base.logger().WarnContext(base.Context(), "handlers: an error page without the values of its layout", "error", err)
	}
	base.Response.WriteHeader(code)
	return base.render("error", data)
}

// findUser finds who is logged in, for an error page. A store that is down must not take
// the error page with it: the page is then for nobody, and keeps its status.
func (h *BaseHandler) findUser() {
	forget := func(err error) {
		if err != nil {
			h.logger().DebugContext(h.Context(), "handlers: an error page without the user", "error", err)
		}
	}
	if store := h.Store(); !store.Used() {
		// The action has not used the sessions, so that nothing is lost if they cannot be saved.
		h.Response.BeforeSend(func(w http.ResponseWriter) error { forget(store.Save(w)); return nil })
	}
	_, err := h.User()
	forget(err)
}

// wantsPage reports whether the client says that it shows pages, as browsers do.
func (h *BaseHandler) wantsPage() bool {
	return strings.Contains(h.Request.Header.Get("Accept"), "text/html")
}

func (h *BaseHandler) logger() *slog.Logger {
	return cmp.Or(h.App.Log, slog.Default())
}
