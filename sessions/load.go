package sessions

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"log/slog"
	"math"
	"time"
)

const (
	// payloadVersion begins the payload of every cookie; its kind follows.
	payloadVersion = 1
	payloadHead    = 2
	secretSize     = 32
	// maxSkew is how far the clock of the server that signed a cookie may be ahead.
	maxSkew = time.Minute
	// soon is how far it may be ahead so that the cookie is passed over and not overwritten.
	soon = time.Hour
)

// A record is what a session knows of its record in the backend.
type record struct {
	id      string // the hash of secret, by which the backend knows it
	secret  string // the id in the cookie
	version uint64 // that was read; 0: not read
}

func newRecord() record {
	var secret [secretSize]byte
	rand.Read(secret[:]) // never fails: crypto/rand
	return recordOf(string(secret[:]))
}

func recordOf(secret string) record {
	sum := sha256.Sum256([]byte(secret))
	var id [idSize]byte
	base64.RawURLEncoding.Encode(id[:], sum[:])
	return record{id: string(id[:]), secret: secret}
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

// undecodable reports a value that is there and cannot be had: it is lost alone. The
// id is given, since the lock may be held or not.
func (s *Session) undecodable(id, key string, err error) {
	s.spec.manager.log.Warn("sessions: a value cannot be decoded",
		slog.String("session", s.spec.Name), slog.String("key", key), slog.Any("error", err))
	s.tell(Event{Kind: EventUndecodable, ID: id, Key: key, Err: err})
}

// event tells of the session's record where e names no other. The lock is held, or
// this is the save, which alone changes it then.
func (s *Session) event(e Event) {
	if e.ID == "" {
		e.ID = s.record.id
	}
	s.tell(e)
}

func (s *Session) tell(e Event) {
	if onEvent := s.spec.manager.event; onEvent != nil {
		e.Session = s.spec.Name
		onEvent(e)
	}
}
