package framework

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"sync"
	"time"
)

// Health answers whether the services that a program needs answer: 200 where all do,
// 503 where one does not, with a line of JSON that names them. Errors go to the log,
// never into the answer, which anybody may see. While its [Server] stops it answers 503
// with "stopping", so that no more requests are sent here, see Server.StopDelay. An answer counts for a second, so
// asking often costs the services nothing, and each is asked by one goroutine at a
// time however long it hangs.
//
// Give it a path that App Engine and Cloud Run let through, such as /health: Cloud Run
// keeps /eventlog, what begins with /_ah/ and some paths that end in z for itself, so
// that /healthz never arrives.
//
//	app.Handle("/health", &framework.Health{Checks: map[string]framework.Check{"users": ping}})
//
// It must not be copied after its first use. Safe for concurrent use.
type Health struct {
	Checks  map[string]Check // by the name of the service
	Timeout time.Duration    // for all of them together; 0: 2 seconds
	Log     *slog.Logger     // gets what fails; nil: slog.Default()

	mutex   sync.Mutex
	asked   time.Time // when results were found
	results map[string]error
	running map[string]chan error // checks that have not come back
}

// A Check returns an error where a service does not answer. It should end when ctx does.
type Check func(ctx context.Context) error

// errSilent is what a check came to that did not come back in time.
var errSilent = errors.New("framework: no answer in time")

// healthFresh is how long an answer counts.
const healthFresh = time.Second

// ServeHTTP answers GET and HEAD.
func (h *Health) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, http.StatusText(http.StatusMethodNotAllowed), http.StatusMethodNotAllowed)
		return
	}
	answer := struct {
		Healthy  bool            `json:"healthy"`
		Stopping bool            `json:"stopping,omitempty"`
		Checks   map[string]bool `json:"checks,omitempty"`
	}{true, false, map[string]bool{}}
	if state := servingOf(r.Context()); state != nil && state.leaving.Load() {
		answer.Healthy, answer.Stopping = false, true
	}
	for name, err := range h.ask(r.Context()) {
		answer.Checks[name] = err == nil
		answer.Healthy = answer.Healthy && err == nil
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	if !answer.Healthy {
		w.WriteHeader(http.StatusServiceUnavailable)
	}
	// Booleans: encoding cannot fail, and a client that has gone needs no answer.
	_ = json.NewEncoder(w).Encode(answer)
}

// Err asks the services now, or takes an answer that is fresh, and returns what fails,
// joined and by name; nil: all is well. A program may ask it before it serves.
func (h *Health) Err(ctx context.Context) error {
	results := h.ask(ctx)
	var failed []error
	for _, name := range slices.Sorted(maps.Keys(results)) {
		if err := results[name]; err != nil {
			failed = append(failed, fmt.Errorf("framework: %s: %w", name, err))
		}
	}
	return errors.Join(failed...)
}

// ask returns the result of every check. Those who ask meanwhile wait for the same.
func (h *Health) ask(ctx context.Context) map[string]error {
	h.mutex.Lock()
	defer h.mutex.Unlock()
	if h.results != nil && time.Since(h.asked) < healthFresh {
		return h.results
	}
	// Not the request's own end: what is found is for others too.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cmp.Or(h.Timeout, 2*time.Second))
	defer cancel()
	if h.running == nil {
		h.running = map[string]chan error{}
	}
	for name, check := range h.Checks {
		select {
		case <-h.running[name]: // too late for those who asked then
		default:
			if h.running[name] != nil {
				continue // it hangs: another would too
			}
		}
		done := make(chan error, 1)
		h.running[name] = done
		go func() { done <- protect(func() error { return check(ctx) }) }()
	}
	results := make(map[string]error, len(h.Checks))
	for name := range h.Checks {
		select {
		case results[name] = <-h.running[name]:
			delete(h.running, name)
		case <-ctx.Done():
			results[name] = errSilent
		}
		if err := results[name]; err != nil {
			h.logger().WarnContext(ctx, "a service does not answer", "service", name, "error", err)
		}
	}
	h.asked, h.results = time.Now(), results
	return results
}

func (h *Health) logger() *slog.Logger {
	return cmp.Or(h.Log, slog.Default())
}
