package framework

import (
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"strings"
)

// A Proxy says what stands in front of the program, and so whose headers are believed.
// Anybody can send X-Forwarded-For: it says something only if a proxy of the site's own
// has written the end of it. If zero, nothing stands there.
type Proxy int

const (
	NoProxy   Proxy = iota // nothing: the connection is the client's own
	AppEngine              // App Engine's front end
	CloudRun               // Cloud Run's front end: one proxy that appends, as Proxies(1), and Google's trace ids
)

// Proxies stands for n proxies in a row, 1 to 100, each of which appends the address
// that it was asked from to X-Forwarded-For, as nginx (with $proxy_add_x_forwarded_for),
// Caddy, Traefik, HAProxy and load balancers do. The n-th address from the end is the
// client's: what stands before it is only what the client says. Scheme believes the
// X-Forwarded-Proto of these proxies. The header Forwarded of RFC 7239 is not read.
//
// Count every proxy: a load balancer before nginx makes two, and so does a load balancer
// of your own before Cloud Run. If n is too small all clients have the address of a
// proxy; if it is too large a client can choose its own. App.Check reports an n that is
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

// hops returns how many addresses of X-Forwarded-For the site's own proxies append.
func (p Proxy) hops() int {
	switch {
	case p == CloudRun:
		return 1
	case p > CloudRun && p <= CloudRun+maxProxies:
		return int(p - CloudRun)
	}
	return 0
}

func (p Proxy) check() error {
	if p == NoProxy || p == AppEngine || p.hops() > 0 {
		return nil
	}
	return fmt.Errorf("framework: App.TrustedProxy is none of NoProxy, AppEngine, CloudRun and Proxies(1) to Proxies(%d): give Proxies the number of proxies in front of the program", maxProxies)
}

// ClientIP returns the address of the client as App.TrustedProxy says: that of the connection,
// or the one that a proxy has seen. An IP address has no port, no brackets and no zone,
// and an IPv4 address is never written as an IPv6 one.
//
// If a proxy's address is missing or malformed, ClientIP returns the nearest one to it
// that can be trusted: the next proxy's, or the connection's. The first time it logs a
// warning, as it does if a proxy seems to stand there and App.TrustedProxy is NoProxy, or
// AppEngine and it is another one.
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
			a.warnOfProxy("framework: App.TrustedProxy is AppEngine, but X-Appengine-User-Ip is no address", "value", fmt.Sprintf("%.100q", header))
		} else if len(r.Header["X-Forwarded-For"]) > 0 {
			a.warnOfProxy("framework: App.TrustedProxy is AppEngine, but a request has X-Forwarded-For without X-Appengine-User-Ip: another proxy seems to stand in front of the program, and all clients have its address. Set App.TrustedProxy to framework.Proxies(n) for n proxies that append to X-Forwarded-For, or to CloudRun", "from", peer)
		}
	case len(r.Header["X-Forwarded-For"]) > 0:
		a.warnOfForwarded(peer, "X-Forwarded-For")
	}
	return peer
}

// forwardedFor returns the address that stands hops from the end of the lines of an
// X-Forwarded-For, or the last good one on the way there, which begins at the connection.
func (a *App) forwardedFor(lines []string, hops int, nearest string) string {
	if len(lines) == 0 {
		return nearest // a health check, or another one who does not come by the proxies
	}
	for hop := range hops {
		element, ok := fromEnd(lines, hop)
		ip, valid := parseIP(element)
		switch {
		case !ok:
			a.warnOfProxy("framework: App.TrustedProxy says that more proxies append to X-Forwarded-For than did: correct the number, or do not let anybody come past the proxies", "proxies", hops, "addresses", hop)
			return nearest
		case !valid:
			a.warnOfProxy("framework: App.TrustedProxy says that proxies append to X-Forwarded-For, but they appended what is no address: correct their configuration", "value", fmt.Sprintf("%.100q", element))
			return nearest
		}
		nearest = ip
	}
	return nearest
}

// fromEnd returns the element that stands at place at, counted from 0 at the end, in a
// list that is spread over the lines of a header. Empty elements count.
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

// parseIP reads an address as proxies write it: with a port and brackets, or without.
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

// peerOf returns the address of the other end of the connection, without a port.
func peerOf(r *http.Request) string {
	if ip, ok := parseIP(r.RemoteAddr); ok {
		return ip
	}
	if host, _, err := net.SplitHostPort(r.RemoteAddr); err == nil {
		return host
	}
	return r.RemoteAddr
}

// Scheme returns "https" or "http": how the client came, as the connection or
// App.TrustedProxy says. Case makes no difference.
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
	// Most proxies set it, some append to it as to X-Forwarded-For.
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

// warnOfForwarded warns of a header that a proxy seems to have written, and that nobody
// believes: it comes from this machine or its own network. A stranger who sends one from
// elsewhere is no reason to warn.
func (a *App) warnOfForwarded(peer, header string) {
	if addr, err := netip.ParseAddr(peer); err == nil && !addr.IsPrivate() && !addr.IsLoopback() && !addr.IsLinkLocalUnicast() {
		return
	}
	a.warnOfProxy("framework: a proxy seems to stand in front of the program, but App.TrustedProxy does not say so: all clients have its address, and https is taken for http. Set App.TrustedProxy to framework.Proxies(n) for n proxies that append to X-Forwarded-For, or to AppEngine or CloudRun", "header", header, "from", peer)
}

// warnOfProxy logs a warning once in the life of the App: each request would repeat it.
func (a *App) warnOfProxy(message string, attributes ...any) {
	if a.warnedOfProxy.CompareAndSwap(false, true) {
		a.logger().Warn(message, attributes...)
	}
}
