package sessions

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	mathrand "math/rand/v2"
	"slices"
	"time"
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

// saveRecord keeps the data in the backend.
func (s *Session) saveRecord(ctx context.Context) (line string, err error) {
	if s.destroyed {
		if err := s.endPresented(ctx, true); err != nil {
			return "", err
		}
	}
	switch {
	case s.dead && !s.proves():
		return s.farewell(), nil
	case s.dead: // the working copy is empty but for the changes of this request
		s.revive()
		line, err = s.createRecord(ctx)
	case s.record.id != "" && s.renewed:
		line, err = s.renewRecord(ctx)
	case s.record.id != "" && s.changed:
		line, err = s.updateRecord(ctx)
	case s.record.id != "":
		s.touchRecord(ctx)
	case !s.contents.empty():
		line, err = s.createRecord(ctx)
	default:
		return s.farewell(), nil
	}
	switch {
	case err != nil:
	case s.proves():
		_ = s.endPresented(ctx, false)
		s.endSurplus(ctx)
	case s.renewed && s.reader != "" && s.contents.user == "": // SetUser of nobody: a logout
		_ = s.endPresented(ctx, false)
	}
	return line, err
}

// kept is the Record of encoded contents, seen now. A Backend forgets it by the real
// time, whatever the clock of the Config says.
func (s *Session) kept(data []byte, c *contents, version uint64) (Record, error) {
	if len(data) > maxData {
		return Record{}, fmt.Errorf("%w: %d bytes, the limit is %d", ErrTooLarge, len(data), maxData)
	}
	now := s.now()
	stamp(data, now)
	idle, absolute, _ := s.spec.life(c)
	left := min(time.UnixMilli(c.created).Add(absolute).Sub(now), idle)
	return Record{Data: data, User: c.user, Expires: time.Now().Add(left), Version: version}, nil
}

// unsaved is the failure of a save: the backend's, unless it says that the record is
// too large.
func (s *Session) unsaved(err error) error {
	if errors.Is(err, ErrTooLarge) {
		return s.cannot("save", err)
	}
	return s.down("save", err)
}

// idCookie is the Set-Cookie line that holds the id of r.
func (s *Session) idCookie(r record) (line string, err error) {
	payload := append(make([]byte, 0, payloadHead+secretSize), payloadVersion, kindID)
	return s.signed(append(payload, r.secret...), s.now())
}

// createRecord saves a new session under an id that was never used.
func (s *Session) createRecord(ctx context.Context) (line string, err error) {
	made, err := s.insert(ctx, &s.contents)
	if err != nil {
		return "", err
	}
	s.settle(made)
	s.event(Event{Kind: EventCreated, ID: made.id})
	return s.idCookie(made)
}

// insert creates a record of c. An id that exists can only be one that an earlier try
// of a backend's client has left behind. If another id may work, as on another of several
// servers, others are tried.
func (s *Session) insert(ctx context.Context, c *contents) (record, error) {
	existing, unavailable := 3, 20
	for {
		r, err := s.kept(c.encode(nil), c, 0)
		if err != nil {
			return record{}, s.unsaved(err)
		}
		made := newRecord()
		err = s.spec.Backend.Create(ctx, made.id, r)
		switch {
		case err == nil:
			return made, nil
		case errors.Is(err, ErrExists):
			existing--
		case errors.Is(err, ErrUnavailable) && ctx.Err() == nil:
			unavailable--
		default:
			return record{}, s.unsaved(err)
		}
		if existing == 0 || unavailable == 0 {
			return record{}, s.unsaved(err)
		}
	}
}

// settle makes r the session's record.
func (s *Session) settle(r record) {
	s.store.mu.Lock()
	s.record = r
	s.store.mu.Unlock()
}

