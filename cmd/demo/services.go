package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	gcds "cloud.google.com/go/datastore"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/webapp2go/webapp2go/auth"
	users "github.com/webapp2go/webapp2go/auth/datastore"
	sqlusers "github.com/webapp2go/webapp2go/auth/sqlstore"
	"github.com/webapp2go/webapp2go/cloud"
	"github.com/webapp2go/webapp2go/handlers"
	"github.com/webapp2go/webapp2go/health"
	"github.com/webapp2go/webapp2go/sessions"
	"github.com/webapp2go/webapp2go/sessions/cached"
	"github.com/webapp2go/webapp2go/sessions/datastore"
	"github.com/webapp2go/webapp2go/sessions/memcache"
	"github.com/webapp2go/webapp2go/sessions/sqlstore"
	"github.com/webapp2go/webapp2go/sqldb"
	"github.com/webapp2go/webapp2go/sqldb/sqlite"
)

// services keep the demo's sessions and users.
type services struct {
	sessions sessions.Backend // if nil, in signed cookies
	users    auth.Backend
	counter  handlers.Counter        // of wrong passwords; if nil, each instance counts its own
	probes   map[string]health.Probe // one for each service, for /health
	closers  []func() error

	deleteExpired func(ctx context.Context, limit int) (int, error) // if nil, there is nothing to delete
}

// connect makes the services that c names, and opens their connections. A setting that
// cannot work is an error. A service that does not respond is a warning in the log: pages
// that need it get 503 until it does.
func (c *config) connect(ctx context.Context, log *slog.Logger) (*services, error) {
	s := &services{users: auth.NewMemory(), probes: map[string]health.Probe{}}
	cache, err := c.openMemcached(s)
	if err != nil {
		return nil, fmt.Errorf("--memcached=%s: %w", strings.Join(c.Memcached, ","), err)
	}
	client, err := c.openDatastore(ctx, s)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("--sessions=%s, --users=%s: %w", c.Sessions, c.Users, err), s.Close())
	}
	if err := c.openSQL(ctx, s, log); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	if err := c.openValkey(ctx, s, log); err != nil {
		return nil, errors.Join(fmt.Errorf("--valkey=%s: %w", strings.Join(c.Valkey, ","), err), s.Close())
	}
	if c.Users == "datastore" {
		s.users = users.New(client, users.Config{Namespace: c.Namespace})
	}
	switch c.Sessions {
	case "memory":
		s.sessions = sessions.NewMemory()
	case "memcache":
		s.sessions = cache
	case "datastore", "cached":
		store := datastore.New(client, datastore.Config{Namespace: c.Namespace, TTLPolicy: c.TTLPolicy})
		if !c.TTLPolicy {
			s.deleteExpired = store.DeleteExpired
		}
		s.sessions = store
		if c.Sessions == "cached" {
			s.sessions = cached.New(cache, store)
		}
	}
	if probe := s.probes["datastore"]; probe != nil {
		err := patiently(ctx, log, "datastore", probe)
		switch {
		case unavailable(err):
			log.Warn("a service does not respond: pages that need it, and /health, get 503 until it does", "service", "datastore", "error", err)
			s.probeOn(log, "datastore", func(ctx context.Context) error { return explainDatastore(probe(ctx)) })
		case err != nil:
			return nil, errors.Join(fmt.Errorf("not started, because Datastore refuses: %w", explainDatastore(err)), s.Close())
		}
	}
	if probe := s.probes["memcached"]; probe != nil {
		if err := probe(ctx); err != nil { // its data was a copy, or is lost: not worth waiting for
			log.Warn("a service does not respond", "service", "memcached", "error", err)
		}
	}
	return s, nil
}

var (
	startPatience = 10 * time.Second // how long a service may be unavailable when the program starts
	probePause    = 5 * time.Second  // between two probes of one that still is
)

