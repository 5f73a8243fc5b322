package sessions

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"math"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"
)

// A Session is a dictionary that outlives the request. It is lazy: nothing is read,
// verified or decoded before the first use, and nothing is written without a change.
//
// Values are encoded when they are set and decoded when they are got, so that what Get
// returned may be changed without changing the session, and has the same type in this
// request and in the next: nil, bool, int64 for all integers but a uint64 above it,
// float64, string, []byte, time.Time, []any and map[string]any. Structs and other
// types come back through [Get] with their own type.
//
// With a Backend no update is lost. What a method returns is the answer of this
// request's working copy; where others have saved meanwhile, the changes are replayed
// on what they wrote. So Pop is no lock and Incr no generator of ids, and Get then Set
// makes its key the last writer's: use Incr or [Update] to build on a value.
//
// All methods may be called by all goroutines of the request. None of them fails:
// errors stick to the session, reads then give zero values, and Save returns them.
type Session struct {
	store *Store
	spec  *declared
	next  *Session  // of the Store; nil: this is the last
	lines [3]string // of the response's header, if this is the first that was used: Vary, Cache-Control and Set-Cookie

	loaded bool
	saved  bool
	began  int64 // when it was loaded, in Unix milliseconds
	status Status
	err    error // the first; it sticks

	contents contents    // the working copy
	text     string      // what was read of it, encoded; empty: nothing was
	reader   string      // the user that was read
	changed  bool        // an operation was applied
	log      []operation // the changes, if there is a Backend

	record    record      // the one in the backend; zero: it has none yet
	presented []presented // the other records that the browser has cookies of, first what Destroy ends
	brought   bool        // the request has a cookie of this name, whatever it holds
	oldKey    bool        // the cookie is signed with an older key

	imported  bool // what an older system kept was taken over
	dead      bool // it was ended or renewed elsewhere: without a login nothing is saved
	proved    bool // LogIn was called
	renewed   bool // it gets a new id
	destroyed bool // Destroy was called
	late      bool // a change after Save was reported

	room [5]entry // for the values of contents: most sessions have few
}

// A Status says what a request's session is and why: the answer to "why was I
// logged out". It is settled by the first use of the session. Save changes it to
// StatusGone if another request has ended the session meanwhile, and from StatusGone to
// StatusNew if this request logs in.
type Status int

const (
	StatusNew        Status = iota // there was no cookie, or Destroy made room for another
	StatusLoaded                   // it was read
	StatusExpired                  // it was not used for its idle timeout, or is older than its absolute one
	StatusGone                     // it was ended or renewed by another request, or its backend has lost it
	StatusTampered                 // the cookie has no signature of ours for this name and site
	StatusUnreadable               // it is ours, and this program cannot read it
	StatusDown                     // the backend could not be asked: see Err
	StatusClock                    // the cookie is dated more than a minute ahead: the clock of a server is wrong, or was
)

var statusNames = [...]string{"new", "loaded", "expired", "gone", "tampered", "unreadable", "down", "clock"}

// String returns the name in lower case: new, loaded, expired, gone, tampered,
// unreadable, down or clock.
func (s Status) String() string {
	if s < 0 || int(s) >= len(statusNames) {
		return "unknown"
	}
	return statusNames[s]
}

// Get returns the value of key, nil where there is none. To tell a nil value from
// none, use [Get].
func (s *Session) Get(key string) any {
	value, _ := Get[any](s, key)
	return value
}

// Get returns the value of key as a T, and whether there is one that can be decoded
// as that. It decodes into structs, slices and maps too.
func Get[T any](s *Session, key string) (T, bool) {
	var value, zero T
	raw, found := s.raw(key)
	if !found {
		return zero, false
	}
	if err := decodeValue(raw, &value); err != nil {
		s.undecodable(s.ID(), key, err)
		return zero, false
	}
	return value, true
}

func (s *Session) raw(key string) (raw string, found bool) {
	s.store.mu.Lock()
	defer s.store.mu.Unlock()
	s.load()
	return s.contents.get(key)
}

