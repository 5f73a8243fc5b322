package framework_test

import (
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"github.com/webapp2go/webapp2go/framework"
)

// wrapping is middleware that puts a writer of its own before the next handler's.
func wrapping(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { next.ServeHTTP(wrapper{w}, r) })
}

type wrapper struct{ http.ResponseWriter }

func (w wrapper) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// logged serves one request and returns its record.
func logged(t *testing.T, app *framework.App, method, path string) map[string]any {
	t.Helper()
	log := new(logbook)
	app.RequestLog = slog.New(slog.NewJSONHandler(log, nil))
	over := make(chan struct{})
	server := start(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer close(over)
		app.ServeHTTP(w, r)
	}))
	r := request(t, method, server.URL+path, "")
	r.Close = true // a client with a closed connection in its pool would send the request twice
	answer, err := http.DefaultTransport.RoundTrip(r)
	if err == nil {
		io.Copy(io.Discard, answer.Body)
		answer.Body.Close()
	}
	<-over // the server's Close would not wait for a hijacked connection
	var record map[string]any
	if err := json.Unmarshal([]byte(log.String()), &record); err != nil {
		t.Fatalf("not one record: %v\n%s", err, log)
	}
	return record
}

// The record is the same whether the index or mux found the route.
func TestRequestLog(t *testing.T) {
	hello := func(h *action) error { _, err := io.WriteString(h, "hello"); return err }
	for name, test := range map[string]struct {
		method, path string
		route        string
		status       float64
		size         float64
		aborted      bool
	}{
		"by the index":      {"GET", "/books/7", "/books/{id}", 200, 5, false},
		"HEAD":              {"HEAD", "/books/7", "/books/{id}", 200, 0, false},
		"query":             {"GET", "/books/7?token=secret", "/books/{id}", 200, 5, false},
		"method not served": {"PUT", "/books/7", "/books/{id}", 405, -1, false},
		"by mux":            {"GET", "/hosts/7", "/hosts/{id}", 200, 5, false},
		"under middleware":  {"GET", "/under/7", "/under/{id}", 200, 5, false},
		"another Handler":   {"GET", "/file", "/file", 200, 4, false},
		"error":             {"GET", "/fails", "/fails", 503, -1, false},
		"panic":             {"GET", "/panics", "/panics", 500, -1, false},
		"streamed":          {"GET", "/long", "/long", 200, 100_000, false},
		"cut off":           {"GET", "/cut", "/cut", 200, 4, true},
		"dropped":           {"GET", "/drop", "/drop", 200, 0, true},
		"hijacked":          {"GET", "/hijack", "/hijack", 101, 0, false},
		"no route":          {"GET", "/nowhere", "", 404, -1, false},
		"bad path":          {"GET", "/books/%00", "", 404, -1, false},
	} {
		t.Run(name, func(t *testing.T) {
			app, _ := newApp(t)
			app.Handle("/books/{id}", do(app, hello))
			app.Handle("/hosts/{id}", do(app, hello)).Host("127.0.0.1")
			under := app.PathPrefix("/under").Subrouter()
			under.Use(wrapping)
			under.Handle("/{id}", do(app, hello))
			app.HandleFunc("/file", func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "file") })
			app.Handle("/fails", do(app, func(h *action) error { return h.Abort(503) }))
			app.Handle("/panics", do(app, func(*action) error { panic("oops") }))
			app.Handle("/long", do(app, func(h *action) error {
				_, err := io.WriteString(h, strings.Repeat("x", 100_000))
				return err
			}))
			app.Handle("/cut", do(app, func(h *action) error {
				io.WriteString(h, "half")
				h.Response.Flush()
				return errors.New("the other half is lost")
			}))
			app.Handle("/drop", do(app, func(*action) error { panic(http.ErrAbortHandler) }))
			app.Handle("/hijack", do(app, func(h *action) error {
				connection, _, err := h.Response.Hijack()
				if err == nil {
					connection.Close()
				}
				return err
			}))
			record := logged(t, app, test.method, test.path)
			path, _, _ := strings.Cut(strings.ReplaceAll(test.path, "%00", "\x00"), "?")
			for key, want := range map[string]any{
				"msg": "request", "level": "INFO", "method": test.method, "path": path, "route": test.route, "status": test.status, "address": "127.0.0.1",
			} {
				if record[key] != want {
					t.Errorf("%s is %v, want %v", key, record[key], want)
				}
			}
			if size := record["size"].(float64); size != test.size && test.size >= 0 || test.size < 0 && size == 0 {
				t.Errorf("size is %v, want %v", size, test.size)
			}
			if aborted := record["aborted"] == true; aborted != test.aborted {
				t.Errorf("aborted: %t, want %t", aborted, test.aborted)
			}
			if record["id"] == "" || record["duration"].(float64) <= 0 {
				t.Errorf("id %v, duration %v", record["id"], record["duration"])
			}
		})
	}
}

// The page that a user sees, the record of the error and the record of the request
// have one id.
func TestRequestID(t *testing.T) {
	const trace = "105445aa7843bc8bf206b12000100000"
	for name, test := range map[string]struct {
		proxy  framework.Proxy
		header string
		id     string // if empty, a random one
	}{
		"none":           {framework.NoProxy, "", ""},
		"anybody's":      {framework.NoProxy, trace + "/1;o=1", ""},
		"App Engine":     {framework.AppEngine, trace + "/1;o=1", trace},
		"Cloud Run":      {framework.CloudRun, trace, trace},
		"other proxies":  {framework.Proxies(1), trace, ""},
		"not a trace":    {framework.AppEngine, "<script>/1;o=1", ""},
		"capitals":       {framework.AppEngine, strings.ToUpper(trace), ""},
		"32 of the like": {framework.AppEngine, strings.Repeat("g", 32), ""},
		"zeros":          {framework.AppEngine, strings.Repeat("0", 32), ""},
		// These ids are in the header traceparent.
		"parent":           {framework.CloudRun, "00-" + trace + "-00f067aa0ba902b7-01", trace},
		"anybody's parent": {framework.NoProxy, "00-" + trace + "-00f067aa0ba902b7-01", ""},
		"parent of zeros":  {framework.CloudRun, "00-" + strings.Repeat("0", 32) + "-00f067aa0ba902b7-01", ""},
	} {
		t.Run(name, func(t *testing.T) {
			app, log := newApp(t)
			app.TrustedProxy = test.proxy
			app.RequestLog = app.Log
			app.Handle("/", wrapping(do(app, func(h *action) error { return errors.New("oops") })))
			server := start(t, app)
			r := request(t, "GET", server.URL, "")
			r.Header.Set("Accept", "application/json")
			if strings.HasPrefix(test.header, "00-") {
				r.Header.Set("traceparent", test.header)
			} else if test.header != "" {
				r.Header.Set("X-Cloud-Trace-Context", test.header)
			}
			_, body, err := fetch(t, r)
			server.Close()
			var page struct{ ID string }
			if err := errors.Join(err, json.Unmarshal([]byte(body), &page)); err != nil {
				t.Fatal(err)
			}
			if test.id != "" && page.ID != test.id || test.id == "" && len(page.ID) != 12 {
				t.Errorf("the page has the id %q, want %q", page.ID, test.id)
			}
			for _, message := range []string{`"request failed"`, "msg=request "} {
				if log.records(message, "id="+page.ID) != 1 {
					t.Errorf("no record %s with the id %s\n%s", message, page.ID, log)
				}
			}
		})
	}
}