// patiently probes a service until it responds, refuses, or startPatience is over.
func patiently(ctx context.Context, log *slog.Logger, name string, probe health.Probe) error {
	ctx, cancel := context.WithTimeout(ctx, startPatience)
	defer cancel()
	for pause := 100 * time.Millisecond; ; pause *= 2 {
		err := probe(ctx)
		if err == nil || !unavailable(err) {
			return err
		}
		if pause == 100*time.Millisecond {
			log.Warn("a service does not respond; trying again for up to "+startPatience.String(), "service", name, "error", err)
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(pause):
		}
	}
}

// probeOn probes a service until it responds, and logs that it does. It also logs once if the
// service refuses.
func (s *services) probeOn(log *slog.Logger, name string, probe health.Probe) {
	refused := false
	s.background(func(ctx context.Context) {
		for {
			select {
			case <-ctx.Done():
				return
			case <-time.After(probePause):
			}
			switch err := probe(ctx); {
			case err == nil:
				log.Info("a service responds", "service", name)
				return
			case !unavailable(err) && ctx.Err() == nil && !refused:
				refused = true
				log.Error("a service refuses", "service", name, "error", err)
			}
		}
	})
}

// background runs f in the background until s is closed.
func (s *services) background(f func(ctx context.Context)) {
	ctx, stop := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { f(ctx) })
	s.closers = append(s.closers, func() error {
		stop()
		running.Wait()
		return nil
	})
}

// unavailable reports whether an error may be temporary. Others, such as missing permission,
// are mistakes of the settings.
func unavailable(err error) bool {
	if dial, ok := errors.AsType[*net.OpError](err); ok && dial.Op == "dial" {
		return true
	}
	switch status.Code(err) {
	case codes.Unavailable, codes.DeadlineExceeded, codes.ResourceExhausted, codes.Aborted, codes.Internal:
		return true
	case codes.Unauthenticated: // by the client itself, if the metadata server gave it no token
		return strings.Contains(err.Error(), "per-RPC creds failed")
	}
	return errors.Is(err, context.DeadlineExceeded)
}

// explainDatastore adds to an error of Datastore how to fix its cause.
func explainDatastore(err error) error {
	advice := ""
	switch status.Code(err) {
	case codes.OK:
		return err
	case codes.NotFound:
		advice = "the project has no such database: make it with gcloud firestore databases create --type=datastore-mode --location=REGION, and --database=ID if it is not the default one, or correct GOOGLE_CLOUD_PROJECT or DATASTORE_DATABASE"
	case codes.PermissionDenied, codes.Unauthenticated:
		advice = "give the service account of the program the role roles/datastore.user, and enable datastore.googleapis.com in the project of GOOGLE_CLOUD_PROJECT"
	case codes.FailedPrecondition:
		advice = "the database must be in Datastore mode, and an empty one can be changed: gcloud firestore databases update --type=datastore-mode"
	default:
		advice = "are GOOGLE_CLOUD_PROJECT and DATASTORE_EMULATOR_HOST right?"
	}
	return fmt.Errorf("%w (%s)", err, advice)
}

