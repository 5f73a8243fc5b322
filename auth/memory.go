package auth

import (
	"cmp"
	"context"
	"crypto/rand"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Memory is a [Backend] in the memory of one process, for development and tests: users
// vanish with the process. It is safe for concurrent use. Make one with [NewMemory], and
// set its fields before the first use.
type Memory struct {
	// MaxUsers is how many users it keeps before Create fails, so that an open sign-up cannot
	// fill the memory. If 0, it is 100,000; if negative, there is no limit.
	MaxUsers int
	// If Numbers is true, Create gives the IDs 1, 2 and so on instead of random text, for
	// an application whose other data refers to users by numbers.
	Numbers bool

	mu         sync.RWMutex
	byID       map[string]*User // never changed in place, only replaced
	byKey      map[Key]string   // to ID
	lastNumber uint64           // the highest number that was an ID
}

var _ Backend = (*Memory)(nil)

// NewMemory returns an empty Memory.
func NewMemory() *Memory {
	return &Memory{byID: make(map[string]*User), byKey: make(map[Key]string)}
}

// notFound returns an error that wraps [ErrNotFound] and shows the beginning of the
// value.
func notFound(what, value string) error {
	return fmt.Errorf("%w: %s %.80q", ErrNotFound, what, value)
}

// ByID implements [Backend].
func (m *Memory) ByID(_ context.Context, id string) (*User, error) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	u, ok := m.byID[id]
	if !ok {
		return nil, notFound("ID", id)
	}
	return u.Clone(), nil
}

// ByLogin implements [Backend].
func (m *Memory) ByLogin(_ context.Context, text string) (*User, error) {
	return m.byKeys(LoginKeys(text)...)
}

// ByKey implements [Backend].
func (m *Memory) ByKey(_ context.Context, key Key) (*User, error) { return m.byKeys(key) }

// byKeys returns the user of the first key that belongs to one.
func (m *Memory) byKeys(keys ...Key) (*User, error) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	for _, key := range keys {
		if u, ok := m.byID[m.byKey[key]]; ok {
			return u.Clone(), nil
		}
	}
	return nil, ErrNotFound
}

// Create implements [Backend].
func (m *Memory) Create(_ context.Context, u *User) error {
	keys, err := u.Keys()
	if err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.taken(keys, u.ID); err != nil {
		return err
	}
	if _, taken := m.byID[u.ID]; taken {
		return &ExistsError{ID: u.ID}
	}
	if limit := cmp.Or(m.MaxUsers, 100_000); limit > 0 && len(m.byID) >= limit {
		return fmt.Errorf("auth: the backend in memory is full with %d users", limit)
	}
	switch {
	case u.ID != "":
		if number, err := strconv.ParseUint(u.ID, 10, 64); err == nil {
			m.lastNumber = max(m.lastNumber, number)
		}
	case m.Numbers:
		m.lastNumber++
		u.ID = strconv.FormatUint(m.lastNumber, 10)
	default:
		u.ID = rand.Text()
	}
	if u.Created.IsZero() {
		u.Created = time.Now().UTC()
	}
	u.Created = u.Created.Truncate(time.Microsecond)
	u.Version = 1
	m.keep(u, keys)
	return nil
}

// Update implements [Backend].
func (m *Memory) Update(_ context.Context, u *User) error {
	keys, err := u.Keys()
	if err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.unchanged(u); err != nil {
		return err
	}
	if err := m.taken(keys, u.ID); err != nil {
		return err
	}
	u.Version++
	m.free(u.ID)
	m.keep(u, keys)
	return nil
}

// Delete implements [Backend].
func (m *Memory) Delete(_ context.Context, u *User) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.unchanged(u); err != nil {
		return err
	}
	m.free(u.ID)
	delete(m.byID, u.ID)
	return nil
}

// unchanged returns an error unless the stored user has the version of u.
func (m *Memory) unchanged(u *User) error {
	old, ok := m.byID[u.ID]
	if !ok {
		return notFound("ID", u.ID)
	}
	if old.Version != u.Version {
		return fmt.Errorf("%w: ID %.80q", ErrConflict, u.ID)
	}
	return nil
}

// taken returns an error if one of the keys is that of a user other than id.
func (m *Memory) taken(keys []Key, id string) error {
	for _, key := range keys {
		if owner, taken := m.byKey[key]; taken && owner != id {
			return &ExistsError{Key: key}
		}
	}
	return nil
}

func (m *Memory) keep(u *User, keys []Key) {
	m.byID[u.ID] = u.Clone()
	for _, key := range keys {
		m.byKey[key] = u.ID
	}
}

// free frees the keys of a stored user.
func (m *Memory) free(id string) {
	keys, _ := m.byID[id].Keys() // they were valid when the user was stored
	for _, key := range keys {
		delete(m.byKey, key)
	}
}

// List implements [Backend].
func (m *Memory) List(_ context.Context, prefix Key, after string, limit int) (users []*User, next string, err error) {
	if limit <= 0 || limit > MaxPage {
		limit = MaxPage
	}
	m.mu.RLock()
	defer m.mu.RUnlock()
	var found []string // IDs, or keys
	if prefix == "" {
		for id := range m.byID {
			if id > after {
				found = append(found, id)
			}
		}
	} else {
		for key := range m.byKey {
			if strings.HasPrefix(string(key), string(prefix)) && string(key) > after {
				found = append(found, string(key))
			}
		}
	}
	slices.Sort(found)
	if len(found) > limit {
		found = found[:limit]
		next = found[limit-1]
	}
	for _, text := range found {
		id := text
		if prefix != "" {
			id = m.byKey[Key(text)]
		}
		users = append(users, m.byID[id].Clone())
	}
	return users, next, nil
}
