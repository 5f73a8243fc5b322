package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	gcds "cloud.google.com/go/datastore"

	"github.com/webapp2go/webapp2go/auth"
	users "github.com/webapp2go/webapp2go/auth/datastore"
	"github.com/webapp2go/webapp2go/handlers"
	"github.com/webapp2go/webapp2go/health"
	"github.com/webapp2go/webapp2go/sessions"
	"github.com/webapp2go/webapp2go/sessions/cached"
	"github.com/webapp2go/webapp2go/sessions/datastore"
	"github.com/webapp2go/webapp2go/sessions/memcache"
)

// services are where the demo keeps what it must not forget.
type services struct {
	sessions sessions.Backend // nil: in signed cookies
	users    auth.Store
	counter  handlers.Counter        // of logins that failed; nil: each instance counts for itself
	keys     []sessions.Key          // that sign the cookies; none: nothing was said
	probes   map[string]health.Probe // one for each service, for /health
	closers  []func() error

	deleteExpired func(ctx context.Context, limit int) (int, error) // of the sessions in Datastore; nil: nobody needs to
}

// connect makes the services that c names. A choice that cannot be is an error, and
// so is a Datastore that does not answer; a memcached that does not is a line in the
// log, and where nothing is behind it, 503 until it does.
func (c *config) connect(ctx context.Context, log *slog.Logger) (*services, error) {
	s := &services{users: auth.NewMemory(), probes: map[string]health.Probe{}}
	var err error
	if s.keys, err = c.sessionKeys(ctx); err != nil {
		return nil, err
	}
	cache, err := c.openMemcached(s)
	if err != nil {
		return nil, fmt.Errorf("-memcached %q: %w", c.memcached, err)
	}
	client, err := c.openDatastore(ctx, s)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("-sessions %s, -users %s: %w", c.sessions, c.users, err), s.Close())
	}
	if c.users == "datastore" {
		s.users = users.New(client, users.Config{Namespace: c.namespace})
	}
	switch c.sessions {
	case "memory":
		s.sessions = sessions.NewMemory()
	case "memcache":
		s.sessions = cache
	case "datastore", "cached":
		store := datastore.New(client, datastore.Config{Namespace: c.namespace, TTLPolicy: c.ttlPolicy})
		if !c.ttlPolicy {
			s.deleteExpired = store.DeleteExpired
		}
		s.sessions = store
		if c.sessions == "cached" {
			s.sessions = cached.New(cache, store)
		}
	}
	if err := s.answers(ctx, "datastore"); err != nil {
		return nil, errors.Join(fmt.Errorf("not started, because Datastore does not answer (are GOOGLE_CLOUD_PROJECT and DATASTORE_EMULATOR_HOST right, and may the service account use it?): %w", err), s.Close())
	}
	if err := s.answers(ctx, "memcached"); err != nil {
		log.Warn("memcached does not answer", "error", err)
	}
	return s, nil
}

// answers asks a service for which there is a check. A Datastore that cannot be asked
// at start is a mistake; a memcached may come back, and what it kept is a copy.
func (s *services) answers(ctx context.Context, service string) error {
	probe := s.probes[service]
	if probe == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	return probe(ctx)
}

// startTimeout bounds the first call of a service, which has to connect.
const startTimeout = 5 * time.Second

// openMemcached returns nil where c needs no memcached.
func (c *config) openMemcached(s *services) (*memcache.Backend, error) {
	if c.sessions != "memcache" && c.sessions != "cached" {
		return nil, nil
	}
	backend, err := memcache.New(memcache.Config{Servers: strings.Split(c.memcached, ","), Timeout: c.patience})
	if err != nil {
		return nil, err
	}
	counter, err := memcache.NewCounter(memcache.Config{Servers: strings.Split(c.memcached, ","), Timeout: c.patience})
	if err != nil {
		return nil, err
	}
	s.counter = counter
	s.closers = append(s.closers, backend.Close, counter.Close)
	s.probes["memcached"] = backend.Ping
	return backend, nil
}

// openDatastore returns nil where c needs no Datastore.
func (c *config) openDatastore(ctx context.Context, s *services) (*gcds.Client, error) {
	if c.sessions != "datastore" && c.sessions != "cached" && c.users != "datastore" {
		return nil, nil
	}
	client, err := datastore.Open(ctx, c.project)
	if err != nil {
		return nil, err
	}
	s.closers = append(s.closers, client.Close)
	nobody := users.New(client, users.Config{Namespace: c.namespace, Timeout: startTimeout})
	s.probes["datastore"] = func(ctx context.Context) error {
		if _, err := nobody.ByID(ctx, "nobody"); !errors.Is(err, auth.ErrNotFound) {
			return err
		}
		return nil
	}
	return client, nil
}

// Close ends the connections, after the last request.
func (s *services) Close() error {
	var all []error
	for _, end := range s.closers {
		all = append(all, end())
	}
	return errors.Join(all...)
}
