// Guide is a notice board, the site that docs/guide.md is made from. Users write notes with
// a photo, everybody reads them, and new ones appear without a reload.
//
//	go run . -insecure
package main

import (
	"context"
	"flag"
	"fmt"
	"log/slog"
	"os"

	"github.com/webapp2go/webapp2go/auth"
	"github.com/webapp2go/webapp2go/cloud"
	"github.com/webapp2go/webapp2go/framework"
	"github.com/webapp2go/webapp2go/sessions"
)

func main() {
	if err := run(context.Background(), os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "guide:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("guide", flag.ContinueOnError)
	addr := flags.String("addr", "", "listen on this `host:port`; if empty, on $PORT or 127.0.0.1:8080")
	insecure := flags.Bool("insecure", false, "send cookies over plain http too, for a laptop")
	proxies := flags.Int("proxies", 0, "how many proxies in a row stand in front, such as 1 for nginx")
	baseURL := flags.String("base-url", "", "the `address` of the site, for absolute links")
	if err := flags.Parse(args); err != nil {
		return err
	}
	keys, err := cloud.Detect().SessionKeys(ctx) // $SESSION_KEYS_FILE, or random ones
	if err != nil {
		return err
	}
	manager, err := sessions.New(sessions.Config{
		Keys:     keys,
		Sessions: []sessions.Spec{{Backend: sessions.NewMemory(), Insecure: *insecure}},
	})
	if err != nil {
		return err
	}
	app, err := newApp(manager, auth.NewMemory(), new(Notes), os.Getenv("API_KEY"))
	if err != nil {
		return err
	}
	app.BaseURL = *baseURL
	app.RequestLog = slog.Default()
	if *proxies > 0 {
		app.TrustedProxy = framework.Proxies(*proxies)
	}
	return framework.Server{Handler: app, Addr: *addr}.Run(ctx)
}