// updateRecord saves the working copy over the version that was read, or the log over
// what others have written since.
func (s *Session) updateRecord(ctx context.Context) (line string, err error) {
	c, text, version := &s.contents, s.text, s.record.version
	retries := 0
	for ; ; retries++ {
		data := c.encode(nil)
		if string(data) == text && s.current() { // what is kept is what is wanted
			if retries == 0 && s.idle() {
				s.touchRecord(ctx)
			}
			break
		}
		r, err := s.kept(data, c, version)
		if err == nil {
			_, err = s.spec.Backend.Update(ctx, s.record.id, r)
		}
		if err == nil {
			break
		}
		if errors.Is(err, ErrNotFound) {
			return s.lose(ctx, nil)
		}
		if !errors.Is(err, ErrConflict) {
			return "", s.unsaved(err)
		}
		met, err := s.replay(ctx, retries)
		if err != nil {
			return "", err
		}
		if met.contents == nil {
			return s.lose(ctx, nil)
		}
		c, text, version = met.contents, met.text, met.version
	}
	s.retried(retries)
	if s.oldKey && !s.store.bare {
		return s.idCookie(s.record)
	}
	return "", nil
}

// current reports whether the backend's Load is never behind what was acknowledged.
func (s *Session) current() bool {
	b, ok := s.spec.Backend.(CurrentBackend)
	return ok && b.LoadIsCurrent()
}

// A meeting is what a save finds that met another one.
type meeting struct {
	contents *contents // what is stored now, and the log on it; nil: the session is gone
	text     string    // what is stored, encoded
	version  uint64
	owner    string    // the user of what is stored
	ended    tombstone // if it is gone and not missing
}

// replay waits a little, reads the record again and applies the log to it.
func (s *Session) replay(ctx context.Context, retries int) (meeting, error) {
	if err := wait(ctx, retries); err != nil {
		return meeting{}, s.down("save", errors.Join(ErrConflict, err))
	}
	r, err := s.spec.Backend.Load(ctx, s.record.id)
	switch {
	case errors.Is(err, ErrNotFound):
		return meeting{}, nil
	case err != nil:
		return meeting{}, s.down("save", err)
	}
	if ended, ok := r.tombstone(); ok {
		return meeting{ended: ended}, nil
	}
	m := meeting{contents: &contents{}, text: string(r.Data), version: r.Version, owner: r.User}
	if err := m.contents.parse(m.text); err != nil {
		return meeting{}, s.cannot("save", err)
	}
	return m, s.repeat(m.contents)
}

// repeat applies the log to c.
func (s *Session) repeat(c *contents) error {
	for _, op := range s.log {
		if err := op(c); err != nil {
			return s.cannot("save", err)
		}
	}
	return nil
}

// lose is the save of a session that turns out to be ended or renewed elsewhere. Only a
// request that has proved who the user is saves something: a new session, of its own
// changes alone. It goes into made, the record of a renewal, or a new one if made is nil.
func (s *Session) lose(ctx context.Context, made *record) (line string, err error) {
	s.meetGone(s.record.id)
	if !s.proves() {
		return "", nil
	}
	now := s.now().UnixMilli()
	own := contents{created: now, seen: now}
	if err := s.repeat(&own); err != nil {
		return "", err
	}
	if made != nil {
		err = s.rewrite(ctx, made, &own)
	} else {
		var fresh record
		fresh, err = s.insert(ctx, &own)
		made = &fresh
	}
	if err != nil {
		return "", err
	}
	s.store.mu.Lock()
	s.contents, s.record, s.dead, s.status = own, *made, false, StatusNew
	s.store.mu.Unlock()
	s.event(Event{Kind: EventCreated, ID: made.id})
	return s.idCookie(*made)
}