// All yields the keys and their values, by ascending key, as they are when it begins.
func (s *Session) All() iter.Seq2[string, any] {
	return func(yield func(string, any) bool) {
		for _, e := range s.entries() {
			value, _, err := readAny(e.raw)
			if err != nil {
				s.undecodable(s.ID(), e.key, err)
				continue
			}
			if !yield(e.key, value) {
				return
			}
		}
	}
}

func (s *Session) entries() []entry {
	s.store.mu.Lock()
	defer s.store.mu.Unlock()
	s.load()
	return slices.Clone(s.contents.values)
}

// User returns whose session it is; empty: nobody's.
func (s *Session) User() string {
	s.store.mu.Lock()
	defer s.store.mu.Unlock()
	s.load()
	return s.contents.user
}

// Status says what the session is and why.
func (s *Session) Status() Status {
	s.store.mu.Lock()
	defer s.store.mu.Unlock()
	s.load()
	return s.status
}

// Err returns the first error of the session: of its backend, with a method
// HTTPStatus that returns 503; of a value that cannot be kept; or [ErrSent]. It does
// not tell of values that could not be decoded.
func (s *Session) Err() error {
	s.store.mu.Lock()
	defer s.store.mu.Unlock()
	s.load()
	return s.err
}

// ID returns the id that backends know, a hash of the one in the cookie: safe to show
// and to log. It is empty in a signed cookie, and until the session is first saved.
func (s *Session) ID() string {
	s.store.mu.Lock()
	defer s.store.mu.Unlock()
	s.load()
	return s.record.id
}

// Set keeps value under key. One that cannot be encoded (a func, a channel, a map that
// holds itself) is an error in Err. Of times, a zero time.Time inside another value, or
// behind a pointer, is kept as nil, which [Get] reads as a zero one where its T has a
// time.Time there.
func (s *Session) Set(key string, value any) {
	raw, err := encodeValue(value)
	if err != nil {
		s.change(failing(s.cannot("set "+key, err)))
		return
	}
	s.store.mu.Lock()
	defer s.store.mu.Unlock()
	s.load()
	s.do(setting(key, raw), func() operation { return setting(key, raw) })
}

// Delete removes key. That there is none is no error.
func (s *Session) Delete(key string) {
	s.change(deleting(key))
}

// Pop returns the value of key and removes it. Two requests in parallel may both get
// it.
func (s *Session) Pop(key string) any {
	value := s.Get(key)
	s.Delete(key)
	return value
}

// Clear removes all values and flashes. The session keeps its id and its user: to log
// somebody out, use Destroy.
func (s *Session) Clear() {
	s.change(clearing)
}

// Incr adds n to the integer of key, 0 where there is none, and returns the sum. With
// a Backend every request's n is counted. A value that is no integer, or a sum that
// does not fit, is an error in Err.
func (s *Session) Incr(key string, n int64) int64 {
	s.store.mu.Lock()
	defer s.store.mu.Unlock()
	s.load()
	sum, err := increment(&s.contents, key, n)
	if err != nil {
		s.apply(failing(s.cannot("increment "+key, err)))
		return 0
	}
	s.do(incrementing(key, n), func() operation { return incrementing(key, n) })
	return sum
}

// Update sets key to f of its value, or of T's zero value where there is none. f may
// run again on what another request has saved: it depends on nothing but its
// argument, and must not use the session. A value that is no T is lost, and reported.
func Update[T any](s *Session, key string, f func(T) T) {
	op := updating(key, f, func(err error) { s.undecodable(s.ID(), key, err) })
	for range updateTries {
		raw, found := s.raw(key)
		before := &contents{}
		if found {
			before.set(key, raw)
		}
		err := op(before) // without the lock, so that an f that uses the session does not hang
		after, _ := before.get(key)
		if err != nil {
			s.change(failing(s.cannot("update "+key, err)))
			return
		}
		if s.replace(key, raw, after, op) {
			return
		}
	}
	s.change(failing(s.cannot("update "+key, errUnsettled)))
}

// updateTries is more than the goroutines of a request ever need, and ends an f that
// changes the key itself.
const updateTries = 1000

// replace sets key to after if it is before still, and logs op for it.
func (s *Session) replace(key, before, after string, op operation) bool {
	s.store.mu.Lock()
	defer s.store.mu.Unlock()
	if now, _ := s.contents.get(key); now != before {
		return false
	}
	s.do(setting(key, after), func() operation { return op })
	return true
}

