package sessions

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func id(n int) string { return fmt.Sprintf("%043d", n) }

// checkStructure fails unless the heaps, the index and the count of bytes agree with the
// records.
func (m *Memory) checkStructure(t *testing.T) {
	t.Helper()
	m.mu.Lock()
	defer m.mu.Unlock()
	size, owned, listed := 0, 0, 0
	for id, r := range m.records {
		size += r.size()
		h := m.others
		if r.owned() {
			h = m.owned
			owned++
		}
		if r.place >= len(h) || h[r.place] != r {
			t.Fatalf("record %s is not at its place", id)
		}
		if parent := (r.place - 1) / 2; r.Expires.Before(h[parent].Expires) {
			t.Fatalf("record %s expires before the one above it", id)
		}
	}
	for user, first := range m.users {
		if first == nil || first.previous != nil {
			t.Fatalf("the list of user %q has no first record", user)
		}
		for r := first; r != nil; r = r.next {
			if r.User != user || m.records[r.id] != r || r.next != nil && r.next.previous != r {
				t.Fatalf("record %s does not belong into the list of user %q", r.id, user)
			}
			listed++
		}
	}
	if m.bytes != size || len(m.owned) != owned || listed != owned || len(m.others) != len(m.records)-owned {
		t.Fatalf("%d records, %d of users, %d bytes; counted: %d in owned, %d in others, %d listed, %d bytes",
			len(m.records), owned, size, len(m.owned), len(m.others), listed, m.bytes)
	}
	if size > bound(m.MaxBytes, DefaultMemoryBytes) || len(m.records) > bound(m.MaxRecords, DefaultMemoryRecords) {
		t.Fatalf("%d records, %d bytes: more than the bounds", len(m.records), size)
	}
}

// alive counts the records from first on that can be loaded.
func alive(t *testing.T, m *Memory, first, n int) (found int) {
	t.Helper()
	for i := range n {
		if _, err := m.Load(t.Context(), id(first+i)); err == nil {
			found++
		}
	}
	return found
}

// A flood of records without a user does not remove sessions of users.
func TestMemoryKeepsUsersLongest(t *testing.T) {
	visitor := Record{Data: []byte("a visitor's")}
	tests := []struct {
		name  string
		m     *Memory
		n     int
		flood Record
		lost  int // of 1,000 logins
	}{
		{"visitors", NewMemory(), 200_000, visitor, 0},
		{"tombstones", NewMemory(), 200_000, tombstone{successor: id(0)}.toRecord(1), 0},
		{"bytes", &Memory{MaxBytes: 8 << 20}, 200, Record{Data: make([]byte, 1<<20)}, 0},
		{"full of users: one makes room", &Memory{MaxRecords: 1000}, 10_000, visitor, 1},
		{"full of users' bytes", &Memory{MaxBytes: 1000 * (memoryOverhead + 8)}, 10_000, visitor, 2},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if testing.Short() {
				test.n /= 5
			}
			ctx, m, now := t.Context(), test.m, time.Now()
			for i := range 1000 {
				r := Record{Data: []byte("data"), User: fmt.Sprintf("%04d", i), Expires: now.Add(time.Hour)}
				if err := m.Create(ctx, id(i), r); err != nil {
					t.Fatal(err)
				}
			}
			test.flood.Expires = now.Add(12 * time.Hour) // later than any login
			for i := range test.n {
				if err := m.Create(ctx, id(1000+i), test.flood); err != nil {
					t.Fatal(err)
				}
			}
			m.checkStructure(t)
			if found := alive(t, m, 0, 1000); found != 1000-test.lost {
				t.Errorf("%d of 1,000 logins are alive, want %d", found, 1000-test.lost)
			}
			if alive(t, m, 1000+test.n-1, 1) == 0 {
				t.Error("the last record was not kept")
			}
		})
	}
}

// plain is a Memory in its simplest form: it looks at all records to find the one to remove.
type plain struct {
	records         map[string]Record
	maxCount, bytes int
}

func (p *plain) put(id string, r Record, now time.Time) {
	delete(p.records, id)
	for removed := 0; ; removed++ {
		first, size := "", 0
		for id, r := range p.records {
			size += r.size()
			if first == "" || p.before(r, p.records[first], now) {
				first = id
			}
		}
		fits := len(p.records) < p.maxCount && size+r.size() <= p.bytes
		if first == "" || fits && (now.Before(p.records[first].Expires) || removed >= memorySweep) {
			break
		}
		delete(p.records, first)
	}
	p.records[id] = r
}

