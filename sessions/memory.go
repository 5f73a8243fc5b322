package sessions

import (
	"bytes"
	"cmp"
	"container/heap"
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"
	"time"
)

const (
	// DefaultMemoryRecords is how many records a [Memory] keeps if its MaxRecords is zero.
	DefaultMemoryRecords = 1 << 17
	// DefaultMemoryBytes is how many bytes a [Memory] takes if its MaxBytes is zero: 256 MiB.
	DefaultMemoryBytes = 256 << 20

	// memoryOverhead is how many bytes a record takes beside its data and its user: for
	// itself, its id, the map, a heap and the index.
	memoryOverhead = 512
	// memorySweep is how many expired records a write removes while there is room: more
	// than one, so that all of them go in time without a goroutine.
	memorySweep = 4
)

// A Memory is a [UserBackend] in the memory of this process, for tests, for development, and
// for a site of one instance whose sessions may be lost when it stops. The zero Memory is
// ready to use. It is safe for concurrent use.
//
// It is bounded. If there is no room for a record, others are removed: first those that
// have expired, then those without a user, which include tombstones, then those of users;
// in each group the one that expires soonest. So a flood of visitors ends the sessions of
// other visitors before it ends a login.
type Memory struct {
	// MaxRecords is how many records are kept. If zero, [DefaultMemoryRecords]; if negative,
	// any number. Do not change it after the first use.
	MaxRecords int
	// MaxBytes is how many bytes the records take: their data, their users and 512 bytes
	// for each. If zero, [DefaultMemoryBytes]; if negative, any number. A larger record is
	// refused with [ErrTooLarge]. Garbage is not counted: it may take as much again if GOGC
	// is not set. Do not change MaxBytes after the first use.
	MaxBytes int

	// mu guards the fields below. No other lock is taken while it is held.
	mu      sync.Mutex
	records map[string]*memoryRecord
	bytes   int // how many the records take
	// Every record is in one heap: in owned if it has a user, and then in the list of its
	// user too; else in others.
	owned, others byExpiry
	users         map[string]*memoryRecord // the first record of the list of each user
}

// A memoryRecord is a record that a Memory keeps. Its Data is never changed in place.
type memoryRecord struct {
	Record
	id             string
	place          int           // its index in its heap
	next, previous *memoryRecord // in the list of its user
}

var _ UserBackend = (*Memory)(nil)

// NewMemory returns an empty Memory with the default bounds.
func NewMemory() *Memory { return new(Memory) }

// LoadIsCurrent implements [CurrentBackend].
func (m *Memory) LoadIsCurrent() bool { return true }

// Load implements [Backend].
func (m *Memory) Load(ctx context.Context, id string) (Record, error) {
	if err := m.lock(ctx, id); err != nil {
		return Record{}, err
	}
	kept := m.living(id)
	if kept == nil {
		m.mu.Unlock()
		return Record{}, ErrNotFound
	}
	r := kept.Record
	m.mu.Unlock()
	r.Data = bytes.Clone(r.Data)
	return r, nil
}

// Create implements [Backend].
func (m *Memory) Create(ctx context.Context, id string, r Record) error {
	if err := m.tooLarge(r); err != nil {
		return err
	}
	if err := m.lock(ctx, id); err != nil {
		return err
	}
	defer m.mu.Unlock()
	if m.living(id) != nil {
		return ErrExists
	}
	if m.records == nil {
		m.records, m.users = map[string]*memoryRecord{}, map[string]*memoryRecord{}
	}
	kept := &memoryRecord{id: id}
	m.put(kept, r)
	m.records[id] = kept
	return nil
}

// Update implements [Backend].
func (m *Memory) Update(ctx context.Context, id string, r Record) (version uint64, err error) {
	if err := m.tooLarge(r); err != nil {
		return 0, err
	}
	if err := m.lock(ctx, id); err != nil {
		return 0, err
	}
	defer m.mu.Unlock()
	kept := m.living(id)
	switch {
	case kept == nil:
		return 0, ErrNotFound
	case kept.Version != r.Version:
		return 0, ErrConflict
	}
	m.take(kept) // so that it does not make room for itself
	m.put(kept, r)
	return kept.Version, nil
}

// Delete implements [Backend].
func (m *Memory) Delete(ctx context.Context, id string) error {
	if err := m.lock(ctx, id); err != nil {
		return err
	}
	defer m.mu.Unlock()
	if kept := m.records[id]; kept != nil {
		m.drop(kept)
	}
	return nil
}

// Sessions implements [UserBackend].
func (m *Memory) Sessions(ctx context.Context, user string) ([]SessionInfo, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	now := time.Now()
	m.mu.Lock()
	var list []SessionInfo
	for kept := m.users[user]; kept != nil; kept = kept.next {
		if now.Before(kept.Expires) {
			list = append(list, kept.Info(kept.id))
		}
	}
	m.mu.Unlock()
	slices.SortFunc(list, func(a, b SessionInfo) int {
		return cmp.Or(b.Created.Compare(a.Created), cmp.Compare(a.ID, b.ID))
	})
	return list, nil
}

