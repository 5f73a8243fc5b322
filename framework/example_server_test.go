package framework_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/webapp2go/webapp2go/framework"
)

func ExampleServer() {
	app := framework.New()
	app.Handle("/hello/{name}", framework.To[HelloHandler](app))

	ctx, stop := context.WithCancel(context.Background())
	server := framework.Server{
		Handler:      app,
		Addr:         "127.0.0.1:0",
		DrainTimeout: 10 * time.Second,
		Log:          slog.New(slog.DiscardHandler),
		Listening: func(addr net.Addr) {
			go func() {
				defer stop()
				answer, err := http.Get("http://" + addr.String() + "/hello/Ann")
				if err != nil {
					fmt.Println(err)
					return
				}
				defer answer.Body.Close()
				body, err := io.ReadAll(answer.Body)
				fmt.Println(string(body), err)
			}()
		},
	}
	fmt.Println(server.Run(ctx))
	// Output:
	// Hello, Ann! <nil>
	// <nil>
}

func ExampleServe() {
	app := framework.New()
	app.Handle("no slash", framework.To[HelloHandler](app))
	fmt.Println(framework.Serve(context.Background(), app))
	// Output:
	// framework: route "no slash" never matches: template "no slash" must begin with a slash: write "/no slash"
}

// TickHandler streams a tick a second, as server-sent events.
type TickHandler struct{ framework.RequestHandler }

func (h *TickHandler) Get() error {
	h.Response.Header().Set("Content-Type", "text/event-stream")
	stop := h.StreamContext() // ends with the client, and with the server
	ticks := time.NewTicker(time.Second)
	defer ticks.Stop()
	for {
		fmt.Fprint(h, "data: tick\n\n")
		if err := h.Response.FlushError(); err != nil {
			return nil // the client has left
		}
		select {
		case <-ticks.C:
		case <-stop.Done():
			return nil
		}
	}
}

// A stream that waits for its StreamContext ends as soon as the server stops.
func ExampleRequestHandler_StreamContext() {
	app := framework.New()
	app.Handle("/ticks", framework.To[TickHandler](app))

	ctx, stop := context.WithCancel(context.Background())
	server := framework.Server{
		Handler: app,
		Addr:    "127.0.0.1:0",
		Log:     slog.New(slog.DiscardHandler),
		Listening: func(addr net.Addr) {
			go func() {
				defer stop()
				answer, err := http.Get("http://" + addr.String() + "/ticks")
				if err != nil {
					fmt.Println(err)
					return
				}
				fmt.Println(answer.Header.Get("Content-Type"))
			}()
		},
	}
	fmt.Println(server.Run(ctx))
	// Output:
	// text/event-stream
	// <nil>
}
