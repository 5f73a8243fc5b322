package sessions

import (
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
	return record{id: base64.RawURLEncoding.EncodeToString(sum[:]), secret: secret}
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

func (s *Session) open() {
	s.began = s.now().UnixMilli()
	var candidates [maxCandidates]string
	values, found := cookieValues(s.store.request.Header, s.spec.cookie, candidates[:0])
	if !found {
		s.begin(StatusNew)
		s.importOld()
		return
	}
	payload, date, signed := s.verify(values)
	switch {
	case !signed || s.since(date) < -maxSkew:
		s.refuse(StatusTampered, Event{Kind: EventTampered})
	case len(payload) < payloadHead || payload[0] != payloadVersion || payload[1] != s.spec.kind:
		s.refuse(StatusUnreadable, Event{Kind: EventUnreadable, Err: errMalformed})
	case s.spec.kind == kindData:
		s.read(payload[payloadHead:])
	default:
		s.loadRecord(recordOf(payload[payloadHead:]), date)
	}
}

// verify returns the payload of the first of the cookies that is signed for this name,
// kind and site, and when it was sealed, in Unix milliseconds.
func (s *Session) verify(values []string) (payload string, date int64, ok bool) {
	for _, value := range values {
		if len(s.spec.cookie)+len(value) > maxCookie {
			continue // no browser keeps it, so it is none of ours
		}
		payload, seconds, key, ok := s.spec.manager.codec.open(s.spec.bound, value)
		if ok {
			s.oldKey = key > 0
			return payload, clamp(seconds, 1<<52) * 1000, true
		}
	}
	return "", 0, false
}

// since returns how long ago, when the session was loaded, a time was that is given in
// Unix milliseconds. What a Duration cannot hold is cut.
func (s *Session) since(milliseconds int64) time.Duration {
	passed := s.began - clamp(milliseconds, 1<<62)
	return time.Duration(clamp(passed, int64(math.MaxInt64/time.Millisecond))) * time.Millisecond
}

func clamp(n, most int64) int64 { return min(max(n, -most), most) }

// refuse makes the session an empty one that may be written anew.
func (s *Session) refuse(status Status, e Event) {
	s.begin(status)
	s.event(e)
}

// read reads encoded contents and judges their times, and reports whether they are
// those of a living session.
func (s *Session) read(text string) bool {
	c := contents{values: s.room[:0]}
	if err := c.parse(text); err != nil {
		s.spec.manager.log.Warn("sessions: a session cannot be read, and begins anew",
			slog.String("session", s.spec.Name), slog.Any("error", err))
		s.refuse(StatusUnreadable, Event{Kind: EventUnreadable, Err: err})
		return false
	}
	age, idle := s.since(c.created), s.since(c.seen)
	switch {
	case age < -maxSkew || idle < -maxSkew:
		s.refuse(StatusTampered, Event{Kind: EventTampered})
	case age >= s.spec.AbsoluteTimeout || s.spec.IdleTimeout > 0 && idle >= s.spec.IdleTimeout:
		s.refuse(StatusExpired, Event{Kind: EventExpired})
	default:
		s.status, s.text, s.contents = StatusLoaded, text, c
		return true
	}
	return false
}

func (s *Session) loadRecord(found record, signed int64) {
	ctx := newDeadline(s.store.request)
	defer ctx.cancel()
	s.record = found // for what is reported
	r, err := s.spec.Backend.Load(ctx, found.id)
	switch {
	case errors.Is(err, ErrNotFound):
		// It may have expired, been evicted or been ended. Its id is not used again.
		if s.since(signed) >= s.spec.IdleTimeout {
			s.refuse(StatusExpired, Event{Kind: EventExpired})
		} else {
			s.refuse(StatusGone, Event{Kind: EventGone})
		}
	case err != nil:
		s.begin(StatusDown)
		s.fail(s.down("load", err))
	case len(r.Data) == 0:
		s.refuse(StatusGone, Event{Kind: EventGone})
		s.gone = true
		s.end = &found // Destroy follows it to what it was renewed into
	case s.read(string(r.Data)):
		s.record.version = r.Version
		return
	}
	s.record = record{}
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
