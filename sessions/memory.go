package sessions

import (
	"bytes"
	"cmp"
	"context"
	"hash/maphash"
	"slices"
	"sync"
	"time"
)

// MemoryLimit is how many records a [Memory] keeps. Where another one comes, those
// that have expired make room, or the one that would expire soonest.
const MemoryLimit = 1 << 17

const (
	memoryShards = 64
	// sweep is how many records of a shard are looked at when another comes: more
	// than one, so that those that expired go before long without a goroutine.
	sweep = 4
)

// A Memory is a [UserBackend] in this process's memory, for tests, for development
// and for a site of one instance whose sessions may be lost when it stops. It is safe
// for concurrent use: an id's shard is locked, never the whole. Sessions and EndUser
// look at every record.
type Memory struct {
	seed   maphash.Seed
	limit  int // of a shard
	shards [memoryShards]shard
}

type shard struct {
	mu      sync.Mutex
	records map[string]Record
	version uint64 // of the last write; an id that comes again never has an old version
}

var _ UserBackend = (*Memory)(nil)

// NewMemory returns an empty Memory.
func NewMemory() *Memory {
	m := &Memory{seed: maphash.MakeSeed(), limit: MemoryLimit / memoryShards}
	for i := range m.shards {
		m.shards[i].records = map[string]Record{}
	}
	return m
}

// locked returns the shard of id, locked.
func (m *Memory) locked(ctx context.Context, id string) (*shard, error) {
	if err := CheckID(id); err != nil {
		return nil, err
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s := &m.shards[maphash.String(m.seed, id)%memoryShards]
	s.mu.Lock()
	return s, nil
}

// living returns the record of id that has not expired.
func (s *shard) living(id string) (Record, bool) {
	r, found := s.records[id]
	return r, found && time.Now().Before(r.Expires)
}

func (s *shard) keep(id string, r Record) uint64 {
	s.version++
	r.Data, r.Version = bytes.Clone(r.Data), s.version
	s.records[id] = r
	return r.Version
}

// LoadIsCurrent implements [CurrentBackend].
func (m *Memory) LoadIsCurrent() bool { return true }

// Load implements [Backend].
func (m *Memory) Load(ctx context.Context, id string) (Record, error) {
	s, err := m.locked(ctx, id)
	if err != nil {
		return Record{}, err
	}
	defer s.mu.Unlock()
	r, found := s.living(id)
	if !found {
		delete(s.records, id)
		return Record{}, ErrNotFound
	}
	r.Data = bytes.Clone(r.Data)
	return r, nil
}

// Create implements [Backend].
func (m *Memory) Create(ctx context.Context, id string, r Record) error {
	s, err := m.locked(ctx, id)
	if err != nil {
		return err
	}
	defer s.mu.Unlock()
	if _, found := s.living(id); found {
		return ErrExists
	}
	s.makeRoom(m.limit)
	s.keep(id, r)
	return nil
}

// Update implements [Backend].
func (m *Memory) Update(ctx context.Context, id string, r Record) (version uint64, err error) {
	s, err := m.locked(ctx, id)
	if err != nil {
		return 0, err
	}
	defer s.mu.Unlock()
	old, found := s.living(id)
	switch {
	case !found:
		return 0, ErrNotFound
	case old.Version != r.Version:
		return 0, ErrConflict
	}
	return s.keep(id, r), nil
}

// Delete implements [Backend].
func (m *Memory) Delete(ctx context.Context, id string) error {
	s, err := m.locked(ctx, id)
	if err != nil {
		return err
	}
	defer s.mu.Unlock()
	delete(s.records, id)
	return nil
}

// Sessions implements [UserBackend].
func (m *Memory) Sessions(_ context.Context, user string) ([]Info, error) {
	var list []Info
	m.each(user, func(_ *shard, id string, r Record) {
		list = append(list, r.Info(id))
	})
	slices.SortFunc(list, func(a, b Info) int {
		return cmp.Or(b.Created.Compare(a.Created), cmp.Compare(a.ID, b.ID))
	})
	return list, nil
}

// EndUser implements [UserBackend].
func (m *Memory) EndUser(_ context.Context, user string, except ...string) error {
	m.each(user, func(s *shard, id string, _ Record) {
		if !slices.Contains(except, id) {
			delete(s.records, id)
		}
	})
	return nil
}

// each calls f with the living sessions of user, their shard locked. Sessions of
// nobody are nobody's to list or to end.
func (m *Memory) each(user string, f func(s *shard, id string, r Record)) {
	if user == "" {
		return
	}
	now := time.Now()
	for i := range m.shards {
		s := &m.shards[i]
		s.mu.Lock()
		for id, r := range s.records {
			if r.User == user && len(r.Data) > 0 && now.Before(r.Expires) {
				f(s, id, r)
			}
		}
		s.mu.Unlock()
	}
}

// makeRoom drops some of what has expired, and where the shard is full one record at
// least. Finding it costs a look at the whole shard.
func (s *shard) makeRoom(limit int) {
	now, looked := time.Now(), 0
	for id, r := range s.records { // from a random place: map order
		if !now.Before(r.Expires) {
			delete(s.records, id)
		}
		if looked++; looked == sweep {
			break
		}
	}
	if len(s.records) < limit {
		return
	}
	var soonest string
	var at time.Time
	for id, r := range s.records {
		if !now.Before(r.Expires) {
			delete(s.records, id)
		} else if soonest == "" || r.Expires.Before(at) {
			soonest, at = id, r.Expires
		}
	}
	if len(s.records) >= limit {
		delete(s.records, soonest)
	}
}
