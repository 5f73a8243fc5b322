package handlers_test

import (
	"fmt"
	"log/slog"
	"net/http/httptest"
	"strings"
	"time"

	"github.com/webapp2go/webapp2go/auth/oidc"
	"github.com/webapp2go/webapp2go/auth/oidc/oidctest"
	"github.com/webapp2go/webapp2go/framework"
	"github.com/webapp2go/webapp2go/handlers"
	"github.com/webapp2go/webapp2go/sessions"
)

// DailyReport is the job at /cron/report in cron.yaml.
type DailyReport struct{ handlers.CronHandler }

func (h *DailyReport) Get() error { return h.JSON(map[string]int{"sent": 3}) }

func ExampleCronHandler() {
	manager, err := sessions.New(sessions.Config{Keys: []sessions.Key{sessions.RandomKey()}})
	if err != nil {
		fmt.Println(err)
		return
	}
	site := &handlers.Site{Sessions: manager}
	app := framework.New()
	app.Init = site.Init
	app.Handle("/cron/report", framework.To[DailyReport](app))

	ask := func() {
		r := httptest.NewRequest("GET", "/cron/report", nil)
		r.Header.Set("X-Appengine-Cron", "true")
		answer := httptest.NewRecorder()
		app.ServeHTTP(answer, r)
		fmt.Println(answer.Code)
	}
	ask() // on a laptop, where anybody can send the header
	app.TrustedProxy = framework.AppEngine
	ask()
	// Output:
	// 403
	// 200
}

// Resize makes the small copies of a picture. Its tasks are of Cloud Tasks.
type Resize struct{ handlers.TaskHandler }

func (h *Resize) Post() error {
	var picture struct{ Name string }
	if err := h.DecodeJSON(&picture); err != nil {
		return err
	}
	if picture.Name == "" {
		slog.ErrorContext(h.Context(), "a task without a name is dropped", "task", h.Task())
		return nil // another attempt would fail too
	}
	return h.Text(fmt.Sprintf("%s, attempt %d", picture.Name, h.Task().Retries+1))
}

// On Cloud Run a token proves that Cloud Tasks calls.
func ExampleTaskHandler() {
	issuer, err := oidctest.Start("127.0.0.1:0") // in the place of Google
	if err != nil {
		fmt.Println(err)
		return
	}
	defer issuer.Close()
	manager, err := sessions.New(sessions.Config{Keys: []sessions.Key{sessions.RandomKey()}})
	if err != nil {
		fmt.Println(err)
		return
	}
	callers, err := oidc.NewCallers(oidc.CallersConfig{
		Issuer:   issuer.Issuer(), // leave it out for Google
		Audience: "https://site.example",
		Accounts: []string{"tasks@project.iam.gserviceaccount.com"},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	site := &handlers.Site{Sessions: manager, VerifyCaller: callers.Verify}
	app := framework.New()
	app.Init, app.TrustedProxy = site.Init, framework.CloudRun
	app.Handle("/tasks/resize", framework.To[Resize](app))

	ask := func(token string) {
		r := httptest.NewRequest("POST", "/tasks/resize", strings.NewReader(`{"Name": "cat.png"}`))
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("X-CloudTasks-TaskRetryCount", "1")
		if token != "" {
			r.Header.Set("Authorization", "Bearer "+token)
		}
		answer := httptest.NewRecorder()
		app.ServeHTTP(answer, r)
		if answer.Code == 200 {
			fmt.Println(answer.Code, answer.Body)
		} else {
			fmt.Println(answer.Code)
		}
	}
	app.Log = slog.New(slog.DiscardHandler)
	ask("")
	ask(issuer.SignRS256(map[string]any{
		"iss": issuer.Issuer(), "aud": "https://site.example", "exp": time.Now().Add(time.Hour).Unix(),
		"email": "tasks@project.iam.gserviceaccount.com", "email_verified": true,
	}))
	// Output:
	// 403
	// 200 cat.png, attempt 2
}
