package handlers_test

import (
	"io"
	"testing"

	"github.com/webapp2go/webapp2go/framework"
	"github.com/webapp2go/webapp2go/handlers"
	"github.com/webapp2go/webapp2go/sessions"
)

type cleaning struct{ handlers.CronHandler }

func (h *cleaning) Get() error {
	_, err := io.WriteString(h, "cleaned")
	return err
}

// careless is a job whose Dispatch does not call that of its base. Its Guard runs.
type careless struct{ cleaning }

func (h *careless) Dispatch() error { return h.RequestHandler.Dispatch() }

func TestOnlyAppEngineRunsJobs(t *testing.T) {
	for name, test := range map[string]struct {
		proxy  framework.Proxy
		header string
		status int
	}{
		"App Engine's cron":            {framework.AppEngine, "true", 200},
		"a user of App Engine":         {framework.AppEngine, "", 403},
		"another value":                {framework.AppEngine, "false", 403},
		"from outside, on a laptop":    {framework.NoProxy, "true", 403},
		"from outside, on Cloud Run":   {framework.CloudRun, "true", 403},
		"nobody in particular, laptop": {framework.NoProxy, "", 403},
	} {
		t.Run(name, func(t *testing.T) {
			s := serve(t, sessions.NewMemory(), func(s *server) {
				s.app.TrustedProxy = test.proxy
				s.app.Handle("/cron/a", framework.To[cleaning](s.app))
				s.app.Handle("/cron/b", framework.To[careless](s.app))
			})
			for _, path := range []string{"/cron/a", "/cron/b"} {
				a := s.client(t).do("GET", path, nil, "X-Appengine-Cron", test.header)
				if a.status != test.status || (a.body == "cleaned") != (test.status == 200) {
					t.Errorf("%s: %d, want %d\n%s", path, a.status, test.status, a.body)
				}
			}
		})
	}
}
