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
// Set encodes a value and Get decodes it. So a change of what Get returned does not
// change the session, and a value has the same type in this request and in the next: nil,
// bool, int64 for every integer but a uint64 that does not fit, float64, string, []byte,
// time.Time, []any or map[string]any. Use the function [Get] to read structs and other
// types.
//
// With a Backend no update is lost. Methods read and change the working copy of this
// request. If another request has saved meanwhile, Save applies the changes again to what
// that request saved. So two requests may Pop the same value, and Incr does not make
// unique numbers. After Get and Set of one key the last writer wins: use Incr or [Update]
// for a value that depends on the old one.
//
// All goroutines of the request may call all methods. Methods return no error: the session
// keeps the first one, reads then return zero values, and [Session.Err] and [Store.Save]
// return it.
type Session struct {
	store *Store
	spec  *declared
	next  *Session  // of the Store; nil if this is the last
	lines [3]string // of the response's header, if this is the first that was used: Vary, Cache-Control and Set-Cookie

	loaded bool
	saved  bool
	began  int64 // when the session was loaded, in Unix milliseconds
	status Status
	err    error // the first one

	contents contents    // the working copy
	text     string      // the encoded contents that were read; empty if none were
	reader   string      // the user that was read
	changed  bool        // an operation was applied
	log      []operation // the changes, if there is a Backend

	ref       recordRef   // of the record in the Backend; zero if there is none yet
	presented []presented // the other records that the browser has cookies of; first the one that Destroy ends
	brought   bool        // the request has a cookie of this name, valid or not
	oldKey    bool        // the cookie is signed with an older key

	imported  bool // the session of an older system was taken over
	ended     bool // another request has ended or renewed it: nothing is saved without a login
	proved    bool // LogIn was called
	renewed   bool // the session gets a new id
	destroyed bool // Destroy was called
	late      bool // a change after Save has been reported

	room [5]entry // for contents.values: most sessions have few
}

// A Status says what the session of a request is and why, for example why a user is
// logged out. The first use of the session sets it. Save changes it to StatusGone if
// another request has ended the session meanwhile, and from StatusGone to StatusNew if
// this request logs in.
type Status int

