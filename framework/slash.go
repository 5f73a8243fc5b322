package framework

import (
	"net/http"
	"strings"
)

// SlashRedirect answers the other form of a path, the one with or without a slash
// at its end, by a permanent redirect to the right one: webapp2's strict_slash.
//
//	app.Handle("/about", framework.To[About](app)).Name("about")
//	app.Handle("/about/", framework.SlashRedirect())
//
// It is a 308, so the client repeats its method and body, and it keeps the query and what
// http.StripPrefix has taken off the path.
// Schemes, Methods and Host limit such a route like any other.
func SlashRedirect() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		path := r.URL.EscapedPath()
		if before := takenOff(r); path != "/" {
			path = before + path
		}
		if path == "/" || strings.HasPrefix(path, "//") { // a browser takes //host for another site
			http.NotFound(w, r)
			return
		}
		if other, ok := strings.CutSuffix(path, "/"); ok {
			path = other
		} else {
			path += "/"
		}
		if r.URL.RawQuery != "" {
			path += "?" + r.URL.RawQuery
		}
		w.Header().Set("Location", path)
		w.WriteHeader(http.StatusPermanentRedirect)
	})
}
