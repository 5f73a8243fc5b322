package framework

import (
	"net/http"
	"unicode/utf8"
)

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

// limitBody bounds what a handler can read. The server's own request is changed, not
// a copy: a copy costs more than the rest of the dispatch.
func (a *App) limitBody(w *Response, r *http.Request) {
	most := a.MaxBody
	if most == 0 {
		most = 32 << 20
	}
	if most > 0 && r.Body != nil && r.Body != http.NoBody {
		r.Body = http.MaxBytesReader(w.writer, r.Body, most)
	}
}

// validPath tells whether a decoded path can be one of ours: UTF-8, without control
// bytes, and without a segment that a browser or a file system would resolve.
func validPath(path string) bool {
	segment := 0
	ascii := true
	for i := range len(path) {
		switch c := path[i]; {
		case c == '/':
			if dots(path[segment:i]) {
				return false
			}
			segment = i + 1
		case c < ' ' || c == 0x7f:
			return false
		case c >= utf8.RuneSelf:
			ascii = false
		}
	}
	return !dots(path[segment:]) && (ascii || utf8.ValidString(path))
}

func dots(segment string) bool { return segment == "." || segment == ".." }
