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
type Server struct {
	Handler http.Handler

	Addr string // empty: ":" + the variable PORT where it is set, as App Engine and Cloud Run do, else 127.0.0.1:8080

	ReadHeaderTimeout time.Duration // from the connection to the end of the header; 0: 10 seconds
	ReadTimeout       time.Duration // to the end of the body; 0: 60 seconds
	WriteTimeout      time.Duration // from the end of the header to the end of the answer; 0: none, so that streams live
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
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", s.address())
	if err != nil {
		return fmt.Errorf("framework: %w", err)
	}
	server := &http.Server{
		Handler:           s.Handler,
		ReadHeaderTimeout: cmp.Or(s.ReadHeaderTimeout, 10*time.Second),
		ReadTimeout:       cmp.Or(s.ReadTimeout, time.Minute),
		WriteTimeout:      s.WriteTimeout,
		IdleTimeout:       cmp.Or(s.IdleTimeout, 2*time.Minute),
		MaxHeaderBytes:    cmp.Or(s.MaxHeaderBytes, 32<<10),
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelWarn),
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
