package handlers_test

import (
	"fmt"
	"net/http/httptest"

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
