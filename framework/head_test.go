package framework_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
)

// The response to HEAD is that to GET without the body. The body is counted and not sent.
func TestHeadOfAnyBody(t *testing.T) {
	for name, test := range map[string]struct {
		do   func(h *action) error
		size int64
		kind string
	}{
		"small":  {func(h *action) error { _, err := io.WriteString(h, "<html>"); return err }, 6, "text/html; charset=utf-8"},
		"pieces": {func(h *action) error { io.WriteString(h, "<ht"); _, err := io.WriteString(h, "ml>"); return err }, 6, "text/html; charset=utf-8"},
		"large":  {func(h *action) error { _, err := h.Write(make([]byte, 1<<20)); return err }, 1 << 20, "application/octet-stream"},
		"ReadFrom": {func(h *action) error {
			_, err := h.Response.ReadFrom(strings.NewReader(strings.Repeat("x", 100<<10)))
			return err
		}, 100 << 10, "text/plain; charset=utf-8"},
		"streamed": {func(h *action) error {
			fmt.Fprint(h, "first")
			h.Response.Flush()
			_, err := fmt.Fprint(h, "second")
			return err
		}, -1, "text/plain; charset=utf-8"},
		"own type": {func(h *action) error {
			h.Response.Header().Set("Content-Type", "text/css")
			_, err := io.WriteString(h, "<html>")
			return err
		}, 6, "text/css"},
		"error page": {func(h *action) error { return h.Abort(404) }, 274, "text/html; charset=utf-8"},
	} {
		t.Run(name, func(t *testing.T) {
			app, _ := appOf(t, test.do)
			server := start(t, app)
			asGet, body := get(t, server.URL+"/")
			head, _, err := fetch(t, request(t, "HEAD", server.URL+"/", ""))
			if err != nil {
				t.Fatal(err)
			}
			if head.ContentLength != test.size || head.Header.Get("Content-Type") != test.kind {
				t.Errorf("HEAD: length %d, type %q", head.ContentLength, head.Header.Get("Content-Type"))
			}
			if test.size >= 0 && int64(len(body)) != test.size {
				t.Errorf("GET has %d bytes", len(body))
			}
			if kind := asGet.Header.Get("Content-Type"); kind != test.kind {
				t.Errorf("GET has the type %q", kind)
			}
			if head.StatusCode != asGet.StatusCode {
				t.Errorf("HEAD %d, GET %d", head.StatusCode, asGet.StatusCode)
			}
		})
	}
}

func TestStatusWithoutABody(t *testing.T) {
	for _, status := range []int{204, 304} {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			app, _ := appOf(t, func(h *action) error {
				io.WriteString(h, "too early to know")
				h.Response.WriteHeader(status)
				if _, err := io.WriteString(h, "page"); !errors.Is(err, http.ErrBodyNotAllowed) {
					t.Errorf("Write returned %v", err)
				}
				return nil
			})
			answer, body := get(t, start(t, app).URL+"/")
			if answer.StatusCode != status || body != "" || answer.Header.Get("Content-Length") != "" || answer.Header.Get("Content-Type") != "" {
				t.Errorf("answer %d %v %q", answer.StatusCode, answer.Header, body)
			}
		})
	}
}
