package framework_test

import (
	"crypto/tls"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/webapp2go/webapp2go/framework"
)

// The App trusts only the front end that it is configured for.
func TestProxyHeaders(t *testing.T) {
	for name, test := range map[string]struct {
		proxy      framework.Proxy
		header     http.Header
		remote     string
		tls        bool
		ip, scheme string
	}{
		"nothing before it":           {framework.NoProxy, nil, "192.0.2.1:1234", false, "192.0.2.1", "http"},
		"IPv6":                        {framework.NoProxy, nil, "[2001:db8::1]:1234", false, "2001:db8::1", "http"},
		"TLS":                         {framework.NoProxy, nil, "192.0.2.1:1234", true, "192.0.2.1", "https"},
		"no port":                     {framework.NoProxy, nil, "192.0.2.1", false, "192.0.2.1", "http"},
		"a unix socket":               {framework.NoProxy, nil, "@", false, "@", "http"},
		"headers of anybody":          {framework.NoProxy, http.Header{"X-Forwarded-For": {"10.0.0.1"}, "X-Appengine-User-Ip": {"10.0.0.2"}, "X-Forwarded-Proto": {"https"}}, "192.0.2.1:1", false, "192.0.2.1", "http"},
		"App Engine":                  {framework.AppEngine, http.Header{"X-Appengine-User-Ip": {"10.0.0.2"}, "X-Forwarded-For": {"6.6.6.6, 10.0.0.1"}, "X-Forwarded-Proto": {"https"}}, "169.254.1.1:1", false, "10.0.0.2", "https"},
		"App Engine's health check":   {framework.AppEngine, nil, "169.254.1.1:1", false, "169.254.1.1", "http"},
		"Cloud Run":                   {framework.CloudRun, http.Header{"X-Forwarded-For": {"10.0.0.1"}, "X-Forwarded-Proto": {"https"}}, "169.254.1.1:1", false, "10.0.0.1", "https"},
		"Cloud Run, forged":           {framework.CloudRun, http.Header{"X-Forwarded-For": {"6.6.6.6, 10.0.0.1"}, "X-Appengine-User-Ip": {"6.6.6.6"}}, "169.254.1.1:1", false, "10.0.0.1", "http"},
		"Cloud Run, forged in a line": {framework.CloudRun, http.Header{"X-Forwarded-For": {"6.6.6.6", "7.7.7.7,10.0.0.1"}}, "169.254.1.1:1", false, "10.0.0.1", "http"},
		"one proxy":                   {framework.Proxies(1), http.Header{"X-Forwarded-For": {"6.6.6.6, 192.0.2.7"}, "X-Forwarded-Proto": {"https"}}, "10.0.0.1:1", false, "192.0.2.7", "https"},
		"two proxies":                 {framework.Proxies(2), http.Header{"X-Forwarded-For": {"6.6.6.6", "192.0.2.7, 10.0.0.3"}, "X-Forwarded-Proto": {"https"}}, "10.0.0.1:1", false, "192.0.2.7", "https"},
		"two proxies, by lines":       {framework.Proxies(2), http.Header{"X-Forwarded-For": {"6.6.6.6", "192.0.2.7", "10.0.0.3"}}, "10.0.0.1:1", false, "192.0.2.7", "http"},
		"of one of two proxies":       {framework.Proxies(2), http.Header{"X-Forwarded-For": {"10.0.0.3"}}, "10.0.0.1:1", false, "10.0.0.3", "http"},
		"past the proxies":            {framework.Proxies(2), nil, "192.0.2.7:1", false, "192.0.2.7", "http"},
		"no trust in other headers":   {framework.Proxies(1), http.Header{"X-Appengine-User-Ip": {"6.6.6.6"}, "X-Real-Ip": {"6.6.6.6"}, "Forwarded": {"for=6.6.6.6"}}, "10.0.0.1:1", false, "10.0.0.1", "http"},
		"empty at the end":            {framework.CloudRun, http.Header{"X-Forwarded-For": {"6.6.6.6, "}}, "169.254.1.1:1", false, "169.254.1.1", "http"},
		"empty":                       {framework.CloudRun, http.Header{"X-Forwarded-For": {""}}, "169.254.1.1:1", false, "169.254.1.1", "http"},
		"empty in an empty line":      {framework.Proxies(1), http.Header{"X-Forwarded-For": {"6.6.6.6", ""}}, "10.0.0.1:1", false, "10.0.0.1", "http"},
		"malformed":                   {framework.Proxies(1), http.Header{"X-Forwarded-For": {"6.6.6.6, unknown"}}, "10.0.0.1:1", false, "10.0.0.1", "http"},
		"malformed in the middle":     {framework.Proxies(2), http.Header{"X-Forwarded-For": {"6.6.6.6, unix:, 10.0.0.3"}}, "10.0.0.1:1", false, "10.0.0.3", "http"},
		"not believed and malformed":  {framework.Proxies(1), http.Header{"X-Forwarded-For": {",,<script>, 192.0.2.7"}}, "10.0.0.1:1", false, "192.0.2.7", "http"},
		"a port":                      {framework.Proxies(1), http.Header{"X-Forwarded-For": {"192.0.2.7:443"}}, "10.0.0.1:1", false, "192.0.2.7", "http"},
		"brackets":                    {framework.Proxies(1), http.Header{"X-Forwarded-For": {"[2001:db8::7]"}}, "10.0.0.1:1", false, "2001:db8::7", "http"},
		"brackets and a port":         {framework.CloudRun, http.Header{"X-Forwarded-For": {"[2001:db8::7]:443"}}, "10.0.0.1:1", false, "2001:db8::7", "http"},
		"IPv4 in brackets":            {framework.CloudRun, http.Header{"X-Forwarded-For": {"[192.0.2.7]"}}, "10.0.0.1:1", false, "10.0.0.1", "http"},
		"a zone":                      {framework.Proxies(1), http.Header{"X-Forwarded-For": {"fe80::7%eth0"}}, "10.0.0.1:1", false, "fe80::7", "http"},
		"a zone of the connection":    {framework.NoProxy, nil, "[fe80::7%eth0]:1", false, "fe80::7", "http"},
		"long form and upper case":    {framework.Proxies(1), http.Header{"X-Forwarded-For": {"2001:0DB8:0:0::7"}}, "10.0.0.1:1", false, "2001:db8::7", "http"},
		"IPv4 as IPv6":                {framework.Proxies(1), http.Header{"X-Forwarded-For": {"::ffff:192.0.2.7"}}, "10.0.0.1:1", false, "192.0.2.7", "http"},
		"a megabyte":                  {framework.Proxies(1), http.Header{"X-Forwarded-For": {strings.Repeat("1", 1<<20)}}, "10.0.0.1:1", false, "10.0.0.1", "http"},
		"App Engine, malformed":       {framework.AppEngine, http.Header{"X-Appengine-User-Ip": {"?"}}, "169.254.1.1:1", false, "169.254.1.1", "http"},
		"upper case":                  {framework.CloudRun, http.Header{"X-Forwarded-For": {"192.0.2.7"}, "X-Forwarded-Proto": {" HTTPS"}}, "169.254.1.1:1", false, "192.0.2.7", "https"},
		"schemes that are appended":   {framework.Proxies(1), http.Header{"X-Forwarded-For": {"192.0.2.7"}, "X-Forwarded-Proto": {"https, http"}}, "10.0.0.1:1", false, "192.0.2.7", "http"},
		"scheme of two proxies":       {framework.Proxies(2), http.Header{"X-Forwarded-For": {"192.0.2.7, 10.0.0.3"}, "X-Forwarded-Proto": {"http, https, http"}}, "10.0.0.1:1", false, "192.0.2.7", "https"},
		"no number of proxies":        {framework.Proxies(0), http.Header{"X-Forwarded-For": {"192.0.2.7"}, "X-Forwarded-Proto": {"https"}}, "10.0.0.1:1", false, "10.0.0.1", "http"},
		"Cloud Run, http":             {framework.CloudRun, http.Header{"X-Forwarded-Proto": {"http"}}, "169.254.1.1:1", false, "169.254.1.1", "http"},
	} {
		t.Run(name, func(t *testing.T) {
			app, _ := newApp(t)
			app.TrustedProxy = test.proxy
			r := httptest.NewRequest("GET", "/", nil)
			r.RemoteAddr = test.remote
			for name, values := range test.header {
				r.Header[name] = values
			}
			if test.tls {
				r.TLS = new(tls.ConnectionState)
			}
			if ip, scheme := app.ClientIP(r), app.Scheme(r); ip != test.ip || scheme != test.scheme {
				t.Errorf("%s over %s, want %s over %s", ip, scheme, test.ip, test.scheme)
			}
		})
	}
}

