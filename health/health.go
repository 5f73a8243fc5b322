// Package health reports whether the services that a program needs are available, such
// as its database. A load balancer or a deployment script asks it by HTTP, and main can
// ask it before it serves.
//
//	package main
//
//	import (
//		"context"
//		"database/sql"
//		"log"
//
//		"github.com/webapp2go/webapp2go/framework"
//		"github.com/webapp2go/webapp2go/health"
//	)
//
//	func main() {
//		db, err := sql.Open("sqlite", "site.db") // import its driver as well
//		if err != nil {
//			log.Fatal(err)
//		}
//		app := framework.New()
//		app.Handle("/health", &health.Handler{Probes: map[string]health.Probe{"database": db.PingContext}})
//		if err := framework.Serve(context.Background(), app); err != nil {
//			log.Fatal(err)
//		}
//	}
//
// A [Handler] is an [http.Handler] and works with any router. See the
// example of [Handler.Err].
package health

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"runtime/debug"
	"slices"
	"sync"
	"time"

	"github.com/webapp2go/webapp2go/framework"
)

// A Probe asks one service and returns an error if it is not available. It must return
// when ctx ends. The method PingContext of a database/sql.DB is a Probe.
type Probe func(ctx context.Context) error

// A Handler responds to GET and HEAD with status 200 if every probe succeeds, else with
// 503. The body is a line of JSON with the name of each service and whether it is
// available:
//
//	{"healthy":false,"services":{"database":true,"sessions":false}}
//
// The errors go to the log and not into the response, which is public.
//
// While the [framework.Server] of the request stops, the status is 503 and the body has
// "stopping":true, so that a load balancer sends no more requests. See
// framework.Server.StopDelay.
//
// Results are kept for one second, and each probe runs at most once at a time. So
// frequent requests, or a probe that does not return, do not burden a service.
//
// Choose a path that the platform forwards, such as /health. Cloud Run does not forward
// /healthz.
//
// A Handler must not be copied after its first use. It is safe for concurrent use.
type Handler struct {
	Probes  map[string]Probe // by the name of the service; if empty, the program is always healthy
	Timeout time.Duration    // for all probes together; if 0, two seconds
	Log     *slog.Logger     // gets a warning for each probe that fails; if nil, slog.Default()

	mutex   sync.Mutex
	asked   time.Time // when results were found
	results map[string]error
	running map[string]chan error // probes that have not returned
}

// errTimeout is the result of a probe that has not returned within the Timeout.
var errTimeout = errors.New("no result in time")

// fresh is how long results are kept.
const fresh = time.Second

// ServeHTTP runs the probes, or takes results that are less than a second old, and writes
// the response. Methods other than GET and HEAD get status 405.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, http.StatusText(http.StatusMethodNotAllowed), http.StatusMethodNotAllowed)
		return
	}
	var body struct {
		Healthy  bool            `json:"healthy"`
		Stopping bool            `json:"stopping,omitempty"`
		Services map[string]bool `json:"services,omitempty"`
	}
	body.Stopping = framework.Stopping(r.Context())
	body.Healthy = !body.Stopping
	body.Services = map[string]bool{}
	for name, err := range h.probe(r.Context()) {
		body.Services[name] = err == nil
		body.Healthy = body.Healthy && err == nil
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	if !body.Healthy {
		w.WriteHeader(http.StatusServiceUnavailable)
	}
	// Booleans can always be encoded. An error of writing means that the client is gone.
	_ = json.NewEncoder(w).Encode(body)
}

// Err runs the probes, or takes results that are less than a second old, and returns the
// errors of those that fail, joined and each with the name of its service. It returns
// nil if all succeed.
func (h *Handler) Err(ctx context.Context) error {
	results := h.probe(ctx)
	var failed []error
	for _, name := range slices.Sorted(maps.Keys(results)) {
		if err := results[name]; err != nil {
			failed = append(failed, fmt.Errorf("health: %s: %w", name, err))
		}
	}
	return errors.Join(failed...)
}

// probe returns the result of every probe. Concurrent callers wait for the same results.
func (h *Handler) probe(ctx context.Context) map[string]error {
	h.mutex.Lock()
	defer h.mutex.Unlock()
	if h.results != nil && time.Since(h.asked) < fresh {
		return h.results
	}
	// The results are for other requests too, so the end of this one does not end it.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cmp.Or(h.Timeout, 2*time.Second))
	defer cancel()
	if h.running == nil {
		h.running = map[string]chan error{}
	}
	for name, probe := range h.Probes {
		select {
		case <-h.running[name]: // discard a result that came after its timeout
		default:
			if h.running[name] != nil {
				continue // it has not returned, and a second call would not either
			}
		}
		done := make(chan error, 1)
		h.running[name] = done
		go func() { done <- run(ctx, probe) }()
	}
	results := make(map[string]error, len(h.Probes))
	for name := range h.Probes {
		select {
		case results[name] = <-h.running[name]:
			delete(h.running, name)
		case <-ctx.Done():
			results[name] = errTimeout
		}
		if err := results[name]; err != nil {
			h.log().WarnContext(ctx, "a service is not available", "service", name, "error", err)
		}
	}
	h.asked, h.results = time.Now(), results
	return results
}

// run calls a probe. It returns a panic as an error, so that it does not end the program.
func run(ctx context.Context, probe Probe) (err error) {
	defer func() {
		if value := recover(); value != nil {
			err = fmt.Errorf("panic: %v\n%s", value, debug.Stack())
		}
	}()
	return probe(ctx)
}

func (h *Handler) log() *slog.Logger {
	return cmp.Or(h.Log, slog.Default())
}
