package cloud_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"

	"github.com/webapp2go/webapp2go/auth"
	"github.com/webapp2go/webapp2go/cloud"
	"github.com/webapp2go/webapp2go/framework"
	"github.com/webapp2go/webapp2go/mail"
	"github.com/webapp2go/webapp2go/sessions"
)

// The main function of a site that runs on a laptop, on App Engine and on Cloud Run.
func Example() {
	run := func(ctx context.Context, platform cloud.Platform) error {
		keys, err := platform.SessionKeys(ctx)
		if err != nil {
			return err
		}
		manager, err := sessions.New(sessions.Config{
			Keys:     keys,
			Sessions: []sessions.Spec{{Insecure: platform == cloud.Elsewhere}},
		})
		if err != nil {
			return err
		}
		app := framework.New()
		app.TrustedProxy = platform.Proxy()
		app.Use(manager.Middleware)
		if err := platform.Check(app); err != nil {
			return err
		}
		return framework.Serve(ctx, platform.Trace(app))
	}

	ctx, stop := context.WithCancel(context.Background())
	stop() // so that the example ends
	os.Setenv("PORT", "0")
	defer os.Unsetenv("PORT")
	platform := cloud.Detect()
	slog.SetDefault(platform.Logger(ctx, slog.LevelInfo))
	if err := run(ctx, platform); err != nil {
		slog.Error("not started", "error", err)
	}
	fmt.Println(platform)
	// Output:
	// elsewhere
}

func ExamplePlatform_Check() {
	app := framework.New()
	app.Debug = true
	users, backend := auth.NewMemory(), sessions.NewMemory()

	fmt.Println(cloud.Elsewhere.Check(app, users, backend))
	fmt.Println(cloud.CloudRun.Check(app, users, backend))
	app.Debug = false
	fmt.Println(cloud.AppEngine.Check(app, new(mail.Outbox)))
	// Output:
	// <nil>
	// cloud: not started on Cloud Run: everybody would see the source code around an error: leave App.Debug false; users in memory would be lost and not shared: keep them elsewhere, such as with package auth/datastore; sessions in memory would be lost and not shared: use another sessions.Backend, such as package sessions/datastore
	// cloud: not started on App Engine: mails in an outbox would not be sent, and everybody who sees them can log in as others: send them with package mail/smtp
}

func ExamplePlatform_SessionKeys() {
	os.Setenv("SESSION_KEYS", "6J1GQ8ctHhb3mYYC0S7kWlWEtSsrMXsyXxDLN3IzTUk=") // openssl rand -base64 32
	defer os.Unsetenv("SESSION_KEYS")

	keys, err := cloud.Detect().SessionKeys(context.Background())
	fmt.Println(len(keys), err)
	// Output:
	// 1 <nil>
}

func ExampleNewLogHandler() {
	var stdout bytes.Buffer
	log := slog.New(cloud.NewLogHandler(&stdout, cloud.LogOptions{Project: "my-project"}))
	site := cloud.CloudRun.Trace(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		log.InfoContext(r.Context(), "hello", "user", "ann")
	}))

	r := httptest.NewRequest("GET", "/", nil)
	r.Header.Set("X-Cloud-Trace-Context", "105445aa7843bc8bf206b12000100000/18;o=1") // as the front end does
	site.ServeHTTP(httptest.NewRecorder(), r)
	fmt.Print(regexp.MustCompile(`"time":"[^"]*",`).ReplaceAllString(stdout.String(), ""))
	// Output:
	// {"severity":"INFO","message":"hello","logging.googleapis.com/trace":"projects/my-project/traces/105445aa7843bc8bf206b12000100000","logging.googleapis.com/spanId":"0000000000000012","logging.googleapis.com/trace_sampled":true,"user":"ann"}
}
