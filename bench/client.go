package main

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
)

// A client asks a handler in process, without a network. What it does itself is the
// same for every handler and allocates nothing. Not safe for concurrent use.
type client struct {
	handler  http.Handler
	writer   *reusedWriter
	requests []*http.Request // asked for in turn
	want     []string        // what the answers begin with
	form     string          // posted with each request
	// keepCookie makes the client bring the cookie of the last answer, as a browser does.
	keepCookie bool

	next   int
	sent   http.Request // a copy: a handler may leave a parsed form or a context in it
	reader formReader
}

// run sends n requests. Now and then it yields, as a server does after every request,
// which waits for the next: a collection that has begun could not go on before the
// scheduler takes the core away, and all that time every pointer is written slowly.
func (c *client) run(n int) {
	for i := range n {
		c.once()
		if i%64 == 0 {
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
		c.reader.Reset(c.form)
		c.sent.Body = &c.reader
	}
	c.handler.ServeHTTP(c.writer, &c.sent)
	if c.keepCookie {
		if lines := c.writer.header["Set-Cookie"]; len(lines) > 0 {
			r.Header["Cookie"][0] = cookiePair(lines[0])
		}
	}
}

// check sends every request once and compares the answers with what is wanted.
func (c *client) check() error {
	for i, r := range c.requests {
		c.once()
		if got := string(c.writer.body); c.writer.status != http.StatusOK || !strings.HasPrefix(got, c.want[i]) {
			return fmt.Errorf("%s %s answers %d %q, not 200 %q", r.Method, r.URL.Path, c.writer.status, got, c.want[i])
		}
	}
	return nil
}

// newRequest returns a request as net/http's server would hand it to a handler.
func newRequest(method, path, cookie string) *http.Request {
	r := httptest.NewRequest(method, path, nil)
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

// A formReader is the body of a posted form.
type formReader struct{ strings.Reader }

func (*formReader) Close() error { return nil }

// A reusedWriter is an http.ResponseWriter that is used again and again, so that
// what it costs is not in the figures. It keeps the last answer.
type reusedWriter struct {
	header http.Header
	status int
	body   []byte
}

func newReusedWriter() *reusedWriter {
	return &reusedWriter{header: make(http.Header), body: make([]byte, 0, 4096)}
}

func (w *reusedWriter) reset() {
	clear(w.header)
	w.status, w.body = 0, w.body[:0]
}

func (w *reusedWriter) Header() http.Header { return w.header }

func (w *reusedWriter) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
	}
}

func (w *reusedWriter) Write(p []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	w.body = append(w.body, p...)
	return len(p), nil
}

func (w *reusedWriter) WriteString(s string) (int, error) {
	w.WriteHeader(http.StatusOK)
	w.body = append(w.body, s...)
	return len(s), nil
}

// Flush and EnableFullDuplex make the writer as capable as net/http's own in the eyes of
// those who ask.
func (w *reusedWriter) Flush()                  { w.WriteHeader(http.StatusOK) }
func (w *reusedWriter) EnableFullDuplex() error { return nil }

var (
	_ io.StringWriter = (*reusedWriter)(nil)
	_ http.Flusher    = (*reusedWriter)(nil)
)
