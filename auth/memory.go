package auth

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// Memory is a [Store] in the memory of one process, for development and tests:
// users vanish with the process. It is safe for concurrent use. Make one with
// [NewMemory].
type Memory struct {
	// Max is how many users it keeps before Create fails, so that an open sign-up
	// cannot fill the memory; 0: 100,000. Set it before the first use.
	Max int

	mu     sync.RWMutex
	byID   map[string]*User  // never changed in place, only replaced
	byName map[string]string // NameKey to ID
}

var _ Store = (*Memory)(nil)

// maxID is the longest ID in bytes, which is Datastore's bound.
const maxID = 1500

var errNameless = fmt.Errorf("auth: a user needs a name, of at most %d bytes", MaxName)

// notFound is an ErrNotFound that shows the beginning of what was looked for.
func notFound(what, value string) error {
	return fmt.Errorf("%w: %s %.80q", ErrNotFound, what, value)
}

// NewMemory returns an empty Memory.
func NewMemory() *Memory {
	return &Memory{byID: make(map[string]*User), byName: make(map[string]string)}
}

// ByID implements [Store].
func (m *Memory) ByID(_ context.Context, id string) (*User, error) {
	if len(id) > maxID {
		return nil, notFound("ID", id)
	}
	m.mu.RLock()
	defer m.mu.RUnlock()
	u, ok := m.byID[id]
	if !ok {
		return nil, notFound("ID", id)
	}
	return u.Clone(), nil
}

// ByName implements [Store].
func (m *Memory) ByName(_ context.Context, name string) (*User, error) {
	key := NameKey(name)
	m.mu.RLock()
	defer m.mu.RUnlock()
	u, ok := m.byID[m.byName[key]]
	if !ok {
		return nil, notFound("name", name)
	}
	return u.Clone(), nil
}

// Create implements [Store].
func (m *Memory) Create(_ context.Context, u *User) error {
	key := NameKey(u.Name)
	if key == "" {
		return errNameless
	}
	if len(u.ID) > maxID {
		return fmt.Errorf("auth: an ID of %d bytes, more than %d", len(u.ID), maxID)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, taken := m.byName[key]; taken {
		return fmt.Errorf("%w: %.80q", ErrExists, u.Name)
	}
	if _, taken := m.byID[u.ID]; taken {
		return fmt.Errorf("%w: ID %.80q", ErrExists, u.ID)
	}
	limit := m.Max
	if limit == 0 {
		limit = 100_000
	}
	if len(m.byID) >= limit {
		return fmt.Errorf("auth: the store in memory is full with %d users", limit)
	}
	if u.ID == "" {
		u.ID = NewID()
	}
	if u.Created.IsZero() {
		u.Created = time.Now().UTC()
	}
	u.Created = u.Created.Truncate(time.Microsecond)
	u.Version = 1
	m.byID[u.ID] = u.Clone()
	m.byName[key] = u.ID
	return nil
}

// Update implements [Store].
func (m *Memory) Update(_ context.Context, u *User) error {
	key := NameKey(u.Name)
	if key == "" {
		return errNameless
	}
	if len(u.ID) > maxID {
		return notFound("ID", u.ID)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	old, ok := m.byID[u.ID]
	if !ok {
		return notFound("ID", u.ID)
	}
	if old.Version != u.Version {
		return fmt.Errorf("%w: ID %.80q", ErrConflict, u.ID)
	}
	if id, taken := m.byName[key]; taken && id != u.ID {
		return fmt.Errorf("%w: %.80q", ErrExists, u.Name)
	}
	u.Version++
	m.byID[u.ID] = u.Clone()
	delete(m.byName, NameKey(old.Name))
	m.byName[key] = u.ID
	return nil
}
