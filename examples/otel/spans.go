package main

import (
	"context"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"

	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"

	"github.com/webapp2go/webapp2go/framework"
)

// traceWith returns a function for App.Trace. It makes one span for each request, named
// according to the semantic conventions for HTTP. Each step that takes time is a span
// below that, and each other step is an event.
//
// It continues the trace in the request's header traceparent (W3C Trace Context). Anybody
// can send that header, so a public site must not let it alone decide what is sampled.
func traceWith(provider trace.TracerProvider) func(*http.Request) (*http.Request, func(framework.Step)) {
	tracer := provider.Tracer("github.com/webapp2go/webapp2go/examples/otel")
	return func(r *http.Request) (*http.Request, func(framework.Step)) {
		method := knownMethod(r.Method)
		ctx := propagation.TraceContext{}.Extract(r.Context(), propagation.HeaderCarrier(r.Header))
		ctx, span := tracer.Start(ctx, method, trace.WithSpanKind(trace.SpanKindServer),
			trace.WithAttributes(semconv.HTTPRequestMethodKey.String(method), semconv.URLPath(r.URL.Path)))
		r = r.WithContext(ctx) // so that the clients that the handler uses continue the trace
		if !span.IsRecording() {
			return r, nil // the request is not sampled
		}
		s := &spans{tracer: tracer, ctx: ctx, method: method}
		return r, s.add
	}
}

// knownMethod returns the method for the span, which is one of a few.
func knownMethod(method string) string {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions:
		return method
	}
	return "_OTHER"
}

// spans are the spans of one request.
type spans struct {
	tracer trace.Tracer
	ctx    context.Context // has the span of the request
	method string

	mutex sync.Mutex
	open  []begun // the steps that have not ended, outermost first
}

// A begun is a step that has not ended.
type begun struct {
	kind framework.StepKind
	name string
	ctx  context.Context // has its span
}

// add adds a step to the trace. The goroutines of a request may call it at the same time.
func (s *spans) add(step framework.Step) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	switch step.Phase {
	case framework.StepBegun:
		parent := s.ctx
		if len(s.open) > 0 {
			parent = s.open[len(s.open)-1].ctx
		}
		ctx, _ := s.tracer.Start(parent, string(step.Kind)+" "+step.Name, trace.WithTimestamp(step.Time))
		s.open = append(s.open, begun{step.Kind, step.Name, ctx})
	case framework.StepEnded:
		for i, b := range slices.Backward(s.open) {
			if b.kind == step.Kind && b.name == step.Name {
				end(trace.SpanFromContext(b.ctx), step)
				s.open = slices.Delete(s.open, i, i+1)
				return
			}
		}
	default:
		s.happened(step)
	}
}

// end ends the span of a step.
func end(span trace.Span, step framework.Step) {
	if step.Err != nil {
		span.RecordError(step.Err)
		span.SetStatus(codes.Error, step.Err.Error())
	}
	span.End(trace.WithTimestamp(step.Time))
}

// happened adds a step that takes no time to the span of the request.
func (s *spans) happened(step framework.Step) {
	span := trace.SpanFromContext(s.ctx)
	switch step.Kind {
	case framework.StepRoute:
		if at := strings.LastIndex(step.Name, " ("); at > 0 { // the path, and what has decided about it
			span.SetName(s.method + " " + step.Name[:at])
			span.SetAttributes(semconv.HTTPRoute(step.Name[:at]))
		}
	case framework.StepHeader:
		number, _, _ := strings.Cut(step.Name, " ")
		if status, err := strconv.Atoi(number); err == nil {
			span.SetAttributes(semconv.HTTPResponseStatusCode(status))
			if status >= 500 {
				span.SetStatus(codes.Error, step.Name)
			}
		}
	case framework.StepSent:
		end(span, step)
	default:
		span.AddEvent(string(step.Kind)+" "+step.Name, trace.WithTimestamp(step.Time))
	}
}
