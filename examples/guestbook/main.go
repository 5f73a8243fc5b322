// Guestbook is the guestbook of App Engine's Python tutorial, moved from webapp2. It
// runs with nothing but Go, and then keeps everything in memory until it ends:
//
//	go run ./examples/guestbook
//
// With a project, or if DATASTORE_EMULATOR_HOST is set, it keeps entries, users and
// sessions in Datastore:
//
//	go run ./examples/guestbook -project my-project
//
// The flag -database, or DATASTORE_DATABASE, names another database than the default one.
//
// If WEBAPP2_SECRET_FILE names a file with the webapp2 program's secret_key, users who are
// logged in there are logged in here. Package cloud reads the session keys.
//
// docs/migrating.md shows the move step by step.
package main

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"log/slog"
	"os"

	"github.com/webapp2go/webapp2go/cloud"
	"github.com/webapp2go/webapp2go/framework"
	"github.com/webapp2go/webapp2go/sessions/datastore"
	"github.com/webapp2go/webapp2go/terminal"
)

func main() {
	project := flag.String("project", "", "keep everything in the Datastore of this `project`; if empty, in memory")
	database := flag.String("database", "", "the `id` of the database there; if empty, $DATASTORE_DATABASE, else the default one")
	flag.Parse()
	if err := run(context.Background(), *project, *database); err != nil {
		fmt.Fprintln(os.Stderr, "guestbook:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, project, database string) error {
	platform := cloud.Detect()
	slog.SetDefault(platform.Logger(ctx, slog.LevelInfo))
	var screen *terminal.Handler // if nil, the log is for other programs
	if platform == cloud.Elsewhere {
		screen = terminal.Use(terminal.Options{Name: "guestbook", Notes: [][2]string{{"log in", "sign up first"}}})
	}

	c := config{insecure: platform == cloud.Elsewhere}
	var err error
	if c.keys, err = platform.SessionKeys(ctx); err != nil {
		return err
	}
	if file := os.Getenv("WEBAPP2_SECRET_FILE"); file != "" {
		if c.oldSecret, err = os.ReadFile(file); err != nil {
			return fmt.Errorf("WEBAPP2_SECRET_FILE: %w", err)
		}
		if c.oldSecret = bytes.TrimSpace(c.oldSecret); len(c.oldSecret) == 0 {
			return fmt.Errorf("WEBAPP2_SECRET_FILE: %s is empty", file)
		}
	}
	kept := inMemory()
	if project != "" || os.Getenv("DATASTORE_EMULATOR_HOST") != "" {
		client, err := datastore.Open(ctx, project, database)
		if err != nil {
			return err
		}
		defer client.Close()
		kept = inDatastore(client)
		screen.Note("data", "in Datastore")
	} else {
		screen.Note("data", "in memory, gone when this ends")
	}
	site, err := newSite(kept, c)
	if err != nil {
		return err
	}
	app := newApp(site, kept.book)
	app.TrustedProxy = platform.Proxy()
	if screen != nil {
		app.RequestLog = slog.Default()
	}
	if err := platform.Check(app, kept.sessions, kept.users); err != nil {
		return fmt.Errorf("%w (set -project)", err)
	}
	return framework.Serve(ctx, platform.Trace(app))
}
