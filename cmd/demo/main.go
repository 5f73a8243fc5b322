// Demo is the demo site of webapp2go. It starts with no service, no key and no
// network, and logs where it listens. With -h it lists what can be chosen.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"

	"github.com/webapp2go/webapp2go/cloudlog"
	"github.com/webapp2go/webapp2go/framework"
)

func main() {
	os.Exit(run(context.Background(), os.Args[1:], os.Getenv, os.Stdout, os.Stderr))
}

// run is the whole program. It returns when the server has drained, after SIGTERM or
// SIGINT, or at the end of ctx, with the status of the process: 1 and one line on
// errout for every reason not to start.
func run(ctx context.Context, args []string, getenv func(string) string, out, errout io.Writer) int {
	c, err := configure(args, getenv, out)
	if errors.Is(err, errHelp) {
		return 0
	}
	if err == nil {
		err = serve(ctx, c, c.logger(out, errout))
	}
	if err != nil {
		fmt.Fprintln(errout, "demo:", err)
		return 1
	}
	return 0
}

// serve wires the configuration to a site, the site to an app, the app to a server.
func serve(ctx context.Context, c *config, log *slog.Logger) error {
	slog.SetDefault(log)
	log.Info("starting", "choices", c)
	services, err := c.connect(ctx, log)
	if err != nil {
		return err
	}
	app, err := newApp(ctx, c, services, log)
	if err == nil {
		server := framework.Server{Handler: app, Addr: c.addr, DrainTimeout: c.drain, Log: log}
		if c.cloud != "" {
			server.Handler = cloudlog.Trace(app)
		}
		err = server.Run(ctx)
	}
	return errors.Join(err, services.Close())
}
