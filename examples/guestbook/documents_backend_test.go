package main

import (
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/webapp2go/webapp2go/sessions"
	"github.com/webapp2go/webapp2go/sessions/sessionstest"
)

// A shelf is the Backend that docs/sessions.md shows: a minimal one that keeps the rules.
type shelf struct {
	mu      sync.Mutex
	records map[string]sessions.Record
	version uint64
}

func (s *shelf) Load(ctx context.Context, id string) (sessions.Record, error) {
	if err := check(ctx, id); err != nil {
		return sessions.Record{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.find(id)
}

func (s *shelf) Create(ctx context.Context, id string, r sessions.Record) error {
	if err := check(ctx, id); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, err := s.find(id); err == nil {
		return sessions.ErrExists
	}
	s.keep(id, r)
	return nil
}

func (s *shelf) Update(ctx context.Context, id string, r sessions.Record) (uint64, error) {
	if err := check(ctx, id); err != nil {
		return 0, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	switch old, err := s.find(id); {
	case err != nil:
		return 0, err
	case old.Version != r.Version:
		return 0, sessions.ErrConflict
	}
	return s.keep(id, r), nil
}

func (s *shelf) Delete(ctx context.Context, id string) error {
	if err := check(ctx, id); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.records, id)
	return nil
}

// check refuses calls that come too late, and ids that are not valid.
func check(ctx context.Context, id string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return sessions.CheckID(id)
}

// find judges the expiry itself, and hands out no slice of its own.
func (s *shelf) find(id string) (sessions.Record, error) {
	r, ok := s.records[id]
	if !ok || !r.Expires.After(time.Now()) {
		return sessions.Record{}, sessions.ErrNotFound
	}
	r.Data = slices.Clone(r.Data)
	return r, nil
}

// keep numbers the versions of all records together: one that comes back after a
// Delete never has a version that somebody still holds.
func (s *shelf) keep(id string, r sessions.Record) uint64 {
	s.version++
	r.Version, r.Data = s.version, slices.Clone(r.Data)
	s.records[id] = r
	return s.version
}

func TestShelf(t *testing.T) {
	sessionstest.Run(t, func(*testing.T) sessions.Backend {
		return &shelf{records: map[string]sessions.Record{}}
	})
}