// before reports whether a is removed before b: expired records first, then those without a
// user, then by time.
func (p *plain) before(a, b Record, now time.Time) bool {
	if x, y := !now.Before(a.Expires), !now.Before(b.Expires); x != y {
		return x
	}
	if a.owned() != b.owned() {
		return b.owned()
	}
	return a.Expires.Before(b.Expires)
}

// A Memory keeps and removes the same records as a plain one, for any sequence of calls.
func TestMemoryAgainstPlain(t *testing.T) {
	for seed := range uint64(8) {
		synctest.Test(t, func(t *testing.T) {
			random := rand.New(rand.NewPCG(seed, 0))
			ctx, m := t.Context(), &Memory{MaxRecords: 40, MaxBytes: 25_000}
			p := &plain{map[string]Record{}, m.MaxRecords, m.MaxBytes}
			for step := range 3000 {
				time.Sleep(time.Duration(random.IntN(1000)) * time.Millisecond)
				id, now := id(random.IntN(80)), time.Now()
				r := Record{
					Data: bytes.Repeat([]byte{1}, random.IntN(4)*random.IntN(400)),
					User: []string{"", "ann", "bob"}[random.IntN(3)],
					// No two records expire at the same time.
					Expires: now.Add(time.Duration(random.IntN(60))*time.Second + time.Duration(step)),
				}
				before, err := m.Load(ctx, id)
				if err != nil {
					delete(p.records, id) // expired: a Load removes it
				}
				if _, kept := p.records[id]; kept != (err == nil) {
					t.Fatalf("step %d: Load: %v, the plain one keeps it: %v", step, err, kept)
				}
				switch action := random.IntN(20); {
				case action == 0:
					user := []string{"ann", "bob"}[random.IntN(2)]
					if err := m.EndUser(ctx, user, id); err != nil {
						t.Fatal(err)
					}
					for other, r := range p.records {
						if r.owned() && r.User == user && other != id {
							delete(p.records, other)
						}
					}
				case action == 1:
					if err := m.Delete(ctx, id); err != nil {
						t.Fatal(err)
					}
					delete(p.records, id)
				case err == nil:
					r.Version = before.Version
					if _, err := m.Update(ctx, id, r); err != nil {
						t.Fatal(err)
					}
					p.put(id, r, now)
				default:
					if err := m.Create(ctx, id, r); err != nil {
						t.Fatal(err)
					}
					p.put(id, r, now)
				}
				m.checkStructure(t)
				if len(m.records) != len(p.records) {
					t.Fatalf("step %d: %d records, %d in the plain one", step, len(m.records), len(p.records))
				}
				for id := range p.records {
					if m.records[id] == nil {
						t.Fatalf("step %d: %s was removed", step, id)
					}
				}
			}
		})
	}
}

// Update can change when a session is removed.
func TestMemoryUpdateMoves(t *testing.T) {
	now := time.Now()
	in := func(d time.Duration, user string) Record {
		return Record{Data: []byte("data"), User: user, Expires: now.Add(d)}
	}
	tests := []struct {
		name             string
		first, to, other Record
		stays            bool
	}{
		{"used again", in(1*time.Hour, ""), in(3*time.Hour, ""), in(2*time.Hour, ""), true},
		{"shortened", in(3*time.Hour, ""), in(1*time.Hour, ""), in(2*time.Hour, ""), false},
		{"logged in", in(1*time.Hour, ""), in(1*time.Hour, "ann"), in(2*time.Hour, ""), true},
		{"logged in, used again", in(1*time.Hour, "ann"), in(3*time.Hour, "ann"), in(2*time.Hour, "bob"), true},
		{"another user", in(1*time.Hour, "ann"), in(3*time.Hour, "bob"), in(2*time.Hour, "ann"), true},
		{"nobody's", in(3*time.Hour, "ann"), in(3*time.Hour, ""), in(2*time.Hour, "bob"), false},
		{"a tombstone", in(3*time.Hour, "ann"), tombstone{}.toRecord(1), in(2*time.Hour, "bob"), false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			ctx, m := t.Context(), &Memory{MaxRecords: 2}
			for i, r := range []Record{test.first, test.other} {
				if err := m.Create(ctx, id(i), r); err != nil {
					t.Fatal(err)
				}
			}
			kept, err := m.Load(ctx, id(0))
			if err != nil {
				t.Fatal(err)
			}
			test.to.Version = kept.Version
			if _, err := m.Update(ctx, id(0), test.to); err != nil {
				t.Fatal(err)
			}
			m.checkStructure(t)
			for user := range map[string]bool{"ann": true, "bob": true, "": true} {
				list, err := m.Sessions(ctx, user)
				listed := slices.ContainsFunc(list, func(i SessionInfo) bool { return i.ID == id(0) })
				if err != nil || listed != (test.to.owned() && test.to.User == user) {
					t.Errorf("listed under %q: %v, %v", user, listed, err)
				}
			}
			if err := m.Create(ctx, id(2), in(time.Hour, "eve")); err != nil {
				t.Fatal(err)
			}
			if stays := alive(t, m, 0, 1) == 1; stays != test.stays {
				t.Errorf("it stays: %v, want %v", stays, test.stays)
			}
		})
	}
}

