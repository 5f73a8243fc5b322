package framework_test

import (
	"bytes"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/webapp2go/webapp2go/framework"
)

// action is a handler whose Get and Post are a function of the test.
type action struct {
	framework.RequestHandler
	do func(h *action) error
}

func (h *action) Get() error  { return h.do(h) }
func (h *action) Post() error { return h.do(h) }

func do(app *framework.App, f func(h *action) error) http.Handler {
	return framework.From(app, func() *action { return &action{do: f} })
}

// A logbook keeps the log of an App.
type logbook struct {
	mutex sync.Mutex
	text  bytes.Buffer
}

func (l *logbook) Write(p []byte) (int, error) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	return l.text.Write(p)
}

func (l *logbook) String() string {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	return l.text.String()
}

// records counts the records that contain all of the words.
func (l *logbook) records(words ...string) (n int) {
line:
	for line := range strings.Lines(l.String()) {
		for _, word := range words {
			if !strings.Contains(line, word) {
				continue line
			}
		}
		n++
	}
	return n
}

func newApp(t *testing.T) (*framework.App, *logbook) {
	t.Helper()
	app, log := framework.New(), new(logbook)
	app.Log = slog.New(slog.NewTextHandler(log, nil))
	return app, log
}

// appOf is an App with one route, "/", that f serves.
func appOf(t *testing.T, f func(h *action) error) (*framework.App, *logbook) {
	t.Helper()
	app, log := newApp(t)
	app.Handle("/", do(app, f))
	return app, log
}

// start serves h on a port of its own until the test ends.
func start(t *testing.T, h http.Handler) *httptest.Server {
	t.Helper()
	server := httptest.NewUnstartedServer(h)
	server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	server.Start()
	t.Cleanup(server.Close)
	return server
}

// fetch sends a request over the network, follows no redirect, and reads the whole response;
// err is that of reading the body.
func fetch(t *testing.T, r *http.Request) (answer *http.Response, body string, err error) {
	t.Helper()
	answer, err = http.DefaultTransport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	read, err := io.ReadAll(answer.Body)
	return answer, string(read), err
}

func request(t *testing.T, method, url, body string) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// get fetches a URL and fails if the response is cut short.
func get(t *testing.T, url string) (*http.Response, string) {
	t.Helper()
	answer, body, err := fetch(t, request(t, "GET", url, ""))
	if err != nil {
		t.Fatal(err)
	}
	return answer, body
}

// ask serves a request without a server.
func ask(h http.Handler, method, path string) *httptest.ResponseRecorder {
	recorder := httptest.NewRecorder()
	h.ServeHTTP(recorder, httptest.NewRequest(method, path, nil))
	return recorder
}
