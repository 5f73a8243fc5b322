package framework_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/webapp2go/webapp2go/framework"
)

// run starts a server and returns its URL and the result of Run.
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

// slow is an app whose action reports when it has begun, and waits until it may end.
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

// fetchLater fetches a URL in the background, and sends the body or the error.
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
	for { // until the port is closed and only the request is left
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
	if err == nil || !strings.HasPrefix(err.Error(), "framework: handlers or OnShutdown functions that still ran 1ms after the server had begun to stop were cut off") || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Run returned %v", err)
	}
	if body := <-result; !strings.HasPrefix(body, "error: ") {
		t.Errorf("the request that was cut off got %q", body)
	}
}

// Run frees the port, even if it is told to stop as soon as the port is open.
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

// A request that waits for the stop, or a connection without a request, does not delay it: Run
// returns nil, long before the end of DrainTimeout.
func TestServerStopsAtOnce(t *testing.T) {
	begun := make(chan bool, 1)
	app, _ := newApp(t)
	app.Handle("/stream", do(app, func(h *action) error {
		if err := h.Response.FlushError(); err != nil {
			return err
		}
		begun <- true
		stop := h.StreamContext()
		<-stop.Done()
		_, err := fmt.Fprint(h, context.Cause(stop), ", ", h.Context().Err())
		return err
	}))
	app.HandleFunc("/plain", func(w http.ResponseWriter, r *http.Request) {
		begun <- true
		stop := framework.StreamContext(r.Context())
		<-stop.Done()
		fmt.Fprint(w, context.Cause(stop), ", ", r.Context().Err())
	})
	app.Handle("/hijacked", do(app, func(h *action) error {
		stop := h.StreamContext()
		connection, _, err := h.Response.Hijack()
		if err != nil {
			return err
		}
		defer connection.Close()
		begun <- true
		<-stop.Done()
		_, err = fmt.Fprintf(connection, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n%v, %v", context.Cause(stop), h.Context().Err())
		return err
	}))
	app.Handle("/", do(app, func(h *action) error { return h.JSON(true) }))
	const told = "http: Server closed, <nil>"
	for name, use := range map[string]func(t *testing.T, url string) (body <-chan string){
		"a stream":              func(t *testing.T, url string) <-chan string { return fetchLater(url + "/stream") },
		"an http.Handler":       func(t *testing.T, url string) <-chan string { return fetchLater(url + "/plain") },
		"a hijacked connection": func(t *testing.T, url string) <-chan string { return fetchLater(url + "/hijacked") },
		"an idle connection": func(t *testing.T, url string) <-chan string {
			transport := new(http.Transport)
			t.Cleanup(transport.CloseIdleConnections)
			answer, err := transport.RoundTrip(request(t, "GET", url+"/", ""))
			if err != nil {
				t.Fatal(err)
			}
			io.ReadAll(answer.Body)
			answer.Body.Close()
			begun <- true
			return nil
		},
		"a new connection": func(t *testing.T, url string) <-chan string {
			connection, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { connection.Close() })
			get(t, url+"/") // the server accepts connections in their order
			begun <- true
			return nil
		},
		"half a header": func(t *testing.T, url string) <-chan string {
			connection, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { connection.Close() })
			io.WriteString(connection, "GET / HTTP/1.1\r\n")
			get(t, url+"/")
			begun <- true
			return nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			url, ended := run(t, framework.Server{Handler: app, Addr: "127.0.0.1:0", DrainTimeout: 5 * time.Minute, ReadHeaderTimeout: time.Hour})
			body := use(t, url)
			<-begun
			began := time.Now()
			terminate(t)
			if err := <-ended; err != nil || time.Since(began) > time.Minute {
				t.Errorf("Run returned %v after %v", err, time.Since(began))
			}
			if body != nil {
				if got := <-body; got != told {
					t.Errorf("answer %q, want %q", got, told)
				}
			}
		})
	}
}

