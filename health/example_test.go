package health_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http/httptest"

	"github.com/webapp2go/webapp2go/framework"
	"github.com/webapp2go/webapp2go/health"
)

func Example() {
	h := &health.Handler{
		Probes: map[string]health.Probe{
			"users":    func(ctx context.Context) error { return nil },
			"sessions": func(ctx context.Context) error { return errors.New("connection refused") },
		},
		Log: slog.New(slog.DiscardHandler),
	}
	app := framework.New()
	app.Handle("/health", h)

	w := httptest.NewRecorder()
	app.ServeHTTP(w, httptest.NewRequest("GET", "/health", nil))
	fmt.Print(w.Code, " ", w.Body)
	// Output:
	// 503 {"healthy":false,"services":{"sessions":false,"users":true}}
}

// A program can refuse to start if a service is not available.
func ExampleHandler_Err() {
	h := &health.Handler{
		Probes: map[string]health.Probe{
			"sessions": func(ctx context.Context) error { return errors.New("connection refused") },
		},
		Log: slog.New(slog.DiscardHandler),
	}
	if err := h.Err(context.Background()); err != nil {
		fmt.Println("not started:", err)
	}
	// Output:
	// not started: health: sessions: connection refused
}
