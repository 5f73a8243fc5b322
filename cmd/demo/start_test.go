package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	gcds "cloud.google.com/go/datastore"
	"google.golang.org/api/option"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"

	"github.com/webapp2go/webapp2go/auth"
	users "github.com/webapp2go/webapp2go/auth/datastore"
	"github.com/webapp2go/webapp2go/handlers/demo"
	"github.com/webapp2go/webapp2go/internal/datastoretest"
	"github.com/webapp2go/webapp2go/sqldb/sqlite"
)

// impatient shortens the wait at startup until t ends.
func impatient(t *testing.T) {
	patience, pause := startPatience, probePause
	startPatience, probePause = 200*time.Millisecond, 20*time.Millisecond
	t.Cleanup(func() { startPatience, probePause = patience, pause })
}

// The program serves without Datastore. Pages that do not need it work, and /health says what
// is missing. Once Datastore is back everything works, also for the user named by --admin.
func TestStartWithoutDatastore(t *testing.T) {
	const password = "correct horse battery"
	impatient(t)
	data := datastoretest.Start(t)
	t.Setenv("DATASTORE_EMULATOR_HOST", data.Addr)
	for _, name := range []string{"ann", "bert"} {
		if err := new(auth.Passwords).SignUp(t.Context(), users.New(data.Client(t.Context()), users.Config{}), &auth.User{Name: name}, password); err != nil {
			t.Fatal(err)
		}
	}
	data.Stop()
	v := visit(t, "-sessions=datastore", "-project="+data.Project, "-admin=ann")
	v.sees(200, "/login", "<h1>Log in</h1>")
	v.sees(503, "/health", `{"healthy":false,"services":{"datastore":false}}`)
	data.Restart()
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		response, err := v.Get(v.url + "/health")
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		if response.StatusCode == 200 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("Datastore is back, and /health does not say so")
		}
	}
	v.sees(200, "/login", "Welcome back, bert.", "name", "bert", "password", password)
	v.sees(403, "/admin", "for administrators only")
	v.sees(200, "/logout", "You are logged out.", "x", "")
	v.sees(200, "/login", "Welcome back, ann.", "name", "ann", "password", password)
	v.sees(200, "/admin", demo.RoleAdmin)
}

// Depending on the error of Datastore, the program serves, or ends and says how to fix it.
func TestStartByWhatDatastoreSays(t *testing.T) {
	impatient(t)
	data := datastoretest.Start(t)
	t.Setenv("DATASTORE_EMULATOR_HOST", data.Addr)
	for code, want := range map[codes.Code]string{
		codes.Unavailable:        "",
		codes.DeadlineExceeded:   "",
		codes.ResourceExhausted:  "",
		codes.Internal:           "",
		codes.NotFound:           "correct GOOGLE_CLOUD_PROJECT or DATASTORE_DATABASE",
		codes.PermissionDenied:   "roles/datastore.user",
		codes.Unauthenticated:    "roles/datastore.user",
		codes.FailedPrecondition: "gcloud firestore databases update --type=datastore-mode",
		codes.InvalidArgument:    "DATASTORE_EMULATOR_HOST",
	} {
		t.Run(code.String(), func(t *testing.T) {
			data.Fail(func(string) error { return status.Error(code, "as the test says") })
			c, err := configure([]string{"-sessions=datastore", "-project=" + data.Project}, io.Discard)
			if err != nil {
				t.Fatal(err)
			}
			log := new(lockedLog)
			s, err := c.connect(t.Context(), slog.New(slog.NewTextHandler(log, nil)))
			if want != "" {
				if err == nil || !strings.Contains(err.Error(), want) || !strings.HasPrefix(err.Error(), "not started, because Datastore refuses: ") {
					t.Errorf("%v, want %q", err, want)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			log.waitFor(t, "pages that need it, and /health, get 503 until it does")
			// Later it refuses, and then it responds.
			data.Fail(func(string) error { return status.Error(codes.PermissionDenied, "as the test says") })
			log.waitFor(t, `level=ERROR msg="a service refuses" service=datastore`)
			log.waitFor(t, "roles/datastore.user")
			data.Fail(nil)
			log.waitFor(t, `level=INFO msg="a service responds" service=datastore`)
		})
	}
}

// A lockedLog can be read while it is written.
type lockedLog struct {
	mutex sync.Mutex
	text  bytes.Buffer
}

func (l *lockedLog) Write(p []byte) (int, error) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	return l.text.Write(p)
}

func (l *lockedLog) String() string {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	return l.text.String()
}

func (l *lockedLog) waitFor(t *testing.T, want string) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); !strings.Contains(l.String(), want); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("missing %q in the log\n%s", want, l)
		}
	}
}

// A noToken is the error of the client while the metadata server accepts no connections.
type noToken struct{}

func (noToken) GetRequestMetadata(context.Context, ...string) (map[string]string, error) {
	return nil, errors.New("dial tcp 169.254.169.254:80: connect: connection refused")
}

func (noToken) RequireTransportSecurity() bool { return false }

