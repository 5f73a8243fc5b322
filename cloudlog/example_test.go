package cloudlog_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"regexp"

	"github.com/webapp2go/webapp2go/cloudlog"
)

func Example() {
	var stdout bytes.Buffer
	log := slog.New(cloudlog.NewHandler(&stdout, cloudlog.Options{Project: "my-project"}))
	site := cloudlog.Trace(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		log.InfoContext(r.Context(), "hello", "user", "ann")
	}))

	r := httptest.NewRequest("GET", "/", nil)
	r.Header.Set("X-Cloud-Trace-Context", "105445aa7843bc8bf206b12000100000/18;o=1") // as the front end does
	site.ServeHTTP(httptest.NewRecorder(), r)
	fmt.Print(regexp.MustCompile(`"time":"[^"]*",`).ReplaceAllString(stdout.String(), ""))
	// Output:
	// {"severity":"INFO","message":"hello","logging.googleapis.com/trace":"projects/my-project/traces/105445aa7843bc8bf206b12000100000","logging.googleapis.com/spanId":"0000000000000012","logging.googleapis.com/trace_sampled":true,"user":"ann"}
}
