package framework_test

import (
	"bufio"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/webapp2go/webapp2go/framework"
)

// knock sends a request for a path, and does not read the response.
func knock(t *testing.T, url, path string) net.Conn {
	t.Helper()
	connection, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { connection.Close() })
	connection.(*net.TCPConn).SetReadBuffer(4 << 10)
	fmt.Fprintf(connection, "GET %s HTTP/1.1\r\nHost: a\r\n\r\n", path)
	return connection
}

// A response that the client does not read ends, however it is written, also if the client has
// read some of it.
func TestServerEndsWhatNobodyReads(t *testing.T) {
	const large = 64 << 20
	name := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(name, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(name, large); err != nil {
		t.Fatal(err)
	}
	for what, write := range map[string]func(h *action) error{
		"one write": func(h *action) error { _, err := h.Write(make([]byte, large)); return err },
		"many writes": func(h *action) error {
			for range large / 1024 {
				if _, err := h.Write(make([]byte, 1024)); err != nil {
					return err
				}
			}
			return nil
		},
		"flushes": func(h *action) error {
			for range large / 1024 {
				if _, err := h.Write(make([]byte, 1024)); err != nil {
					return err
				}
				if err := h.Response.FlushError(); err != nil {
					return err
				}
			}
			return nil
		},
		"a file": func(h *action) error {
			file, err := os.Open(name)
			if err != nil {
				return err
			}
			defer file.Close()
			_, err = io.Copy(h.Response, file)
			return err
		},
		"a reader": func(h *action) error {
			_, err := io.Copy(h.Response, io.LimitReader(zeros{}, large))
			return err
		},
	} {
		t.Run(what, func(t *testing.T) {
			ended := make(chan error, 1)
			app, _ := appOf(t, func(h *action) error {
				err := write(h)
				ended <- err
				return err
			})
			url, _ := run(t, framework.Server{Handler: app, Addr: "127.0.0.1:0", WriteTimeout: 100 * time.Millisecond})
			client := bufio.NewReader(knock(t, url, "/"))
			if _, err := client.Discard(64 << 10); err != nil {
				t.Fatal(err)
			}
			if err := <-ended; !errors.Is(err, os.ErrDeadlineExceeded) {
				t.Errorf("the action ended with %v", err)
			}
		})
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

// A response may take longer than WriteTimeout to make, and a stream may last longer:
// only the client's time counts.
func TestServerWaitsForTheHandler(t *testing.T) {
	const timeout = 50 * time.Millisecond
	pause := func() { time.Sleep(3 * timeout) } // longer on a busy machine, which is harmless
	for what, write := range map[string]func(h *action) error{
		"a slow start": func(h *action) error { pause(); _, err := io.WriteString(h, "abc"); return err },
		"flushes": func(h *action) error {
			for _, letter := range []string{"a", "b", "c"} {
				io.WriteString(h, letter)
				if err := h.Response.FlushError(); err != nil {
					return err
				}
				pause()
			}
			return nil
		},
		"writes after a flush": func(h *action) error {
			h.Response.Flush()
			for _, letter := range []string{"a", "b", "c"} {
				pause()
				if _, err := io.WriteString(h, letter); err != nil {
					return err
				}
			}
			return nil
		},
		"a slow pipe": func(h *action) error {
			h.Response.Flush()
			from, to := io.Pipe()
			go func() {
				for _, letter := range []string{"a", "b", "c"} {
					pause()
					io.WriteString(to, letter)
				}
				to.Close()
			}()
			_, err := io.Copy(h.Response, from)
			return err
		},
		"a pipe that is a file": func(h *action) error {
			h.Response.Flush()
			from, to, err := os.Pipe()
			if err != nil {
				return err
			}
			defer from.Close()
			go func() {
				for _, letter := range []string{"a", "b", "c"} {
					pause()
					io.WriteString(to, letter)
				}
				to.Close()
			}()
			_, err = io.Copy(h.Response, from)
			return err
		},
		"middleware that hides the writer": func(h *action) error { pause(); _, err := io.WriteString(h, "abc"); return err },
	} {
		for protocol := 1; protocol <= 2; protocol++ {
			hides := strings.HasPrefix(what, "middleware")
			if hides && protocol == 2 {
				continue // here the writer is the only way to the stream's deadline
			}
			t.Run(fmt.Sprint(what, " HTTP/", protocol), func(t *testing.T) {
				t.Parallel()
				app, log := appOf(t, write)
				var handler http.Handler = app
				if hides {
					handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
						app.ServeHTTP(struct{ http.ResponseWriter }{w}, r)
					})
				}
				server := framework.Server{Handler: handler, Addr: "127.0.0.1:0", WriteTimeout: timeout}
				client := http.DefaultClient
				if protocol == 2 {
					client, server.TLS = secure(t)
				}
				url, _ := run(t, server)
				if protocol == 2 {
					url = "https" + strings.TrimPrefix(url, "http")
				}
				for range 2 { // the second on the same connection
					answer, err := client.Get(url + "/")
					for tries := 0; err != nil && protocol == 2 && tries < 20; tries++ {
						answer, err = client.Get(url + "/") // net/http bounds the TLS handshake by WriteTimeout too
					}
					if err != nil {
						t.Fatal(err)
					}
					body, err := io.ReadAll(answer.Body)
					answer.Body.Close()
					if answer.StatusCode != 200 || string(body) != "abc" || err != nil || answer.ProtoMajor != protocol {
						t.Errorf("response %d %q by %s, %v", answer.StatusCode, body, answer.Proto, err)
					}
				}
				if log.String() != "" {
					t.Errorf("log:\n%s", log)
				}
			})
		}
	}
}

// secure returns a client that uses HTTP/2, and the configuration of its server.
func secure(t *testing.T) (*http.Client, *tls.Config) {
	t.Helper()
	certified := httptest.NewUnstartedServer(nil)
	certified.EnableHTTP2 = true
	certified.StartTLS()
	t.Cleanup(certified.Close)
	return certified.Client(), &tls.Config{Certificates: certified.TLS.Certificates}
}

// A stream of HTTP/2 that is not read ends too, and does not affect the other streams of its
// connection.
func TestServerEndsAStreamThatNobodyReads(t *testing.T) {
	ended := make(chan error, 1)
	app, _ := newApp(t)
	app.Handle("/large", do(app, func(h *action) error {
		_, err := io.Copy(h.Response, io.LimitReader(zeros{}, 64<<20))
		ended <- err
		return err
	}))
	app.Handle("/small", do(app, func(h *action) error { _, err := io.WriteString(h, "small"); return err }))
	client, config := secure(t)
	url, _ := run(t, framework.Server{Handler: app, Addr: "127.0.0.1:0", TLS: config, WriteTimeout: 100 * time.Millisecond})
	url = "https" + strings.TrimPrefix(url, "http")
	unread, err := client.Get(url + "/large")
	if err != nil {
		t.Fatal(err)
	}
	defer unread.Body.Close()
	if err := <-ended; err == nil {
		t.Error("a response that nobody reads was sent")
	}
	answer, err := client.Get(url + "/small")
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if body, err := io.ReadAll(answer.Body); string(body) != "small" || err != nil {
		t.Errorf("another stream: %q, %v", body, err)
	}
}

// A large file arrives whole, through http.ServeContent's LimitedReader too.
func TestServerSendsAFileInPieces(t *testing.T) {
	name := filepath.Join(t.TempDir(), "file")
	content := strings.Repeat("0123456789abcdef", 1<<16+1)
	if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	for what, write := range map[string]func(h *action) error{
		"ServeFile": func(h *action) error { http.ServeFile(h.Response, h.Request, name); return nil },
		"Copy": func(h *action) error {
			file, err := os.Open(name)
			if err != nil {
				return err
			}
			defer file.Close()
			_, err = io.Copy(h.Response, file)
			return err
		},
		"Write": func(h *action) error { _, err := io.WriteString(h, content); return err },
	} {
		t.Run(what, func(t *testing.T) {
			app, _ := appOf(t, write)
			url, _ := run(t, framework.Server{Handler: app, Addr: "127.0.0.1:0"})
			if answer, body := get(t, url+"/"); answer.StatusCode != 200 || body != content {
				t.Errorf("response %d of %d bytes, want %d", answer.StatusCode, len(body), len(content))
			}
		})
	}
}

// A hijacked connection has no deadline, also after the request.
func TestServerLeavesAHijackedConnection(t *testing.T) {
	const timeout = 20 * time.Millisecond
	taken := make(chan net.Conn, 1)
	app, _ := appOf(t, func(h *action) error {
		connection, _, err := h.Response.Hijack()
		taken <- connection
		return err
	})
	url, _ := run(t, framework.Server{Handler: app, Addr: "127.0.0.1:0", WriteTimeout: timeout})
	client := knock(t, url, "/")
	connection := <-taken
	defer connection.Close()
	time.Sleep(3 * timeout)
	if _, err := io.WriteString(connection, "hello"); err != nil {
		t.Error(err)
	}
	if got, err := bufio.NewReader(client).Peek(5); err != nil || string(got) != "hello" {
		t.Errorf("%q, %v", got, err)
	}
}

// A handler's own deadline stays: WriteTimeout does not move it.
func TestServerLeavesADeadlineOfTheHandler(t *testing.T) {
	ended := make(chan error, 1)
	app, _ := appOf(t, func(h *action) error {
		if err := http.NewResponseController(h.Response).SetWriteDeadline(time.Now().Add(-time.Second)); err != nil {
			t.Error(err)
		}
		io.WriteString(h, "page")
		err := h.Response.FlushError()
		ended <- err
		return err
	})
	url, _ := run(t, framework.Server{Handler: app, Addr: "127.0.0.1:0"})
	io.Copy(io.Discard, knock(t, url, "/"))
	if err := <-ended; !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("the action ended with %v", err)
	}
}

func TestServerWriteTimeout(t *testing.T) {
	for set, want := range map[time.Duration]time.Duration{0: time.Minute, time.Hour: time.Hour, -1: 0} {
		app, _ := appOf(t, func(h *action) error {
			_, err := fmt.Fprint(h, h.Context().Value(http.ServerContextKey).(*http.Server).WriteTimeout)
			return err
		})
		url, _ := run(t, framework.Server{Handler: app, Addr: "127.0.0.1:0", WriteTimeout: set})
		if _, body := get(t, url+"/"); body != want.String() {
			t.Errorf("WriteTimeout %v is %s, want %v", set, body, want)
		}
	}
}