// A record that grows removes others, and one that is too large changes nothing.
func TestMemoryUpdateGrows(t *testing.T) {
	ctx, m := t.Context(), &Memory{MaxBytes: 10 * (memoryOverhead + 100)}
	r := Record{Data: make([]byte, 100), Expires: time.Now().Add(time.Hour)}
	for i := range 10 {
		if err := m.Create(ctx, id(i), r); err != nil {
			t.Fatal(err)
		}
	}
	kept, err := m.Load(ctx, id(0))
	if err != nil {
		t.Fatal(err)
	}
	kept.Data = make([]byte, m.MaxBytes-memoryOverhead+1)
	if _, err := m.Update(ctx, id(0), kept); !errors.Is(err, ErrTooLarge) {
		t.Errorf("Update, too large: %v", err)
	}
	if err := m.Create(ctx, id(10), kept); !errors.Is(err, ErrTooLarge) {
		t.Errorf("Create, too large: %v", err)
	}
	if found := alive(t, m, 0, 11); found != 10 {
		t.Errorf("%d of 10 are alive after what was refused", found)
	}
	kept.Data = kept.Data[1:]
	if _, err := m.Update(ctx, id(0), kept); err != nil {
		t.Error(err)
	}
	m.checkStructure(t)
	if grown, others := alive(t, m, 0, 1), alive(t, m, 1, 9); grown != 1 || others != 0 {
		t.Errorf("alive: %d and %d others, want 1 and 0", grown, others)
	}
}

// The default limits are as documented, and negative values mean no limit.
func TestMemoryBounds(t *testing.T) {
	ctx := t.Context()
	r := Record{Data: make([]byte, DefaultMemoryBytes-memoryOverhead+1), Expires: time.Now().Add(time.Hour)} // never written to: uses no memory
	if err := NewMemory().Create(ctx, id(0), r); !errors.Is(err, ErrTooLarge) {
		t.Errorf("a record larger than MemoryBytes: %v", err)
	}
	m := &Memory{MaxRecords: -1, MaxBytes: -1}
	if m.tooLarge(r) != nil {
		t.Error("refused without a bound of bytes")
	}
	r.Data = nil
	for i := range DefaultMemoryRecords + 1 {
		if err := m.Create(ctx, id(i), r); err != nil {
			t.Fatal(err)
		}
	}
	if len(m.records) != DefaultMemoryRecords+1 {
		t.Errorf("%d records are kept without a bound", len(m.records))
	}
}

// Expired records, also those of users, are removed before living ones.
func TestMemoryRemovesTheExpiredFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const n = 1000
		ctx, m := t.Context(), &Memory{MaxRecords: n}
		for i := range n {
			r := Record{Data: []byte("a"), User: "ann", Expires: time.Now().Add(time.Minute)}
			if i%4 == 0 {
				r.User, r.Expires = "", time.Now().Add(time.Hour)
			}
			if err := m.Create(ctx, id(i), r); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(2 * time.Minute)
		for i := range n * 3 / 4 {
			r := Record{Data: []byte("a"), User: "eve", Expires: time.Now().Add(30 * time.Second)}
			if err := m.Create(ctx, id(n+i), r); err != nil {
				t.Fatal(err)
			}
		}
		if found := alive(t, m, 0, n); found != n/4 {
			t.Errorf("%d of %d that had not expired are alive", found, n/4)
		}
	})
}