const (
	StatusNew        Status = iota // the request has no cookie of the session, or Destroy was called
	StatusLoaded                   // the session was read
	StatusExpired                  // one of the session's timeouts has passed
	StatusGone                     // another request has ended or renewed the session, or the Backend has lost it
	StatusTampered                 // no key has signed the cookie for this name and site
	StatusUnreadable               // the cookie is signed, but this program cannot read the session
	StatusDown                     // the Backend did not respond: see Err
	StatusClock                    // the date of the cookie is more than a minute ahead: the clock of a server is or was wrong
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

// Get returns the value of key, or nil if there is none. The function [Get] tells a nil
// value from a missing one.
func (s *Session) Get(key string) any {
	value, _ := Get[any](s, key)
	return value
}

// Get returns the value of key as a T, and reports whether there is a value that can be
// decoded as a T. T may be a struct, a slice or a map.
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

// All yields the keys in ascending order with their values, as they are when it begins.
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

// User returns the id of the user whose session it is, or "" if it has no user.
func (s *Session) User() string {
	s.store.mu.Lock()
	defer s.store.mu.Unlock()
	s.load()
	return s.contents.user
}

// Status returns what the session is and why.
func (s *Session) Status() Status {
	s.store.mu.Lock()
	defer s.store.mu.Unlock()
	s.load()
	return s.status
}

// Err returns the first error of the session: an error of its Backend, which has a method
// HTTPStatus that returns 503; an error of a value that cannot be encoded; or
// [ErrHeaderWritten]. Values that cannot be decoded are logged instead.
func (s *Session) Err() error {
	s.store.mu.Lock()
	defer s.store.mu.Unlock()
	s.load()
	return s.err
}

// ID returns the id by which the Backend knows the session, a hash of the id in the cookie.
// It is safe to show and to log. It is empty if there is no Backend, and until the session
// is saved for the first time.
func (s *Session) ID() string {
	s.store.mu.Lock()
	defer s.store.mu.Unlock()
	s.load()
	return s.ref.id
}

// Set keeps value under key. If value cannot be encoded, as a func, a channel or a map
// that holds itself, Err returns an error. A zero time.Time inside another value, or
// behind a pointer, is kept as nil; the function [Get] reads it as a zero time.Time.
func (s *Session) Set(key string, value any) {
	raw, err := encodeValue(value)
	if err != nil {
		s.change(failOp(s.cannot("set "+key, err)))
		return
	}
	s.store.mu.Lock()
	defer s.store.mu.Unlock()
	s.load()
	s.do(setOp(key, raw), func() operation { return setOp(key, raw) })
}

// Delete removes key, if there is one.
func (s *Session) Delete(key string) {
	s.change(deleteOp(key))
}

// Pop returns the value of key, or nil if there is none, and removes it. Two requests at
// once may both get it. To read a value of another type, use the function [Get] and Delete.
func (s *Session) Pop(key string) any {
	value := s.Get(key)
	s.Delete(key)
	return value
}

// Clear removes all values and flashes. The session keeps its id and its user. To log a
// user out, use Destroy.
func (s *Session) Clear() {
	s.change(clearOp)
}

// Incr adds n to the integer of key, or to 0 if there is none, and returns the sum. With a
// Backend the n of every request is counted. If the value is not an integer, or if the sum
// does not fit, Incr returns 0 and Err returns an error.
func (s *Session) Incr(key string, n int64) int64 {
	s.store.mu.Lock()
	defer s.store.mu.Unlock()
	s.load()
	sum, err := increment(&s.contents, key, n)
	if err != nil {
		s.apply(failOp(s.cannot("increment "+key, err)))
		return 0
	}
	s.do(incrOp(key, n), func() operation { return incrOp(key, n) })
	return sum
}

// Update replaces the value of key with f of it, or with f of T's zero value if there is
// none. f may be called again with the value that another request has saved, so it must
// depend on nothing but its argument. It must not use the session. A value that cannot be
// decoded as a T is replaced and logged.
func Update[T any](s *Session, key string, f func(T) T) {
	op := updateOp(key, f, func(err error) { s.undecodable(s.ID(), key, err) })
	for range updateTries {
		raw, found := s.raw(key)
		before := &contents{}
		if found {
			before.set(key, raw)
		}
		err := op(before) // without the lock, so that an f that uses the session does not deadlock
		after, _ := before.get(key)
		if err != nil {
			s.change(failOp(s.cannot("update "+key, err)))
			return
		}
		if s.replace(key, raw, after, op) {
			return
		}
	}
	s.change(failOp(s.cannot("update "+key, errUnsettled)))
}

// updateTries is more than the goroutines of a request need. It ends an f that changes the
// key itself.
const updateTries = 1000

// replace sets key to after if its value is still before, and logs op. It reports whether
// it did.
func (s *Session) replace(key, before, after string, op operation) bool {
	s.store.mu.Lock()
	defer s.store.mu.Unlock()
	if now, _ := s.contents.get(key); now != before {
		return false
	}
	s.do(setOp(key, after), func() operation { return op })
	return true
}

// SetUser makes the session that of a user, given by an id that never changes, for
// [Manager.UserSessions] and [Manager.EndUser]. If id is empty, the session has no user
// any more. If the user changes, the session gets a new id, as by Renew, and its absolute
// timeout begins again. SetUser is for sites that manage their users without package
// auth; [Session.LogIn] also keeps the details of the login.
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
	s.apply(setUserOp(id, s.now().UnixMilli()))
}

// Renew gives the session a new id when it is saved; its data stay. Call it at every
// change of rights, so that an id that somebody knew before is of no use (OWASP, session
// fixation). The absolute timeout does not begin again. Without a Backend there is no id:
// the cookie is signed again.
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

// Destroy ends the session, and the other sessions of its name that the browser has
// cookies of. The session is empty at once, Save ends its record, and the response deletes
// the cookie. A value that is set after Destroy in the same request begins a new session
// with a new id. Without a Backend a session cannot be ended: Destroy deletes the cookie,
// but a copy of it stays valid until the timeouts.
func (s *Session) Destroy() {
	s.store.mu.Lock()
	defer s.store.mu.Unlock()
	s.load()
	if s.store.saved {
		s.tooLate()
		return
	}
	if s.ref.id != "" {
		own := presented{recordRef: s.ref, own: true}
		s.presented, s.ref = slices.Insert(s.presented, 0, own), recordRef{}
	}
	s.destroyed, s.renewed, s.proved = true, false, false
	s.changed, s.log = false, nil
	status := StatusNew
	if s.ended || s.status == StatusDown {
		status = s.status
	}
	s.reset(status)
}

