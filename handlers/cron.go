package handlers

import (
	"net/http"

	"github.com/webapp2go/webapp2go/framework"
)

// CronHandler is for the jobs of App Engine's cron service, which sends a GET request at the
// times in cron.yaml. A job embeds it and does its work in Get:
//
//	type Cleaning struct{ handlers.CronHandler }
//
//	func (h *Cleaning) Get() error { ... }
//
// A job can be started twice, and again after a response that is 503, so running it twice
// must do no harm.
type CronHandler struct{ BaseHandler }

// Guard responds with 403 to every client but the cron service, which sends the header
// X-Appengine-Cron. App Engine removes that header from the requests of others. Its
// documentation of 2016 excepted administrators of the application who are logged in, and
// whether that is still so is not known: a job that matters must do no harm if one of them
// starts it. Elsewhere any client can send the header, so Guard believes it only if
// App.TrustedProxy is [framework.AppEngine].
func (h *CronHandler) Guard() error {
	if h.App.TrustedProxy != framework.AppEngine || h.Request.Header.Get("X-Appengine-Cron") != "true" {
		return h.Abort(http.StatusForbidden, "This page is for the cron service only.")
	}
	return nil
}
