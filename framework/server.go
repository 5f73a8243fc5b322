package framework

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log"
	"log/slog"
	"math"
	"net"
	"net/http"
	"os"
	"os/signal"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// A Server serves an App until it is told to stop. Handler must be set; the zero value of
// every other field works.
type Server struct {
	// Handler serves the requests: an App, or middleware around one. If it has a method
	// Check() error, Run calls it before it listens.
	Handler http.Handler

	// Addr is the TCP address to listen on. If empty, it is the socket that systemd has
	// opened for the program (LISTEN_FDS, see sd_listen_fds(3)), else the port of the
	// environment variable PORT on all interfaces, as App Engine and Cloud Run want it, else
	// 127.0.0.1:8080. A socket of systemd stays open while the program restarts, so that no
	// request is lost.
	Addr string
	// Listener is used instead of Addr if it is not nil. Run closes it.
	Listener net.Listener
	// TLS is the configuration of HTTPS. If nil, the server uses plain HTTP. Otherwise it
	// must have a certificate, see [tls.LoadX509KeyPair].
	TLS *tls.Config

	// ReadHeaderTimeout bounds the time to read the header of a request. If 0, 10 seconds.
	ReadHeaderTimeout time.Duration
	// ReadTimeout bounds the time to read a whole request. If 0, 60 seconds.
	ReadTimeout time.Duration
	// WriteTimeout bounds the time that the client takes to accept the next 256 KiB of a
	// response. If 0, 60 seconds. If negative, there is no bound. It ends responses that are
	// not read, and neither streams nor responses that take long to make: a [Response]
	// begins it again before each write and each flush. A handler can set a deadline of its
	// own with [http.ResponseController].
	WriteTimeout time.Duration
	// IdleTimeout bounds the time between two requests of a connection. If 0, 2 minutes.
	IdleTimeout time.Duration
	// MaxHeaderBytes bounds the header of a request. If 0, 32 KiB.
	MaxHeaderBytes int

	// DrainTimeout is how long requests may continue after the server has begun to stop. If
	// 0, 2.5 seconds: App Engine is said to end a program 3 seconds after SIGTERM.
	DrainTimeout time.Duration
	// StopDelay is for a load balancer that asks a health check whether to send requests
	// here, as Kubernetes does. For this long after the signal the server takes requests,
	// while [Stopping] is true for each, so that package health responds with 503. Then it
	// begins to stop. If 0, it stops at once.
	StopDelay time.Duration
	// OnShutdown has functions that are called when the server begins to stop, each in
	// its own goroutine. Run waits for them within DrainTimeout. A handler that streams
	// needs none: it waits for its [RequestHandler.StreamContext] to end.
	OnShutdown []func()

	// Log gets one record when the server listens. If nil, slog.Default().
	Log *slog.Logger
	// ErrorLog gets net/http's errors of connections. If nil, they are warnings in Log.
	ErrorLog *log.Logger
	// Listening, if not nil, is called once the server listens.
	Listening func(addr net.Addr)
}

// Serve runs an App with the defaults of [Server] until ctx ends or a signal comes.
func Serve(ctx context.Context, app http.Handler) error {
	return Server{Handler: app}.Run(ctx)
}

