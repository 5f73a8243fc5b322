// Demo is the demo site of webapp2go. It starts with no service, no key and no
// network, and logs where it listens. With --help it lists its settings.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"time"

	"github.com/webapp2go/webapp2go/cloud"
	"github.com/webapp2go/webapp2go/framework"
)

func main() {
	os.Exit(run(context.Background(), os.Args[1:], os.Stdout, os.Stderr))
}

// run is the whole program. It returns the status of the process when the server has
// stopped, after SIGTERM or SIGINT or at the end of ctx. If the program cannot start, it
// writes one line to errout and returns 1.
func run(ctx context.Context, args []string, out, errout io.Writer) int {
	c, err := configure(args, out)
	if errors.Is(err, errHelp) {
		return 0
	}
	if err == nil {
		err = start(ctx, c, out, errout)
	}
	if err != nil {
		fmt.Fprintln(errout, "demo:", strings.ReplaceAll(err.Error(), "\n", "; "))
		return 1
	}
	return 0
}

// start makes the services, the site and its app from the settings, and serves the app.
func start(ctx context.Context, c *config, out, errout io.Writer) error {
	slog.SetDefault(c.logger(out, errout))
	keys, err := c.sessionKeys(ctx)
	if err != nil {
		return err
	}
	if err := c.findProject(ctx); err != nil {
		return err
	}
	log := c.logger(out, errout) // which names the project
	slog.SetDefault(log)
	c.tell(log, "data", c.kept(), "starting", "platform", c.platform.String(), "settings", c)
	services, err := c.connect(ctx, log)
	if err != nil {
		return err
	}
	app, err := newApp(ctx, c, keys, services, log)
	if err == nil {
		if port := os.Getenv("PORT"); port != "" && c.Addr == "" && c.platform == cloud.Elsewhere {
			c.tell(log, "here only", "--addr=127.0.0.1:"+port,
				"the demo can be reached from other machines, because the variable PORT is set; --addr=127.0.0.1:"+port+" is for this machine only")
		}
		handler := c.platform.Trace(app)
		if c.watch != nil {
			handler = c.watch.Handler(handler)
		}
		server := framework.Server{Handler: handler, Addr: c.Addr, DrainTimeout: time.Duration(c.Drain), Log: log}
		err = server.Run(ctx)
		if c.screen != nil && err == nil {
			log.Info("stopped")
		}
	}
	return errors.Join(err, services.Close())
}