// A setting that does not match the proxy in front of the program is logged once, with the name
// of the setting. Correct settings and headers of strangers are not logged.
func TestWrongProxyIsLoggedOnce(t *testing.T) {
	for name, test := range map[string]struct {
		proxy  framework.Proxy
		header http.Header
		remote string
		want   int
	}{
		"a proxy on this machine":       {framework.NoProxy, http.Header{"X-Forwarded-For": {"192.0.2.7"}}, "127.0.0.1:1", 1},
		"a proxy in this network":       {framework.NoProxy, http.Header{"X-Forwarded-For": {"192.0.2.7"}}, "10.0.0.1:1", 1},
		"a proxy by IPv6":               {framework.NoProxy, http.Header{"X-Forwarded-Proto": {"https"}}, "[fd00::1]:1", 1},
		"a proxy by a unix socket":      {framework.NoProxy, http.Header{"X-Forwarded-For": {"192.0.2.7"}}, "@", 1},
		"a stranger":                    {framework.NoProxy, http.Header{"X-Forwarded-For": {"192.0.2.7"}, "X-Forwarded-Proto": {"https"}}, "192.0.2.1:1", 0},
		"no proxy":                      {framework.NoProxy, nil, "127.0.0.1:1", 0},
		"one proxy":                     {framework.Proxies(1), http.Header{"X-Forwarded-For": {"x, 192.0.2.7"}, "X-Forwarded-Proto": {"https"}}, "10.0.0.1:1", 0},
		"one proxy, a health check":     {framework.Proxies(1), nil, "10.0.0.1:1", 0},
		"one proxy, two said":           {framework.Proxies(2), http.Header{"X-Forwarded-For": {"192.0.2.7"}}, "10.0.0.1:1", 1},
		"a proxy that writes a socket":  {framework.Proxies(1), http.Header{"X-Forwarded-For": {"unix:"}}, "10.0.0.1:1", 1},
		"App Engine":                    {framework.AppEngine, http.Header{"X-Appengine-User-Ip": {"192.0.2.7"}, "X-Forwarded-For": {"192.0.2.7"}, "X-Forwarded-Proto": {"https"}}, "169.254.1.1:1", 0},
		"App Engine, a laptop":          {framework.AppEngine, nil, "127.0.0.1:1", 0},
		"another proxy than App Engine": {framework.AppEngine, http.Header{"X-Forwarded-For": {"192.0.2.7"}, "X-Forwarded-Proto": {"https"}}, "10.0.0.1:1", 1},
		"App Engine, malformed":         {framework.AppEngine, http.Header{"X-Appengine-User-Ip": {"?"}}, "169.254.1.1:1", 1},
	} {
		t.Run(name, func(t *testing.T) {
			app, log := newApp(t)
			app.TrustedProxy = test.proxy
			for range 3 {
				r := httptest.NewRequest("GET", "/", nil)
				r.RemoteAddr, r.Header = test.remote, test.header
				app.ClientIP(r)
				app.Scheme(r)
			}
			warnings := strings.Count(log.String(), "level=WARN")
			if warnings != test.want || warnings == 1 && !strings.Contains(log.String(), "App.TrustedProxy") {
				t.Errorf("%d warnings, want %d that name App.TrustedProxy:\n%s", warnings, test.want, log)
			}
		})
	}
}