// SetUser says whose session it is, by an id that never changes, for
// [Manager.UserSessions] and [Manager.EndUser]; empty: nobody's. It is for sites that
// keep their users by themselves; [Session.LogIn] also keeps what the login was made of.
// If that is another user than before, the session gets a new id, as by Renew, and its
// absolute timeout begins anew.
func (s *Session) SetUser(id string) {
	s.store.mu.Lock()
	defer s.store.mu.Unlock()
	s.load()
	if s.contents.user == id {
		return
	}
	if !s.store.saved {
		s.renewed = true
	}
	s.apply(owning(id, s.now().UnixMilli()))
}

// Renew gives the session a new id, with the same data, when it is saved. Call it at
// every change of rights, so that an id known from before is worth nothing (OWASP,
// session fixation). The absolute timeout runs on. In a signed cookie there is no id,
// and Renew signs it anew.
func (s *Session) Renew() {
	s.store.mu.Lock()
	defer s.store.mu.Unlock()
	s.load()
	if s.store.saved {
		s.tooLate()
		return
	}
	s.renewed = true
}

// Destroy ends the session: its record is worth nothing from the moment Save returns,
// its cookie is deleted, and it is empty. So are the other sessions under its name that
// the browser has cookies of. What is set after it in the same request begins a new
// session with a new id. A session in a signed cookie cannot be ended: only its cookie is
// deleted.
func (s *Session) Destroy() {
	s.store.mu.Lock()
	defer s.store.mu.Unlock()
	s.load()
	if s.store.saved {
		s.tooLate()
		return
	}
	if s.record.id != "" {
		own := presented{record: s.record, own: true} // its version may be to be read
		s.presented, s.record = slices.Insert(s.presented, 0, own), record{}
	}
	s.destroyed, s.renewed, s.proved = true, false, false
	s.changed, s.log = false, nil
	status := StatusNew
	if s.dead || s.status == StatusDown {
		status = s.status
	}
	s.begin(status)
}

// An operation is one change. A session applies it to its working copy and logs it;
// where others have saved meanwhile, the log is replayed on what they wrote. So it
// depends on nothing but the contents it is given, and may run more than once. It
// returns an error where it cannot be done there, and then changes nothing.
type operation func(*contents) error

func (s *Session) change(op operation) {
	s.store.mu.Lock()
	defer s.store.mu.Unlock()
	s.load()
	s.apply(op)
}

// apply changes the working copy and logs the change. The lock is held.
func (s *Session) apply(op operation) { s.do(op, func() operation { return op }) }

// do applies op to the working copy and logs what logged returns. That is asked only
// where something may have to be replayed, so that a signed cookie does not pay for a
// log. The lock is held.
func (s *Session) do(op operation, logged func() operation) {
	if s.store.saved {
		s.tooLate()
		return
	}
	s.changed = true // also where it fails: then Save does, whatever WhenDown says
	if s.spec.Backend != nil {
		s.log = append(s.log, logged())
	}
	if err := op(&s.contents); err != nil {
		s.fail(err)
	}
}

// fail makes err stick. The lock is held.
func (s *Session) fail(err error) {
	if s.err == nil {
		s.err = err
	}
}

// tooLate reports a change after Save, once: no caller is left to return it to.
func (s *Session) tooLate() {
	if s.late {
		return
	}
	s.late = true
	err := s.cannot("change a value", ErrSent)
	s.fail(err)
	s.spec.manager.log.Error("sessions: a change came after the session was saved and is lost",
		slog.String("session", s.spec.Name), slog.String("url", s.store.request.URL.Path))
	s.event(Event{Kind: EventLate, Err: err})
}

// failing is an operation that could not even be made.
func failing(err error) operation {
	return func(*contents) error { return err }
}

func setting(key, raw string) operation {
	return func(c *contents) error {
		c.set(key, raw)
		return nil
	}
}

func deleting(key string) operation {
	return func(c *contents) error {
		c.delete(key)
		return nil
	}
}

// clearing leaves the user and the times, which are no values.
func clearing(c *contents) error {
	c.values, c.flashes = nil, nil
	return nil
}