// heapInUse returns the size of all reachable objects in bytes.
func heapInUse() int {
	var stats runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&stats)
	return int(stats.HeapAlloc)
}

// A Memory takes no more than MaxBytes, whatever its records contain.
func TestMemoryTakesMaxBytes(t *testing.T) {
	data := make([]byte, 1<<20)
	for name, test := range map[string]struct {
		maxBytes  int
		recordRef func(i int) Record
	}{
		"tombstones":    {16 << 20, func(int) Record { return Record{User: id(0)} }},
		"visitors":      {16 << 20, func(int) Record { return Record{Data: data[:200]} }},
		"users":         {16 << 20, func(i int) Record { return Record{Data: data[:200], User: id(i)} }},
		"large records": {16 << 20, func(i int) Record { return Record{Data: data, User: id(i)} }},
		"users that are parts of long texts": {256 << 10, func(i int) Record {
			return Record{Data: data[:200], User: strings.Repeat(id(i), 2000)[:43]}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			ctx, before := t.Context(), heapInUse()
			m := &Memory{MaxBytes: test.maxBytes}
			expires := time.Now().Add(time.Hour)
			for i, last := 0, -1; m.bytes > last && i < 100_000; i++ { // until one is removed for another
				last = m.bytes
				r := test.recordRef(i)
				r.Expires = expires.Add(time.Duration(i))
				if err := m.Create(ctx, id(i), r); err != nil {
					t.Fatal(err)
				}
			}
			if taken := heapInUse() - before; taken > m.MaxBytes || taken < m.MaxBytes/4 {
				t.Errorf("%d records take %d bytes, MaxBytes is %d", len(m.records), taken, m.MaxBytes)
			}
			runtime.KeepAlive(m)
		})
	}
}

// Nothing remains of sessions that have ended, while all methods are called in parallel.
func TestMemoryInParallel(t *testing.T) {
	ctx, m := t.Context(), &Memory{MaxRecords: 100, MaxBytes: 100 * (memoryOverhead + 50)}
	users := []string{"", "ann", "bob"}
	var all sync.WaitGroup
	for n := range 8 {
		all.Go(func() {
			for i := range 500 {
				r := Record{Data: make([]byte, i%100), User: users[(i+n)%3], Expires: time.Now().Add(time.Duration(i%50) * time.Millisecond)}
				_ = m.Create(ctx, id(i%150), r)
				if r, err := m.Load(ctx, id(i%150)); err == nil {
					r.User, r.Expires = users[i%3], time.Now().Add(time.Hour)
					_, _ = m.Update(ctx, id(i%150), r)
				}
				switch {
				case n == 0 && i%50 == 0:
					_ = m.EndUser(ctx, "ann", id(i))
				case n == 1 && i%50 == 0:
					_, _ = m.Sessions(ctx, "ann")
				case n == 2:
					_ = m.Delete(ctx, id(i%150))
				}
			}
		})
	}
	all.Wait()
	m.checkStructure(t)
	for _, user := range users[1:] {
		if err := m.EndUser(ctx, user); err != nil {
			t.Error(err)
		}
	}
	if len(m.users) != 0 || len(m.owned) != 0 {
		t.Errorf("left of users: %d in the index, %d in the heap", len(m.users), len(m.owned))
	}
	for i := range 150 {
		if err := m.Delete(ctx, id(i)); err != nil {
			t.Error(err)
		}
	}
	if len(m.records) != 0 || len(m.others) != 0 || m.bytes != 0 {
		t.Errorf("left: %d records, %d in the heap, %d bytes", len(m.records), len(m.others), m.bytes)
	}
}

func TestMemoryHonoursContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	m := NewMemory()
	if err := m.Create(ctx, id(0), Record{Data: []byte("a"), User: "ann", Expires: time.Now().Add(time.Hour)}); err != nil {
		t.Fatal(err)
	}
	cancel()
	if _, err := m.Sessions(ctx, "ann"); !errors.Is(err, context.Canceled) {
		t.Errorf("Sessions: %v", err)
	}
	if err := m.EndUser(ctx, "ann"); !errors.Is(err, context.Canceled) {
		t.Errorf("EndUser: %v", err)
	}
	if alive(t, m, 0, 1) == 0 {
		t.Error("EndUser has ended what it should not")
	}
}
