package cloud_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"hash/crc32"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/webapp2go/webapp2go/cloud"
	"github.com/webapp2go/webapp2go/framework"
)

var goodKey = base64.StdEncoding.EncodeToString([]byte("a key of the tests, never another"))

const token = "ya29.token-of-the-service-account"

// setenv sets the variables that the package reads, and takes away the others of them.
func setenv(t *testing.T, pairs ...string) {
	t.Helper()
	for _, name := range []string{"GAE_ENV", "K_SERVICE", "GOOGLE_CLOUD_PROJECT", "SESSION_KEYS_SECRET", "SESSION_KEYS_FILE", "SESSION_KEYS", "SECRET_MANAGER", "GCE_METADATA_HOST"} {
		t.Setenv(name, "")
	}
	for i := 0; i < len(pairs); i += 2 {
		t.Setenv(pairs[i], pairs[i+1])
	}
}

// captureLog makes slog write to a buffer until t ends.
func captureLog(t *testing.T) *bytes.Buffer {
	var log bytes.Buffer
	old := slog.Default()
	slog.SetDefault(slog.New(slog.NewTextHandler(&log, nil)))
	t.Cleanup(func() { slog.SetDefault(old) })
	return &log
}

func TestDetect(t *testing.T) {
	for name, test := range map[string]struct {
		variable string
		want     cloud.Platform
		proxy    framework.Proxy
	}{
		"App Engine": {"GAE_ENV", cloud.AppEngine, framework.AppEngine},
		"Cloud Run":  {"K_SERVICE", cloud.CloudRun, framework.CloudRun},
		"elsewhere":  {"GOOGLE_CLOUD_PROJECT", cloud.Elsewhere, framework.NoProxy}, // as in a developer's shell
	} {
		setenv(t, test.variable, "x")
		if p := cloud.Detect(); p != test.want || p.String() != name || p.Proxy() != test.proxy {
			t.Errorf("%s: %v, %v", name, p, p.Proxy())
		}
	}
}

func TestCheckOfAFinishedSite(t *testing.T) {
	if err := cloud.AppEngine.Check(framework.New(), struct{}{}, nil); err != nil {
		t.Error(err)
	}
}

func TestSessionKeys(t *testing.T) {
	file := filepath.Join(t.TempDir(), "keys")
	if err := os.WriteFile(file, []byte(goodKey+"\n"+goodKey+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		platform  cloud.Platform
		variables []string
		keys      int
		want      string // of the error, or of the log
	}{
		"variable":              {cloud.Elsewhere, []string{"SESSION_KEYS", goodKey}, 1, ""},
		"file":                  {cloud.AppEngine, []string{"SESSION_KEYS_FILE", file}, 2, ""},
		"no variable":           {cloud.Elsewhere, nil, 1, "end with this process; set the variable SESSION_KEYS"},
		"no variable, deployed": {cloud.CloudRun, nil, 0, "not started on Cloud Run without session keys"},
		"two variables":         {cloud.Elsewhere, []string{"SESSION_KEYS", goodKey, "SESSION_KEYS_FILE", file}, 0, "SESSION_KEYS_FILE and SESSION_KEYS are both set"},
		"no file":               {cloud.Elsewhere, []string{"SESSION_KEYS_FILE", file + "x"}, 0, "SESSION_KEYS_FILE: open "},
		"key for a name":        {cloud.CloudRun, []string{"SESSION_KEYS_SECRET", goodKey[:43] + "="}, 0, "SESSION_KEYS_SECRET: cloud: the name of a secret has only letters"},
		"secret, no version":    {cloud.CloudRun, []string{"SESSION_KEYS_SECRET", "projects/p/secrets/s"}, 0, "projects/ID/secrets/NAME/versions/latest"},
		"not base64":            {cloud.Elsewhere, []string{"SESSION_KEYS", goodKey + ",***"}, 0, "SESSION_KEYS: sessions: key 2 is not base64"},
	} {
		t.Run(name, func(t *testing.T) {
			setenv(t, test.variables...)
			log := captureLog(t)
			keys, err := test.platform.SessionKeys(t.Context())
			if len(keys) != test.keys || (err == nil) != (test.keys > 0) {
				t.Fatalf("%d keys, %v", len(keys), err)
			}
			if text := fmt.Sprint(err, log); !strings.Contains(text, test.want) || strings.Contains(text, goodKey[:40]) {
				t.Errorf("want %q and no key in %s", test.want, text)
			}
		})
	}
}

// A google is a metadata server and a Secret Manager with one secret. It responds as
// Google's documentation says that theirs do.
type google struct {
	held     string        // in the secret
	checksum string        // if empty, the right one
	silent   time.Duration // how long the metadata server refuses connections
	busy     time.Duration // how long Secret Manager responds with status
	status   int
	began    time.Time
}

func (g *google) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Host == "metadata.google.internal" && time.Since(g.began) < g.silent {
		return nil, errors.New("connection refused")
	}
	w := httptest.NewRecorder()
	g.mux().ServeHTTP(w, r)
	return w.Result(), nil
}