// Run calls the Check method of the Handler, listens, and serves until ctx ends or the
// process gets SIGTERM or an interrupt. It then begins to stop: it accepts no requests,
// closes idle connections, ends the StreamContext of running requests, and waits for
// their handlers up to DrainTimeout. It returns nil if all of them have returned. A
// second signal kills the process at once.
func (s Server) Run(ctx context.Context) error {
	if err := s.check(); err != nil {
		return err
	}
	ctx, cancel := signal.NotifyContext(ctx, syscall.SIGTERM, os.Interrupt)
	defer cancel()

	logger := cmp.Or(s.Log, slog.Default())
	writeTimeout := max(cmp.Or(s.WriteTimeout, time.Minute), 0)
	listener, err := s.listen(ctx)
	if err != nil {
		return err
	}
	state := newServerState(s.Handler)
	server := &http.Server{
		Handler:           state,
		ReadHeaderTimeout: cmp.Or(s.ReadHeaderTimeout, 10*time.Second),
		ReadTimeout:       cmp.Or(s.ReadTimeout, time.Minute),
		WriteTimeout:      writeTimeout,
		IdleTimeout:       cmp.Or(s.IdleTimeout, 2*time.Minute),
		MaxHeaderBytes:    cmp.Or(s.MaxHeaderBytes, 32<<10),
		ErrorLog:          cmp.Or(s.ErrorLog, slog.NewLogLogger(logger.Handler(), slog.LevelWarn)),
		TLSConfig:         s.TLS.Clone(),
		BaseContext: func(net.Listener) context.Context {
			return context.WithValue(context.Background(), serverStateKey{}, state)
		},
		ConnContext: func(ctx context.Context, connection net.Conn) context.Context {
			return context.WithValue(ctx, clientKey{}, &client{connection: connection, timeout: writeTimeout})
		},
		ConnState: state.connection,
	}
	serve, scheme := server.Serve, "http://"
	if s.TLS != nil {
		serve, scheme = func(l net.Listener) error { return server.ServeTLS(l, "", "") }, "https://"
	}
	if s.Listening != nil {
		s.Listening(listener.Addr())
	}
	logger.InfoContext(ctx, "listening", "address", scheme+listener.Addr().String())

	served := make(chan error, 1)
	go func() { served <- serve(listener) }()
	select {
	case err := <-served:
		return fmt.Errorf("framework: %w", err)
	case <-ctx.Done():
	}
	cancel() // a second signal kills the process
	state.stopping.Store(true)
	select {
	case err := <-served:
		return fmt.Errorf("framework: %w", err)
	case <-time.After(s.StopDelay):
	}
	listener.Close()
	<-served // the port is free, and state knows every connection
	return state.drain(server, s.OnShutdown, cmp.Or(s.DrainTimeout, 2500*time.Millisecond))
}

// check returns an error that keeps the server from starting.
func (s Server) check() error {
	switch {
	case s.Handler == nil:
		return errors.New("framework: Server.Handler is nil: set it, to an App for example")
	case s.DrainTimeout < 0:
		return errors.New("framework: Server.DrainTimeout is negative: set a longer time, or 0 for 2.5 seconds")
	case s.StopDelay < 0:
		return errors.New("framework: Server.StopDelay is negative: set a longer time, or 0 for none")
	case slices.ContainsFunc(s.OnShutdown, func(f func()) bool { return f == nil }):
		return errors.New("framework: Server.OnShutdown has a nil function: leave it out")
	case s.TLS != nil && len(s.TLS.Certificates) == 0 && s.TLS.GetCertificate == nil && s.TLS.GetConfigForClient == nil:
		return errors.New("framework: Server.TLS has no certificate: set its Certificates, with tls.LoadX509KeyPair for example, or its GetCertificate")
	}
	if app, ok := s.Handler.(interface{ Check() error }); ok {
		return app.Check()
	}
	return nil
}

