package framework_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"strings"
	"testing"
)

func TestHijack(t *testing.T) {
	for name, test := range map[string]struct {
		hook    func(http.ResponseWriter) error
		refused bool
	}{
		"without a cookie": {func(http.ResponseWriter) error { return nil }, false},
		"with a cookie":    {bake("session"), true},
	} {
		t.Run(name, func(t *testing.T) {
			app, log := appOf(t, func(h *action) error {
				h.Response.BeforeSend(test.hook)
				connection, _, err := http.NewResponseController(h.Response).Hijack()
				if err != nil {
					return err
				}
				defer connection.Close()
				if _, err := h.Write([]byte("x")); !errors.Is(err, http.ErrHijacked) {
					t.Errorf("Write returned %v", err)
				}
				if err := h.Response.FlushError(); !errors.Is(err, http.ErrHijacked) {
					t.Errorf("Flush returned %v", err)
				}
				if _, _, err := h.Response.Hijack(); !errors.Is(err, http.ErrHijacked) {
					t.Errorf("a second Hijack returned %v", err)
				}
				_, err = io.WriteString(connection, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi")
				return err
			})
			answer, body := get(t, start(t, app).URL+"/")
			if test.refused {
				if answer.StatusCode != 500 || len(answer.Cookies()) != 1 || log.records("Hijack would lose a cookie") != 1 {
					t.Errorf("answer %d %v, log:\n%s", answer.StatusCode, answer.Header, log)
				}
			} else if body != "hi" || log.String() != "" {
				t.Errorf("body %q, log:\n%s", body, log)
			}
		})
	}
}

func TestHijackWithoutAConnection(t *testing.T) {
	app, _ := appOf(t, func(h *action) error {
		if _, _, err := h.Response.Hijack(); !errors.Is(err, http.ErrNotSupported) {
			t.Errorf("Hijack returned %v", err)
		}
		_, err := io.WriteString(h, "answered all the same")
		return err
	})
	if answer := ask(app, "GET", "/"); answer.Code != 200 || answer.Body.String() != "answered all the same" {
		t.Errorf("answer %d %q", answer.Code, answer.Body)
	}
}

// 101 is a final status: it has the cookie of the hooks, and then the connection is hijacked.
func TestSwitchingProtocols(t *testing.T) {
	app, _ := appOf(t, func(h *action) error {
		h.Response.BeforeSend(bake("session"))
		h.Response.Header().Set("Upgrade", "echo")
		h.Response.Header().Set("Connection", "Upgrade")
		h.Response.WriteHeader(http.StatusSwitchingProtocols)
		if !h.Response.HeaderWritten() {
			t.Error("101 is not sent")
		}
		connection, buffered, err := h.Response.Hijack()
		if err != nil {
			return err
		}
		defer connection.Close()
		line, err := buffered.ReadString('\n')
		if err != nil {
			return err
		}
		_, err = io.WriteString(connection, line)
		return err
	})
	connection, err := net.Dial("tcp", start(t, app).Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer connection.Close()
	io.WriteString(connection, "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\nhello\n")
	reader := bufio.NewReader(connection)
	answer, err := http.ReadResponse(reader, nil)
	if err != nil {
		t.Fatal(err)
	}
	if answer.StatusCode != 101 || len(answer.Cookies()) != 1 {
		t.Errorf("answer %d %v", answer.StatusCode, answer.Header)
	}
	if line, err := reader.ReadString('\n'); line != "hello\n" {
		t.Errorf("echo %q, %v", line, err)
	}
}

func TestInformationalStatusPassesThrough(t *testing.T) {
	app, _ := appOf(t, func(h *action) error {
		h.Response.BeforeSend(bake("session"))
		h.Response.Header().Set("Link", "</style.css>; rel=preload")
		h.Response.WriteHeader(http.StatusEarlyHints)
		if h.Response.HeaderWritten() || h.Response.Status() != 200 {
			t.Error("103 is taken for the answer")
		}
		return h.Abort(404)
	})
	var hints []string
	r := request(t, "GET", start(t, app).URL+"/", "")
	r = r.WithContext(httptrace.WithClientTrace(r.Context(), &httptrace.ClientTrace{
		Got1xxResponse: func(code int, header textproto.MIMEHeader) error {
			hints = append(hints, fmt.Sprint(code, header.Get("Link"), header.Get("Set-Cookie")))
			return nil
		},
	}))
	answer, _, err := fetch(t, r)
	if err != nil || answer.StatusCode != 404 || len(answer.Cookies()) != 1 {
		t.Errorf("answer %d %v, %v", answer.StatusCode, answer.Header, err)
	}
	if got := strings.Join(hints, ","); got != "103</style.css>; rel=preload" {
		t.Errorf("hints %q", got)
	}
}