// A request that comes after the stop has begun, on an open connection, gets a response.
func TestServerAnswersFreshConnections(t *testing.T) {
	app, _ := appOf(t, func(h *action) error { return h.Text("hello") })
	var answer *http.Response
	var err error
	for range 20 { // a busy machine may be too slow to send it in time
		url, ended := run(t, framework.Server{Handler: app, Addr: "127.0.0.1:0", DrainTimeout: time.Minute})
		address := strings.TrimPrefix(url, "http://")
		var connection net.Conn
		if connection, err = net.Dial("tcp", address); err != nil {
			t.Fatal(err)
		}
		get(t, url+"/") // the server accepts connections in their order
		terminate(t)
		for {
			another, err := net.Dial("tcp", address)
			if err != nil {
				break
			}
			another.Close()
		}
		io.WriteString(connection, "GET / HTTP/1.1\r\nHost: site.example\r\nConnection: close\r\n\r\n")
		answer, err = http.ReadResponse(bufio.NewReader(connection), nil)
		connection.Close()
		if ended := <-ended; ended != nil {
			t.Errorf("Run returned %v", ended)
		}
		if err == nil {
			break
		}
	}
	if err != nil || answer.StatusCode != 200 {
		t.Errorf("got %v, %v", answer, err)
	}
}

// A hijacked connection whose handler does not end is closed, and logged.
func TestServerCutsOffWhatIsHijacked(t *testing.T) {
	begun, may := make(chan bool), make(chan bool)
	app, _ := appOf(t, func(h *action) error {
		connection, _, err := h.Response.Hijack()
		if err != nil {
			return err
		}
		defer connection.Close()
		begun <- true
		<-may
		return nil
	})
	defer close(may)
	url, ended := run(t, framework.Server{Handler: app, Addr: "127.0.0.1:0", DrainTimeout: time.Millisecond})
	fetchLater(url + "/")
	<-begun
	terminate(t)
	if err := <-ended; !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Run returned %v", err)
	}
}

func TestServerOnShutdown(t *testing.T) {
	app, _ := newApp(t)
	never := make(chan bool)
	defer close(never)
	for name, test := range map[string]struct {
		last  func()
		drain time.Duration
		want  error
	}{
		"ends":   {func() {}, time.Minute, nil},
		"panics": {func() { panic("broken") }, time.Minute, nil},
		"hangs":  {func() { <-never }, time.Millisecond, context.DeadlineExceeded},
	} {
		t.Run(name, func(t *testing.T) {
			var called atomic.Int32
			f := func() { called.Add(1) }
			_, ended := run(t, framework.Server{Handler: app, Addr: "127.0.0.1:0", DrainTimeout: test.drain, OnShutdown: []func(){f, f, test.last}})
			terminate(t)
			if err := <-ended; !errors.Is(err, test.want) || test.want == nil && called.Load() != 2 {
				t.Errorf("Run returned %v; %d called", err, called.Load())
			}
		})
	}
}

