package framework

import (
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"strings"
)

// A Proxy says which proxy is in front of the program, so that its headers can be
// believed. Any client can send X-Forwarded-For: it is only true if a proxy of the site
// has written the end of it. If zero, there is no proxy.
type Proxy int

const (
	NoProxy   Proxy = iota // none: the connection is that of the client
	AppEngine              // App Engine's front end
	CloudRun               // Cloud Run's front end: like Proxies(1), with the trace ids of Google's logs
)

// Proxies returns the Proxy for n proxies in a row, 1 to 100, each of which appends the
// address of its client to X-Forwarded-For. That is what nginx (with
// $proxy_add_x_forwarded_for), Caddy, Traefik, HAProxy and load balancers do. The
// client's address is the n-th from the end; earlier entries are supplied by the client.
// Scheme uses X-Forwarded-Proto of these proxies. The Forwarded header of RFC 7239 is
// ignored.
//
// Count all proxies: a load balancer before nginx makes two, and so does your own load
// balancer before Cloud Run. If n is too small, all clients have the address of a proxy.
// If it is too large, clients can choose their address. App.Check reports an n that is
// out of range.
func Proxies(n int) Proxy {
	if n < 1 || n > maxProxies {
		return badProxies
	}
	return CloudRun + Proxy(n)
}

const (
	maxProxies       = 100
	badProxies Proxy = -1
)

// hops returns how many addresses the proxies of the site append to X-Forwarded-For.
func (p Proxy) hops() int {
	switch {
	case p == CloudRun:
		return 1
	case p > CloudRun && p <= CloudRun+maxProxies:
		return int(p - CloudRun)
	}
	return 0
}

// check returns an error for a value that is not a Proxy.
func (p Proxy) check() error {
	if p == NoProxy || p == AppEngine || p.hops() > 0 {
		return nil
	}
	return fmt.Errorf("framework: App.TrustedProxy must be NoProxy, AppEngine, CloudRun, or Proxies(1) to Proxies(%d): give Proxies the number of proxies in front of the program", maxProxies)
}

// ClientIP returns the IP address of the client: that of the connection or, if
// App.TrustedProxy is set, the one that the proxy has seen. It has no port, no brackets
// and no zone; an IPv4 address is never written as an IPv6 address.
//
// If the address of a proxy is missing or malformed, ClientIP returns the nearest one
// that can be believed: that of the next proxy, or of the connection. The first time it
// logs a warning. It also does so if there seems to be a proxy that App.TrustedProxy does
// not name.
func (a *App) ClientIP(r *http.Request) string {
	peer := peerOf(r)
	switch hops := a.TrustedProxy.hops(); {
	case hops > 0:
		return a.forwardedFor(r.Header["X-Forwarded-For"], hops, peer)
	case a.TrustedProxy == AppEngine:
		header := r.Header.Get("X-Appengine-User-Ip")
		if ip, ok := parseIP(header); ok {
			return ip
		}
		if header != "" {
			a.warnOfProxy("framework: App.TrustedProxy is AppEngine, but X-Appengine-User-Ip is not an address", "value", fmt.Sprintf("%.100q", header))
		} else if len(r.Header["X-Forwarded-For"]) > 0 {
			a.warnOfProxy("framework: App.TrustedProxy is AppEngine, but a request has X-Forwarded-For without X-Appengine-User-Ip: another proxy seems to be in front of the program, and all clients have its address: set App.TrustedProxy to framework.Proxies(n) for n proxies that append to X-Forwarded-For, or to CloudRun", "from", peer)
		}
	case len(r.Header["X-Forwarded-For"]) > 0:
		a.warnOfForwarded(peer, "X-Forwarded-For")
	}
	return peer
}

