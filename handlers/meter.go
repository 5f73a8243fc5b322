package handlers

import (
	"hash/maphash"
	"math"
	"sync"
	"time"
)

// A limit lets something happen burst times at once. What has been used comes back
// evenly: all of it within the window. Such a limit is known as the generic cell rate
// algorithm (ITU-T I.371), and is a leaky bucket that needs one number for each key.
type limit struct {
	name   string // for the log
	burst  int
	window time.Duration
	table  int // which of the meter's tables counts it; limits of one table have one window
}

// tick is the unit of a meter's cells.
const tick = time.Second / 10

// each is after how many ticks one more is allowed.
func (l *limit) each() int64 {
	return max(1, int64(l.window/tick)/int64(l.burst))
}

// A counted is one key of a limit: an address, a name.
type counted struct {
	limit *limit
	key   string
}

// A meter tells how long keys have to wait. It keeps no key, so that nobody can make it
// forget one by bringing many others: a table is a sketch, in which a key has a cell in
// each row and the least of them counts. Keys share cells, so a meter can only err
// towards waiting, and only if a table has been filled: 200,000 keys that each have one
// failure in the last minutes are few.
//
// What is under way is counted exactly and apart, since it may come to nothing: begin
// counts it, end takes it back or makes it last.
//
// The zero value is ready. A table is made at the first thing that it has to count. Safe
// for concurrent use.
type meter struct {
	now func() time.Time // nil: time.Now

	mu       sync.Mutex
	seed     maphash.Seed
	epoch    time.Time // when the first key came
	tables   [meterTables]*sketch
	underWay map[counted]int
	going    int // how many begun ones have not ended
}

const (
	meterTables = 5
	sketchRows  = 4
	sketchCells = 1 << 16 // in a row: a key's four places are its 64 bits of hash

	// maxUnderWay bounds the memory of what is under way. More passwords than these
	// cannot be waiting to be checked on any machine.
	maxUnderWay = 4096
)

// A sketch is a table of a meter: 1 MiB. A cell says until when the burst of a key is
// used up in part, in ticks since the epoch.
type sketch [sketchRows][sketchCells]uint32

func (s *sketch) least(hash uint64) int64 {
	least := uint32(math.MaxUint32)
	for row := range s {
		least = min(least, s[row][uint16(hash>>(16*row))])
	}
	return int64(least)
}

func (s *sketch) raise(hash uint64, to int64) {
	value := uint32(min(to, math.MaxUint32))
	for row := range s {
		cell := &s[row][uint16(hash>>(16*row))]
		*cell = max(*cell, value)
	}
}

// time returns the ticks since the epoch.
func (m *meter) time() int64 {
	now := time.Now
	if m.now != nil {
		now = m.now
	}
	if m.epoch.IsZero() {
		m.epoch, m.seed = now(), maphash.MakeSeed()
		m.underWay = map[counted]int{}
	}
	return max(0, int64(now().Sub(m.epoch)/tick))
}

func (m *meter) hash(c counted) uint64 {
	var h maphash.Hash
	h.SetSeed(m.seed)
	h.WriteString(c.limit.name)
	h.WriteByte(0)
	h.WriteString(c.key)
	return h.Sum64()
}

// begin counts one more of every key as under way and returns 0, or counts nothing and
// returns how long the one that has to wait longest has to, and its limit.
func (m *meter) begin(keys []counted) (wait time.Duration, reached *limit) {
	m.mu.Lock()
	defer m.mu.Unlock()
	now := m.time()
	for _, c := range keys {
		due := now
		if table := m.tables[c.limit.table]; table != nil {
			due = max(due, table.least(m.hash(c)))
		}
		due += int64(m.underWay[c]) * c.limit.each()
		if left := time.Duration(due-now-int64(c.limit.burst-1)*c.limit.each()) * tick; left > wait {
			wait, reached = left, c.limit
		}
	}
	switch {
	case wait > 0:
		return wait, reached
	case m.going >= maxUnderWay:
		return time.Second, &limit{name: "all tries under way"}
	}
	m.going++
	for _, c := range keys {
		m.underWay[c]++
	}
	return 0, nil
}

// end takes back what begin has counted, and at the same moment counts it for good if
// it has failed.
func (m *meter) end(keys []counted, failed bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.going--
	for _, c := range keys {
		if m.underWay[c]--; m.underWay[c] <= 0 {
			delete(m.underWay, c)
		}
	}
	if failed {
		m.count(keys)
	}
}

// add counts one of every key for good.
func (m *meter) add(keys []counted) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.count(keys)
}

func (m *meter) count(keys []counted) {
	now := m.time()
	for _, c := range keys {
		table := &m.tables[c.limit.table]
		if *table == nil {
			*table = new(sketch)
		}
		hash := m.hash(c)
		(*table).raise(hash, max(now, (*table).least(hash))+c.limit.each())
	}
}
