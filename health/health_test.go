package health_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/webapp2go/webapp2go/framework"
	"github.com/webapp2go/webapp2go/health"
)

func succeed(context.Context) error { return nil }

func serve(h http.Handler, method string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(method, "/health", nil))
	return w
}

func TestResponse(t *testing.T) {
	for name, test := range map[string]struct {
		probes map[string]health.Probe
		status int
		body   string
		log    string
	}{
		"no probes":   {nil, 200, `{"healthy":true}`, ""},
		"all succeed": {map[string]health.Probe{"users": succeed}, 200, `{"healthy":true,"services":{"users":true}}`, ""},
		"one fails": {map[string]health.Probe{"users": succeed, "sessions": func(context.Context) error { return errors.New("dial 10.0.0.7") }},
			503, `{"healthy":false,"services":{"sessions":false,"users":true}}`, "dial 10.0.0.7"},
		"one panics": {map[string]health.Probe{"users": func(context.Context) error { panic("oops") }},
			503, `{"healthy":false,"services":{"users":false}}`, "oops"},
	} {
		t.Run(name, func(t *testing.T) {
			var log bytes.Buffer
			app := framework.New()
			app.Handle("/health", &health.Handler{Probes: test.probes, Log: slog.New(slog.NewTextHandler(&log, nil))})
			if err := app.Check(); err != nil {
				t.Fatal(err)
			}
			w := serve(app, "GET")
			if body := strings.TrimSpace(w.Body.String()); w.Code != test.status || body != test.body {
				t.Errorf("%d %s, want %d %s", w.Code, body, test.status, test.body)
			}
			if !strings.Contains(log.String(), test.log) || test.log == "" && log.Len() > 0 {
				t.Errorf("log %q, want %q in it", &log, test.log)
			}
			if w.Header().Get("Cache-Control") != "no-store" {
				t.Error("the response may be cached")
			}
		})
	}
}

func TestMethods(t *testing.T) {
	for method, want := range map[string]int{"GET": 200, "HEAD": 200, "POST": 405} {
		if w := serve(new(health.Handler), method); w.Code != want {
			t.Errorf("%s: %d, want %d", method, w.Code, want)
		}
	}
}

// A probe that does not return costs one goroutine, however often the handler is asked.
// A result that comes after the timeout is discarded.
func TestProbeThatDoesNotReturn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var calls atomic.Int32
		release := make(chan struct{})
		h := &health.Handler{
			Log: slog.New(slog.DiscardHandler),
			Probes: map[string]health.Probe{"sessions": func(context.Context) error {
				calls.Add(1)
				<-release
				return nil
			}},
		}
		for range 5 {
			began := time.Now()
			if err := h.Err(t.Context()); err == nil || time.Since(began) != 2*time.Second {
				t.Errorf("%v after %v, want an error after 2 s", err, time.Since(began))
			}
			time.Sleep(time.Minute)
		}
		if calls.Load() != 1 {
			t.Errorf("%d calls of a probe that did not return", calls.Load())
		}
		close(release)
		synctest.Wait()
		if err := h.Err(t.Context()); err != nil || calls.Load() != 2 {
			t.Errorf("%v after %d calls, want nil from a second call", err, calls.Load())
		}
	})
}

func TestResultsAreKeptForASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var calls atomic.Int32
		h := &health.Handler{Probes: map[string]health.Probe{"users": func(context.Context) error {
			calls.Add(1)
			return nil
		}}}
		for range 10 {
			serve(h, "GET")
		}
		time.Sleep(time.Second)
		if err := h.Err(t.Context()); err != nil || calls.Load() != 2 {
			t.Errorf("%v after %d calls, want 2", err, calls.Load())
		}
	})
}

// The results are for all callers: the end of one request does not end its probes.
func TestEndOfTheRequest(t *testing.T) {
	h := &health.Handler{Probes: map[string]health.Probe{"users": func(ctx context.Context) error { return ctx.Err() }}}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := h.Err(ctx); err != nil {
		t.Error(err)
	}
}

// While the server stops, a load balancer is told to send no more requests.
func TestStopping(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := framework.Server{
		Handler:   new(health.Handler),
		Listener:  listener,
		StopDelay: time.Hour, // while it still takes requests
		Log:       slog.New(slog.DiscardHandler),
	}
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	ended := make(chan error, 1)
	go func() { ended <- server.Run(ctx) }()
	defer func() {
		listener.Close()
		<-ended
	}()
	for before := true; ; before = false {
		res, err := http.Get("http://" + listener.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(res.Body)
		res.Body.Close()
		switch {
		case err != nil:
			t.Fatal(err)
		case before && res.StatusCode != 200:
			t.Fatalf("before: %d %s", res.StatusCode, body)
		case before:
			stop()
		case res.StatusCode == 503:
			if got := strings.TrimSpace(string(body)); got != `{"healthy":false,"stopping":true}` {
				t.Errorf("while it stops: %s", got)
			}
			return
		}
	}
}