// openSQL opens the database for the data that c keeps in it.
func (c *config) openSQL(ctx context.Context, s *services, log *slog.Logger) error {
	if c.Sessions != "sql" && c.Users != "sql" {
		return nil
	}
	var db *sqldb.DB
	var err error
	name := "--sql"
	if c.SQL == "" {
		name = "--data=" + c.Data
		// On a laptop, acknowledged data survives the end of this program but not a crash of
		// the machine, because the operating system writes to the disk later.
		db, err = sqlite.Open(filepath.Join(c.Data, dataFile), sqlite.Config{Relaxed: c.Insecure})
	} else {
		db, err = linked.postgreSQL(string(c.SQL))
	}
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	s.closers = append(s.closers, db.Close)
	s.probes["sql"] = db.Probe
	if err := patiently(ctx, log, "sql", db.Probe); err != nil {
		return fmt.Errorf("%s: %w", name, err) // its tables could not be made
	}
	if c.Users == "sql" {
		if s.users, err = sqlusers.New(ctx, db, sqlusers.Config{}); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	if c.Sessions == "sql" {
		store, err := sqlstore.New(ctx, db, sqlstore.Config{})
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		s.sessions, s.deleteExpired = store, store.DeleteExpired
		s.cleanHourly(log)
	}
	return nil
}

// openValkey opens the server for the sessions and for the counter of wrong passwords.
func (c *config) openValkey(ctx context.Context, s *services, log *slog.Logger) error {
	if c.Sessions != "valkey" {
		return nil
	}
	var server *valkeyServer
	err := patiently(ctx, log, "valkey", func(ctx context.Context) (err error) {
		server, err = linked.valkey(ctx, c.Valkey)
		return err
	})
	if err != nil {
		return err
	}
	s.sessions, s.counter = server.sessions, server.counter
	s.closers = append(s.closers, server.close)
	s.probes["valkey"] = server.probe
	return nil
}

// linked opens services whose clients only few demos use. They make a first build a third
// longer, so only the build tag servers links them.
var linked = struct {
	postgreSQL func(url string) (*sqldb.DB, error)
	valkey     func(ctx context.Context, addrs []string) (*valkeyServer, error)
}{
	postgreSQL: func(string) (*sqldb.DB, error) { return nil, errNotLinked },
	valkey:     func(context.Context, []string) (*valkeyServer, error) { return nil, errNotLinked },
}

// A valkeyServer keeps sessions and counts wrong passwords.
type valkeyServer struct {
	sessions sessions.Backend
	counter  handlers.Counter
	probe    health.Probe
	close    func() error
}

var errNotLinked = errors.New("this demo is built without the clients of PostgreSQL and Valkey: build it with go build -tags servers ./cmd/demo, or start it with make run TAGS=servers")

// openMemcached returns nil if c needs no memcached.
func (c *config) openMemcached(s *services) (*memcache.Backend, error) {
	if c.Sessions != "memcache" && c.Sessions != "cached" {
		return nil, nil
	}
	config := memcache.Config{Servers: c.Memcached, Timeout: time.Duration(c.MemcachedTimeout)}
	backend, err := memcache.New(config)
	if err != nil {
		return nil, err
	}
	counter, err := memcache.NewCounter(config)
	if err != nil {
		return nil, err
	}
	s.counter = counter
	s.closers = append(s.closers, backend.Close, counter.Close)
	s.probes["memcached"] = backend.Ping
	return backend, nil
}

// openDatastore returns nil if c needs no Datastore.
func (c *config) openDatastore(ctx context.Context, s *services) (*gcds.Client, error) {
	if c.Sessions != "datastore" && c.Sessions != "cached" && c.Users != "datastore" {
		return nil, nil
	}
	client, err := datastore.Open(ctx, c.Project, c.Database)
	if err != nil {
		return nil, err
	}
	s.closers = append(s.closers, client.Close)
	probed := users.New(client, users.Config{Namespace: c.Namespace, Timeout: 5 * time.Second})
	s.probes["datastore"] = func(ctx context.Context) error {
		if _, err := probed.ByID(ctx, "nobody"); !errors.Is(err, auth.ErrNotFound) {
			return err
		}
		return nil
	}
	return client, nil
}

// findProject sets the project that Cloud Run does not name in a variable.
func (c *config) findProject(ctx context.Context) (err error) {
	if c.Project == "" && c.platform == cloud.CloudRun && os.Getenv("DATASTORE_EMULATOR_HOST") == "" {
		c.Project, err = cloud.Project(ctx)
	}
	return err
}

// Close ends the connections, after the last request.
func (s *services) Close() error {
	var all []error
	for _, end := range slices.Backward(s.closers) {
		all = append(all, end())
	}
	return errors.Join(all...)
}
