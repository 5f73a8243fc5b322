package framework

import (
	"net/http"
	"strconv"
	"sync/atomic"
)

// sniffed is how much of a body tells its type; of the answer to HEAD no more is kept.
const sniffed = 512

// Reset drops the body, the status and the headers that describe them: Content-* but
// not Content-Security-Policy, ETag, Last-Modified, Cache-Control, Expires,
// Accept-Ranges, Location, Trailer. It keeps every other header and the cookies, and a
// Content-Encoding of middleware that compresses what is written. It does nothing once
// the header is sent.
func (r *Response) Reset() {
	if r.sent {
		return
	}
	r.dropBody()
	r.status = 0
	header := r.Header()
	for name := range header {
		if r.describesBody(name) {
			delete(header, name)
		}
	}
}

// complete says in the header what is known of the body: not its length, where
// middleware makes another body of it.
func (r *Response) complete(whole bool) {
	header := r.Header()
	if r.status == http.StatusNoContent {
		header.Del("Content-Length")
		header.Del("Content-Type")
	}
	if r.core.Request.Method == http.MethodHead {
		if r.count == 0 {
			return // of a Head of its own, which need not know
		}
		if header["Content-Type"] == nil && header["Content-Encoding"] == nil && r.held() > 0 {
			header.Set("Content-Type", http.DetectContentType(*r.body)) // as the server does for GET
		}
	}
	if !whole || r.encoded || !bodyAllowed(r.status) || header["Content-Length"] != nil || header["Transfer-Encoding"] != nil || header["Trailer"] != nil {
		return
	}
	header["Content-Length"] = lengthLine(r.count)
}

// lengths are the Content-Length lines of small bodies, made when they are first
// needed and shared by all answers, which costs no allocation: their capacity is their
// length, so that Header.Add copies, and Header.Set replaces.
var lengths [4 << 10]atomic.Pointer[[1]string]

// lengthLine returns what stands under Content-Length for a body of n bytes.
func lengthLine(n int64) []string {
	if n >= int64(len(lengths)) {
		return []string{strconv.FormatInt(n, 10)}
	}
	line := lengths[n].Load()
	if line == nil {
		line = &[1]string{strconv.FormatInt(n, 10)}
		lengths[n].Store(line)
	}
	return line[:]
}

// bodyAllowed tells whether a status may have a body (RFC 9110 section 6.4.1).
func bodyAllowed(status int32) bool {
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