func (g *google) mux() *http.ServeMux {
	mux := http.NewServeMux()
	of := func(h http.HandlerFunc) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("Metadata-Flavor") != "Google" {
				http.Error(w, "Missing Metadata-Flavor:Google header.", http.StatusForbidden)
				return
			}
			h(w, r)
		}
	}
	mux.HandleFunc("GET metadata.google.internal/computeMetadata/v1/instance/service-accounts/default/token", of(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, `{"access_token":%q,"expires_in":3599,"token_type":"Bearer"}`, token)
	}))
	mux.HandleFunc("GET metadata.google.internal/computeMetadata/v1/project/project-id", of(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, "shop")
	}))
	mux.HandleFunc("GET secretmanager.googleapis.com/v1/projects/shop/secrets/session-keys/versions/{version}", func(w http.ResponseWriter, r *http.Request) {
		switch {
		case time.Since(g.began) < g.busy:
			w.WriteHeader(g.status)
			fmt.Fprintf(w, `{"error":{"code":%d,"message":"not\nnow"}}`, g.status)
		case r.Header.Get("Authorization") != "Bearer "+token:
			http.Error(w, `{"error":{"code":401,"message":"no token"}}`, http.StatusUnauthorized)
		case r.PathValue("version") != "latest:access":
			http.Error(w, `{"error":{"code":404,"message":"no such version"}}`, http.StatusNotFound)
		default:
			checksum := g.checksum
			if checksum == "" {
				checksum = fmt.Sprint(crc32.Checksum([]byte(g.held), crc32.MakeTable(crc32.Castagnoli)))
			}
			fmt.Fprintf(w, `{"name":"projects/1/secrets/session-keys/versions/3","payload":{"data":%q,"dataCrc32c":%q}}`,
				base64.StdEncoding.EncodeToString([]byte(g.held)), checksum)
		}
	})
	return mux
}

func TestSecret(t *testing.T) {
	const hour = time.Hour
	tests := []struct {
		name, secret string
		variables    []string
		google       google
		keys         int
		want         string        // of the error, or of the log
		within       time.Duration // if zero, at once
	}{
		{"name", "session-keys", []string{"GOOGLE_CLOUD_PROJECT", "shop"}, google{held: goodKey + "\n" + goodKey + "\n"}, 2, "", 0},
		{"path", "projects/shop/secrets/session-keys/versions/latest", nil, google{held: goodKey}, 1, "", 0},
		{"project of the metadata server", "session-keys", []string{"K_SERVICE", "shop"}, google{held: goodKey}, 1, "", 0},
		{"no project", "session-keys", nil, google{held: goodKey}, 0, "set the variable GOOGLE_CLOUD_PROJECT", 0},
		{"slow metadata server", "session-keys", []string{"K_SERVICE", "shop"}, google{held: goodKey, silent: 9 * time.Second}, 1, "the metadata server did not respond; trying again for up to 15s", 12 * time.Second},
		{"busy Secret Manager", "session-keys", []string{"GOOGLE_CLOUD_PROJECT", "shop"}, google{held: goodKey, busy: 9 * time.Second, status: 503}, 1, "Secret Manager did not respond; trying again for up to 15s", 12 * time.Second},
		{"no metadata server", "session-keys", []string{"GOOGLE_CLOUD_PROJECT", "shop"}, google{held: goodKey, silent: hour}, 0, "session-keys/versions/latest cannot be read: no token of the service account: ", 15 * time.Second},
		{"Secret Manager is down", "session-keys", []string{"GOOGLE_CLOUD_PROJECT", "shop"}, google{held: goodKey, busy: hour, status: 503}, 0, "503 Service Unavailable not now", 15 * time.Second},
		{"another version", "projects/shop/secrets/session-keys/versions/9", nil, google{held: goodKey}, 0, "404 Not Found no such version", 0},
		{"not allowed", "session-keys", []string{"GOOGLE_CLOUD_PROJECT", "shop"}, google{held: goodKey, busy: hour, status: 403}, 0, "session-keys/versions/latest cannot be read: 403 Forbidden not now", 0},
		{"damaged", "session-keys", []string{"GOOGLE_CLOUD_PROJECT", "shop"}, google{held: goodKey, checksum: "1"}, 0, "checksum", 0},
		{"no key in it", "session-keys", []string{"GOOGLE_CLOUD_PROJECT", "shop"}, google{held: "hello!"}, 0, "SESSION_KEYS_SECRET: sessions: key 1 is not base64", 0},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			setenv(t, append(test.variables, "SESSION_KEYS_SECRET", test.secret)...)
			log := captureLog(t)
			synctest.Test(t, func(t *testing.T) {
				test.google.began = time.Now()
				defer cloud.Transport(&test.google)()
				keys, err := cloud.AppEngine.SessionKeys(t.Context())
				if len(keys) != test.keys || (err == nil) != (test.keys > 0) {
					t.Fatalf("%d keys, %v", len(keys), err)
				}
				if took := time.Since(test.google.began); took > test.within {
					t.Errorf("it took %v, want at most %v", took, test.within)
				}
				text := fmt.Sprint(err, log)
				if !strings.Contains(text, test.want) {
					t.Errorf("missing %q in %s", test.want, text)
				}
				if strings.Contains(text, token) || strings.Contains(text, test.google.held) || err != nil && strings.Contains(err.Error(), "\n") {
					t.Errorf("a secret, or more than one line: %s", text)
				}
				if err != nil && !strings.HasPrefix(err.Error(), "SESSION_KEYS_SECRET: ") {
					t.Errorf("the error does not name the variable: %v", err)
				}
			})
		})
	}
}

