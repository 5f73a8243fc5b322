// Otel is a site that makes OpenTelemetry traces of its requests. It writes them to
// standard output; a site in production exports them by OTLP instead.
//
//	go run .
//	curl http://127.0.0.1:8080/books/1
package main

import (
	"context"
	"errors"
	"log"
	"net/http"

	"go.opentelemetry.io/otel/exporters/stdout/stdouttrace"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"

	"github.com/webapp2go/webapp2go/framework"
)

var books = map[int64]string{1: "Emma", 2: "Ulysses"}

// Book shows the title of a book.
type Book struct{ framework.RequestHandler }

func (h *Book) Get() error {
	id, err := h.IntVar("id")
	if err != nil {
		return err
	}
	title, err := find(h.Context(), id)
	if err != nil {
		return err
	}
	return h.Text(title + "\n")
}

// find returns the title of a book. The query is a step of its own, because it takes
// time.
func find(ctx context.Context, id int64) (title string, err error) {
	end := framework.BeginStep(ctx, "query", "book by id")
	defer func() { end(err) }()
	if id < 0 {
		return "", errors.New("the books cannot be read")
	}
	title, ok := books[id]
	if !ok {
		return "", framework.Abort(http.StatusNotFound)
	}
	return title, nil
}

// newApp makes the site.
func newApp(provider trace.TracerProvider) *framework.App {
	app := framework.New()
	app.Trace = traceWith(provider)
	app.Handle("/books/{id}", framework.To[Book](app)).Name("book")
	return app
}

func run(ctx context.Context) error {
	exporter, err := stdouttrace.New(stdouttrace.WithPrettyPrint())
	if err != nil {
		return err
	}
	provider := sdktrace.NewTracerProvider(
		sdktrace.WithBatcher(exporter),
		sdktrace.WithResource(resource.NewSchemaless(semconv.ServiceName("books"))),
	)
	err = framework.Serve(ctx, newApp(provider))
	return errors.Join(err, provider.Shutdown(context.WithoutCancel(ctx))) // which exports the last spans
}

func main() {
	if err := run(context.Background()); err != nil {
		log.Fatal(err)
	}
}
