package framework_test

import (
	"crypto/tls"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/webapp2go/webapp2go/framework"
)

// Only the front end that the App is told of is believed.
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
		"Cloud Run, http":             {framework.CloudRun, http.Header{"X-Forwarded-Proto": {"http"}}, "169.254.1.1:1", false, "169.254.1.1", "http"},
	} {
		t.Run(name, func(t *testing.T) {
			app, _ := newApp(t)
			app.Proxy = test.proxy
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
