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

// A Server runs an app until it is told to stop. The zero value of every field but
// Handler works.
//
// WriteTimeout ends a response that nobody reads, and leaves those alone that take long
// to make: a [Response] begins it again before each write and each flush, so that a
// stream may last for hours. A handler that sets a write deadline of its own, with
// [http.ResponseController], has that one.
type Server struct {
	Handler http.Handler

	Addr     string       // empty: ":" + the variable PORT where it is set, as App Engine and Cloud Run do, else 127.0.0.1:8080
	Listener net.Listener // if nil, Run listens on Addr; else Addr is not used, and Run closes the Listener when it stops
	TLS      *tls.Config  // if nil, plain HTTP; else it must have a certificate, see [tls.LoadX509KeyPair]

	ReadHeaderTimeout time.Duration // from the connection to the end of the header; 0: 10 seconds
	ReadTimeout       time.Duration // to the end of the body; 0: 60 seconds
	WriteTimeout      time.Duration // how long the client may take to accept the next 256 KiB of a response; 0: 60 seconds; negative: for ever
	IdleTimeout       time.Duration // between two requests of a connection; 0: 2 minutes
	MaxHeaderBytes    int           // 0: 32 KiB
	DrainTimeout      time.Duration // how long requests may go on after the server has begun to stop; 0: 3 seconds

	// StopDelay is for a load balancer that asks a health check whether to send
	// requests here, as Kubernetes does. For this long after the signal the server takes
	// requests, while [Stopping] is true for each, so that package health responds with
	// 503. Then it begins to stop. If 0, it stops at once.
	StopDelay time.Duration
	// OnShutdown functions are called when the server begins to stop, each in a goroutine
	// of its own, to end what the handlers do not know of. Run waits for them within
	// DrainTimeout. A handler that streams waits on its [RequestHandler.StreamContext].
	OnShutdown []func()

	Log       *slog.Logger        // nil: slog.Default()
	ErrorLog  *log.Logger         // what net/http says of connections; if nil, Log gets it, as warnings
	Listening func(addr net.Addr) // called once the port is open; nil: nothing
}

// Serve runs an app with the defaults of [Server].
func Serve(ctx context.Context, app http.Handler) error {
	return Server{Handler: app}.Run(ctx)
}

// Run checks the Handler where it has a Check() error, as an [App] does, listens, and
// serves until ctx ends or SIGTERM or an interrupt comes. Then it begins to stop: it takes
// no new requests, closes the connections that have none, ends the StreamContext of those
// that run, and lets them end within DrainTimeout. It returns nil if all handlers have
// ended, else an error. A second signal ends the process at once.
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
			return context.WithValue(ctx, clientKey{}, &client{connection, writeTimeout})
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
	cancel() // from here on a signal has its usual effect
	state.stopping.Store(true)
	select {
	case err := <-served:
		return fmt.Errorf("framework: %w", err)
	case <-time.After(s.StopDelay):
	}
	err = state.drain(server, s.OnShutdown, cmp.Or(s.DrainTimeout, 3*time.Second))
	<-served // the port is free only now, where the signal came before Serve had begun
	return err
}

// check returns what keeps the server from starting, before the port is open.
func (s Server) check() error {
	switch {
	case s.Handler == nil:
		return errors.New("framework: Server without a Handler")
	case s.DrainTimeout < 0:
		return errors.New("framework: Server.DrainTimeout is negative: 0 is 3 seconds")
	case s.StopDelay < 0:
		return errors.New("framework: Server.StopDelay is negative: 0 is none")
	case slices.ContainsFunc(s.OnShutdown, func(f func()) bool { return f == nil }):
		return errors.New("framework: Server.OnShutdown holds a nil function: leave it out")
	case s.TLS != nil && len(s.TLS.Certificates) == 0 && s.TLS.GetCertificate == nil && s.TLS.GetConfigForClient == nil:
		return errors.New("framework: Server.TLS has no certificate: set its Certificates, as with tls.LoadX509KeyPair, or its GetCertificate")
	}
	if app, ok := s.Handler.(interface{ Check() error }); ok {
		return app.Check()
	}
	return nil
}

// listen opens the port. Its errors name what chose the address, and how to fix it.
func (s Server) listen(ctx context.Context) (net.Listener, error) {
	if s.Listener != nil {
		return s.Listener, nil
	}
	address, from, example := s.Addr, "Server.Addr", "127.0.0.1:8080"
	if address == "" {
		port := os.Getenv("PORT")
		address, from, example = ":"+port, "the variable PORT", "8080"
		if port == "" {
			address = "127.0.0.1:8080"
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

// serving is what a Server knows of its requests and connections while it runs.
type serverState struct {
	handler  http.Handler
	stopping atomic.Bool     // the signal to stop has come
	running  atomic.Int64    // handlers that have not returned, those of hijacked connections included
	stop     context.Context // ends when the server begins to stop
	end      context.CancelFunc

	mutex sync.Mutex
	fresh map[net.Conn]time.Time // connections that have sent no request, and since when
}

// serverStateKey is the key of the *serverState in the context of a request.
type serverStateKey struct{}

// serverStateOf returns what the Server of a request knows, nil if none of ours serves it.
func serverStateOf(ctx context.Context) *serverState {
	state, _ := ctx.Value(serverStateKey{}).(*serverState)
	return state
}

// Stopping reports whether the [Server] of the request with this context has been told to
// stop. It is false for a request that another server took. A health check asks it.
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
	s.handler.ServeHTTP(w, r)
}

// connection notes which connections have sent no request yet.
func (s *serverState) connection(c net.Conn, state http.ConnState) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if state == http.StateNew {
		s.fresh[c] = time.Now()
	} else {
		delete(s.fresh, c)
	}
}

// firstRequest is how long a stop waits for the request of a new connection, which may
// be on its way. Without one net/http would wait 5 seconds.
const firstRequest = 500 * time.Millisecond

// closeFresh closes the connections that have sent no request for long enough, until ctx
// ends.
func (s *serverState) closeFresh(ctx context.Context) {
	for ctx.Err() == nil {
		s.mutex.Lock()
		for c, since := range s.fresh {
			if time.Since(since) >= firstRequest {
				c.Close()
			}
		}
		s.mutex.Unlock()
		pause(ctx)
	}
}

// pause waits a little, or until ctx ends.
func pause(ctx context.Context) {
	select {
	case <-time.After(10 * time.Millisecond):
	case <-ctx.Done():
	}
}

// drain lets running requests end, and cuts off those that take longer.
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
	go s.closeFresh(ctx)
	if server.Shutdown(ctx) != nil {
		late := s.running.Load() > 0 // before their connections are closed, which ends some
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
	return fmt.Errorf("framework: handlers or OnShutdown functions that still ran %v after the server began to stop were cut off: %w", budget, err)
}
