package handlers_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/webapp2go/webapp2go/auth/oidc"
	"github.com/webapp2go/webapp2go/auth/oidc/oidctest"
	"github.com/webapp2go/webapp2go/framework"
	"github.com/webapp2go/webapp2go/handlers"
	"github.com/webapp2go/webapp2go/sessions"
)

type cleaning struct{ handlers.CronHandler }

func (h *cleaning) Get() error {
	_, err := io.WriteString(h, "done")
	return err
}

// careless is a job whose Dispatch does not call that of its base. Its Guard still runs.
type careless struct{ cleaning }

func (h *careless) Dispatch() error { return h.RequestHandler.Dispatch() }

type resize struct{ handlers.TaskHandler }

func (h *resize) Get() error {
	_, err := io.WriteString(h, "done")
	return err
}

// tokenIssuer starts an issuer of tokens, and returns the Verify of an oidc.Callers and a
// function that makes tokens of an account.
func tokenIssuer(t *testing.T) (verify func(*http.Request) error, token func(account string) string) {
	t.Helper()
	issuer, err := oidctest.Start("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(issuer.Close)
	callers, err := oidc.NewCallers(oidc.CallersConfig{
		Audience: "https://site.example", Accounts: []string{"jobs@project.iam.gserviceaccount.com"}, Issuer: issuer.Issuer(),
	})
	if err != nil {
		t.Fatal(err)
	}
	return callers.Verify, func(account string) string {
		return "Bearer " + issuer.SignRS256(map[string]any{
			"iss": issuer.Issuer(), "aud": "https://site.example", "exp": time.Now().Add(time.Hour).Unix(),
			"email": account + "@project.iam.gserviceaccount.com", "email_verified": true,
		})
	}
}

// A job is started by App Engine's own services, identified by a header that only App Engine
// can set, or by a token. Package oidc tests what a token must have.
func TestWhoStartsJobs(t *testing.T) {
	verify, token := tokenIssuer(t)
	good, bad := token("jobs"), token("somebody")
	for name, test := range map[string]struct {
		proxy  framework.Proxy
		verify func(*http.Request) error
		marked string // the value of the header of App Engine
		token  string
		status int
	}{
		"App Engine's service":            {framework.AppEngine, nil, "true", "", 200},
		"a user of App Engine":            {framework.AppEngine, nil, "", "", 403},
		"from outside, on a laptop":       {framework.NoProxy, nil, "true", "", 403},
		"nobody in particular, laptop":    {framework.NoProxy, nil, "", "", 403},
		"App Engine's service, with both": {framework.AppEngine, verify, "true", "", 200},
		"a token on App Engine":           {framework.AppEngine, verify, "", good, 200},
		"a token on Cloud Run":            {framework.CloudRun, verify, "", good, 200},
		"a token behind nginx":            {framework.Proxies(1), verify, "", good, 200},
		"a token without a proxy":         {framework.NoProxy, verify, "", good, 200},
		"the header on Cloud Run":         {framework.CloudRun, verify, "true", "", 403},
		"nothing on Cloud Run":            {framework.CloudRun, verify, "", "", 403},
		"another account":                 {framework.CloudRun, verify, "true", bad, 403},
		"another account, App Engine":     {framework.AppEngine, verify, "", bad, 403},
		"the issuer does not respond": {framework.CloudRun, func(*http.Request) error {
			return fmt.Errorf("%w: no connection", oidc.ErrUnavailable)
		}, "true", good, 503},
		"a plain error": {framework.CloudRun, func(*http.Request) error { return errors.New("no") }, "true", good, 403},
	} {
		t.Run(name, func(t *testing.T) {
			var log bytes.Buffer
			s := serve(t, sessions.NewMemory(), func(s *server) {
				s.app.TrustedProxy, s.site.VerifyCaller = test.proxy, test.verify
				s.site.SecurityLog = slog.New(slog.NewJSONHandler(&log, nil))
				s.app.Handle("/cron/a", framework.To[cleaning](s.app))
				s.app.Handle("/cron/b", framework.To[careless](s.app))
				s.app.Handle("/task", framework.To[resize](s.app))
			})
			for path, header := range map[string]string{"/cron/a": "X-Appengine-Cron", "/cron/b": "X-Appengine-Cron", "/task": "X-AppEngine-QueueName"} {
				a := s.client(t).do("GET", path, nil, header, test.marked, "Authorization", test.token, "X-CloudTasks-QueueName", "forged")
				if a.status != test.status || (a.body == "done") != (test.status == 200) {
					t.Errorf("%s: %d, want %d\n%s", path, a.status, test.status, a.body)
				}
				want := 0
				if test.status != 200 {
					want = 1
				}
				if records := securityRecords(t, &log); len(records) != want || want == 1 && (records[0]["msg"] != "authz_fail" || records[0]["level"] != "WARN" || records[0]["reason"] == "") {
					t.Errorf("%s: records %v", path, records)
				}
			}
		})
	}
}

// Any other value of cron's header is refused.
func TestCronHeader(t *testing.T) {
	s := serve(t, sessions.NewMemory(), func(s *server) {
		s.app.TrustedProxy = framework.AppEngine
		s.app.Handle("/cron", framework.To[cleaning](s.app))
	})
	s.client(t).get("/cron", "X-Appengine-Cron", "false").shows(t, 403, "for the cron service only")
}

// If any client can send the headers, a program with jobs does not start without a
// VerifyCaller.
func TestJobsNeedVerifyCaller(t *testing.T) {
	verify, _ := tokenIssuer(t)
	for name, test := range map[string]struct {
		proxy  framework.Proxy
		verify func(*http.Request) error
		says   string
	}{
		"a laptop":                   {framework.NoProxy, nil, ""},
		"App Engine":                 {framework.AppEngine, nil, ""},
		"Cloud Run":                  {framework.CloudRun, nil, "set Site.VerifyCaller"},
		"behind nginx":               {framework.Proxies(1), nil, "set Site.VerifyCaller"},
		"Cloud Run, with tokens":     {framework.CloudRun, verify, ""},
		"behind nginx, with tokens":  {framework.Proxies(1), verify, ""},
		"App Engine, tokens as well": {framework.AppEngine, verify, ""},
	} {
		t.Run(name, func(t *testing.T) {
			manager, err := sessions.New(sessions.Config{Keys: []sessions.Key{sessions.RandomKey()}})
			if err != nil {
				t.Fatal(err)
			}
			for kind, handle := range map[string]func(app *framework.App){
				"CronHandler": func(app *framework.App) { app.Handle("/x", framework.To[cleaning](app)) },
				"TaskHandler": func(app *framework.App) { app.Handle("/x", framework.To[resize](app)) },
			} {
				site := &handlers.Site{Sessions: manager, VerifyCaller: test.verify}
				app := framework.New()
				app.Init, app.TrustedProxy = site.Init, test.proxy
				handle(app)
				if err := app.Check(); (err == nil) != (test.says == "") || err != nil && !strings.Contains(err.Error(), test.says) {
					t.Errorf("%s: %v, want %q", kind, err, test.says)
				}
			}
		})
	}
}

// report is a task that responds with the values that the queue sends.
type report struct{ handlers.TaskHandler }

func (h *report) Post() error {
	switch h.Request.FormValue("do") {
	case "fail":
		return errors.New("a bug")
	case "wait":
		return h.Abort(http.StatusServiceUnavailable)
	case "nothing":
		return nil
	}
	return h.JSON(h.Task())
}

// The values of a queue are in the headers of App Engine or those of Cloud Tasks. If the task
// returns nil, it is finished. If it returns an error, the queue tries again.
func TestTask(t *testing.T) {
	verify, token := tokenIssuer(t)
	for name, test := range map[string]struct {
		header []string
		want   string
	}{
		"App Engine": {[]string{
			"X-AppEngine-QueueName", "pictures", "X-AppEngine-TaskName", "12", "X-AppEngine-TaskRetryCount", "3", "X-AppEngine-TaskExecutionCount", "2",
			"X-AppEngine-TaskETA", "1700000000.25", "X-AppEngine-TaskPreviousResponse", "500", "X-AppEngine-TaskRetryReason", "App Engine",
		}, `{"Queue":"pictures","Name":"12","Retries":3,"Executions":2,"ETA":"2023-11-14T22:13:20.25Z","LastStatus":500,"RetryReason":"App Engine"}`},
		"Cloud Tasks": {[]string{
			"Authorization", token("jobs"), "X-CloudTasks-QueueName", "pictures", "X-CloudTasks-TaskName", "12", "X-CloudTasks-TaskRetryCount", "1",
			"X-CloudTasks-TaskExecutionCount", "0", "X-CloudTasks-TaskETA", "1700000000", "X-CloudTasks-TaskPreviousResponse", "503",
		}, `{"Queue":"pictures","Name":"12","Retries":1,"Executions":0,"ETA":"2023-11-14T22:13:20Z","LastStatus":503,"RetryReason":""}`},
		"nothing":  {[]string{"Authorization", token("jobs")}, `{"Queue":"","Name":"","Retries":0,"Executions":0,"ETA":"0001-01-01T00:00:00Z","LastStatus":0,"RetryReason":""}`},
		"nonsense": {[]string{"X-AppEngine-QueueName", "q", "X-AppEngine-TaskRetryCount", "-1", "X-AppEngine-TaskExecutionCount", "99999999999999999999", "X-AppEngine-TaskETA", "NaN"}, `{"Queue":"q","Name":"","Retries":0,"Executions":0,"ETA":"0001-01-01T00:00:00Z","LastStatus":0,"RetryReason":""}`},
		"too late": {[]string{"X-AppEngine-QueueName", "q", "X-AppEngine-TaskETA", "1e300"}, `{"Queue":"q","Name":"","Retries":0,"Executions":0,"ETA":"0001-01-01T00:00:00Z","LastStatus":0,"RetryReason":""}`},
	} {
		t.Run(name, func(t *testing.T) {
			s := serve(t, sessions.NewMemory(), func(s *server) {
				s.app.TrustedProxy, s.site.VerifyCaller = framework.AppEngine, verify
				s.app.Handle("/task", framework.To[report](s.app))
			})
			c := s.client(t)
			if a := c.do("POST", "/task", nil, test.header...); a.status != 200 || strings.TrimSpace(a.body) != test.want {
				t.Errorf("%d %s, want %s", a.status, a.body, test.want)
			}
			for do, status := range map[string]int{"nothing": 200, "fail": 500, "wait": 503} {
				if a := c.do("POST", "/task?do="+do, nil, test.header...); a.status != status {
					t.Errorf("%s: %d, want %d", do, a.status, status)
				}
			}
		})
	}
}
