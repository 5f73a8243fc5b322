package framework_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"os"

	"github.com/webapp2go/webapp2go/framework"
)

func ExampleHealth() {
	health := &framework.Health{
		Checks: map[string]framework.Check{
			"users":    func(ctx context.Context) error { return nil },
			"sessions": func(ctx context.Context) error { return errors.New("connection refused") },
		},
		Log: slog.New(slog.DiscardHandler),
	}
	app := framework.New()
	app.Handle("/health", health)

	answer := httptest.NewRecorder()
	app.ServeHTTP(answer, httptest.NewRequest("GET", "/health", nil))
	fmt.Print(answer.Code, " ", answer.Body)
	fmt.Println(health.Err(context.Background()))
	// Output:
	// 503 {"healthy":false,"checks":{"sessions":false,"users":true}}
	// framework: sessions: connection refused
}

func ExampleApp_requestLog() {
	app := framework.New()
	app.RequestLog = slog.New(slog.NewTextHandler(os.Stdout, &slog.HandlerOptions{
		ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
			switch a.Key {
			case "time", "duration", "id": // other ones each time
				return slog.Attr{}
			}
			return a
		},
	}))
	app.Handle("/books/{id}", framework.RedirectRoute("/", 302))
	app.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/books/7?page=2", nil))
	// Output:
	// level=INFO msg=request method=GET route=/books/{id} path=/books/7 address=192.0.2.1 status=302 size=0
}
