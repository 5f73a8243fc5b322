// Package cloud is for programs that run on Google's App Engine or Cloud Run, and on a
// laptop too. It tells which of them it is, reads the session keys from Secret Manager,
// writes logs as Cloud Logging reads them, and refuses to start there with what is for
// development only. It imports no client library of Google's.
//
// The main function of a site:
//
//	package main
//
//	import (
//		"context"
//		"log/slog"
//		"os"
//
//		"github.com/webapp2go/webapp2go/cloud"
//		"github.com/webapp2go/webapp2go/framework"
//		"github.com/webapp2go/webapp2go/sessions"
//	)
//
//	func main() {
//		ctx := context.Background()
//		platform := cloud.Detect()
//		slog.SetDefault(platform.Logger(ctx, slog.LevelInfo))
//		if err := run(ctx, platform); err != nil {
//			slog.Error("not started", "error", err)
//			os.Exit(1)
//		}
//	}
//
//	func run(ctx context.Context, platform cloud.Platform) error {
//		keys, err := platform.SessionKeys(ctx)
//		if err != nil {
//			return err
//		}
//		manager, err := sessions.New(sessions.Config{
//			Keys:     keys,
//			Sessions: []sessions.Spec{{Insecure: platform == cloud.Elsewhere}},
//		})
//		if err != nil {
//			return err
//		}
//		app := framework.New()
//		app.TrustedProxy = platform.Proxy()
//		app.Use(manager.Middleware)
//		// Routes go here.
//		if err := platform.Check(app); err != nil {
//			return err
//		}
//		return framework.Serve(ctx, platform.Trace(app))
//	}
//
// Variables of the environment that the package reads:
//
//	GAE_ENV, K_SERVICE      set by App Engine and by Cloud Run
//	GOOGLE_CLOUD_PROJECT    the project; set by App Engine. If not set, the metadata server knows it
//	SESSION_KEYS_SECRET     the name of a secret in Secret Manager that holds the session keys
//	SESSION_KEYS_FILE       a file that holds them
//	SESSION_KEYS            the session keys themselves
//	SECRET_MANAGER          the address of Secret Manager, if not https://secretmanager.googleapis.com
//	GCE_METADATA_HOST       the host of the metadata server, if not metadata.google.internal
//
// See the examples of [Platform.Check], [Platform.SessionKeys] and [NewLogHandler].
package cloud

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/webapp2go/webapp2go/auth"
	"github.com/webapp2go/webapp2go/framework"
	"github.com/webapp2go/webapp2go/sessions"
)

// A Platform is where a program runs.
type Platform int

const (
	Elsewhere Platform = iota // a laptop, a server of your own, or another cloud
	AppEngine                 // App Engine's standard environment
	CloudRun                  // Cloud Run
)

// Detect returns the platform of this process. App Engine sets the variable GAE_ENV and
// Cloud Run sets K_SERVICE; without either it is [Elsewhere].
func Detect() Platform {
	switch {
	case os.Getenv("GAE_ENV") != "":
		return AppEngine
	case os.Getenv("K_SERVICE") != "":
		return CloudRun
	}
	return Elsewhere
}

// String returns "App Engine", "Cloud Run" or "elsewhere".
func (p Platform) String() string {
	switch p {
	case AppEngine:
		return "App Engine"
	case CloudRun:
		return "Cloud Run"
	}
	return "elsewhere"
}

// Proxy returns the value of [framework.App.TrustedProxy]: what stands between the clients and
// the program. [Elsewhere] it is framework.NoProxy; a program behind proxies of its own
// sets framework.Proxies instead.
func (p Platform) Proxy() framework.Proxy {
	switch p {
	case AppEngine:
		return framework.AppEngine
	case CloudRun:
		return framework.CloudRun
	}
	return framework.NoProxy
}

// Check returns an error if the program must not run on the platform as it is: in Debug or
// with Traces, with sessions or users in memory, which every instance would have for itself
// and lose when it ends, or with a mail.Outbox, which sends no mails. The error lists each
// mistake and how to fix it. Check returns nil [Elsewhere].
//
// Backends are what keeps the sessions and the users, and what sends mails. Besides those
// above, one that has a method DevelopmentOnly() string is a mistake: it returns why, and
// how to fix it. [sessions.New] itself refuses Insecure cookies on these platforms.
func (p Platform) Check(app *framework.App, backends ...any) error {
	if p == Elsewhere {
		return nil
	}
	var mistakes []string
	if app.Debug {
		mistakes = append(mistakes, "everybody would see the source code around an error: leave App.Debug false")
	}
	if app.Traces != nil {
		mistakes = append(mistakes, "what visitors ask for would be kept in memory: leave App.Traces nil")
	}
	for _, backend := range backends {
		switch backend := backend.(type) {
		case *sessions.Memory:
			mistakes = append(mistakes, "sessions in memory would be lost and not shared: use another sessions.Backend, such as package sessions/datastore")
		case *auth.Memory:
			mistakes = append(mistakes, "users in memory would be lost and not shared: keep them elsewhere, such as with package auth/datastore")
		case interface{ DevelopmentOnly() string }:
			mistakes = append(mistakes, backend.DevelopmentOnly())
		}
	}
	if mistakes == nil {
		return nil
	}
	return fmt.Errorf("cloud: not started on %v: %s", p, strings.Join(mistakes, "; "))
}

// Project returns the id of the Google Cloud project: the variable GOOGLE_CLOUD_PROJECT
// or, on App Engine and Cloud Run, what the metadata server says. Otherwise it returns an
// error.
func Project(ctx context.Context) (string, error) {
	if project := os.Getenv("GOOGLE_CLOUD_PROJECT"); project != "" {
		return project, nil
	}
	if Detect() == Elsewhere {
		return "", errors.New("cloud: no project: set the variable GOOGLE_CLOUD_PROJECT to its id")
	}
	project, err := metadata(ctx, "project/project-id")
	if err != nil {
		return "", fmt.Errorf("cloud: no project: set the variable GOOGLE_CLOUD_PROJECT to its id: %w", err)
	}
	return strings.TrimSpace(string(project)), nil
}
