package framework_test

import (
	"io"
	"testing"

	"github.com/webapp2go/webapp2go/framework"
)

func TestWarmup(t *testing.T) {
	for name, test := range map[string]struct {
		proxy        framework.Proxy
		method, path string
		status       int
	}{
		"warmup":           {framework.AppEngine, "GET", "/_ah/warmup", 200},
		"start":            {framework.AppEngine, "GET", "/_ah/start", 200},
		"another":          {framework.AppEngine, "GET", "/_ah/other", 404},
		"not by POST":      {framework.AppEngine, "POST", "/_ah/warmup", 404},
		"not on Cloud Run": {framework.CloudRun, "GET", "/_ah/warmup", 404},
		"not on a laptop":  {framework.NoProxy, "GET", "/_ah/warmup", 404},
	} {
		t.Run(name, func(t *testing.T) {
			app, _ := appOf(t, func(*action) error { return nil })
			app.TrustedProxy = test.proxy
			answer, _, _ := fetch(t, request(t, test.method, start(t, app).URL+test.path, ""))
			if answer.StatusCode != test.status {
				t.Errorf("status %d, want %d", answer.StatusCode, test.status)
			}
		})
	}
	t.Run("a route of the app's own", func(t *testing.T) {
		app, _ := newApp(t)
		app.TrustedProxy = framework.AppEngine
		app.Handle("/_ah/warmup", do(app, func(h *action) error { _, err := io.WriteString(h, "own"); return err }))
		if _, body := get(t, start(t, app).URL+"/_ah/warmup"); body != "own" {
			t.Errorf("got %q", body)
		}
	})
}
