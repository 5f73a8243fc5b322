package framework

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"
)

// A Step is something that was done for a request, such as a Guard. App.Trace gets the
// steps as they happen. A step that takes time is reported twice, when it begins and when
// it ends; the steps in between are its parts.
type Step struct {
	Kind  StepKind
	Phase StepPhase
	Name  string    // what it was done with, as Kind says; also when it ends
	Time  time.Time // when it has begun, ended or happened
	Err   error     // of a step that ends or happens, if it has failed
}

// A StepPhase says which part of a Step is reported.
type StepPhase int

const (
	StepHappened StepPhase = iota // the step takes no time
	StepBegun
	StepEnded
)

// A StepKind is the kind of a Step. A program can have kinds of its own, see [BeginStep].
type StepKind string

const (
	StepRoute    StepKind = "route"    // the route was found: its path, and what has decided about it, the tree or mux
	StepHandler  StepKind = "handler"  // a new handler was made: its type
	StepInit     StepKind = "init"     // App.Init, from begin to end
	StepGuard    StepKind = "guard"    // a guard, from begin to end; the error is its refusal
	StepDispatch StepKind = "dispatch" // a Dispatch, from begin to end: the method
	StepAction   StepKind = "action"   // the action, from begin to end: the method
	StepError    StepKind = "error"    // HandleError or App.Errors, from begin to end
	StepHook     StepKind = "hook"     // a function of BeforeSend, or Save of a Saver, from begin to end
	StepHeader   StepKind = "header"   // the header is written: the status
	StepSent     StepKind = "sent"     // the response is complete: the size of its body in bytes
)

// errRefused is the error of a guard that has refused by responding.
var errRefused = errors.New("framework: the guard has responded, so that the action does not run")

// errPanicked is the error of a step that has ended with a panic.
var errPanicked = errors.New("framework: it has panicked")

// BeginStep reports to App.Trace that a step begins, in a request whose context is ctx.
// The function that it returns reports the end of the step. If the request is not traced,
// both do nothing and allocate nothing.
//
//	end := framework.BeginStep(ctx, "query", "books by name")
//	rows, err := db.QueryContext(ctx, query, name)
//	end(err)
func BeginStep(ctx context.Context, kind StepKind, name string) (end func(error)) {
	t, _ := ctx.Value(tracerKey{}).(*tracer)
	if t == nil {
		return endNothing
	}
	t.report(kind, StepBegun, name, nil)
	return func(err error) { t.report(kind, StepEnded, name, err) }
}

func endNothing(error) {}

// tracerKey is the key of the tracer in the context of a request.
type tracerKey struct{}

// A tracer reports the steps of one request. A nil tracer reports nothing.
type tracer struct {
	trace func(Step) // from App.Trace; nil if there is none
	kept  *Trace     // for the debug page and for App.Traces; nil if neither needs it

	mutex   sync.Mutex
	between []string // the Dispatch methods between the outermost and that of RequestHandler
}

// beginTrace returns a tracer, and the request with it in its context. The tracer is nil
// if the request is not traced.
func (a *App) beginTrace(r *http.Request) (*http.Request, *tracer) {
	var kept *Trace
	if a.Traces != nil {
		kept = a.Traces.begin(r)
	}
	if a.Debug && kept == nil {
		kept = newTrace(r)
	}
	var trace func(Step)
	if a.Trace != nil {
		var traced *http.Request
		if traced, trace = a.Trace(r); traced != nil {
			r = traced
		}
	}
	if trace == nil && kept == nil {
		return r, nil
	}
	t := &tracer{trace: trace, kept: kept}
	return r.WithContext(context.WithValue(r.Context(), tracerKey{}, t)), t
}

// tracer returns the tracer of the request, nil if it is not traced.
func (r *Response) tracer() *tracer {
	if e := r.extras.Load(); e != nil {
		return e.tracer
	}
	return nil
}

