package terminal_test

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"time"

	"github.com/webapp2go/webapp2go/terminal"
)

// A program in a terminal begins with Use. Without a terminal it changes nothing.
func ExampleUse() {
	terminal.Use(terminal.Options{
		Name:  "shop",
		Notes: [][2]string{{"log in as", "admin"}, {"data", "in memory, gone when this ends"}},
	})
	// Output:
}

// The records of a server: that it listens, two requests, and an error.
func ExampleNewHandler() {
	h := terminal.NewHandler(os.Stdout, terminal.Options{Name: "shop", Plain: true})
	h.Note("data", "in memory, gone when this ends")
	log := slog.New(withoutTime{h})

	log.Info("listening", "address", "http://127.0.0.1:8080")
	log.Info("request", "method", "GET", "path", "/", "status", 200, "duration", 400*time.Microsecond)
	log.Info("request", "method", "POST", "path", "/login", "status", 401, "duration", 200*time.Millisecond)
	log.Error("mail was not sent", "error", errors.New("no route to host"), "to", "ann")
	// Output:
	//
	//   shop   http://127.0.0.1:8080
	//   data   in memory, gone when this ends
	//   stop   Ctrl-C
	//
	//           200  GET    /                            0.4 ms
	//           401  POST   /login                       200 ms
	//           ERROR  mail was not sent: no route to host  to=ann
}

// withoutTime makes the output of the example the same at any time.
type withoutTime struct{ slog.Handler }

func (h withoutTime) Handle(ctx context.Context, record slog.Record) error {
	record.Time = time.Time{}
	return h.Handler.Handle(ctx, record)
}
