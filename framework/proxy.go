package framework

import (
	"net"
	"net/http"
	"strings"
)

// A Proxy is what stands before the program and whose headers are believed. Anybody
// can send X-Forwarded-For: it says something only where a front end sets it.
type Proxy int

const (
	NoProxy   Proxy = iota // nothing: the connection itself is the client's
	AppEngine              // App Engine's front end
	CloudRun               // Cloud Run's front end
)

// ClientIP returns the address of the client, without a port: that of the connection,
// or what App.Proxy says it was.
func (a *App) ClientIP(r *http.Request) string {
	switch a.Proxy {
	case AppEngine:
		if ip := r.Header.Get("X-Appengine-User-Ip"); ip != "" {
			return ip
		}
	case CloudRun:
		// The front end appends the address it saw; what comes before it is the client's say.
		if list := r.Header["X-Forwarded-For"]; len(list) > 0 {
			last := list[len(list)-1]
			return strings.TrimSpace(last[strings.LastIndexByte(last, ',')+1:])
		}
	}
	if host, _, err := net.SplitHostPort(r.RemoteAddr); err == nil {
		return host
	}
	return r.RemoteAddr
}

// Scheme returns "https" or "http": how the client came, as the connection or
// App.Proxy says.
func (a *App) Scheme(r *http.Request) string {
	if r.TLS != nil || a.Proxy != NoProxy && r.Header.Get("X-Forwarded-Proto") == "https" {
		return "https"
	}
	return "http"
}