// wait sleeps before a try, longer after each: a random part of a doubling span (full
// jitter), so that those who met do not meet again.
func wait(ctx context.Context, retries int) error {
	span := min(time.Millisecond<<min(retries, 10), 200*time.Millisecond)
	timer := time.NewTimer(mathrand.N(span))
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

func (s *Session) retried(retries int) {
	if retries > 0 {
		s.event(Event{Kind: EventRetried, ID: s.record.id, Retries: retries})
	}
}

// touchRecord renews the idle time of a session that was only read. Nothing is lost
// where it cannot: who wrote meanwhile has renewed it too, and the next request tries
// again.
func (s *Session) touchRecord(ctx context.Context) {
	r, err := s.kept([]byte(s.text), &s.contents, s.record.version)
	if err == nil {
		_, err = s.spec.Backend.Update(ctx, s.record.id, r)
	}
	switch {
	case err == nil || errors.Is(err, ErrConflict):
	case errors.Is(err, ErrNotFound):
		s.meetGone(s.record.id)
	default:
		s.event(Event{Kind: EventDegraded, ID: s.record.id, Err: err})
		s.spec.manager.log.Warn("sessions: the idle time of a session could not be renewed", slog.Any("error", err))
	}
}

const (
	// tombstoneTime is how long a tombstone stands: longer than any request that read the
	// session before it was ended or renewed should take.
	tombstoneTime = time.Minute
	// answerTime is how long the answer that brings the browser its new cookie, or takes
	// its old one away, may be under way.
	answerTime = 5 * time.Second
)

// A tombstone is what a record says of a session that was ended or renewed.
type tombstone struct {
	successor  string // the id of the record that the session was renewed into; empty: it was ended
	handedOver bool   // the renewal made it another user's. A logout does not follow: it means a session of the user before
}

// The Data of a tombstone is its version byte, a letter, and the successor.
const (
	versionTombstone = 0
	tombEnded        = 'e'
	tombRenewed      = 'r'
	tombHandedOver   = 'h'
)

// record returns the Record that puts t in the place of the given version.
func (t tombstone) record(version uint64) Record {
	letter := byte(tombEnded)
	switch {
	case t.handedOver:
		letter = tombHandedOver
	case t.successor != "":
		letter = tombRenewed
	}
	data := append([]byte{versionTombstone, letter}, t.successor...)
	return Record{Data: data, Expires: time.Now().Add(tombstoneTime), Version: version}
}

// tombstone returns what r says of a session that was ended or renewed; ok is false if r
// holds a session.
func (r Record) tombstone() (t tombstone, ok bool) {
	if len(r.Data) < 2 || r.Data[0] != versionTombstone {
		return tombstone{}, false
	}
	t = tombstone{successor: string(r.Data[2:]), handedOver: r.Data[1] == tombHandedOver}
	if r.Data[1] == tombEnded {
		return t, t.successor == ""
	}
	return t, (t.handedOver || r.Data[1] == tombRenewed) && CheckID(t.successor) == nil
}

// renewRecord saves the session under a new id and then puts a tombstone over the old
// one, at the version that was read: if others have written since, that is read again,
// and what they wrote is in the new record before the old one ends. So:
//
//   - A write acknowledged before the tombstone is in the new session. One that comes
//     after it meets the tombstone, and its request is told StatusGone.
//   - Of two renewals in parallel one puts the tombstone. The other meets it, deletes
//     its own record and sends no cookie, unless it is a login: its record then holds
//     what this request has changed, and nothing of the session that was renewed.
//   - A renewal that meets Destroy's tombstone does the same: the logout stays one. A
//     Destroy that meets a renewal's tombstone follows it to the new record.
//   - A tombstone that names the new record is this renewal's own: its answer was lost.
//   - Between Create and tombstone the new id is known to nobody. A program that dies
//     there leaves a record that nobody can reach until it expires, and the old session.
func (s *Session) renewRecord(ctx context.Context) (line string, err error) {
	now := meeting{contents: &s.contents, version: s.record.version, owner: s.reader}
	made, err := s.insert(ctx, now.contents)
	if err != nil {
		return "", err
	}
	retries := 0
	for ; ; retries++ {
		_, err = s.spec.Backend.Update(ctx, s.record.id, tombstone{made.id, now.owner != now.contents.user}.record(now.version))
		if err == nil {
			break
		}
		switch {
		case errors.Is(err, ErrNotFound):
			now, err = meeting{}, nil
		case errors.Is(err, ErrConflict):
			now, err = s.replay(ctx, retries)
		default: // it may have been carried out all the same
			failed := err
			now, err = s.look(ctx)
			if err != nil || now.ended.successor != made.id {
				s.abandon(ctx, made)
				return "", s.unsaved(failed)
			}
		}
		if err == nil && now.contents == nil {
			if now.ended.successor == made.id {
				break
			}
			return s.loseRenewal(ctx, made, now.ended)
		}
		if err == nil {
			err = s.rewrite(ctx, &made, now.contents)
		}
		if err != nil {
			s.abandon(ctx, made)
			return "", err
		}
	}
	s.retried(retries)
	s.event(Event{Kind: EventRenewed, ID: made.id})
	s.settle(made)
	return s.idCookie(made)
}

// meetGone drops what the session was to save: another request has ended or renewed
// it. The response sets no cookie, which might overwrite that request's.
func (s *Session) meetGone(id string) {
	s.store.mu.Lock()
	already := s.status == StatusGone
	s.dead, s.status = true, StatusGone
	s.store.mu.Unlock()
	if !already {
		s.event(Event{Kind: EventGone, ID: id})
	}
}

// look loads what stands in the session's place now.
func (s *Session) look(ctx context.Context) (meeting, error) {
	r, err := s.spec.Backend.Load(ctx, s.record.id)
	if err != nil {
		return meeting{}, err
	}
	ended, _ := r.tombstone()
	return meeting{ended: ended}, nil
}

// loseRenewal is the end of a renewal that has met another one or a logout, or no record.
func (s *Session) loseRenewal(ctx context.Context, made record, by tombstone) (line string, err error) {
	line, err = s.lose(ctx, &made)
	if err != nil || line == "" {
		s.abandon(ctx, made)
	}
	if err != nil || line != "" || s.reader == "" || s.contents.user != "" {
		return line, err
	}
	// SetUser("") of a session that had a user is a logout.
	if ended, err := s.follow(ctx, by); err != nil {
		return "", err
	} else if ended != "" {
		s.event(Event{Kind: EventDestroyed, ID: ended})
	}
	return s.spec.deletion, nil
}

// rewrite puts c into a record that only this request knows.
func (s *Session) rewrite(ctx context.Context, made *record, c *contents) error {
	if made.version == 0 { // Create does not tell it
		r, err := s.spec.Backend.Load(ctx, made.id)
		if err != nil {
			return s.down("save", err)
		}
		made.version = r.Version
	}
	r, err := s.kept(c.encode(nil), c, made.version)
	if err == nil {
		made.version, err = s.spec.Backend.Update(ctx, made.id, r)
	}
	if err != nil {
		return s.unsaved(err)
	}
	return nil
}

// abandon deletes a record whose id nobody was told. It has a second of its own: the
// save's may be over.
func (s *Session) abandon(ctx context.Context, made record) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	if err := s.spec.Backend.Delete(ctx, made.id); err != nil {
		s.event(Event{Kind: EventDegraded, ID: made.id, Err: err})
	}
}

