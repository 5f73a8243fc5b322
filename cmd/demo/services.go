package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/webapp2go/webapp2go/auth"
	"github.com/webapp2go/webapp2go/sessions"
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
	switch c.sessions {
	case "memory":
		s.sessions = sessions.NewMemory()
	case "memcache":
		backend, err := memcache.New(memcache.Config{Servers: strings.Split(c.memcached, ",")})
		if err != nil {
			return nil, fmt.Errorf("-memcached %q: %w", c.memcached, err)
		}
		s.closers = append(s.closers, backend.Close)
		s.sessions = backend
		ping(ctx, backend, log)
	case "datastore":
		client, err := datastore.Open(ctx, c.project)
		if err != nil {
			return nil, fmt.Errorf("-sessions %s: %w", c.sessions, err)
		}
		s.closers = append(s.closers, client.Close)
		s.sessions = datastore.New(client, datastore.Config{Namespace: c.namespace})
	}
	return s, nil
}

func ping(ctx context.Context, backend *memcache.Backend, log *slog.Logger) {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	if err := backend.Ping(ctx); err != nil {
		log.Warn("memcached does not answer: pages that need a session are 503 until it does", "error", err)
	}
}

// Close ends the connections, after the last request.
func (s *services) Close() error {
	var all []error
	for _, end := range s.closers {
		all = append(all, end())
	}
	return errors.Join(all...)
}
