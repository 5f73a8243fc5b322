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
	"time"

	sqlusers "github.com/webapp2go/webapp2go/auth/sqlstore"
	"github.com/webapp2go/webapp2go/cloud"
	"github.com/webapp2go/webapp2go/framework"
	"github.com/webapp2go/webapp2go/sessions"
	"github.com/webapp2go/webapp2go/sessions/sqlstore"
	"github.com/webapp2go/webapp2go/sqldb/sqlite"
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
	data := flags.String("data", "board.db", "keep users and sessions in this `file` of SQLite")
	if err := flags.Parse(args); err != nil {
		return err
	}
	db, err := sqlite.Open(*data, sqlite.Config{})
	if err != nil {
		return err
	}
	defer db.Close()
	users, err := sqlusers.New(ctx, db, sqlusers.Config{})
	if err != nil {
		return err
	}
	backend, err := sqlstore.New(ctx, db, sqlstore.Config{})
	if err != nil {
		return err
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	go deleteExpired(ctx, backend)

	keys, err := cloud.Detect().SessionKeys(ctx) // $SESSION_KEYS_FILE, or random ones
	if err != nil {
		return err
	}
	manager, err := sessions.New(sessions.Config{
		Keys:     keys,
		Sessions: []sessions.Spec{{Backend: backend, Insecure: *insecure}},
	})
	if err != nil {
		return err
	}
	app, err := newApp(manager, users, new(Notes), os.Getenv("API_KEY"))
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

// deleteExpired deletes once an hour the sessions that have ended. The database keeps them
// until then.
func deleteExpired(ctx context.Context, backend *sqlstore.Backend) {
	for {
		if _, err := backend.DeleteExpired(ctx, 100_000); err != nil {
			slog.WarnContext(ctx, "sessions that have ended are still kept", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(time.Hour):
		}
	}
}