// endPresented ends the sessions that the browser has cookies of: at a logout all, since
// the user means what the browser has and not an id; after a login, or a SetUser("") that
// has succeeded, the others that may be alive, and errors are only logged.
func (s *Session) endPresented(ctx context.Context, logout bool) error {
	for _, p := range s.presented {
		if p.looked && !logout {
			continue
		}
		ended, what, err := bury(ctx, s.spec.Backend, p.record, "", logout)
		switch {
		case err != nil:
		case what == buried || what == followed:
			s.event(Event{Kind: EventDestroyed, ID: ended})
		case what == missing && p.own:
			s.event(Event{Kind: EventDestroyed, ID: p.id})
		case what == endedBefore && p.own:
			s.meetGone(p.id)
		}
		s.dead = s.dead || what == followed && p.own && err == nil
		if err == nil && what == buried && !p.own {
			// Its cookie may stay in the browser, if it was set for another path or domain:
			// no tombstone is left, which the next login would meet.
			err = s.spec.Backend.Delete(ctx, p.id)
		}
		if err != nil && logout {
			return s.down("end", err)
		}
		if err != nil {
			s.spec.manager.log.Warn("sessions: an older session of the browser could not be ended at a login", slog.Any("error", err))
		}
	}
	s.presented = nil
	return nil
}