// An operation is one change. A session applies it to its working copy and to a log. If
// another request has saved meanwhile, the save applies the log to what that request
// saved. So an operation depends on nothing but its argument, and may be called more than
// once. If it returns an error, it has changed nothing.
type operation func(*contents) error

func (s *Session) change(op operation) {
	s.store.mu.Lock()
	defer s.store.mu.Unlock()
	s.load()
	s.apply(op)
}

// apply applies op to the working copy and logs it. The caller holds the lock.
func (s *Session) apply(op operation) { s.do(op, func() operation { return op }) }

// do applies op to the working copy and logs the operation that logged returns. It calls
// logged only if there is a Backend, so that a signed cookie does not pay for a log. The
// caller holds the lock.
func (s *Session) do(op operation, logged func() operation) {
	if s.store.saved {
		s.tooLate()
		return
	}
	s.changed = true // also if it fails: then Save returns the error, whatever WhenDown says
	if s.spec.Backend != nil {
		s.log = append(s.log, logged())
	}
	if err := op(&s.contents); err != nil {
		s.fail(err)
	}
}

// fail keeps err if it is the first error. The caller holds the lock.
func (s *Session) fail(err error) {
	if s.err == nil {
		s.err = err
	}
}

// tooLate logs a change after Save, once. Save has returned, so nothing else can report it.
func (s *Session) tooLate() {
	if s.late {
		return
	}
	s.late = true
	err := s.cannot("change a value", ErrHeaderWritten)
	s.fail(err)
	s.spec.manager.log.Error("sessions: a change came after the session was saved and is lost",
		slog.String("session", s.spec.Name), slog.String("url", s.store.request.URL.Path))
	s.report(Event{Kind: EventLate, Err: err})
}

// failOp returns an operation that always fails.
func failOp(err error) operation {
	return func(*contents) error { return err }
}

func setOp(key, raw string) operation {
	return func(c *contents) error {
		c.set(key, raw)
		return nil
	}
}

func deleteOp(key string) operation {
	return func(c *contents) error {
		c.delete(key)
		return nil
	}
}

// clearOp leaves the user, the login and the times.
func clearOp(c *contents) error {
	c.values, c.flashes = nil, nil
	return nil
}

func addFlashOp(n storedFlash) operation {
	return func(c *contents) error {
		c.flashes = append(c.flashes, n)
		return nil
	}
}

// takeFlashesOp removes the flashes that were shown, not those that were added since.
func takeFlashesOp(shown []storedFlash) operation {
	return func(c *contents) error {
		kept := make([]storedFlash, 0, len(c.flashes))
		for _, n := range c.flashes {
			if !slices.ContainsFunc(shown, func(s storedFlash) bool { return s.number == n.number }) {
				kept = append(kept, n)
			}
		}
		c.flashes = kept
		return nil
	}
}

// setUserOp makes the session that of user. The absolute timeout begins again, since a
// user who has browsed for hours before would otherwise be logged out at once.
func setUserOp(user string, now int64) operation {
	return func(c *contents) error {
		if c.user != user {
			c.user, c.created, c.login, c.remembered = user, now, "", false
		}
		return nil
	}
}

// logInOp makes the session that of a user who has logged in.
func logInOp(user string, l Login) operation {
	kept := l.encode()
	return func(c *contents) error {
		if !l.repeats(c, user) {
			c.user, c.created, c.login, c.remembered = user, l.At.UnixMilli(), kept, l.Remembered
		}
		return nil
	}
}

var (
	errNobody    = errors.New("the user is empty: use Destroy to log out")
	errNoInteger = errors.New("its value is not an integer")
	errOverflow  = errors.New("the sum does not fit in an int64")
	errUnsettled = errors.New("its function, or other goroutines of this request, change it again and again")
)

