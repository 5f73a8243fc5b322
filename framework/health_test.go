package framework_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/webapp2go/webapp2go/framework"
)

func healthy(context.Context) error { return nil }

func TestHealth(t *testing.T) {
	for name, test := range map[string]struct {
		checks map[string]framework.Check
		status int
		body   string
		log    string
	}{
		"nothing to ask": {nil, 200, `{"healthy":true}`, ""},
		"all well":       {map[string]framework.Check{"users": healthy}, 200, `{"healthy":true,"checks":{"users":true}}`, ""},
		"one down": {map[string]framework.Check{"users": healthy, "sessions": func(context.Context) error { return errors.New("dial 10.0.0.7") }},
			503, `{"healthy":false,"checks":{"sessions":false,"users":true}}`, "dial 10.0.0.7"},
		"panic": {map[string]framework.Check{"users": func(context.Context) error { panic("oops") }},
			503, `{"healthy":false,"checks":{"users":false}}`, "oops"},
	} {
		t.Run(name, func(t *testing.T) {
			app, log := newApp(t)
			app.Handle("/health", &framework.Health{Checks: test.checks, Log: app.Log})
			answer, body := get(t, start(t, app).URL+"/health")
			if answer.StatusCode != test.status || strings.TrimSpace(body) != test.body {
				t.Errorf("%d %s, want %d %s", answer.StatusCode, body, test.status, test.body)
			}
			if test.log != "" && log.records(test.log) != 1 {
				t.Errorf("the log does not tell of %q\n%s", test.log, log)
			}
			if answer.Header.Get("Cache-Control") != "no-store" {
				t.Error("the answer may be cached")
			}
			if err := app.Check(); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestHealthTakesOnlyGETAndHEAD(t *testing.T) {
	h := new(framework.Health)
	for verb, want := range map[string]int{"GET": 200, "HEAD": 200, "POST": 405} {
		if got := ask(h, verb, "/health").Code; got != want {
			t.Errorf("%s: %d, want %d", verb, got, want)
		}
	}
}

// A service that hangs costs one goroutine and the timeout, however often one asks,
// and what it came to too late counts for nobody.
func TestHealthOfAServiceThatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var calls atomic.Int32
		release := make(chan struct{})
		health := &framework.Health{
			Log: slog.New(slog.DiscardHandler),
			Checks: map[string]framework.Check{"sessions": func(context.Context) error {
				calls.Add(1)
				<-release
				return nil
			}},
		}
		for range 5 {
			began := time.Now()
			if err := health.Err(t.Context()); err == nil || time.Since(began) != 2*time.Second {
				t.Errorf("%v after %v, want an error after 2 s", err, time.Since(began))
			}
			time.Sleep(time.Minute)
		}
		if calls.Load() != 1 {
			t.Errorf("asked %d times while it hung", calls.Load())
		}
		close(release)
		synctest.Wait()
		if err := health.Err(t.Context()); err != nil || calls.Load() != 2 {
			t.Errorf("%v after %d calls: what came too late was taken for an answer, or none was asked for", err, calls.Load())
		}
	})
}

func TestHealthIsFreshForASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var calls atomic.Int32
		health := &framework.Health{Checks: map[string]framework.Check{"users": func(context.Context) error {
			calls.Add(1)
			return nil
		}}}
		for range 10 {
			health.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/health", nil))
		}
		time.Sleep(time.Second)
		if err := health.Err(t.Context()); err != nil || calls.Load() != 2 {
			t.Errorf("%v after %d calls, want 2", err, calls.Load())
		}
	})
}

func TestWarmup(t *testing.T) {
	for name, test := range map[string]struct {
		proxy      framework.Proxy
		verb, path string
		status     int
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
			app.Proxy = test.proxy
			answer, _, _ := fetch(t, request(t, test.verb, start(t, app).URL+test.path, ""))
			if answer.StatusCode != test.status {
				t.Errorf("status %d, want %d", answer.StatusCode, test.status)
			}
		})
	}
	t.Run("a route of the app's own", func(t *testing.T) {
		app, _ := newApp(t)
		app.Proxy = framework.AppEngine
		app.Handle("/_ah/warmup", do(app, func(h *action) error { _, err := io.WriteString(h, "own"); return err }))
		if _, body := get(t, start(t, app).URL+"/_ah/warmup"); body != "own" {
			t.Errorf("got %q", body)
		}
	})
}
