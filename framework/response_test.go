package framework_test

import (
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/webapp2go/webapp2go/framework"
)

func TestResponseIsHeldBack(t *testing.T) {
	app, _ := appOf(t, func(h *action) error {
		io.WriteString(h, "page")
		if h.Response.HeaderWritten() {
			t.Error("sent before the action returned")
		}
		h.Response.Header().Set("After", "the body")
		h.Response.WriteHeader(http.StatusCreated)
		return nil
	})
	answer, body := get(t, start(t, app).URL+"/")
	if answer.StatusCode != 201 || answer.Header.Get("After") != "the body" || answer.ContentLength != 4 || body != "page" {
		t.Errorf("answer %d %v %q", answer.StatusCode, answer.Header, body)
	}
}

func TestResponseStreamsPastItsBuffer(t *testing.T) {
	for name, test := range map[string]struct {
		buffer, size int
		held         bool
	}{
		"64 KiB fit":      {0, 64 << 10, true},
		"one more":        {0, 64<<10 + 1, false},
		"a small buffer":  {10, 3000, false},
		"exactly fitting": {10, 10, true},
	} {
		for how, write := range map[string]func(h *action, text string) error{
			"Write":       func(h *action, text string) error { _, err := h.Write([]byte(text)); return err },
			"WriteString": func(h *action, text string) error { _, err := h.Response.WriteString(text); return err },
			"in pieces": func(h *action, text string) error {
				for piece := range strings.SplitSeq(text, "") {
					if _, err := io.WriteString(h.Response, piece); err != nil {
						return err
					}
				}
				return nil
			},
		} {
			t.Run(name+", "+how, func(t *testing.T) {
				text := strings.Repeat("x", test.size)
				app, _ := appOf(t, func(h *action) error {
					err := write(h, text)
					if h.Response.HeaderWritten() == test.held {
						t.Errorf("sent: %v", h.Response.HeaderWritten())
					}
					return err
				})
				app.BufferSize = test.buffer
				answer, body := get(t, start(t, app).URL+"/")
				if body != text {
					t.Errorf("%d bytes arrived", len(body))
				}
				if (answer.ContentLength == int64(test.size)) != test.held {
					t.Errorf("Content-Length %d", answer.ContentLength)
				}
			})
		}
	}
}

func TestTrailerIsSent(t *testing.T) {
	app, _ := appOf(t, func(h *action) error {
		h.Response.Header().Set("Trailer", "Sum")
		io.WriteString(h, "page")
		h.Response.Header().Set("Sum", "42")
		return nil
	})
	answer, body := get(t, start(t, app).URL+"/")
	if body != "page" || answer.Trailer.Get("Sum") != "42" {
		t.Errorf("body %q, trailer %v", body, answer.Trailer)
	}
}

// A goroutine that outlives the request cannot write to another response.
func TestWriteAfterTheEnd(t *testing.T) {
	var kept *framework.Response
	app, _ := appOf(t, func(h *action) error { kept = h.Response; return nil })
	answer := ask(app, "GET", "/")
	if _, err := kept.Write([]byte("late")); err == nil || err.Error() != "framework: write after the end of the request" {
		t.Errorf("Write returned %v", err)
	}
	if _, err := kept.WriteString("late"); err == nil {
		t.Error("WriteString returned no error")
	}
	if _, err := kept.ReadFrom(strings.NewReader("late")); err == nil {
		t.Error("ReadFrom returned no error")
	}
	if err := kept.FlushError(); err == nil {
		t.Error("FlushError returned no error")
	}
	if _, _, err := kept.Hijack(); err == nil {
		t.Error("Hijack returned no error")
	}
	kept.WriteHeader(http.StatusTeapot)
	if answer.Code != 200 || answer.Body.Len() != 0 {
		t.Errorf("answer %d %q", answer.Code, answer.Body)
	}
}

func TestStatusOfTwoDigitsIsRefused(t *testing.T) {
	app, log := appOf(t, func(h *action) error { h.Response.WriteHeader(42); return nil })
	if answer := ask(app, "GET", "/"); answer.Code != 500 || log.records("a status has three digits") != 1 {
		t.Errorf("answer %d, log:\n%s", answer.Code, log)
	}
}

// countingListener counts the writes of the server.
type countingListener struct {
	net.Listener
	writes *atomic.Int64
}

type countingConn struct {
	net.Conn
	writes *atomic.Int64
}

func (l countingListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	return countingConn{c, l.writes}, err
}

func (c countingConn) Write(p []byte) (int, error) {
	c.writes.Add(1)
	return c.Conn.Write(p)
}

func TestSmallResponseIsOneWrite(t *testing.T) {
	app, _ := appOf(t, func(h *action) error {
		h.Response.BeforeSend(bake("session"))
		for range 10 {
			io.WriteString(h, "a part of the page\n")
		}
		return nil
	})
	var writes atomic.Int64
	server := httptest.NewUnstartedServer(app)
	server.Listener = countingListener{server.Listener, &writes}
	server.Start()
	defer server.Close()
	get(t, server.URL+"/")
	if n := writes.Load(); n != 1 {
		t.Errorf("%d writes", n)
	}
}

func TestLineBreaksCannotInjectHeaders(t *testing.T) {
	app, _ := appOf(t, func(h *action) error {
		h.Response.Header().Set("Name", "a\r\nSet-Cookie: stolen=1")
		return nil
	})
	if answer, _ := get(t, start(t, app).URL+"/"); len(answer.Cookies()) != 0 {
		t.Errorf("header %v", answer.Header)
	}
}