func adding(n note) operation {
	return func(c *contents) error {
		c.flashes = append(c.flashes, n)
		return nil
	}
}

// taking takes exactly the flashes that were shown, not those added since.
func taking(shown []note) operation {
	return func(c *contents) error {
		kept := make([]note, 0, len(c.flashes))
		for _, n := range c.flashes {
			if !slices.ContainsFunc(shown, func(s note) bool { return s.number == n.number }) {
				kept = append(kept, n)
			}
		}
		c.flashes = kept
		return nil
	}
}

// owning makes the session user's. The absolute timeout begins anew: somebody who has
// browsed for hours before would be logged out at once otherwise.
func owning(user string, now int64) operation {
	return func(c *contents) error {
		if c.user != user {
			c.user, c.created, c.login, c.remembered = user, now, "", false
		}
		return nil
	}
}

// loggingIn makes the session that of a user who has logged in.
func loggingIn(user string, l Login) operation {
	kept := l.encode()
	return func(c *contents) error {
		if !l.repeats(c, user) {
			c.user, c.created, c.login, c.remembered = user, l.At.UnixMilli(), kept, l.Remembered
		}
		return nil
	}
}

var (
	errNobody    = errors.New("no user is named: to log somebody out, use Destroy")
	errNoInteger = errors.New("its value is no integer")
	errOverflow  = errors.New("the sum does not fit in an int64")
	errUnsettled = errors.New("its function, or goroutines of this request, change it again and again meanwhile")
)

func incrementing(key string, n int64) operation {
	return func(c *contents) error {
		sum, err := increment(c, key, n)
		if err == nil {
			var small [16]byte
			c.set(key, string(appendInt(small[:0], sum)))
		}
		return err
	}
}

func increment(c *contents, key string, n int64) (int64, error) {
	raw, found := c.get(key)
	if !found {
		return n, nil
	}
	old, ok := readInt(raw)
	if !ok {
		return 0, errNoInteger
	}
	if n > 0 && old > math.MaxInt64-n || n < 0 && old < math.MinInt64-n {
		return 0, errOverflow
	}
	return old + n, nil
}

// updating runs f on the value of key: its zero value where there is none, or none
// that can be decoded, which lost is told.
func updating[T any](key string, f func(T) T, lost func(error)) operation {
	return func(c *contents) error {
		var value T
		if raw, found := c.get(key); found {
			if err := decodeValue(raw, &value); err != nil {
				lost(err)
			}
		}
		raw, err := encodeValue(f(value))
		if err == nil {
			c.set(key, raw)
		}
		return err
	}
}

func (s *Session) now() time.Time { return s.spec.manager.now() }

// begin makes the session empty. The lock is held.
func (s *Session) begin(status Status) {
	s.status, s.text = status, ""
	s.contents = contents{created: s.began, seen: s.began, values: s.room[:0]}
}

// load reads the session at its first use. The lock is held.
func (s *Session) load() {
	if !s.loaded {
		s.open()
		s.loaded = true // not if a backend panics: then there is nothing to save either
	}
}

// open reads the newest session that the browser has a cookie of and that is alive.
func (s *Session) open() {
	s.began = s.now().UnixMilli()
	var room [2]candidate
	candidates, why := s.candidates(room[:0])
	if s.brought && s.spec.Import != nil {
		s.warnOfOld()
	}
	switch {
	case !s.brought:
		s.begin(StatusNew)
		s.importOld()
	case len(candidates) == 0:
		s.refuse(why)
	case s.spec.kind == kindData:
		s.openCookies(candidates)
	default:
		s.openRecords(candidates)
	}
}

// A candidate is a cookie of the session's name that was sealed here.
type candidate struct {
	payload string // without its head
	date    int64  // when it was sealed, in Unix milliseconds
	oldKey  bool
}