// forwardedFor returns the address that is hops from the end of X-Forwarded-For. If one
// on the way is missing or malformed, it returns the one before, beginning with that of
// the connection.
func (a *App) forwardedFor(lines []string, hops int, nearest string) string {
	if len(lines) == 0 {
		return nearest // a health check, or another client that does not use the proxies
	}
	for hop := range hops {
		element, ok := fromEnd(lines, hop)
		ip, valid := parseIP(element)
		switch {
		case !ok:
			a.warnOfProxy("framework: App.TrustedProxy names more proxies than have appended to X-Forwarded-For: correct the number, or let no client bypass the proxies", "proxies", hops, "addresses", hop)
			return nearest
		case !valid:
			a.warnOfProxy("framework: App.TrustedProxy is set, but a proxy has appended something to X-Forwarded-For that is not an address: correct its configuration", "value", fmt.Sprintf("%.100q", element))
			return nearest
		}
		nearest = ip
	}
	return nearest
}

// fromEnd returns element number at, from the end and from 0, of a list in the lines of a
// header. Empty elements count.
func fromEnd(lines []string, at int) (element string, ok bool) {
	for i := len(lines) - 1; i >= 0; i-- {
		for rest, more := lines[i], true; more; at-- {
			comma := strings.LastIndexByte(rest, ',')
			if at == 0 {
				return strings.TrimSpace(rest[comma+1:]), true
			}
			if more = comma >= 0; more {
				rest = rest[:comma]
			}
		}
	}
	return "", false
}

// parseIP parses an address as proxies write it, with or without a port and brackets.
func parseIP(text string) (ip string, ok bool) {
	const longest = 100 // an IPv6 address with a zone, brackets and a port
	text = strings.TrimSpace(text)
	if len(text) > longest {
		return "", false
	}
	bare := text
	if inner, ok := strings.CutPrefix(text, "["); ok {
		if inner, ok = strings.CutSuffix(inner, "]"); ok && strings.Contains(inner, ":") {
			bare = inner
		}
	}
	addr, err := netip.ParseAddr(bare)
	if err != nil {
		var withPort netip.AddrPort
		if withPort, err = netip.ParseAddrPort(text); err != nil {
			return "", false
		}
		addr = withPort.Addr()
	}
	return addr.WithZone("").Unmap().String(), true
}

// peerOf returns the address of the connection, without a port.
func peerOf(r *http.Request) string {
	if ip, ok := parseIP(r.RemoteAddr); ok {
		return ip
	}
	if host, _, err := net.SplitHostPort(r.RemoteAddr); err == nil {
		return host
	}
	return r.RemoteAddr
}

// Scheme returns "https" or "http": what the client has used, as the connection or
// App.TrustedProxy says.
func (a *App) Scheme(r *http.Request) string {
	if r.TLS != nil {
		return "https"
	}
	lines := r.Header["X-Forwarded-Proto"]
	if len(lines) == 0 {
		return "http"
	}
	if a.TrustedProxy == NoProxy || a.TrustedProxy.check() != nil {
		a.warnOfForwarded(peerOf(r), "X-Forwarded-Proto")
		return "http"
	}
	// Most proxies set it; some append to it, as to X-Forwarded-For.
	scheme := ""
	for hop := range max(a.TrustedProxy.hops(), 1) {
		element, ok := fromEnd(lines, hop)
		if !ok {
			break
		}
		scheme = element
	}
	if strings.EqualFold(scheme, "https") {
		return "https"
	}
	return "http"
}

// warnOfForwarded warns of a header that a proxy seems to have set and that is ignored.
// It does so only if the request comes from this machine or a private network: any
// stranger can send the header.
func (a *App) warnOfForwarded(peer, header string) {
	if addr, err := netip.ParseAddr(peer); err == nil && !addr.IsPrivate() && !addr.IsLoopback() && !addr.IsLinkLocalUnicast() {
		return
	}
	a.warnOfProxy("framework: a proxy seems to be in front of the program, but App.TrustedProxy is not set: all clients have its address, and https is taken for http: set App.TrustedProxy to framework.Proxies(n) for n proxies that append to X-Forwarded-For, or to AppEngine or CloudRun", "header", header, "from", peer)
}

// warnOfProxy logs a warning once: each request would repeat it.
func (a *App) warnOfProxy(message string, attributes ...any) {
	if a.warnedOfProxy.CompareAndSwap(false, true) {
		a.logger().Warn(message, attributes...)
	}
}