// listen opens the port. Its errors name the setting that has chosen the address, and say
// how to fix it.
func (s Server) listen(ctx context.Context) (net.Listener, error) {
	if s.Listener != nil {
		return s.Listener, nil
	}
	address, from, example := s.Addr, "Server.Addr, often the flag -addr", "127.0.0.1:8080"
	if address == "" {
		if pid, _ := strconv.Atoi(os.Getenv("LISTEN_PID")); pid == os.Getpid() {
			return fromSystemd(os.Getenv("LISTEN_FDS"))
		}
		port := os.Getenv("PORT")
		address, from, example = ":"+port, "the variable PORT", "8080"
		if port == "" {
			address, from = "127.0.0.1:8080", "Server.Addr, often the flag -addr, or the variable PORT, which opens it to other machines"
		} else if n, err := strconv.Atoi(port); err != nil || n < 0 || n > math.MaxUint16 {
			return nil, fmt.Errorf("framework: the variable PORT is %q: it must be the number of a port, such as 8080", port)
		}
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	switch {
	case err == nil:
		return listener, nil
	case errors.Is(err, syscall.EADDRINUSE):
		return nil, fmt.Errorf("framework: another program listens on %s: stop it, or choose another port with %s: %w", address, from, err)
	case errors.Is(err, syscall.EACCES):
		return nil, fmt.Errorf("framework: this user may not listen on %s: choose a port above 1023 with %s: %w", address, from, err)
	}
	return nil, fmt.Errorf("framework: cannot listen on %q, from %s: it must be such as %q: %w", address, from, example, err)
}

// fromSystemd returns the socket that systemd has opened for this process. It passes them
// as file descriptors, of which 3 is the first. A second Server does not get it again.
func fromSystemd(count string) (net.Listener, error) {
	os.Unsetenv("LISTEN_PID")
	if count != "1" {
		return nil, fmt.Errorf("framework: systemd has passed %s sockets (LISTEN_FDS), and the program serves one: leave one ListenStream in its socket unit", cmp.Or(count, "no"))
	}
	file := os.NewFile(3, "systemd")
	defer file.Close() // the listener has a copy, which no child inherits
	listener, err := net.FileListener(file)
	if err != nil {
		return nil, fmt.Errorf("framework: the socket of systemd cannot be used: it must be a ListenStream of TCP or a Unix socket: %w", err)
	}
	return listener, nil
}

// A serverState is what a running Server knows of its requests and connections.
type serverState struct {
	handler  http.Handler
	stopping atomic.Bool     // whether the server was told to stop
	running  atomic.Int64    // how many handlers have not returned, with those of hijacked connections
	stop     context.Context // ends when the server begins to stop
	end      context.CancelFunc

	mutex sync.Mutex
	fresh map[net.Conn]time.Time // the connections without a request that a handler got, and since when
}

// serverStateKey is the key of the *serverState in the context of a request.
type serverStateKey struct{}

// serverStateOf returns the state of the Server of a request, nil if another server
// serves it.
func serverStateOf(ctx context.Context) *serverState {
	state, _ := ctx.Value(serverStateKey{}).(*serverState)
	return state
}

// Stopping reports whether the [Server] of a request has been told to stop, by the
// request's context. Health checks use it. If another server serves the request, it is
// false.
func Stopping(ctx context.Context) bool {
	state := serverStateOf(ctx)
	return state != nil && state.stopping.Load()
}

func newServerState(h http.Handler) *serverState {
	state := &serverState{handler: h, fresh: map[net.Conn]time.Time{}}
	state.stop, state.end = context.WithCancel(context.Background())
	return state
}

func (s *serverState) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.running.Add(1)
	defer s.running.Add(-1)
	if c, _ := r.Context().Value(clientKey{}).(*client); c != nil && !c.served.Load() {
		c.served.Store(true)
		s.forget(c.connection)
	}
	s.handler.ServeHTTP(w, r)
}

// connection keeps which connections are fresh.
func (s *serverState) connection(c net.Conn, state http.ConnState) {
	switch state {
	case http.StateNew:
		s.mutex.Lock()
		defer s.mutex.Unlock()
		s.fresh[c] = time.Now()
	case http.StateClosed, http.StateHijacked:
		s.forget(c)
	}
}

func (s *serverState) forget(c net.Conn) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	delete(s.fresh, c)
}

// firstRequest is how long a stop waits for the first request of a new connection.
const firstRequest = 500 * time.Millisecond

// serveFresh waits until the handlers have the first requests of all connections, or ctx
// ends. It closes connections that have sent none for too long.
func (s *serverState) serveFresh(ctx context.Context) {
	for ctx.Err() == nil {
		s.mutex.Lock()
		for c, since := range s.fresh {
			if time.Since(since) >= firstRequest {
				c.Close()
			}
		}
		left := len(s.fresh)
		s.mutex.Unlock()
		if left == 0 {
			return
		}
		pause(ctx)
	}
}

// pause waits for a moment, or until ctx ends.
func pause(ctx context.Context) {
	select {
	case <-time.After(10 * time.Millisecond):
	case <-ctx.Done():
	}
}

// drain lets running requests finish, and cuts off those that take longer than budget.
func (s *serverState) drain(server *http.Server, onShutdown []func(), budget time.Duration) error {
	ctx, cancel := context.WithTimeout(context.Background(), budget)
	defer cancel()
	s.end()
	for _, f := range onShutdown {
		s.running.Add(1)
		go func() {
			defer s.running.Add(-1)
			if err := protect(func() error { f(); return nil }); err != nil {
				server.ErrorLog.Print("a function of Server.OnShutdown: ", err)
			}
		}()
	}
	s.serveFresh(ctx) // Shutdown drops a request that it has not read
	if server.Shutdown(ctx) != nil {
		late := s.running.Load() > 0 // Close ends some of them
		server.Close()
		if late {
			return cutOff(budget, ctx.Err())
		}
	}
	for s.running.Load() > 0 { // Shutdown does not wait for hijacked connections
		if ctx.Err() != nil {
			return cutOff(budget, ctx.Err())
		}
		pause(ctx)
	}
	return nil
}

func cutOff(budget time.Duration, err error) error {
	return fmt.Errorf("framework: handlers or OnShutdown functions that still ran %v after the server had begun to stop were cut off: return when StreamContext ends, or set a longer Server.DrainTimeout: %w", budget, err)
}
