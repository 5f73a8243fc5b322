package main

import (
	"crypto/tls"
	"fmt"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
)

// A client sends requests to a handler in process, without a network. Its own work is
// the same for every handler and allocates nothing. It is not safe for concurrent use.
type client struct {
	handler  http.Handler
	requests []*http.Request // sent in turn
	want     []string        // the beginnings of the responses' bodies
	form     string          // posted with each request
	// keepCookie makes the client send the cookie of the last response, as a browser does.
	keepCookie bool
	// yields makes the client yield to the scheduler after every 64 requests. A server
	// yields after each request, while it waits for the next. Without it, a garbage
	// collection stays unfinished until the scheduler preempts the goroutine, 10 ms
	// later, and every pointer write is slow until then.
	yields bool
	// bare hides the methods of the writer that http.ResponseWriter does not have.
	bare bool

	writer recorder
	next   int
	sent   http.Request // a copy, because a handler may store a parsed form or a context in it
	body   formReader
}

// run sends n requests.
func (c *client) run(n int) {
	for i := range n {
		c.once()
		if c.yields && i%64 == 0 {
			runtime.Gosched()
		}
	}
}

// once sends the next request.
func (c *client) once() {
	r := c.requests[c.next]
	if c.next++; c.next == len(c.requests) {
		c.next = 0
	}
	c.writer.reset()
	c.sent = *r
	if c.form != "" {
		c.body.Reset(c.form)
		c.sent.Body = &c.body
	}
	if c.bare {
		c.handler.ServeHTTP(&c.writer.bareWriter, &c.sent)
	} else {
		c.handler.ServeHTTP(&c.writer, &c.sent)
	}
	if c.keepCookie {
		if lines := c.writer.header["Set-Cookie"]; len(lines) > 0 {
			r.Header["Cookie"][0] = cookiePair(lines[0])
		}
	}
}

// check sends every request once and compares the responses with c.want.
func (c *client) check() error {
	for i, r := range c.requests {
		c.once()
		if got := string(c.writer.body); c.writer.status != http.StatusOK || !strings.HasPrefix(got, c.want[i]) {
			return fmt.Errorf("%s %s responds %d %q, not 200 %q", r.Method, r.URL.Path, c.writer.status, got, c.want[i])
		}
	}
	return nil
}

// newRequest returns an HTTPS request as net/http's server passes it to a handler.
func newRequest(method, path, host, cookie string) *http.Request {
	r := httptest.NewRequest(method, path, nil)
	r.TLS = &tls.ConnectionState{}
	if host != "" {
		r.Host = host
	}
	r.Header.Set("User-Agent", "bench")
	r.Header.Set("Accept", "text/html")
	if cookie != "" {
		r.Header.Set("Cookie", cookie)
	}
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Sec-Fetch-Site", "same-origin")
		r.ContentLength = int64(len(loginForm))
	}
	return r
}

// start requests /start from handler and returns the Cookie header for the new session.
func start(handler http.Handler) (string, error) {
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, newRequest("GET", "/start", "", ""))
	return startedCookie(w.Result())
}

// startedCookie returns the cookie that a response to /start set.
func startedCookie(response *http.Response) (string, error) {
	lines := response.Header["Set-Cookie"]
	if response.StatusCode != http.StatusOK || len(lines) != 1 {
		return "", fmt.Errorf("/start responds %d with %d cookies", response.StatusCode, len(lines))
	}
	return cookiePair(lines[0]), nil
}

// cookiePair returns the name=value of a Set-Cookie line.
func cookiePair(line string) string {
	pair, _, _ := strings.Cut(line, ";")
	return pair
}

// A formReader is the body of a posted form.
type formReader struct{ strings.Reader }

func (*formReader) Close() error { return nil }

// A bareWriter has only the methods of http.ResponseWriter. It is reused, so that its
// cost is not in the figures. It keeps the last response.
type bareWriter struct {
	header http.Header
	status int
	body   []byte
}

func (w *bareWriter) reset() {
	if w.header == nil {
		w.header, w.body = make(http.Header), make([]byte, 0, 4096)
	}
	clear(w.header)
	w.status, w.body = 0, w.body[:0]
}

func (w *bareWriter) Header() http.Header { return w.header }

func (w *bareWriter) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
	}
}

func (w *bareWriter) Write(p []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	w.body = append(w.body, p...)
	return len(p), nil
}

// A recorder also has the optional methods of net/http's own writer.
type recorder struct{ bareWriter }

func (w *recorder) WriteString(s string) (int, error) {
	w.WriteHeader(http.StatusOK)
	w.body = append(w.body, s...)
	return len(s), nil
}

func (w *recorder) Flush()                  { w.WriteHeader(http.StatusOK) }
func (w *recorder) EnableFullDuplex() error { return nil }
