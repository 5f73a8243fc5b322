package framework_test

import (
	"io"
	"net/http"
	"testing"
)

// An error replaces the body and the headers that described it. Other headers stay.
func TestReset(t *testing.T) {
	dropped := map[string]string{
		"Cache-Control": "public, immutable, max-age=31536000", "Etag": `"a"`, "Last-Modified": "Mon, 02 Jan 2006 15:04:05 GMT",
		"Expires": "Mon, 02 Jan 2106 15:04:05 GMT", "Accept-Ranges": "bytes", "Location": "/there", "Trailer": "Sum",
		"Content-Type": "image/png", "Content-Length": "4", "Content-Encoding": "br", "Content-Disposition": "attachment",
		"Content-Language": "de", "Content-Range": "bytes 0-1/2",
	}
	kept := map[string]string{
		"Content-Security-Policy": "default-src 'self'", "Content-Security-Policy-Report-Only": "default-src 'none'",
		"Set-Cookie": "a=b", "Vary": "Cookie", "Strict-Transport-Security": "max-age=1", "Allow": "GET", "Www-Authenticate": "Basic",
	}
	app, _ := appOf(t, func(h *action) error {
		for _, headers := range []map[string]string{dropped, kept} {
			for name, value := range headers {
				h.Response.Header().Set(name, value)
			}
		}
		h.Response.WriteHeader(http.StatusPartialContent)
		io.WriteString(h, "page")
		h.Response.Reset()
		if h.Response.Status() != 200 {
			t.Errorf("status %d", h.Response.Status())
		}
		return nil
	})
	answer := ask(app, "GET", "/").Result()
	for name := range dropped {
		if value := answer.Header.Get(name); value != "" {
			t.Errorf("%s: %s was kept", name, value)
		}
	}
	for name, value := range kept {
		if got := answer.Header.Get(name); got != value {
			t.Errorf("%s: %q, want %q", name, got, value)
		}
	}
	if answer.ContentLength > 0 || answer.StatusCode != 200 {
		t.Errorf("answer %d of %d bytes", answer.StatusCode, answer.ContentLength)
	}
}

func TestResetAfterSendingDoesNothing(t *testing.T) {
	app, _ := appOf(t, func(h *action) error {
		h.Response.WriteHeader(http.StatusCreated)
		h.Response.Flush()
		h.Response.Reset()
		if h.Response.Status() != 201 {
			t.Errorf("status %d", h.Response.Status())
		}
		return nil
	})
	ask(app, "GET", "/")
}
