package framework_test

import (
	"log/slog"
	"net/http/httptest"
	"os"

	"github.com/webapp2go/webapp2go/framework"
)

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
	app.Handle("/books/{id}", framework.SlashRedirect())
	app.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/books/7?page=2", nil))
	// Output:
	// level=INFO msg=request method=GET route=/books/{id} path=/books/7 address=192.0.2.1 status=308 size=0
}