// surplusAtOnce bounds what one login ends, so that it stays cheap.
const surplusAtOnce = 10

// endSurplus ends the least recently used sessions of a user who has logged in and has
// more than Spec.MaxPerUser now, but not this one. The login has succeeded, so that errors
// are only logged.
func (s *Session) endSurplus(ctx context.Context) {
	b, ok := s.spec.Backend.(UserBackend)
	most := cmp.Or(s.spec.MaxPerUser, defaultMaxPerUser)
	if !ok || !s.proved || most < 0 {
		return
	}
	list, err := b.Sessions(ctx, s.contents.user)
	if errors.Is(err, errors.ErrUnsupported) {
		return
	}
	others := slices.DeleteFunc(list, func(i Info) bool { return i.ID == s.record.id })
	slices.SortFunc(others, func(a, b Info) int {
		return cmp.Or(a.Seen.Compare(b.Seen), a.Created.Compare(b.Created))
	})
	surplus := max(len(others)-(most-1), 0)
	for _, i := range others[:min(surplus, surplusAtOnce)] {
		err = errors.Join(err, b.Delete(ctx, i.ID)) // no tombstone: its browser may log in again at once
		s.event(Event{Kind: EventDestroyed, ID: i.ID})
	}
	if err != nil {
		s.event(Event{Kind: EventDegraded, Err: err})
		s.spec.manager.log.Warn("sessions: the oldest sessions of a user could not be ended", slog.Any("error", err))
	}
}

// A burial is what became of a record that was to be ended.
type burial int

const (
	buried      burial = iota // a tombstone stands over it now
	followed                  // it had been renewed for the same owner, and what it was renewed into is buried
	endedBefore               // another request had ended it, or had made it another user's
	missing                   // there is none
)

// bury puts a tombstone over r, whatever has been written to it since it was read. If
// follow is set and r was renewed for the same owner, the new record is buried instead.
// It returns the id of what it has buried. If a user is named, a record of another one
// is missing.
func bury(ctx context.Context, b Backend, r record, user string, follow bool) (id string, what burial, err error) {
	for retries := 0; ; retries++ {
		if retries > 0 {
			if err := wait(ctx, retries); err != nil {
				return "", what, err
			}
		}
		if retries > 0 || r.version == 0 {
			found, err := b.Load(ctx, r.id)
			switch {
			case errors.Is(err, ErrNotFound):
				return "", lost(what), nil
			case err != nil:
				return "", what, err
			}
			t, dead := found.tombstone()
			switch {
			case dead && (!follow || t.successor == "" || t.handedOver):
				return "", endedBefore, nil
			case dead:
				r, what = record{id: t.successor}, followed
				retries = -1 // another record, and nobody was met there yet
				continue
			case user != "" && found.User != user:
				return "", missing, nil
			}
			r.version = found.Version
		}
		switch _, err := b.Update(ctx, r.id, tombstone{}.record(r.version)); {
		case err == nil:
			return r.id, what, nil
		case errors.Is(err, ErrNotFound):
			return "", lost(what), nil
		case !errors.Is(err, ErrConflict):
			return "", what, err
		}
	}
}

// lost is what became of a record that is not there: a successor that has ended since,
// or one that there never was.
func lost(so burial) burial {
	if so == followed {
		return endedBefore
	}
	return missing
}

// follow ends what the session was renewed into, if that is the same user's, and returns
// the id of what it has ended.
func (s *Session) follow(ctx context.Context, t tombstone) (ended string, err error) {
	if t.successor == "" || t.handedOver {
		return "", nil
	}
	if ended, _, err = bury(ctx, s.spec.Backend, record{id: t.successor}, "", true); err != nil {
		return "", s.down("end", err)
	}
	return ended, nil
}