// candidates returns the cookies that were sealed for this name, kind and site, newest
// first; of two that were sealed in the same second the one that comes later in the
// header, since browsers send the older first. If there are none, why says what was
// wrong with the cookies of the name.
func (s *Session) candidates(to []candidate) (_ []candidate, why verdict) {
	d := s.spec
	why = verdict{StatusTampered, EventTampered, nil}
	cookies := scanCookies(s.store.request.Header, d.cookie)
	for {
		value, ok := cookies.next()
		if !ok {
			return to, why
		}
		s.brought = true
		if len(d.cookie)+len(value) > maxCookie {
			continue // no browser keeps it, so it is none of ours
		}
		payload, seconds, key, ok := d.manager.codec.open(d.bound, value)
		if !ok {
			continue
		}
		c := candidate{date: clamp(seconds, 1<<52) * 1000, oldKey: key > 0}
		switch {
		case len(payload) < payloadHead || payload[0] != payloadVersion || payload[1] != d.kind:
			why = verdict{StatusUnreadable, EventUnreadable, errMalformed}
			continue
		case s.since(c.date) < -maxSkew:
			why = verdict{StatusClock, EventClock, nil}
			// A cookie that will be good again soon is not overwritten.
			s.dead = s.dead || -s.since(c.date) < soon
			continue
		}
		c.payload = payload[payloadHead:]
		at := 0
		for at < len(to) && to[at].date > c.date {
			at++
		}
		if len(to) == maxCandidates {
			if at == maxCandidates {
				continue
			}
			to = to[:maxCandidates-1]
		}
		to = append(to, c)
		copy(to[at+1:], to[at:])
		to[at] = c
	}
}

// A verdict says why a session is not alive.
type verdict struct {
	status Status
	event  EventKind
	err    error
}

// since returns how long ago, when the session was loaded, a time was that is given in
// Unix milliseconds. What a Duration cannot hold is cut.
func (s *Session) since(milliseconds int64) time.Duration {
	passed := s.began - clamp(milliseconds, 1<<62)
	return time.Duration(clamp(passed, int64(math.MaxInt64/time.Millisecond))) * time.Millisecond
}

func clamp(n, most int64) int64 { return min(max(n, -most), most) }

// refuse makes the session an empty one that may be written anew.
func (s *Session) refuse(why verdict) {
	if why.status == StatusUnreadable {
		s.spec.manager.log.Warn("sessions: a session cannot be read, and begins anew",
			slog.String("session", s.spec.Name), slog.Any("error", why.err))
	}
	s.begin(why.status)
	s.event(Event{Kind: why.event, Err: why.err})
}

// read reads encoded contents and judges their times. It reports whether they are those
// of a living session, and if not, why.
func (s *Session) read(text string) (why verdict, alive bool) {
	c := contents{values: s.room[:0]}
	if err := c.parse(text); err != nil {
		return verdict{StatusUnreadable, EventUnreadable, err}, false
	}
	if s.since(c.created) < -maxSkew || s.since(c.seen) < -maxSkew {
		s.event(Event{Kind: EventClock})
	}
	// A clock that was ahead when the session was saved ends nothing.
	c.created, c.seen = min(c.created, s.began), min(c.seen, s.began)
	idle, absolute, _ := s.spec.life(&c)
	if c.created < s.spec.manager.since || s.since(c.created) >= absolute || idle > 0 && s.since(c.seen) >= idle {
		return verdict{StatusExpired, EventExpired, nil}, false
	}
	s.status, s.text, s.contents, s.reader = StatusLoaded, text, c, c.user
	return verdict{}, true
}

// openCookies reads a session that lives in the cookie itself.
func (s *Session) openCookies(candidates []candidate) {
	var newest verdict
	for i := range candidates {
		why, alive := s.read(candidates[i].payload)
		if alive {
			s.oldKey, s.dead = candidates[i].oldKey, false
			return
		}
		if i == 0 {
			newest = why
		}
	}
	s.refuse(newest)
}

// presented is a record that the browser has a cookie of, beside the session's own.
type presented struct {
	record
	looked bool // it was loaded, and was not alive
	own    bool // it was the session's own, which Destroy ends
}

