package main

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/webapp2go/webapp2go/internal/datastoretest"
	"github.com/webapp2go/webapp2go/internal/memcachetest"
	"github.com/webapp2go/webapp2go/internal/postgrestest"
	"github.com/webapp2go/webapp2go/internal/redistest"
	"github.com/webapp2go/webapp2go/sessions"
)

// A visitor is a browser at a demo that serves in this process.
type visitor struct {
	t   *testing.T
	url string
	http.Client
}

// visit starts the demo with these flags, without its port and its signals.
func visit(t *testing.T, args ...string) *visitor {
	t.Helper()
	// On a busy machine memcached may take long.
	c, err := configure(append(args, "-memcached-timeout=30s"), io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	log := slog.New(slog.NewTextHandler(io.Discard, nil))
	services, err := c.connect(t.Context(), log)
	if err != nil {
		t.Fatal(err)
	}
	app, err := newApp(t.Context(), c, []sessions.Key{sessions.RandomKey()}, services, log)
	if err != nil {
		t.Fatal(err)
	}
	if err := app.Check(); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(app)
	t.Cleanup(func() {
		server.Close()
		if err := services.Close(); err != nil {
			t.Error(err)
		}
	})
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	return &visitor{t, server.URL, http.Client{Jar: jar, Timeout: time.Minute}}
}

// sees follows redirects to a page, and reports missing texts.
func (v *visitor) sees(status int, path, text string, form ...string) {
	v.t.Helper()
	method, body := http.MethodGet, io.Reader(nil)
	if form != nil {
		values := url.Values{}
		for i := 0; i < len(form); i += 2 {
			values.Set(form[i], form[i+1])
		}
		method, body = http.MethodPost, strings.NewReader(values.Encode())
	}
	r, err := http.NewRequest(method, v.url+path, body)
	if err != nil {
		v.t.Fatal(err)
	}
	r.Header.Set("Accept", "text/html")
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	res, err := v.Do(r)
	if err != nil {
		v.t.Fatal(err)
	}
	defer res.Body.Close()
	page, err := io.ReadAll(res.Body)
	if err != nil {
		v.t.Fatal(err)
	}
	if res.StatusCode != status || !strings.Contains(string(page), text) {
		v.t.Fatalf("%s: status %d, want %d and %q\n%s", path, res.StatusCode, status, text, page)
	}
}

// onDatastore starts a Datastore and returns the flags that lead to a project of its own.
func onDatastore(t *testing.T) (args []string) {
	server := datastoretest.Start(t)
	t.Setenv("DATASTORE_EMULATOR_HOST", server.Addr)
	return []string{"-project=" + server.Project}
}

func TestEveryKindOfSessions(t *testing.T) {
	tests := []struct {
		kind  string
		start func(t *testing.T) (args []string)
	}{
		{"cookie", func(*testing.T) []string { return nil }},
		{"memory", func(*testing.T) []string { return nil }},
		{"sql", func(t *testing.T) []string { return []string{"-data=" + t.TempDir()} }},
		{"sql", func(t *testing.T) []string { return []string{"-sql=" + postgrestest.Shared(t)} }},
		{"valkey", func(t *testing.T) []string {
			return []string{"-valkey=" + redistest.Start(t).Addr, "-sql=" + postgrestest.Shared(t)}
		}},
		{"memcache", func(t *testing.T) []string {
			return []string{"-memcached=" + memcachetest.Start(t).Addr}
		}},
		{"datastore", func(t *testing.T) []string {
			return onDatastore(t)
		}},
		{"cached", func(t *testing.T) []string {
			return append(onDatastore(t), "-memcached="+memcachetest.Start(t).Addr)
		}},
	}
	for _, test := range tests {
		t.Run(test.kind, func(t *testing.T) {
			v := visit(t, append(test.start(t), "-sessions="+test.kind)...)
			v.sees(200, "/", `id="visits">1<`)
			v.sees(200, "/", `id="visits">2<`)
			v.sees(200, "/signup", "Welcome, ann.", "name", "ann", "password", "correct horse", "next", "/account")
			v.sees(200, "/cart", "Field notebook is in your cart.", "product", "notebook", "action", "add")
			v.sees(200, "/account", "your other sessions have been ended", "action", "password", "old", "correct horse", "new", "battery staple")
			v.sees(403, "/admin", "for administrators only")
			v.sees(200, "/logout", "You are logged out.", "x", "")
			v.sees(200, "/account", "<h1>Log in</h1>")
			v.sees(200, "/cart", "Nothing in it yet.")
			v.sees(200, "/login", "Welcome back, ann.", "name", "ann", "password", "battery staple")
			v.sees(200, "/cart", "€ 12.50</strong>")
		})
	}
}

// After a backup was restored, the demo is on the database that holds it.
func TestAnotherDatabase(t *testing.T) {
	project := onDatastore(t)[0]
	ann := []string{"name", "ann", "password", "correct horse"}
	damaged := visit(t, project, "-sessions=datastore")
	damaged.sees(401, "/login", "name or the password is wrong", ann...)
	t.Setenv("DATASTORE_DATABASE", "restored")
	restored := visit(t, project, "-sessions=datastore")
	restored.sees(200, "/signup", "Welcome, ann.", append(ann, "next", "/account")...)
	visit(t, project, "-sessions=datastore", "-database=restored").sees(200, "/login", "Welcome back, ann.", ann...)
	visit(t, project, "-sessions=datastore", "-database=(default)").sees(401, "/login", "name or the password is wrong", ann...)
}

// A memcached that is down does not keep the demo from starting. Pages are 503 meanwhile.
func TestServerThatIsDown(t *testing.T) {
	memcached := memcachetest.Start(t)
	v := visit(t, "-sessions=memcache", "-memcached="+memcached.Addr)
	v.sees(200, "/", `id="visits">1<`)
	memcached.Stop()
	v.sees(503, "/", "Please try again in a moment")
	memcached.Restart()
	v.sees(200, "/", `id="visits">1<`)
}

func TestWrongServices(t *testing.T) {
	t.Setenv("DATASTORE_EMULATOR_HOST", "") // of which a project would not be asked
	tests := []struct {
		name string
		args []string
		want string
	}{
		{"no port", []string{"-sessions=memcache", "-memcached=localhost"}, `--memcached=localhost: memcache: `},
		{"no id of a database", []string{"-sessions=datastore", "-project=p", "-database=Restored"}, `sessions/datastore: the database is "Restored"`},
		{"no project", []string{"-sessions=datastore"}, "--sessions=datastore, --users=datastore: sessions/datastore: no project is set"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			c, err := configure(test.args, io.Discard)
			if err != nil {
				t.Fatal(err)
			}
			_, err = c.connect(t.Context(), slog.New(slog.DiscardHandler))
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %q", err, test.want)
			}
		})
	}
}

