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
// Unlike [http.RedirectHandler] it sends no body and checks its arguments: it panics, with
// a message that says how to fix it, unless to is a path that begins with a slash or a URL
// with scheme and host, and code is 301, 302, 303, 307 or 308. A client may change the
// method to GET on 301, 302 and 303, and keeps it on 307 and 308 (RFC 9110 section 15.4).
func RedirectHandler(to string, code int) http.Handler {
	switch code {
	case http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther, http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
	default:
		panic(fmt.Sprintf("webapp2: RedirectHandler(%q, %d): use 301, 302, 303, 307 or 308", to, code))
	}
	u, err := url.Parse(to)
	if err != nil || strings.Contains(to, `\`) || (u.Scheme != "http" && u.Scheme != "https" || u.Host == "") && (u.Scheme != "" || u.Host != "" || !strings.HasPrefix(to, "/") || strings.HasPrefix(to, "//")) {
		panic(fmt.Sprintf("webapp2: RedirectHandler(%q, %d): write a path that begins with one slash, or a URL with scheme and host", to, code))
	}
	location := u.String()
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Location", location)
		w.WriteHeader(code)
	})
}