// openRecords reads a session that lives in the backend. All loads share one deadline.
func (s *Session) openRecords(candidates []candidate) {
	ctx, cancel := newDeadline(s.store.request)
	defer cancel()
	var newest verdict
	for i := range candidates {
		found := recordOf(candidates[i].payload)
		s.record = found // for what is reported
		why, alive, err := s.openRecord(ctx, found, candidates[i].date)
		switch {
		case err != nil:
			s.begin(StatusDown)
			s.fail(s.down("load", err))
			s.record = record{}
			return
		case alive:
			s.oldKey, s.dead = candidates[i].oldKey, false
			for _, c := range candidates[i+1:] {
				s.presented = append(s.presented, presented{record: recordOf(c.payload)})
			}
			return
		}
		s.presented = append(s.presented, presented{record: found, looked: true})
		if i == 0 {
			newest = why
		}
	}
	s.record = s.presented[0].record
	s.refuse(newest)
	s.record = record{}
}

// openRecord loads the record of one cookie.
func (s *Session) openRecord(ctx context.Context, found record, sealed int64) (why verdict, alive bool, err error) {
	r, err := s.spec.Backend.Load(ctx, found.id)
	switch {
	case errors.Is(err, ErrNotFound):
		// It may have expired, been evicted or been ended. Its id is not used again.
		if s.since(sealed) >= s.spec.IdleTimeout {
			return verdict{StatusExpired, EventExpired, nil}, false, nil
		}
		return verdict{StatusGone, EventGone, nil}, false, nil
	case err != nil:
		return verdict{}, false, err
	}
	if _, ended := r.tombstone(); ended {
		s.dead = s.dead || s.store.meets(r)
		return verdict{StatusGone, EventGone, nil}, false, nil
	}
	if why, alive = s.read(string(r.Data)); alive {
		s.record.version = r.Version
	}
	return why, alive, nil
}

// meets reports whether a tombstone is so young that the answer of the request that put
// it may not have reached the browser when this request was sent. (Tombstones are dated
// by the real clocks of the servers: if these differ by more than that time, a cookie may
// be overwritten, but no session comes back.)
func (st *Store) meets(tombstone Record) bool {
	return st.age(tombstone.Expires.Add(-tombstoneTime)) < answerTime
}

// patience bounds one load and one save, so that a dead backend is an answer.
const patience = 2 * time.Second

// newDeadline returns the context of one load or save. It ends after patience, and not
// when the client hangs up: what its request has done is still to be kept.
func newDeadline(r *http.Request) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(r.Context()), patience)
}

// save writes what has changed and returns the Set-Cookie line the answer needs, if
// any. No change comes after it has begun, so it reads the working copy without the
// lock.
func (s *Session) save(sent bool, failed error) (line string, err error) {
	changed := s.changed || s.renewed || s.destroyed
	switch {
	case failed != nil && s.status == StatusDown && s.spec.WhenDown == Empty && !changed:
		s.spec.manager.log.Warn("sessions: a request saw an empty session", slog.Any("error", failed))
		return "", nil
	case failed != nil:
		return "", failed
	case !changed && (sent || !s.idle() || s.store.bare && s.spec.Backend == nil):
		return "", nil // what is not changed can wait for the next request
	case sent:
		err = s.cannot("save", ErrSent)
	case s.spec.Backend == nil:
		line, err = s.saveCookie()
	default:
		ctx, cancel := newDeadline(s.store.request)
		defer cancel()
		line, err = s.saveRecord(ctx)
	}
	if err != nil {
		s.store.mu.Lock()
		s.fail(err)
		s.store.mu.Unlock()
	}
	return line, err
}

// saveCookie keeps the data in the cookie itself. One that holds nothing is deleted,
// not signed.
func (s *Session) saveCookie() (line string, err error) {
	switch {
	case s.dead && s.proves():
		s.revive()
	case s.dead && !s.destroyed:
		return "", nil
	}
	if s.contents.empty() {
		if s.destroyed && s.brought {
			s.event(Event{Kind: EventDestroyed})
		}
		if s.text != "" || s.destroyed && s.brought || s.imported {
			line = s.spec.deletion
		}
		return line, nil
	}
	buffer := buffers.Get().(*[]byte)
	defer buffers.Put(buffer)
	payload := s.contents.encode(append((*buffer)[:0], payloadVersion, kindData))
	if cap(payload) <= 4*maxCookie { // else it fits in no cookie, and is not kept
		*buffer = payload
	}
	data := payload[payloadHead:]
	if string(data) == s.text && !s.renewed && !s.idle() {
		return "", nil
	}
	now := s.now()
	stamp(data, now)
	if line, err = s.signed(payload, now); err == nil && s.text == "" {
		s.event(Event{Kind: EventCreated})
	}
	return line, err
}