// webapp2Cookie signs a dictionary as webapp2_extras.securecookie does.
func webapp2Cookie(secret, name, dictionary string, signed time.Time) string {
	data := base64.StdEncoding.EncodeToString([]byte(dictionary))
	mac := hmac.New(sha1.New, []byte(secret))
	fmt.Fprintf(mac, "%s|%s|%d", name, data, signed.Unix())
	return fmt.Sprintf("%s|%d|%s", data, signed.Unix(), hex.EncodeToString(mac.Sum(nil)))
}

func TestWebapp2UserStaysLoggedIn(t *testing.T) {
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte("my-super-secret-key\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	v := visit(t, "-webapp2-secret-file="+secret)
	u, err := url.Parse(v.url)
	if err != nil {
		t.Fatal(err)
	}
	old := &http.Cookie{Name: "auth", Value: webapp2Cookie("my-super-secret-key", "auth",
		`{"_user":[5629499534213120,1,"token",1700000000,1700000000]}`, time.Now().Add(-24*time.Hour))}
	v.Jar.SetCookies(u, []*http.Cookie{old})

	v.sees(200, "/account", "<h1>user 5629499534213120</h1>")
	names := map[string]bool{}
	for _, cookie := range v.Jar.Cookies(u) {
		names[cookie.Name] = true
	}
	if !names["session"] || names["auth"] {
		t.Errorf("after the first page the browser holds %v", names)
	}
	v.sees(200, "/account", ", this browser")
	v.sees(200, "/logout", "You are logged out.", "x", "")
	v.sees(200, "/account", "<h1>Log in</h1>")

	// A logout lasts even if it is the first request to the new site.
	v.Jar.SetCookies(u, []*http.Cookie{old})
	v.sees(200, "/logout", "You are logged out.", "x", "")
	v.sees(200, "/account", "<h1>Log in</h1>")

	forged := *old
	forged.Value = old.Value[:len(old.Value)-1] + "x"
	v.Jar.SetCookies(u, []*http.Cookie{&forged})
	v.sees(200, "/account", "<h1>Log in</h1>")
}

func TestWebapp2SecretIsChecked(t *testing.T) {
	empty := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(empty, []byte("\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, file := range []string{empty, "does-not-exist"} {
		if _, err := (oldSite{file, "auth"}).load(nil, false); err == nil || !strings.HasPrefix(err.Error(), "WEBAPP2_SECRET_FILE") {
			t.Errorf("%s: %v", file, err)
		}
	}
}

// At startup the demo waits for a while for a service that does not respond. It ends at once if
// the service refuses.
func TestStartIsPatient(t *testing.T) {
	down := status.Error(codes.Unavailable, "connection refused")
	for name, test := range map[string]struct {
		err   error
		after time.Duration // when err ends
		took  time.Duration
		want  error
		log   string
	}{
		"responds": {down, 0, 0, nil, ""},
		"slow":     {down, 5 * time.Second, 6300 * time.Millisecond, nil, "trying again for up to 10s"},
		"down":     {down, time.Hour, 10 * time.Second, down, "trying again for up to 10s"},
		"refuses":  {status.Error(codes.PermissionDenied, "no"), time.Hour, 0, status.Error(codes.PermissionDenied, "no"), ""},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var log bytes.Buffer
				began := time.Now()
				err := patiently(t.Context(), slog.New(slog.NewTextHandler(&log, nil)), "datastore", func(context.Context) error {
					if time.Since(began) < test.after {
						return test.err
					}
					return nil
				})
				if !errors.Is(err, test.want) || time.Since(began) != test.took {
					t.Errorf("%v after %v, want %v after %v", err, time.Since(began), test.want, test.took)
				}
				if !strings.Contains(log.String(), test.log) || test.log == "" && log.Len() > 0 {
					t.Errorf("log %s, want %q", &log, test.log)
				}
			})
		})
	}
}