// EndUser implements [UserBackend].
func (m *Memory) EndUser(ctx context.Context, user string, except ...string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for kept := m.users[user]; kept != nil; {
		next := kept.next
		if !slices.Contains(except, kept.id) {
			m.drop(kept)
		}
		kept = next
	}
	return nil
}

// lock checks id and ctx, and locks m if there is no error.
func (m *Memory) lock(ctx context.Context, id string) error {
	if err := CheckID(id); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	m.mu.Lock()
	return nil
}

// living returns the record of id, or nil if there is none or it has expired.
func (m *Memory) living(id string) *memoryRecord {
	kept := m.records[id]
	if kept != nil && !time.Now().Before(kept.Expires) {
		m.drop(kept)
		return nil
	}
	return kept
}

// put makes room for r and keeps it in kept, which is not in a heap.
func (m *Memory) put(kept *memoryRecord, r Record) {
	m.makeRoom(r.size())
	r.Data, r.Version = bytes.Clone(r.Data), NextVersion(kept.Version)
	if r.User == kept.User {
		r.User = kept.User
	} else {
		r.User = strings.Clone(r.User) // it may be a substring of a long text, which would be kept with it
	}
	kept.Record = r
	m.bytes += r.size()
	heap.Push(m.heapOf(r), kept)
	if r.owned() {
		first := m.users[r.User]
		if first != nil {
			first.previous = kept
		}
		kept.next, kept.previous, m.users[r.User] = first, nil, kept
	}
}

// take removes kept from its heap and its list: the opposite of put.
func (m *Memory) take(kept *memoryRecord) {
	m.bytes -= kept.size()
	heap.Remove(m.heapOf(kept.Record), kept.place)
	if !kept.owned() {
		return
	}
	switch {
	case kept.previous != nil:
		kept.previous.next = kept.next
	case kept.next != nil:
		m.users[kept.User] = kept.next
	default:
		delete(m.users, kept.User)
	}
	if kept.next != nil {
		kept.next.previous = kept.previous
	}
}

func (m *Memory) drop(kept *memoryRecord) {
	m.take(kept)
	delete(m.records, kept.id)
}

// makeRoom removes some expired records, and others until a record of this size fits.
func (m *Memory) makeRoom(size int) {
	now := time.Now()
	for removed := 0; ; removed++ {
		first, expired := m.first(now)
		fits := len(m.owned)+len(m.others) < bound(m.MaxRecords, DefaultMemoryRecords) && m.bytes <= bound(m.MaxBytes, DefaultMemoryBytes)-size
		if first == nil || fits && !(expired && removed < memorySweep) {
			return
		}
		m.drop(first)
	}
}

// first returns the record that is removed first, or nil if there is none.
func (m *Memory) first(now time.Time) (first *memoryRecord, expired bool) {
	for _, h := range []byExpiry{m.others, m.owned} {
		if len(h) > 0 && !now.Before(h[0].Expires) {
			return h[0], true
		}
		if len(h) > 0 && first == nil {
			first = h[0]
		}
	}
	return first, false
}

func (m *Memory) tooLarge(r Record) error {
	if most := bound(m.MaxBytes, DefaultMemoryBytes); r.size() > most {
		return fmt.Errorf("%w: %d bytes, Memory.MaxBytes is %d", ErrTooLarge, r.size(), most)
	}
	return nil
}

func (m *Memory) heapOf(r Record) *byExpiry {
	if r.owned() {
		return &m.owned
	}
	return &m.others
}

// owned reports whether r has a user.
func (r Record) owned() bool { return r.User != "" }

// size is how many bytes a Memory takes for r.
func (r Record) size() int { return len(r.Data) + len(r.User) + memoryOverhead }

// bound returns the bound that a field sets.
func bound(field, ifZero int) int {
	if field < 0 {
		return math.MaxInt
	}
	return cmp.Or(field, ifZero)
}

// byExpiry is a heap of records. The first one expires soonest. Each knows its index.
type byExpiry []*memoryRecord

func (h byExpiry) Len() int           { return len(h) }
func (h byExpiry) Less(i, j int) bool { return h[i].Expires.Before(h[j].Expires) }

func (h byExpiry) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].place, h[j].place = i, j
}

// Push implements [heap.Interface].
func (h *byExpiry) Push(kept any) {
	r := kept.(*memoryRecord)
	r.place = len(*h)
	*h = append(*h, r)
}

// Pop implements [heap.Interface].
func (h *byExpiry) Pop() any {
	last := len(*h) - 1
	r := (*h)[last]
	(*h)[last] = nil
	*h = (*h)[:last]
	return r
}
