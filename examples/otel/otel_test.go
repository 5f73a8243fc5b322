package main

import (
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"
)

const (
	traceID  = "4bf92f3577b34da6a3ce929d0e0e4736"
	parentID = "00f067aa0ba902b7"
)

// ask sends a request with a traceparent to the site, and returns the request's spans.
func ask(t *testing.T, path, flags string) (*httptest.ResponseRecorder, tracetest.SpanStubs) {
	t.Helper()
	exporter := tracetest.NewInMemoryExporter()
	provider := sdktrace.NewTracerProvider(sdktrace.WithSyncer(exporter))
	app := newApp(provider)
	app.HandleFunc("/trace-id", func(w http.ResponseWriter, r *http.Request) {
		w.Write([]byte(trace.SpanContextFromContext(r.Context()).TraceID().String()))
	})
	r := httptest.NewRequest("GET", path, nil)
	r.Header.Set("traceparent", "00-"+traceID+"-"+parentID+"-"+flags)
	w := httptest.NewRecorder()
	app.ServeHTTP(w, r)
	return w, exporter.GetSpans()
}

// tree returns the spans as texts, each with the names of the spans above it.
func tree(spans tracetest.SpanStubs) (texts []string) {
	byID := map[trace.SpanID]tracetest.SpanStub{}
	for _, span := range spans {
		byID[span.SpanContext.SpanID()] = span
	}
	for _, span := range spans {
		text := span.Name
		for above, ok := byID[span.Parent.SpanID()]; ok; above, ok = byID[above.Parent.SpanID()] {
			text = above.Name + " > " + text
		}
		texts = append(texts, text)
	}
	slices.Sort(texts)
	return texts
}

// The spans of a request are the steps that it took, in the trace that the client began.
func TestSpans(t *testing.T) {
	w, spans := ask(t, "/books/1", "01")
	if w.Code != 200 || w.Body.String() != "Emma\n" {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	const top, dispatch = "GET /books/{id}", "dispatch framework.(*RequestHandler).Dispatch"
	want := []string{
		top,
		top + " > " + dispatch,
		top + " > " + dispatch + " > action otel.(*Book).Get",
		top + " > " + dispatch + " > action otel.(*Book).Get > query book by id",
		top + " > init App.Init",
	}
	if got := tree(spans); !slices.Equal(got, want) {
		t.Errorf("spans:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	for _, span := range spans {
		if got := span.SpanContext.TraceID().String(); got != traceID {
			t.Errorf("%s is in the trace %s", span.Name, got)
		}
		if span.EndTime.Before(span.StartTime) || span.Status.Code == codes.Error {
			t.Errorf("%s: from %v to %v, %v", span.Name, span.StartTime, span.EndTime, span.Status)
		}
		if span.Name != top {
			continue
		}
		if span.Parent.SpanID().String() != parentID || span.SpanKind != trace.SpanKindServer {
			t.Errorf("the parent is %s, the kind %v", span.Parent.SpanID(), span.SpanKind)
		}
		for _, want := range []string{"http.request.method=GET", "url.path=/books/1", "http.route=/books/{id}", "http.response.status_code=200"} {
			key, value, _ := strings.Cut(want, "=")
			if !slices.ContainsFunc(span.Attributes, func(a attribute.KeyValue) bool { return string(a.Key) == key && a.Value.String() == value }) {
				t.Errorf("no %s in %v", want, span.Attributes)
			}
		}
		if len(span.Events) != 1 || span.Events[0].Name != "handler *main.Book" {
			t.Errorf("events %v", span.Events)
		}
	}
}

// If a step fails, its span has an error status. A 5xx response sets it on the request's
// span too; a 4xx response does not.
func TestErrors(t *testing.T) {
	for path, test := range map[string]struct {
		status int
		failed []string
	}{
		"/books/-1": {500, []string{"GET /books/{id}", "action otel.(*Book).Get", "dispatch framework.(*RequestHandler).Dispatch", "error HandleError", "query book by id"}},
		"/books/7":  {404, []string{"action otel.(*Book).Get", "dispatch framework.(*RequestHandler).Dispatch", "error HandleError", "query book by id"}},
		"/nowhere":  {404, nil},
	} {
		t.Run(path, func(t *testing.T) {
			w, spans := ask(t, path, "01")
			var failed []string
			ended := false
			for _, span := range spans {
				if span.Status.Code == codes.Error {
					failed = append(failed, span.Name)
				}
				ended = ended || span.Parent.SpanID().String() == parentID
			}
			slices.Sort(failed)
			if test.failed != nil && !slices.Equal(failed, test.failed) || w.Code != test.status || !ended {
				t.Errorf("status %d, the span of the request has ended: %v, failed:\n%s", w.Code, ended, strings.Join(failed, "\n"))
			}
		})
	}
}

// A request that is not sampled makes no spans, and its trace id stays the same.
func TestNotSampled(t *testing.T) {
	w, spans := ask(t, "/trace-id", "00")
	if len(spans) != 0 || w.Body.String() != traceID {
		t.Errorf("%d spans, trace %s", len(spans), w.Body)
	}
	if w, spans := ask(t, "/trace-id", "01"); len(spans) == 0 || w.Body.String() != traceID {
		t.Errorf("sampled: %d spans, trace %s", len(spans), w.Body)
	}
}
