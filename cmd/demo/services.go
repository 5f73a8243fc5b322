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
	"github.com/webapp2go/webapp2go/sessions"
	"github.com/webapp2go/webapp2go/sessions/cached"
	"github.com/webapp2go/webapp2go/sessions/datastore"
	"github.com/webapp2go/webapp2go/sessions/memcache"
)

// services are where the demo keeps what it must not forget.
type services struct {
	sessions sessions.Backend // nil: in signed cookies
	users    auth.Store
	closers  []func() error
}

// connect makes the services that c names. A choice that cannot be is an error; a
// server that does not answer is a line in the log, and 503 until it does.
func (c *config) connect(ctx context.Context, log *slog.Logger) (*services, error) {
	s := &services{users: auth.NewMemory()}
	cache, err := c.openMemcached(ctx, s, log)
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
	case "datastore":
		s.sessions = datastore.New(client, datastore.Config{Namespace: c.namespace})
	case "cached":
		s.sessions = cached.New(cache, datastore.New(client, datastore.Config{Namespace: c.namespace}))
	}
	return s, nil
}

// openMemcached returns nil where c needs no memcached.
func (c *config) openMemcached(ctx context.Context, s *services, log *slog.Logger) (*memcache.Backend, error) {
	if c.sessions != "memcache" && c.sessions != "cached" {
		return nil, nil
	}
	backend, err := memcache.New(memcache.Config{Servers: strings.Split(c.memcached, ","), Timeout: c.patience})
	if err != nil {
		return nil, err
	}
	s.closers = append(s.closers, backend.Close)
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	if err := backend.Ping(ctx); err != nil {
		log.Warn("memcached does not answer", "error", err)
	}
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
