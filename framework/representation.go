package framework

import (
	"net/http"
	"strconv"
	"strings"
)

// sniffed is how much of a body tells its type; of the answer to HEAD no more is kept.
const sniffed = 512

// Reset drops the body, the status and the headers that describe them: Content-* but
// not Content-Security-Policy, ETag, Last-Modified, Cache-Control, Expires,
// Accept-Ranges, Location, Trailer. After the functions of BeforeSend have run it sets
// Cache-Control to no-store. It keeps every other header and the cookies, and a
// Content-Encoding of middleware that compresses what is written. It does nothing once
// the header is sent.
func (r *Response) Reset() {
	if r.sent {
		return
	}
	r.acted = true
	r.dropBody()
	r.status = 0
	header := r.Header()
	for name := range header {
		if r.describesBody(name) {
			delete(header, name)
		}
	}
	if r.committed {
		header["Cache-Control"] = []string{"no-store"} // what the hooks have said of it is gone
	}
}

// complete says in the header what is known of the body: not its length, where
// middleware makes another body of it.
func (r *Response) complete(whole bool) {
	header := r.Header()
	switch r.status {
	case http.StatusNoContent:
		header.Del("Content-Length")
		header.Del("Content-Type")
		header.Del("Content-Encoding") // of middleware that expected a body
	case http.StatusNotModified:
		header.Del("Content-Encoding") // as http.ServeContent does
	}
	if r.head {
		if r.count == 0 {
			return // of a Head of its own, which need not know
		}
		if header["Content-Type"] == nil && header["Content-Encoding"] == nil && r.held() > 0 {
			header.Set("Content-Type", http.DetectContentType(*r.body)) // as the server does for GET
		}
	}
	if !whole || r.encoded || !bodyAllowed(r.status) || r.count <= serverCounts && !r.head {
		return
	}
	if header["Content-Length"] == nil && header["Transfer-Encoding"] == nil && !hasTrailers(header) {
		header["Content-Length"] = []string{strconv.FormatInt(r.count, 10)}
	}
}

// hasTrailers tells whether headers follow the body, by either of net/http's ways: then
// its length must not be known (RFC 9112 section 7.1).
func hasTrailers(header http.Header) bool {
	for name := range header {
		if name == "Trailer" || strings.HasPrefix(name, http.TrailerPrefix) {
			return true
		}
	}
	return false
}

// serverCounts is the largest body whose length net/http finds out, if all of it has been
// written when the handler returns: of such a body it is left to the server, which saves
// a tenth of a request's cost.
const serverCounts = 2 << 10

// bodyAllowed tells whether a status may have a body (RFC 9110 section 6.4.1).
func bodyAllowed(status int16) bool {
	return status != http.StatusNoContent && status != http.StatusNotModified && status != http.StatusSwitchingProtocols
}

// describesBody tells whether a header is about the body that is being dropped.
func (r *Response) describesBody(name string) bool {
	switch name {
	case "Content-Encoding":
		return !r.encoded
	case "Etag", "Last-Modified", "Cache-Control", "Expires", "Accept-Ranges", "Location", "Trailer":
		return true
	case "Content-Security-Policy", "Content-Security-Policy-Report-Only":
		return false
	}
	return len(name) > 8 && name[:8] == "Content-"
}
