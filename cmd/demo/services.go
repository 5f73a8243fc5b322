package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"time"

	gcds "cloud.google.com/go/datastore"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/webapp2go/webapp2go/auth"
	users "github.com/webapp2go/webapp2go/auth/datastore"
	"github.com/webapp2go/webapp2go/cloud"
	"github.com/webapp2go/webapp2go/handlers"
	"github.com/webapp2go/webapp2go/health"
	"github.com/webapp2go/webapp2go/sessions"
	"github.com/webapp2go/webapp2go/sessions/cached"
	"github.com/webapp2go/webapp2go/sessions/datastore"
	"github.com/webapp2go/webapp2go/sessions/memcache"
)

// services keep the demo's sessions and users.
type services struct {
	sessions sessions.Backend // if nil, in signed cookies
	users    auth.Backend
	counter  handlers.Counter        // of wrong passwords; if nil, each instance counts its own
	probes   map[string]health.Probe // one for each service, for /health
	closers  []func() error

	deleteExpired func(ctx context.Context, limit int) (int, error) // in Datastore; if nil, there is nothing to delete
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
		if err := patiently(ctx, log, "datastore", probe); err != nil && !unavailable(err) {
			return nil, errors.Join(fmt.Errorf("not started, because Datastore refuses (are GOOGLE_CLOUD_PROJECT and DATASTORE_EMULATOR_HOST right, and may the service account use it?): %w", err), s.Close())
		}
	}
	if probe := s.probes["memcached"]; probe != nil {
		if err := probe(ctx); err != nil { // what it held was a copy, or is lost: not worth waiting for
			log.Warn("a service does not respond", "service", "memcached", "error", err)
		}
	}
	return s, nil
}

// startPatience is how long a service may be unavailable when the program starts.
const startPatience = 10 * time.Second

// patiently probes a service until it responds, or says no, or startPatience is over.
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
			log.Warn("a service does not respond: pages that need it get 503 until it does", "service", name, "error", err)
			return err
		case <-time.After(pause):
		}
	}
}

// unavailable reports whether an error of Datastore may be over in a moment. Others, such
// as missing permission, are mistakes of the settings.
func unavailable(err error) bool {
	code := status.Code(err)
	return code == codes.Unavailable || code == codes.DeadlineExceeded || errors.Is(err, context.DeadlineExceeded)
}

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
	client, err := datastore.Open(ctx, c.Project)
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
	for _, end := range s.closers {
		all = append(all, end())
	}
	return errors.Join(all...)
}
