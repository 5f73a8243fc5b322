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
	flags.Parse(args)
	platform := cloud.Detect()
	log := platform.Logger(ctx, slog.LevelInfo)
	slog.SetDefault(log)
	keys, err := platform.SessionKeys(ctx) // without $SESSION_KEYS, random ones on a laptop
	if err != nil {
		return err
	}

	// In the cloud, sessions and users are in Datastore. Elsewhere they are in memory.
	var kept sessions.Backend = sessions.NewMemory()
	var users auth.Backend = auth.NewMemory()
	if platform != cloud.Elsewhere {
		client, err := datastore.Open(ctx, "")
		if err != nil {
			return err
		}
		defer client.Close()
		kept = datastore.New(client, datastore.Config{})
		users = authdatastore.New(client, authdatastore.Config{})
	}
	manager, err := sessions.New(sessions.Config{
		Keys:     keys,
		Sessions: []sessions.Spec{{Backend: kept, Insecure: *dev}},
	})
	if err != nil {
		return err
	}
	pages, err := openPages(*dev)
	if err != nil {
		return err
	}
	app := newApp(manager, users, pages)
	app.Debug, app.Log, app.RequestLog, app.TrustedProxy = *dev, log, log, platform.Proxy()
	if err := platform.Check(app, kept, users); err != nil {
		return err
	}
	return framework.Serve(ctx, platform.Trace(app))
}

// openPages reads the templates and static files: from their folder in development, so
// that a change is seen at the next request, and otherwise from the program itself.
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
