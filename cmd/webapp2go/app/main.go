// Myapp is a web application made with webapp2go.
package main

import (
	"context"
	"embed"
	"flag"
	"fmt"
	"io/fs"
	"log/slog"
	"os"

	"github.com/webapp2go/webapp2go/auth"
	authdatastore "github.com/webapp2go/webapp2go/auth/datastore"
	"github.com/webapp2go/webapp2go/cloud"
	"github.com/webapp2go/webapp2go/framework"
	"github.com/webapp2go/webapp2go/sessions"
	"github.com/webapp2go/webapp2go/sessions/datastore"
	"github.com/webapp2go/webapp2go/templates"
	"github.com/webapp2go/webapp2go/terminal"
)

//go:embed pages
var embedded embed.FS

func main() {
	if err := run(context.Background(), os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "myapp:", err)
		os.Exit(1)
	}
}

// run serves the site until ctx ends or a signal comes.
func run(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("myapp", flag.ExitOnError)
	dev := flags.Bool("dev", false, "for development: read the folder pages at each change, show errors in the browser, use plain http")
	addr := flags.String("addr", "", "listen on this `host:port`; if empty, on $PORT or 127.0.0.1:8080")
	flags.Parse(args)
	if port := os.Getenv("PORT"); *dev && *addr == "" && port != "" {
		*addr = "127.0.0.1:" + port // so that no other machine sees the errors
	}
	platform := cloud.Detect()
	slog.SetDefault(platform.Logger(ctx, slog.LevelInfo))
	keys, err := platform.SessionKeys(ctx) // without $SESSION_KEYS, random ones on a laptop
	if err != nil {
		return err
	}
	var kept sessions.Backend = sessions.NewMemory()
	var users auth.Backend = auth.NewMemory()
	if platform != cloud.Elsewhere { // App Engine or Cloud Run
		client, err := datastore.Open(ctx, "")
		if err != nil {
			return err
		}
		defer client.Close()
		kept = datastore.New(client, datastore.Config{})
		users = authdatastore.New(client, authdatastore.Config{})
	} else {
		terminal.Use(terminal.Options{Name: "myapp", Notes: [][2]string{{"data", "in memory, gone when this ends"}}})
	}
	manager, err := sessions.New(sessions.Config{
		Keys:     keys,
		Sessions: []sessions.Spec{{Name: "myapp", Backend: kept, Insecure: *dev}},
	})
	if err != nil {
		return err
	}
	pages, err := openPages(*dev)
	if err != nil {
		return err
	}
	app := newApp(manager, users, pages)
	app.Debug, app.RequestLog, app.TrustedProxy = *dev, slog.Default(), platform.Proxy()
	if err := platform.Check(app, kept, users); err != nil {
		return err
	}
	return framework.Server{Handler: platform.Trace(app), Addr: *addr}.Run(ctx)
}

// openPages reads the templates and static files: from their folder in development, and
// otherwise from the program itself.
func openPages(dev bool) (*templates.Set, error) {
	if dev {
		return templates.ParseLive(os.DirFS("pages"), nil)
	}
	inside, err := fs.Sub(embedded, "pages")
	if err != nil {
		return nil, err
	}
	return templates.Parse(inside, nil)
}
