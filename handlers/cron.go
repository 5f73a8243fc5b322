package handlers

import (
	"net/http"

	"github.com/webapp2go/webapp2go/framework"
)

// CronHandler lets only App Engine's cron service through, which asks by GET at the
// times that cron.yaml says. A job embeds it and does its work in Get:
//
//	type Cleaning struct{ handlers.CronHandler }
//
//	func (h *Cleaning) Get() error { ... }
//
// A job may be started twice, and again after an error that answers 503: it must not
// mind.
type CronHandler struct{ BaseHandler }

// Guard answers 403 to everybody but the cron service. That is who sends
// X-Appengine-Cron: App Engine takes it out of requests from outside. Anywhere else
// anybody can send it, so it is believed only where App.Proxy is
// [framework.AppEngine].
func (h *CronHandler) Guard() error {
	if h.App.Proxy != framework.AppEngine || h.Request.Header.Get("X-Appengine-Cron") != "true" {
		return h.Abort(http.StatusForbidden, "This is for the cron service alone.")
	}
	return nil
}