func (t *tracer) report(kind StepKind, phase StepPhase, name string, err error) {
	if t == nil {
		return
	}
	step := Step{Kind: kind, Phase: phase, Name: name, Time: time.Now(), Err: err}
	if t.kept != nil {
		t.kept.add(step)
	}
	if t.trace != nil {
		t.trace(step)
	}
}

// run reports the begin and the end of f.
func (t *tracer) run(kind StepKind, name string, f func() error) (err error) {
	t.report(kind, StepBegun, name, nil)
	returned := false
	defer func() {
		if !returned {
			t.report(kind, StepEnded, name, errPanicked)
		}
	}()
	err, returned = f(), true
	t.report(kind, StepEnded, name, err)
	return err
}

// reportRoute reports the route of a request.
func (t *tracer) reportRoute(route *Route, err error) {
	name := ""
	if route != nil {
		name = route.template + " (tree)"
		if route.muxRoute != nil {
			name = route.template + " (mux)"
		}
	}
	t.report(StepRoute, StepHappened, name, err)
}

// reportSent reports the end of a response.
func (t *tracer) reportSent(w *Response) {
	var err error
	if w.broken {
		err = http.ErrAbortHandler
	}
	t.report(StepSent, StepHappened, fmt.Sprintf("%d bytes", w.count), err)
}

// dispatch calls the outermost Dispatch of a handler. If that is RequestHandler's, it
// reports itself.
func (t *tracer) dispatch(h Handler) error {
	name, _, _ := codeOf(chainOf(h), func(typ reflect.Type) (reflect.Method, bool) { return typ.MethodByName("Dispatch") })
	if name == innermostDispatch {
		return h.Dispatch()
	}
	return t.run(StepDispatch, shortFunction(name), func() error {
		defer t.endBetween()
		return h.Dispatch()
	})
}

const innermostDispatch = ownModule + "framework.(*RequestHandler).Dispatch"

// innermost calls the action, and reports before it the overrides of Dispatch that are
// running: they call each other, so that each is only seen when the innermost is called.
func (t *tracer) innermost(action func() error) error {
	callers := make([]uintptr, 100)
	callers = callers[:runtime.Callers(2, callers)]
	var overrides []string // innermost first
	for frames := runtime.CallersFrames(callers); ; {
		frame, more := frames.Next()
		if !more || strings.HasSuffix(frame.Function, "framework.(*endpoint).serve") {
			break
		}
		if strings.HasSuffix(frame.Function, ".Dispatch") && frame.Function != innermostDispatch {
			overrides = append(overrides, shortFunction(frame.Function))
		}
	}
	if len(overrides) > 1 {
		between := overrides[:len(overrides)-1] // the outermost was reported by dispatch
		slices.Reverse(between)
		for _, name := range between {
			t.report(StepDispatch, StepBegun, name, nil)
		}
		t.mutex.Lock()
		t.between = append(t.between, between...)
		t.mutex.Unlock()
	}
	return t.run(StepDispatch, shortFunction(innermostDispatch), action)
}

// endBetween reports the end of the overrides of Dispatch that innermost has reported.
func (t *tracer) endBetween() {
	t.mutex.Lock()
	between := t.between
	t.between = nil
	t.mutex.Unlock()
	for _, name := range slices.Backward(between) {
		t.report(StepDispatch, StepEnded, name, nil)
	}
}

// action calls the action of a handler.
func (t *tracer) action(h *RequestHandler, action func(Handler) error) error {
	name, _, _ := actionOf(h)
	return t.run(StepAction, shortFunction(name), func() error { return h.callAction(action) })
}

// guard calls a guard of a handler.
func (t *tracer) guard(h *RequestHandler, name string, guard func(Handler) error) (passed bool, err error) {
	_ = t.run(StepGuard, name, func() error {
		passed, err = h.callGuard(guard)
		if err == nil && !passed {
			return errRefused
		}
		return err
	})
	return passed, err
}

// hookName returns the name of a function of BeforeSend.
func hookName(hook func(http.ResponseWriter) error) string {
	name, _, _ := placeOf(reflect.ValueOf(hook).Pointer())
	return shortFunction(name)
}
