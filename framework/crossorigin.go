package framework

import "net/http"

// sameOriginOnly refuses every write that a browser sends from another origin.
var sameOriginOnly = http.NewCrossOriginProtection()

// fromAnotherSite is what the user is told of a refused write. What net/http found is the
// cause of the error: it speaks to who runs the site.
const fromAnotherSite = "This request came from another site, so nothing was done. Open this site and try again from there."

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
