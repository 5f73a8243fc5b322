package handlers_test

import (
	"log/slog"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/webapp2go/webapp2go/auth"
	"github.com/webapp2go/webapp2go/framework"
	"github.com/webapp2go/webapp2go/handlers"
	"github.com/webapp2go/webapp2go/sessions"
)

// A Secure cookie that browsers refuse is logged once.
func TestSecureCookieOverPlainHTTP(t *testing.T) {
	for name, test := range map[string]struct {
		url, forwarded string
		insecure       bool
		path           string
		warned         int
	}{
		"plain http":          {"http://192.0.2.7:8080", "", false, "/visits", 1},
		"its own machine":     {"http://localhost:8080", "", false, "/visits", 0},
		"its own address":     {"http://127.0.0.1:8080", "", false, "/visits", 0},
		"its own, IPv6":       {"http://[::1]:8080", "", false, "/visits", 0},
		"https":               {"https://192.0.2.7", "", false, "/visits", 0},
		"https by the proxy":  {"http://192.0.2.7", "https", false, "/visits", 0},
		"Insecure":            {"http://192.0.2.7", "", true, "/visits", 0},
		"a page of no cookie": {"http://192.0.2.7", "", false, "/static/nothing", 0},
	} {
		t.Run(name, func(t *testing.T) {
			manager, err := sessions.New(sessions.Config{
				Keys:     []sessions.Key{sessions.RandomKey()},
				Sessions: []sessions.Spec{{Insecure: test.insecure}},
			})
			if err != nil {
				t.Fatal(err)
			}
			site := &handlers.Site{Sessions: manager, Users: auth.NewMemory()}
			app := framework.New()
			var log strings.Builder
			app.Log = slog.New(slog.NewTextHandler(&log, nil))
			app.Init, app.TrustedProxy = site.Init, framework.CloudRun
			app.Handle("/visits", framework.To[visitPage](app))
			for range 3 {
				r := httptest.NewRequest("GET", test.url+test.path, nil)
				r.Header.Set("X-Forwarded-Proto", test.forwarded)
				app.ServeHTTP(httptest.NewRecorder(), r)
			}
			if got := strings.Count(log.String(), "a Secure cookie was sent over plain http"); got != test.warned {
				t.Errorf("%d warnings, want %d:\n%s", got, test.warned, log.String())
			}
		})
	}
}
