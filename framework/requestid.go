package framework

import (
	"crypto/rand"
	"strings"
)

// RequestID returns the id under which the logs have this request: the error page of
// a 5xx shows it to the user, the record of the error and [App.RequestLog] have it as
// "id". If App.TrustedProxy is AppEngine or CloudRun it is the id of the request's trace, by
// which Google's logs are found too; else it is random, and made when it is first
// asked for.
func (r *Response) RequestID() string {
	extras := r.needExtras()
	if extras.id != "" {
		return extras.id
	}
	switch outer := behind(r.writer); {
	case outer != nil: // middleware wrapped the writer: it is the same request
		extras.id = outer.RequestID()
	case (r.proxy() == AppEngine || r.proxy() == CloudRun) && r.core.Request != nil:
		extras.id = traceID(r.core.Request.Header.Get("X-Cloud-Trace-Context"))
	}
	if extras.id == "" {
		extras.id = rand.Text()[:12]
	}
	return extras.id
}

// traceID returns the trace of an X-Cloud-Trace-Context, "TRACE/SPAN;o=1", where it is
// what such an id must be, 32 hexadecimal digits, and "" otherwise: a client may have
// sent it.
func traceID(context string) string {
	id, _, _ := strings.Cut(context, "/")
	if len(id) != 32 || strings.Trim(id, "0123456789abcdef") != "" {
		return ""
	}
	return id
}