func TestMissingTokenIsNotARefusal(t *testing.T) {
	connection, err := grpc.NewClient(datastoretest.Start(t).Addr, grpc.WithTransportCredentials(insecure.NewCredentials()), grpc.WithPerRPCCredentials(noToken{}))
	if err != nil {
		t.Fatal(err)
	}
	client, err := gcds.NewClient(t.Context(), "shop", option.WithGRPCConn(connection))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	if _, err := users.New(client, users.Config{}).ByID(t.Context(), "nobody"); !unavailable(err) {
		t.Errorf("%v is taken for a mistake of the settings", err)
	}
}

// The program waits for a metadata server that takes no connections yet, and for a
// Datastore that does not.
func TestStartWaitsForGoogle(t *testing.T) {
	data, google := datastoretest.Start(t), startGoogle(t)
	metadata, port := "127.0.0.1:"+freePort(t), freePort(t)
	command := program(t)
	command.Env = append(command.Env, "GAE_ENV=standard", "PORT="+port, "LOG_LEVEL=info",
		"DATASTORE_EMULATOR_HOST="+data.Addr, "GOOGLE_CLOUD_PROJECT="+data.Project,
		"SESSION_KEYS_SECRET=projects/shop/secrets/session-keys/versions/latest",
		"GCE_METADATA_HOST="+metadata, "SECRET_MANAGER="+google.URL)
	data.Stop()
	stdout, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { command.Process.Kill() })
	var log strings.Builder
	lines := bufio.NewScanner(stdout)
	waitFor := func(want string) {
		t.Helper()
		for lines.Scan() {
			fmt.Fprintln(&log, lines.Text())
			if strings.Contains(lines.Text(), want) {
				return
			}
		}
		t.Fatalf("missing %q in the log\n%s", want, &log)
	}
	waitFor("the metadata server did not respond; trying again for up to 15s")
	listener, err := net.Listen("tcp", metadata)
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: google.Config.Handler}
	go server.Serve(listener)
	defer server.Close()
	waitFor("a service does not respond; trying again for up to 10s")
	data.Restart()
	waitFor(`"message":"listening"`)
	response, err := http.Get("http://127.0.0.1:" + port + "/health")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if body, err := io.ReadAll(response.Body); err != nil || response.StatusCode != 200 {
		t.Errorf("%s %s %v", response.Status, body, err)
	}
}

// One run works through any backlog, and begins no batch after its time is over.
func TestCleaningOfABacklog(t *testing.T) {
	ended := time.Now().Add(-2 * time.Hour)
	log := slog.New(slog.DiscardHandler)
	connect := func(t *testing.T, args ...string) *services {
		t.Helper()
		c, err := configure(args, io.Discard)
		if err != nil {
			t.Fatal(err)
		}
		s, err := c.connect(t.Context(), log)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { s.Close() })
		return s
	}
	t.Run("Datastore", func(t *testing.T) {
		const backlog = 2000
		data := datastoretest.Start(t)
		t.Setenv("DATASTORE_EMULATOR_HOST", data.Addr)
		client := data.Client(t.Context())
		for i := 0; i < backlog; {
			var keys []*gcds.Key
			var entities []gcds.PropertyList
			for ; len(keys) < 500; i++ {
				keys = append(keys, gcds.NameKey("Session", fmt.Sprint(i), nil))
				entities = append(entities, gcds.PropertyList{{Name: "expires", Value: ended}})
			}
			if _, err := client.PutMulti(t.Context(), keys, entities); err != nil {
				t.Fatal(err)
			}
		}
		s := connect(t, "-sessions=datastore", "-project="+data.Project)
		if deleted, more, err := s.clean(t.Context(), log, 0); deleted != cleaningBatch || !more || err != nil {
			t.Errorf("with no time it deleted %d, more %t, %v", deleted, more, err)
		}
		if deleted, more, err := s.clean(t.Context(), log, time.Hour); deleted != backlog-cleaningBatch || more || err != nil {
			t.Errorf("it deleted %d, more %t, %v", deleted, more, err)
		}
	})
	t.Run("SQLite", func(t *testing.T) {
		const backlog = 6000
		folder := t.TempDir()
		connect(t, "-data="+folder).Close() // makes the tables
		db, err := sqlite.Open(filepath.Join(folder, dataFile), sqlite.Config{})
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		_, err = db.Write.ExecContext(t.Context(), `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i < $1)
			INSERT INTO webapp2go_sessions (id, version, expires, sweep, data) SELECT printf('%064d', i), 1, $2, 0, x'00' FROM n`, backlog, ended.UnixMicro())
		if err != nil {
			t.Fatal(err)
		}
		connect(t, "-data="+folder) // cleans at once
		for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(10 * time.Millisecond) {
			var left int
			if err := db.Reader().QueryRowContext(t.Context(), "SELECT count(*) FROM webapp2go_sessions").Scan(&left); err != nil {
				t.Fatal(err)
			}
			if left == 0 {
				break
			}
			if time.Now().After(deadline) {
				t.Fatalf("%d are left", left)
			}
		}
	})
}
