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
	if err := run(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, "myapp:", err)
		os.Exit(1)
	}
}

// run serves the site until ctx ends or a signal comes.
func run(ctx context.Context) error {
	dev := flag.Bool("dev", false, "for development: read the folder pages at each change, show errors in the browser, use plain http")
	addr := flag.String("addr", "", "listen on this `host:port`; if empty, on $PORT or 127.0.0.1:8080")
	flag.Parse()
	if port := os.Getenv("PORT"); *dev && *addr == "" && port != "" {
		*addr = "127.0.0.1:" + port // so that no other machine sees the errors
	}
	platform := cloud.Detect()
	slog.SetDefault(platform.Logger(ctx, slog.LevelInfo))
	keys, err := platform.SessionKeys(ctx) // without $SESSION_KEYS, random ones on a laptop
	if err != nil {
		return err
	}
	kept, users := sessions.Backend(sessions.NewMemory()), auth.Backend(auth.NewMemory())
	if platform != cloud.Elsewhere { // App Engine or Cloud Run
		client, err := datastore.Open(ctx, "", "") // the database $DATASTORE_DATABASE, or the default one
		if err != nil {
			return err
		}
		defer client.Close()
		kept = datastore.New(client, datastore.Config{})
		users = authdatastore.New(client, authdatastore.Config{})
	} else {
		terminal.Use(terminal.Options{Name: "myapp", Notes: [][2]string{{"data", "in memory, gone when this ends"}}})
	}
	app, err := newApp(keys, kept, users, *dev)
	if err != nil {
		return err
	}
	app.RequestLog, app.TrustedProxy = slog.Default(), platform.Proxy()
	if err := platform.Check(app, kept, users); err != nil {
		return err
	}
	return framework.Server{Handler: platform.Trace(app), Addr: *addr}.Run(ctx)
}

// openPages reads the templates and static files. In development it reads them from their
// folder.
func openPages(dev bool) (*templates.Set, error) {
	if dev {
		return templates.ParseLive(os.DirFS("pages"), nil)
	}
	inside, _ := fs.Sub(embedded, "pages") // never fails: the folder is in the program
	return templates.Parse(inside, nil)
}