// The caller's context ends the tries.
func TestSecretEndsWithItsContext(t *testing.T) {
	setenv(t, "GOOGLE_CLOUD_PROJECT", "shop")
	captureLog(t)
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		defer cloud.Transport(&google{began: began, silent: time.Hour})()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := cloud.Secret(ctx, "session-keys"); err == nil || time.Since(began) != time.Second {
			t.Errorf("%v after %v", err, time.Since(began))
		}
	})
}

// The addresses of both servers can be chosen, as for the secrets of one region.
func TestAddresses(t *testing.T) {
	var asked []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.URL.Path)
		fmt.Fprint(w, `{"access_token":"x","payload":{"data":"aGVsbG8="}}`)
	}))
	defer server.Close()
	setenv(t, "GCE_METADATA_HOST", strings.TrimPrefix(server.URL, "http://"), "SECRET_MANAGER", server.URL+"/")
	held, err := cloud.Secret(t.Context(), "projects/p/secrets/s/versions/1")
	if err != nil || string(held) != "hello" || len(asked) != 2 || asked[1] != "/v1/projects/p/secrets/s/versions/1:access" {
		t.Errorf("%q, %v, %q", held, err, asked)
	}
}

func TestLoggerOfCloudRunAsksForItsProject(t *testing.T) {
	setenv(t, "K_SERVICE", "shop")
	defer cloud.Transport(&google{})()
	out := filepath.Join(t.TempDir(), "out")
	file, err := os.Create(out)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	stdout := os.Stdout
	os.Stdout = file
	log := cloud.CloudRun.Logger(t.Context(), nil)
	os.Stdout = stdout
	h := cloud.CloudRun.Trace(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { log.InfoContext(r.Context(), "hello") }))
	r := httptest.NewRequest("GET", "/", nil)
	r.Header.Set("X-Cloud-Trace-Context", traceID+"/18")
	h.ServeHTTP(httptest.NewRecorder(), r)
	text, err := os.ReadFile(out)
	if err != nil || !strings.Contains(string(text), "projects/shop/traces/"+traceID) {
		t.Errorf("%v %s", err, text)
	}
}

func TestTraceElsewhereIsTheHandlerItself(t *testing.T) {
	app := framework.New()
	if cloud.Elsewhere.Trace(app) != http.Handler(app) {
		t.Error("a client could send the header")
	}
}

// Traces are for development.
func TestCheckRefusesTraces(t *testing.T) {
	app := framework.New()
	app.Traces = new(framework.Traces)
	if err := cloud.Elsewhere.Check(app); err != nil {
		t.Error(err)
	}
	for _, platform := range []cloud.Platform{cloud.AppEngine, cloud.CloudRun} {
		if err := platform.Check(app); err == nil || !strings.Contains(err.Error(), "leave App.Traces nil") {
			t.Errorf("%v: %v", platform, err)
		}
	}
}
