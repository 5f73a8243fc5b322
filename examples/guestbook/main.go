// Guestbook is the guestbook of App Engine's Python tutorial, moved from webapp2. It
// runs with nothing but Go,
//
//	go run ./examples/guestbook
//
// and then forgets all when it ends. With a project, or where DATASTORE_EMULATOR_HOST
// is set, it keeps entries, users and sessions in Datastore:
//
//	go run ./examples/guestbook -project my-project
//
// Where WEBAPP2_SECRET_FILE names a file with the webapp2 program's secret_key, who is
// logged in there is logged in here.
//
// The step-by-step account of the move is docs/migrating.md.
package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"os"

	"github.com/webapp2go/webapp2go/framework"
	"github.com/webapp2go/webapp2go/sessions"
	"github.com/webapp2go/webapp2go/sessions/datastore"
)

func main() {
	project := flag.String("project", "", "keep everything in the Datastore of this `project`; empty: in memory")
	flag.Parse()
	if err := run(context.Background(), *project); err != nil {
		fmt.Fprintln(os.Stderr, "guestbook:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, project string) error {
	proxy := framework.NoProxy
	switch {
	case os.Getenv("GAE_ENV") != "":
		proxy = framework.AppEngine
	case os.Getenv("K_SERVICE") != "":
		proxy = framework.CloudRun
	}
	cloud := proxy != framework.NoProxy

	c := config{insecure: !cloud}
	var err error
	if c.key, err = sessionKey(cloud); err != nil {
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
	switch {
	case project != "" || os.Getenv("DATASTORE_EMULATOR_HOST") != "":
		client, err := datastore.Open(ctx, project)
		if err != nil {
			return err
		}
		defer client.Close()
		kept = inDatastore(client)
	case cloud:
		return errors.New("in the cloud memory is lost and not shared: set -project")
	}
	site, err := newSite(kept, c)
	if err != nil {
		return err
	}
	app := newApp(site, kept.book)
	app.Proxy = proxy
	return framework.Serve(ctx, app)
}

// sessionKey reads SESSION_KEY, 32 bytes or more in base64, as `openssl rand -base64 32`
// prints them. On a laptop a random one will do.
func sessionKey(cloud bool) (sessions.Key, error) {
	text := os.Getenv("SESSION_KEY")
	switch {
	case text == "" && cloud:
		return sessions.Key{}, errors.New("SESSION_KEY is not set: in the cloud every instance needs the same, such as `openssl rand -base64 32` prints")
	case text == "":
		slog.Info("sessions are signed with a random key and end with this process; set SESSION_KEY to keep them")
		return sessions.RandomKey(), nil
	}
	hash, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return sessions.Key{}, errors.New("SESSION_KEY is not base64") // the cause might show the key
	}
	return sessions.Key{Hash: hash}, nil // sessions.New refuses a short one
}
