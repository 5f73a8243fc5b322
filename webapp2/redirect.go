package webapp2

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// RedirectHandler returns a handler that redirects every request to one place, as webapp2's
// RedirectHandler and RedirectRoute do:
//
//	app.Handle("/old", webapp2.RedirectHandler("/new", http.StatusMovedPermanently))
//
// Unlike [http.RedirectHandler] it sends no body and checks its arguments: to must be a path
// that begins with one slash, or a URL with scheme and host, and code must be 301, 302, 303,
// 307 or 308. If they are not, App.Check of package framework reports how to fix it, and
// every request gets a 500. A client may change the method to GET on 301, 302 and 303, and
// keeps it on 307 and 308 (RFC 9110 section 15.4).
func RedirectHandler(to string, code int) http.Handler {
	switch code {
	case http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther, http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
	default:
		return redirect{mistake: fmt.Errorf("webapp2: RedirectHandler(%q, %d): use 301, 302, 303, 307 or 308", to, code)}
	}
	u, err := url.Parse(to)
	if err != nil || strings.Contains(to, `\`) || (u.Scheme != "http" && u.Scheme != "https" || u.Host == "") && (u.Scheme != "" || u.Host != "" || !strings.HasPrefix(to, "/") || strings.HasPrefix(to, "//")) {
		return redirect{mistake: fmt.Errorf("webapp2: RedirectHandler(%q, %d): write a path that begins with one slash, or a URL with scheme and host", to, code)}
	}
	return redirect{location: u.String(), code: code}
}

// A redirect is the handler that RedirectHandler returns.
type redirect struct {
	location string
	code     int
	mistake  error // if not nil, the handler cannot be used
}

// Check returns the mistake. App.Check calls it.
func (r redirect) Check() error { return r.mistake }

func (r redirect) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	if r.mistake != nil {
		panic(r.mistake) // which the App responds to and logs
	}
	w.Header().Set("Location", r.location)
	w.WriteHeader(r.code)
}
