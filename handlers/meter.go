package handlers

import (
	"context"
	"hash/maphash"
	"math"
	"strconv"
	"sync"
	"time"
)

// A limit lets something happen burst times at once, and then once every window / burst. This
// is the generic cell rate algorithm (ITU-T I.371), a leaky bucket with one number a key.
type limit struct {
	name   string // for the log
	burst  int
	window time.Duration
	table  int // the meter's table for it; the limits of one table have the same window
}

// tick is the unit of time of a meter.
const tick = time.Second / 10

// each returns after how many ticks one more is allowed.
func (l *limit) each() int64 {
	return max(1, int64(l.window/tick)/int64(l.burst))
}

// A counted is a key of a limit, such as an address or a name.
type counted struct {
	limit *limit
	key   string
}

// A meter counts keys and returns how long they have to wait. A table does not store keys: it
// is a sketch in which a key has a cell in each row, and the least of its cells counts. So
// nobody can make a meter forget a key by adding others. Keys share cells, so that a key may
// have to wait too long, but only once a table is nearly full: 200,000 keys with one failure
// each in the last minutes are few.
//
// Attempts under way are counted exactly and separately, since they may succeed: begin counts
// one, and end removes it or adds it to the table.
//
// The zero value is ready. A table is allocated when it is needed. A meter is safe for
// concurrent use.
type meter struct {
	now func() time.Time // if nil, time.Now

	mu       sync.Mutex
	seed     maphash.Seed
	epoch    time.Time // when the first key came
	tables   [meterTables]*sketch
	underWay map[counted]int
	going    int // attempts that have begun and not ended
}

const (
	meterTables = 5
	sketchRows  = 4
	sketchCells = 1 << 16 // in a row; the 64 bits of a key's hash are its four places

	// maxUnderWay bounds the memory for attempts under way. No machine verifies more
	// passwords at once.
	maxUnderWay = 4096
)

// A sketch is a table of a meter: 1 MiB. A cell is the time, in ticks since the epoch, until
// which a part of the burst of its keys is used up.
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

// begin counts one attempt under way for every key and returns 0, or it counts nothing and
// returns the longest wait of a key, and the limit of that key.
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
		return time.Second, &limit{name: "all attempts under way"}
	}
	m.going++
	for _, c := range keys {
		m.underWay[c]++
	}
	return 0, nil
}

// end removes what begin has counted, and at the same moment adds it to the tables if the
// attempt has failed.
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

// add adds one of every key to the tables.
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

// A Counter counts for all instances of a program, see [Throttle]. Packages
// sessions/memcache and sessions/valkey have one. Every instance also keeps its own
// counts, and uses only these if the Counter fails or takes more than a quarter of a
// second. A key has 22 letters, digits, "-" and "_", and reveals no name and no address.
// A Counter must be safe for concurrent use.
//
// Counts is called at every login, and Add at every failure. A database that an attack makes
// write to one row again and again is a poor Counter.
type Counter interface {
	// Counts returns the count of each key, 0 for one without a count.
	Counts(ctx context.Context, keys []string) ([]int, error)
	// Add adds one to the count of a key, which it makes if there is none. The count is kept
	// for at least the given time after it was made, unless memory is short.
	Add(ctx context.Context, key string, keep time.Duration) error
}

// counterTimeout is how long a Counter may take.
const counterTimeout = time.Second / 4

// sharedWait returns the longest wait by the counts of all instances. A count is that of a
// fixed window. The count of the window before is taken in proportion to how much of it is
// less than a window ago.
func (t *Throttle) sharedWait(ctx context.Context, keys []counted) (wait time.Duration, reached *limit) {
	if t.Counter == nil || len(keys) == 0 {
		return 0, nil
	}
	now := t.now()
	names := make([]string, 0, 2*len(keys))
	for _, c := range keys {
		this := windowOf(c.limit, now)
		names = append(names, t.shareKey(c, this), t.shareKey(c, this-1))
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), counterTimeout)
	defer cancel()
	counts, err := t.Counter.Counts(ctx, names)
	if err != nil || len(counts) != len(names) {
		t.counterFailed(ctx, err)
		return 0, nil
	}
	for i, c := range keys {
		if left := sharedWait(c.limit, counts[2*i], counts[2*i+1], now); left > wait {
			wait, reached = left, c.limit
		}
	}
	return wait, reached
}

// windowOf returns the number of the window that contains now.
func windowOf(l *limit, now time.Time) int64 { return now.UnixNano() / int64(l.window) }

// sharedWait returns how long it takes until one more is within the limit, if nothing else is
// counted.
func sharedWait(l *limit, this, before int, now time.Time) time.Duration {
	into := time.Duration(now.UnixNano() % int64(l.window))
	allowed := float64(l.burst - 1)
	// until returns how long after the beginning of a window the share of the window before
	// has become small enough.
	until := func(this, before float64) time.Duration {
		if before <= 0 || this+before <= allowed {
			return 0
		}
		return time.Duration(float64(l.window) * (1 - max(0, allowed-this)/before))
	}
	if float64(this) > allowed {
		return l.window - into + until(0, float64(this))
	}
	return max(0, until(float64(this), float64(before))-into)
}

// share adds to the counts of all instances, even if the client has gone away.
func (t *Throttle) share(ctx context.Context, keys []counted) {
	if t.Counter == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), counterTimeout)
	defer cancel()
	now := t.now()
	for _, c := range keys {
		if err := t.Counter.Add(ctx, t.shareKey(c, windowOf(c.limit, now)), 2*c.limit.window); err != nil {
			t.counterFailed(ctx, err)
			return
		}
	}
}

func (t *Throttle) shareKey(c counted, window int64) string {
	return t.hash(c.limit.name + "\x00" + strconv.FormatInt(window, 10) + "\x00" + c.key)
}

// counterFailed logs once a minute that the Counter fails.
func (t *Throttle) counterFailed(ctx context.Context, err error) {
	t.mu.Lock()
	now := t.now()
	due := t.silent.IsZero() || now.Sub(t.silent) >= time.Minute
	if due {
		t.silent = now
	}
	t.mu.Unlock()
	if due {
		t.log().WarnContext(ctx, "handlers: Throttle.Counter failed: each instance counts for itself", "error", err)
	}
}

// oncePerMinute counts something that is logged once a minute at most. The zero value is
// ready. It is safe for concurrent use.
type oncePerMinute struct {
	mu    sync.Mutex
	count int
	last  time.Time
}

// due counts one more. If the last minute had no log record, it reports true and returns how
// many were counted since the last one.
func (o *oncePerMinute) due(now time.Time) (count int, due bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.count++
	if now.Sub(o.last) < time.Minute {
		return 0, false
	}
	count, o.count, o.last = o.count, 0, now
	return count, true
}
