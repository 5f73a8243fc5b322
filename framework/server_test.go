package framework_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/webapp2go/webapp2go/framework"
)

// run starts a server and returns its URL and what Run will return.
func run(t *testing.T, s framework.Server) (url string, ended <-chan error) {
	t.Helper()
	open := make(chan net.Addr, 1)
	result := make(chan error, 1)
	s.Log = slog.New(slog.DiscardHandler)
	s.Listening = func(addr net.Addr) { open <- addr }
	ctx, stop := context.WithCancel(t.Context())
	t.Cleanup(stop)
	go func() { result <- s.Run(ctx) }()
	select {
	case addr := <-open:
		return "http://" + addr.String(), result
	case err := <-result:
		t.Fatalf("Run returned %v", err)
		return "", nil
	}
}

func terminate(t *testing.T) {
	t.Helper()
	if err := syscall.Kill(os.Getpid(), syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
}

// slow is an app whose action tells when it has begun, and ends when it may.
func slow(t *testing.T) (app *framework.App, begun, may chan bool) {
	begun, may = make(chan bool), make(chan bool)
	app, _ = appOf(t, func(h *action) error {
		begun <- true
		select {
		case <-may:
		case <-h.Context().Done():
		}
		_, err := io.WriteString(h, "done")
		return err
	})
	return app, begun, may
}

// fetchLater fetches a URL beside the test, and gives the body or the error.
func fetchLater(url string) <-chan string {
	result := make(chan string, 1)
	go func() {
		answer, err := http.Get(url)
		if err != nil {
			result <- "error: " + err.Error()
			return
		}
		defer answer.Body.Close()
		body, err := io.ReadAll(answer.Body)
		if err != nil {
			result <- "error: " + err.Error()
			return
		}
		result <- string(body)
	}()
	return result
}

func TestServerDrainsOnSIGTERM(t *testing.T) {
	app, begun, may := slow(t)
	url, ended := run(t, framework.Server{Handler: app, Addr: "127.0.0.1:0", DrainTimeout: time.Minute})
	result := fetchLater(url + "/")
	<-begun
	terminate(t)
	for { // until the port is closed, and the request is all that is left
		connection, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
		if err != nil {
			break
		}
		connection.Close()
	}
	select {
	case err := <-ended:
		t.Fatalf("Run returned %v while a request was running", err)
	default:
	}
	close(may)
	if body := <-result; body != "done" {
		t.Errorf("the running request got %q", body)
	}
	if err := <-ended; err != nil {
		t.Errorf("Run returned %v", err)
	}
}

func TestServerCutsOffWhatDoesNotEnd(t *testing.T) {
	app, begun, _ := slow(t)
	url, ended := run(t, framework.Server{Handler: app, Addr: "127.0.0.1:0", DrainTimeout: time.Millisecond})
	result := fetchLater(url + "/")
	<-begun
	terminate(t)
	err := <-ended
	if err == nil || !strings.HasPrefix(err.Error(), "framework: requests still running 1ms after the signal to stop were cut off") || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Run returned %v", err)
	}
	if body := <-result; !strings.HasPrefix(body, "error: ") {
		t.Errorf("the request that was cut off got %q", body)
	}
}

// Run leaves the port free, also where it is told to stop as soon as it is open.
func TestServerStopsWithItsContext(t *testing.T) {
	app, _ := newApp(t)
	for range 20 {
		ctx, stop := context.WithCancel(t.Context())
		var address string
		s := framework.Server{
			Handler: app, Addr: "127.0.0.1:0", Log: slog.New(slog.DiscardHandler),
			Listening: func(addr net.Addr) { address = addr.String(); stop() },
		}
		if err := s.Run(ctx); err != nil {
			t.Errorf("Run returned %v", err)
		}
		if connection, err := net.Dial("tcp", address); err == nil {
			connection.Close()
			t.Error("the port is still open")
		}
	}
}

func TestServerAddress(t *testing.T) {
	for name, test := range map[string]struct{ addr, port, want string }{
		"PORT":             {"", "0", "[::]:"},
		"Addr before PORT": {"127.0.0.1:0", "none", "127.0.0.1:"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("PORT", test.port)
			ctx, stop := context.WithCancel(t.Context())
			var got string
			err := framework.Server{
				Handler: http.NotFoundHandler(), Addr: test.addr, Log: slog.New(slog.DiscardHandler),
				Listening: func(addr net.Addr) { got = addr.String(); stop() },
			}.Run(ctx)
			if err != nil || !strings.HasPrefix(got, test.want) {
				t.Errorf("listened on %q, want %q; %v", got, test.want, err)
			}
		})
	}
}

// What keeps a server from starting is an error before the port is open.
func TestServerMistakes(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	wrong, _ := newApp(t)
	wrong.Handle("/", framework.To[needy](wrong))
	right, _ := newApp(t)
	for name, test := range map[string]struct {
		server     framework.Server
		port, want string
	}{
		"no handler":     {framework.Server{}, "", "framework: Server without a Handler"},
		"Check":          {framework.Server{Handler: wrong}, "", "framework: *framework_test.needy: set app.Init = site.Init"},
		"no port":        {framework.Server{Handler: right, Addr: "127.0.0.1"}, "", "framework: listen tcp: address 127.0.0.1: missing port in address"},
		"a bad port":     {framework.Server{Handler: right, Addr: "127.0.0.1:99999"}, "", "framework: listen tcp: address 99999: invalid port"},
		"a bad PORT":     {framework.Server{Handler: right}, "http8", "framework: listen tcp"},
		"a taken port":   {framework.Server{Handler: right, Addr: taken.Addr().String()}, "", "address already in use"},
		"negative drain": {framework.Server{Handler: right, DrainTimeout: -1}, "", "framework: Server.DrainTimeout is negative"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("PORT", test.port)
			test.server.Log = slog.New(slog.DiscardHandler)
			test.server.Listening = func(net.Addr) { t.Error("the port was opened") }
			if err := test.server.Run(t.Context()); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("Run returned %v", err)
			}
		})
	}
	t.Run("Serve", func(t *testing.T) {
		if err := framework.Serve(t.Context(), wrong); err == nil || !strings.Contains(err.Error(), "app.Init") {
			t.Errorf("Serve returned %v", err)
		}
	})
}

func TestServerRefusesLargeHeaders(t *testing.T) {
	app, _ := appOf(t, func(h *action) error { return nil })
	url, _ := run(t, framework.Server{Handler: app, Addr: "127.0.0.1:0"})
	for size, want := range map[int]int{16 << 10: 200, 64 << 10: 431} {
		r := request(t, "GET", url+"/", "")
		r.Header.Set("Cookie", "a="+strings.Repeat("x", size))
		if answer, _, err := fetch(t, r); err != nil || answer.StatusCode != want {
			t.Errorf("%d bytes: answer %d, %v", size, answer.StatusCode, err)
		}
	}
}

// A client that never ends its header does not hold a connection for ever.
func TestServerTimesOut(t *testing.T) {
	app, _ := newApp(t)
	url, _ := run(t, framework.Server{Handler: app, Addr: "127.0.0.1:0", ReadHeaderTimeout: time.Millisecond})
	connection, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer connection.Close()
	io.WriteString(connection, "GET / HTTP/1.1\r\n")
	if _, err := io.ReadAll(connection); err != nil && !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("the connection ended with %v", err)
	}
}