// seenTime bounds how far the last use that a session knows of may be behind.
const seenTime = time.Hour

// idle reports whether the time of the last use is to be written: a fifth of the idle
// timeout, or an hour, has passed since that was last done.
func (s *Session) idle() bool {
	timeout, _, _ := s.spec.life(&s.contents)
	return timeout > 0 && s.since(s.contents.seen) >= min(timeout/5, seenTime)
}

// proves reports whether this request has proved who the user is: by LogIn, or by SetUser
// of a user that it did not read. Nothing else begins a session where one was ended.
func (s *Session) proves() bool {
	return s.contents.user != "" && (s.proved || s.contents.user != s.reader)
}

// signed returns the Set-Cookie line that holds payload, sealed at now.
func (s *Session) signed(payload []byte, now time.Time) (line string, err error) {
	d := s.spec
	buffer := buffers.Get().(*[]byte)
	defer buffers.Put(buffer)
	b := append(append((*buffer)[:0], d.cookie...), '=')
	b = d.manager.codec.seal(b, d.bound, now.Unix(), payload)
	if len(b)-1 > maxCookie {
		return "", s.cannot("save", errTooLong(d.cookie, len(b)-1-len(d.cookie)))
	}
	b = append(b, d.attributes...)
	if _, absolute, persistent := d.life(&s.contents); persistent {
		left := time.UnixMilli(s.contents.created).Add(absolute).Sub(now)
		seconds := int64((left + time.Second - 1) / time.Second)
		b = strconv.AppendInt(append(b, "; Max-Age="...), seconds, 10)
	}
	return string(b), nil
}

// buffers are those in which payloads and Set-Cookie lines are put together.
var buffers = sync.Pool{New: func() any { return new(make([]byte, 0, maxCookie)) }}

// stamp sets the seen time of encoded contents.
func stamp(data []byte, seen time.Time) {
	binary.BigEndian.PutUint64(data[seenAt:], uint64(seen.UnixMilli()))
}

// revive lets a login begin a new session where another request has ended one.
func (s *Session) revive() {
	s.store.mu.Lock()
	s.dead, s.status = false, StatusNew
	s.store.mu.Unlock()
}

// farewell is the Set-Cookie line of a response that leaves no session: the deletion of
// what the browser has brought, after Destroy and after an import of nothing.
func (s *Session) farewell() string {
	if s.destroyed && s.brought || s.imported {
		return s.spec.deletion
	}
	return ""
}

// ErrSent is in the chain of what [Session.Err] and [Store.Save] return where a
// session was changed after its answer's header had gone. errors.Is holds it equal to
// any other error with a method HeaderSent, as framework.ErrHeaderWritten.
var ErrSent error = sentError{}

type sentError struct{}

func (sentError) Error() string {
	return "sessions: changed after the header was written: change sessions before the first byte of a stream, and on net/http before the first write"
}

func (sentError) HeaderSent() bool { return true }

func (sentError) Is(target error) bool {
	_, ok := target.(interface{ HeaderSent() bool })
	return ok
}

// failure is what sticks to a session.
type failure struct {
	session string // the Spec's name
	doing   string
	status  int
	err     error
}

func (f *failure) Error() string {
	return fmt.Sprintf("sessions: session %q: cannot %s: %v", f.session, f.doing, f.err)
}

func (f *failure) Unwrap() error { return f.err }

// HTTPStatus is 503 where the backend failed, 500 where the program asked for what
// cannot be done.
func (f *failure) HTTPStatus() int { return f.status }

// cannot is the failure of what the program asked for.
func (s *Session) cannot(doing string, err error) error {
	return &failure{session: s.spec.Name, doing: doing, status: http.StatusInternalServerError, err: err}
}

// down is the failure of the backend.
func (s *Session) down(doing string, err error) error {
	s.event(Event{Kind: EventDegraded, Err: err})
	return &failure{session: s.spec.Name, doing: doing, status: http.StatusServiceUnavailable, err: err}
}
