package framework

import "net/http"

// asksWhetherStarted tells whether App Engine asks a new instance to get ready:
// GET /_ah/warmup before it sends users (where app.yaml has inbound_services: warmup),
// GET /_ah/start with manual and basic scaling. Nothing is left to do then: what a
// program does before [Serve] is done before anybody can ask. A route of the App's own
// at these paths comes first.
func (a *App) asksWhetherStarted(r *http.Request) bool {
	if a.TrustedProxy != AppEngine || r.Method != http.MethodGet && r.Method != http.MethodHead {
		return false
	}
	return r.URL.Path == "/_ah/warmup" || r.URL.Path == "/_ah/start"
}