func incrOp(key string, n int64) operation {
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

// updateOp applies f to the value of key, or to a zero value if there is none. If the
// value cannot be decoded, it calls lost and uses a zero value.
func updateOp[T any](key string, f func(T) T, lost func(error)) operation {
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

// reset makes the session empty. The caller holds the lock.
func (s *Session) reset(status Status) {
	s.status, s.text = status, ""
	s.contents = contents{created: s.began, seen: s.began, values: s.room[:0]}
}

// load reads the session at its first use. The caller holds the lock.
func (s *Session) load() {
	if !s.loaded {
		s.open()
		s.loaded = true // not if the Backend panics: then Save must not save
	}
}

// open reads the newest session that is alive, of those that the browser has cookies of.
func (s *Session) open() {
	s.began = s.now().UnixMilli()
	var room [2]candidate
	candidates, why := s.candidates(room[:0])
	if s.brought && s.spec.Import != nil {
		s.warnOfOld()
	}
	switch {
	case !s.brought:
		s.reset(StatusNew)
		s.importOld()
	case len(candidates) == 0:
		s.refuse(why)
	case s.spec.kind == kindData:
		s.openCookies(candidates)
	default:
		s.openRecords(candidates)
	}
}

// A candidate is a cookie of the session's name that one of the keys has signed.
type candidate struct {
	payload string // without its head
	date    int64  // when it was signed, in Unix milliseconds
	oldKey  bool
}

// candidates appends the cookies that were signed for this name, kind and site, newest
// first. Of two that were signed in the same second, the later one in the header comes
// first, since browsers send the older one first. If there is none, why says what is wrong
// with the cookies of the name.
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
			continue // no browser keeps such a cookie, so this program has not set it
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
			// A cookie that will be valid again soon is not overwritten.
			s.ended = s.ended || -s.since(c.date) < maxSkewKept
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

// since returns the time from a moment, in Unix milliseconds, until the session was loaded.
// It is cut to what a Duration holds.
func (s *Session) since(milliseconds int64) time.Duration {
	passed := s.began - clamp(milliseconds, 1<<62)
	return time.Duration(clamp(passed, int64(math.MaxInt64/time.Millisecond))) * time.Millisecond
}

func clamp(n, most int64) int64 { return min(max(n, -most), most) }

// refuse makes the session empty, for the reason why. Changes then begin a new session.
func (s *Session) refuse(why verdict) {
	if why.status == StatusUnreadable {
		s.spec.manager.log.Warn("sessions: a session cannot be read, and begins again",
			slog.String("session", s.spec.Name), slog.Any("error", why.err))
	}
	s.reset(why.status)
	s.report(Event{Kind: why.event, Err: why.err})
}

// read reads encoded contents and checks their times. It reports whether the session is
// alive, and if it is not, why.
func (s *Session) read(text string) (why verdict, alive bool) {
	c := contents{values: s.room[:0]}
	if err := c.parse(text); err != nil {
		return verdict{StatusUnreadable, EventUnreadable, err}, false
	}
	if s.since(c.created) < -maxSkew || s.since(c.seen) < -maxSkew {
		s.report(Event{Kind: EventClock})
	}
	// A clock that was ahead when the session was saved does not end it.
	c.created, c.seen = min(c.created, s.began), min(c.seen, s.began)
	idle, absolute, _ := s.spec.life(&c)
	if c.created < s.spec.manager.since || s.since(c.created) >= absolute || idle > 0 && s.since(c.seen) >= idle {
		return verdict{StatusExpired, EventExpired, nil}, false
	}
	s.status, s.text, s.contents, s.reader = StatusLoaded, text, c, c.user
	return verdict{}, true
}

// openCookies reads a session whose data are in the cookie.
func (s *Session) openCookies(candidates []candidate) {
	var newest verdict
	for i := range candidates {
		why, alive := s.read(candidates[i].payload)
		if alive {
			s.oldKey, s.ended = candidates[i].oldKey, false
			return
		}
		if i == 0 {
			newest = why
		}
	}
	s.refuse(newest)
}

// A presented is a record that the browser has a cookie of, beside the session's own.
type presented struct {
	recordRef
	looked bool // it was loaded and is not alive
	own    bool // it was the session's own until Destroy
}

// openRecords reads a session whose data are in the Backend. All loads share one timeout.
func (s *Session) openRecords(candidates []candidate) {
	ctx, cancel := s.backendContext()
	defer cancel()
	var newest verdict
	for i := range candidates {
		found := refOf(candidates[i].payload)
		s.ref = found // for events
		why, alive, err := s.openRecord(ctx, found, candidates[i].date)
		switch {
		case err != nil:
			s.reset(StatusDown)
			s.fail(s.down("load", err))
			s.ref = recordRef{}
			return
		case alive:
			s.oldKey, s.ended = candidates[i].oldKey, false
			for _, c := range candidates[i+1:] {
				s.presented = append(s.presented, presented{recordRef: refOf(c.payload)})
			}
			return
		}
		s.presented = append(s.presented, presented{recordRef: found, looked: true})
		if i == 0 {
			newest = why
		}
	}
	s.ref = s.presented[0].recordRef
	s.refuse(newest)
	s.ref = recordRef{}
}

// openRecord loads the record of one cookie.
func (s *Session) openRecord(ctx context.Context, found recordRef, sealed int64) (why verdict, alive bool, err error) {
	r, err := s.spec.Backend.Load(ctx, found.id)
	switch {
	case errors.Is(err, ErrNotFound):
		// It has expired, was evicted or was ended. Its id is not used again.
		if s.since(sealed) >= s.spec.IdleTimeout {
			return verdict{StatusExpired, EventExpired, nil}, false, nil
		}
		return verdict{StatusGone, EventGone, nil}, false, nil
	case err != nil:
		return verdict{}, false, err
	}
	if _, ended := r.tombstone(); ended {
		s.ended = s.ended || s.store.justEnded(r)
		return verdict{StatusGone, EventGone, nil}, false, nil
	}
	if why, alive = s.read(string(r.Data)); alive {
		s.ref.version = r.Version
	}
	return why, alive, nil
}

// justEnded reports whether a tombstone is so young that, when the browser sent this
// request, it may not have received the response of the request that ended the session.
// Tombstones are dated by the real clocks of the servers. If these differ by more than
// responseTime, a new cookie may be overwritten, but no session comes back.
func (st *Store) justEnded(tombstone Record) bool {
	return st.age(tombstone.Expires.Add(-tombstoneTime)) < responseTime
}

// backendTimeout is the time for one load and for one save.
const backendTimeout = 2 * time.Second

// backendContext returns the context of one load or save. It expires after backendTimeout.
// It is not canceled when the client disconnects, so that the session is still saved. A
// Memory never waits and gets no timer, which costs a tenth of its read.
func (s *Session) backendContext() (context.Context, context.CancelFunc) {
	ctx := context.WithoutCancel(s.store.request.Context())
	if _, ok := s.spec.Backend.(*Memory); ok {
		return ctx, func() {}
	}
	return context.WithTimeout(ctx, backendTimeout)
}

// save writes what has changed and returns the Set-Cookie line that the response needs, if
// any. It reads the working copy without the lock, since no change comes after it began.
func (s *Session) save(sent bool, failed error) (line string, err error) {
	changed := s.changed || s.renewed || s.destroyed
	switch {
	case failed != nil && s.status == StatusDown && s.spec.WhenDown == EmptyWhenDown && !changed:
		s.spec.manager.log.Warn("sessions: a request saw an empty session, since the backend is down", slog.Any("error", failed))
		return "", nil
	case failed != nil:
		return "", failed
	case !changed && (sent || !s.renewalDue() || s.store.bare && s.spec.Backend == nil):
		return "", nil // a renewal can wait for the next request
	case sent:
		err = s.cannot("save", ErrHeaderWritten)
	case s.spec.Backend == nil:
		line, err = s.saveCookie()
	default:
		ctx, cancel := s.backendContext()
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

// saveCookie saves a session whose data are in the cookie. If it is empty, the cookie is
// deleted.
func (s *Session) saveCookie() (line string, err error) {
	switch {
	case s.ended && s.provesUser():
		s.beginAnew()
	case s.ended && !s.destroyed:
		return "", nil
	}
	if s.contents.empty() {
		if s.destroyed && s.brought {
			s.report(Event{Kind: EventDestroyed})
		}
		if s.text != "" || s.destroyed && s.brought || s.imported {
			line = s.spec.deletion
		}
		return line, nil
	}
	buffer := buffers.Get().(*[]byte)
	defer buffers.Put(buffer)
	payload := s.contents.encode(append((*buffer)[:0], payloadVersion, kindData))
	if cap(payload) <= 4*maxCookie { // else it does not fit in a cookie
		*buffer = payload
	}
	data := payload[payloadHead:]
	if string(data) == s.text && !s.renewed && !s.renewalDue() {
		return "", nil
	}
	now := s.now()
	setSeen(data, now)
	if line, err = s.signedCookie(payload, now); err == nil && s.text == "" {
		s.report(Event{Kind: EventCreated})
	}
	return line, err
}

// maxSeenLag bounds how old the stored time of the last use may become.
const maxSeenLag = time.Hour

// renewalDue reports whether the time of the last use must be stored again: after a fifth
// of the idle timeout, or an hour.
func (s *Session) renewalDue() bool {
	timeout, _, _ := s.spec.life(&s.contents)
	return timeout > 0 && s.since(s.contents.seen) >= min(timeout/5, maxSeenLag)
}

// provesUser reports whether this request has proved who the user is: by LogIn, or by
// SetUser of a user that it did not read. Only such a request begins a new session in
// place of one that was ended.
func (s *Session) provesUser() bool {
	return s.contents.user != "" && (s.proved || s.contents.user != s.reader)
}

// signedCookie returns the Set-Cookie line that holds payload, signed at now.
func (s *Session) signedCookie(payload []byte, now time.Time) (line string, err error) {
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

// buffers are for payloads and Set-Cookie lines.
var buffers = sync.Pool{New: func() any { return new(make([]byte, 0, maxCookie)) }}

// setSeen sets the time of the last use in encoded contents.
func setSeen(data []byte, seen time.Time) {
	binary.BigEndian.PutUint64(data[seenAt:], uint64(seen.UnixMilli()))
}

// beginAnew lets a login begin a new session after another request has ended the old one.
func (s *Session) beginAnew() {
	s.store.mu.Lock()
	s.ended, s.status = false, StatusNew
	s.store.mu.Unlock()
}

// lastCookie returns the Set-Cookie line of a response that leaves no session: the deletion
// of the cookie, after Destroy and after an import of nothing.
func (s *Session) lastCookie() string {
	if s.destroyed && s.brought || s.imported {
		return s.spec.deletion
	}
	return ""
}

// ErrHeaderWritten is in the chain of the errors that [Session.Err] and [Store.Save]
// return if a session is changed after the response header has been written. errors.Is
// reports true for it and framework.ErrHeaderWritten, and for every error with a method
// HeaderSent() bool.
var ErrHeaderWritten error = headerWrittenError{}

type headerWrittenError struct{}

func (headerWrittenError) Error() string {
	return "sessions: changed after the header was written: change sessions before the first byte of a stream, and on net/http before the first write"
}

func (headerWrittenError) HeaderSent() bool { return true }

func (headerWrittenError) Is(target error) bool {
	_, ok := target.(interface{ HeaderSent() bool })
	return ok
}

// A failure is an error of a session.
type failure struct {
	session string // the Spec's name
	action  string
	status  int
	err     error
}

func (f *failure) Error() string {
	return fmt.Sprintf("sessions: session %q: cannot %s: %v", f.session, f.action, f.err)
}

func (f *failure) Unwrap() error { return f.err }

// HTTPStatus returns 503 if the Backend failed, and 500 if the program is wrong.
func (f *failure) HTTPStatus() int { return f.status }

// cannot returns the failure of an action that the program asked for.
func (s *Session) cannot(action string, err error) error {
	return &failure{session: s.spec.Name, action: action, status: http.StatusInternalServerError, err: err}
}

// down returns the failure of an action of the Backend.
func (s *Session) down(action string, err error) error {
	s.report(Event{Kind: EventDown, Err: err})
	return &failure{session: s.spec.Name, action: action, status: http.StatusServiceUnavailable, err: err}
}
