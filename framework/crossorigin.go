package framework

import "net/http"

// sameOriginOnly refuses every write that a browser sends from another origin.
var sameOriginOnly = http.NewCrossOriginProtection()

// crossOrigin returns the rules for writes from other origins. Clients that are no
// browsers send neither Sec-Fetch-Site nor Origin and pass; an Origin of null and
// sibling subdomains have to be trusted by name, with
// [http.CrossOriginProtection.AddTrustedOrigin]. The upgrade of a WebSocket is a GET
// and is not covered: check its Origin in the handler.
func (a *App) crossOrigin() *http.CrossOriginProtection {
	if a.CrossOrigin != nil {
		return a.CrossOrigin
	}
	return sameOriginOnly
}
