package framework

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
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

	Addr string // empty: ":" + the variable PORT where it is set, as App Engine and Cloud Run do, else 127.0.0.1:8080

	ReadHeaderTimeout time.Duration // from the connection to the end of the header; 0: 10 seconds
	ReadTimeout       time.Duration // to the end of the body; 0: 60 seconds
	WriteTimeout      time.Duration // how long the client may take to accept the next 256 KiB of a response; 0: 60 seconds; negative: for ever
	IdleTimeout       time.Duration // between two requests of a connection; 0: 2 minutes
	MaxHeaderBytes    int           // 0: 32 KiB
	DrainTimeout      time.Duration // how long requests may go on after the signal to stop; 0: 3 seconds

	Log       *slog.Logger        // nil: slog.Default()
	Listening func(addr net.Addr) // called once the port is open; nil: nothing
}

// Serve runs an app with the defaults of [Server].
func Serve(ctx context.Context, app http.Handler) error {
	return Server{Handler: app}.Run(ctx)
}

// Run checks the Handler where it has a Check() error, as an [App] does, listens, and
// serves until ctx ends or SIGTERM or an interrupt comes. Then it takes no new
// requests, lets the running ones end within DrainTimeout, and returns: nil, or an
// error if some had to be cut off. A second signal ends the process at once.
func (s Server) Run(ctx context.Context) error {
	if s.Handler == nil {
		return errors.New("framework: Server without a Handler")
	}
	if s.DrainTimeout < 0 {
		return errors.New("framework: Server.DrainTimeout is negative: 0 is 3 seconds")
	}
	if app, ok := s.Handler.(interface{ Check() error }); ok {
		if err := app.Check(); err != nil {
			return err
		}
	}
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGTERM, os.Interrupt)
	defer stop()

	log := cmp.Or(s.Log, slog.Default())
	writeTimeout := max(cmp.Or(s.WriteTimeout, time.Minute), 0)
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", s.address())
	if err != nil {
		return fmt.Errorf("framework: %w", err)
	}
	server := &http.Server{
		Handler:           s.Handler,
		ReadHeaderTimeout: cmp.Or(s.ReadHeaderTimeout, 10*time.Second),
		ReadTimeout:       cmp.Or(s.ReadTimeout, time.Minute),
		WriteTimeout:      writeTimeout,
		ConnContext: func(ctx context.Context, connection net.Conn) context.Context {
			return context.WithValue(ctx, clientKey{}, &client{connection, writeTimeout})
		},
		IdleTimeout:    cmp.Or(s.IdleTimeout, 2*time.Minute),
		MaxHeaderBytes: cmp.Or(s.MaxHeaderBytes, 32<<10),
		ErrorLog:       slog.NewLogLogger(log.Handler(), slog.LevelWarn),
	}
	if s.Listening != nil {
		s.Listening(listener.Addr())
	}
	log.InfoContext(ctx, "listening", "address", "http://"+listener.Addr().String())

	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	select {
	case err := <-served:
		return fmt.Errorf("framework: %w", err)
	case <-ctx.Done():
	}
	stop() // from here on a signal has its usual effect
	err = drain(server, cmp.Or(s.DrainTimeout, 3*time.Second))
	<-served // the port is free only now, where the signal came before Serve had begun
	return err
}

// A client is the connection that a request came on, with the Server's WriteTimeout.
//
// net/http begins its own write timeout when it has read the header of the request,
// which would end every stream, and every response that takes long to make. So a
// Response begins it again before each piece that it writes. What ends is a response
// that nobody reads. An http.Handler around the App, or in its place, that writes by
// itself has the time of one WriteTimeout.
type client struct {
	connection net.Conn
	timeout    time.Duration // 0: none
}

type clientKey struct{}

// piece is how many bytes a client has to accept within the WriteTimeout.
const piece = 256 << 10

// clientOf returns the client of a request that a Server took, nil if another did.
func clientOf(r *http.Request) *client {
	c, _ := r.Context().Value(clientKey{}).(*client)
	if c == nil || c.timeout == 0 {
		return nil
	}
	return c
}

// drain lets running requests end, and cuts off those that take longer.
func drain(server *http.Server, budget time.Duration) error {
	ctx, cancel := context.WithTimeout(context.Background(), budget)
	defer cancel()
	if err := server.Shutdown(ctx); err != nil {
		server.Close()
		return fmt.Errorf("framework: requests still running %v after the signal to stop were cut off: %w", budget, err)
	}
	return nil
}

func (s Server) address() string {
	if s.Addr != "" {
		return s.Addr
	}
	if port := os.Getenv("PORT"); port != "" {
		return ":" + port
	}
	return "127.0.0.1:8080"
}