// While a server stops it accepts requests, but tells the load balancer to send no more.
func TestServerStopDelay(t *testing.T) {
	app, _ := newApp(t)
	app.HandleFunc("/health", func(w http.ResponseWriter, r *http.Request) {
		if framework.Stopping(r.Context()) {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	})
	app.Handle("/", do(app, func(h *action) error {
		_, err := fmt.Fprint(h, h.StreamContext().Err())
		return err
	}))
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	url, ended := run(t, framework.Server{Handler: app, Listener: listener, StopDelay: time.Hour})
	if answer, body := get(t, url+"/health"); answer.StatusCode != 200 {
		t.Fatalf("before: %d %s", answer.StatusCode, body)
	}
	terminate(t)
	for {
		if answer, _ := get(t, url+"/health"); answer.StatusCode == 503 {
			break
		}
	}
	if answer, body := get(t, url+"/"); answer.StatusCode != 200 || body != "<nil>" {
		t.Errorf("a request meanwhile: %d %s", answer.StatusCode, body)
	}
	select {
	case err := <-ended:
		t.Errorf("Run returned %v", err)
	default:
	}
	listener.Close()
	if err := <-ended; !errors.Is(err, net.ErrClosed) {
		t.Errorf("without its listener Run returned %v", err)
	}
}

func TestServerListener(t *testing.T) {
	app, _ := appOf(t, func(h *action) error { return h.JSON(h.App.Scheme(h.Request)) })
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	certified := httptest.NewUnstartedServer(nil)
	certified.StartTLS()
	defer certified.Close()
	said := make(chan string, 10)
	url, ended := run(t, framework.Server{
		Handler: app, Listener: listener, Addr: "not used",
		TLS:      certified.TLS,
		ErrorLog: log.New(writerFunc(func(p []byte) (int, error) { said <- string(p); return len(p), nil }), "", 0),
	})
	if url != "http://"+listener.Addr().String() {
		t.Errorf("listens on %s", url)
	}
	answer, err := certified.Client().Get("https" + strings.TrimPrefix(url, "http"))
	if err != nil {
		t.Fatal(err)
	}
	body, _ := io.ReadAll(answer.Body)
	answer.Body.Close()
	if string(body) != "\"https\"\n" {
		t.Errorf("answer %q", body)
	}
	if answer, err := http.Get(url); err == nil {
		answer.Body.Close()
		if answer.StatusCode != 400 {
			t.Errorf("plain HTTP: %d", answer.StatusCode)
		}
	}
	if line := <-said; !strings.Contains(line, "TLS handshake error") {
		t.Errorf("the ErrorLog got %q", line)
	}
	terminate(t)
	if err := <-ended; err != nil {
		t.Errorf("Run returned %v", err)
	}
	if _, err := listener.Accept(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("the listener: %v", err)
	}
}

type writerFunc func(p []byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }

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

// If a server cannot start, Run returns an error before the port is open.
func TestServerMistakes(t *testing.T) {
	taken, err := net.Listen("tcp", ":0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	_, port, err := net.SplitHostPort(taken.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	wrong, _ := newApp(t)
	wrong.Handle("/", framework.To[needy](wrong))
	right, _ := newApp(t)
	for name, test := range map[string]struct {
		server     framework.Server
		port, want string
	}{
		"no handler":        {framework.Server{}, "", "framework: Server.Handler is nil"},
		"Check":             {framework.Server{Handler: wrong}, "", "framework: *framework_test.needy: set app.Init = site.Init"},
		"no port":           {framework.Server{Handler: right, Addr: "127.0.0.1"}, "", `framework: cannot listen on "127.0.0.1", from Server.Addr, often the flag -addr: it must be such as "127.0.0.1:8080"`},
		"a bad port":        {framework.Server{Handler: right, Addr: "127.0.0.1:99999"}, "", `framework: cannot listen on "127.0.0.1:99999", from Server.Addr`},
		"PORT is a word":    {framework.Server{Handler: right}, "http8", `framework: the variable PORT is "http8": it must be the number of a port, such as 8080`},
		"PORT is too large": {framework.Server{Handler: right}, "65536", `framework: the variable PORT is "65536"`},
		"PORT is negative":  {framework.Server{Handler: right}, "-1", `framework: the variable PORT is "-1"`},
		"PORT is an Addr":   {framework.Server{Handler: right}, taken.Addr().String(), "it must be the number of a port, such as 8080"},
		"a taken Addr":      {framework.Server{Handler: right, Addr: taken.Addr().String()}, "", "framework: another program listens on " + taken.Addr().String() + ": stop it, or choose another port with Server.Addr, often the flag -addr: listen"},
		"a taken PORT":      {framework.Server{Handler: right}, port, "framework: another program listens on :" + port + ": stop it, or choose another port with the variable PORT: listen"},
		"negative drain":    {framework.Server{Handler: right, DrainTimeout: -1}, "", "framework: Server.DrainTimeout is negative"},
		"negative delay":    {framework.Server{Handler: right, StopDelay: -1}, "", "framework: Server.StopDelay is negative"},
		"no certificate":    {framework.Server{Handler: right, TLS: new(tls.Config)}, "", "framework: Server.TLS has no certificate: set its Certificates"},
		"nil OnShutdown":    {framework.Server{Handler: right, OnShutdown: []func(){nil}}, "", "framework: Server.OnShutdown has a nil function"},
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

// A client that never completes its header does not hold a connection for ever.
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
