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

// A recordRef says which record of the Backend holds a session.
type recordRef struct {
	id      string // the hash of secret, by which the backend knows it
	secret  string // the id in the cookie
	version uint64 // the one that was read; 0 if none was
}

// newRef returns a recordRef with a new random id.
func newRef() recordRef {
	var secret [secretSize]byte
	rand.Read(secret[:]) // never fails: crypto/rand
	return refOf(string(secret[:]))
}

// refOf returns the recordRef of the id in a cookie.
func refOf(secret string) recordRef {
	sum := sha256.Sum256([]byte(secret))
	var id [idSize]byte
	base64.RawURLEncoding.Encode(id[:], sum[:])
	return recordRef{id: string(id[:]), secret: secret}
}

// saveRecord saves a session that has a Backend, and returns the Set-Cookie line that the
// response needs, if any.
func (s *Session) saveRecord(ctx context.Context) (line string, err error) {
	if s.destroyed {
		if err := s.endPresented(ctx, true); err != nil {
			return "", err
		}
	}
	switch {
	case s.ended && !s.provesUser():
		return s.lastCookie(), nil
	case s.ended: // the working copy holds nothing but the changes of this request
		s.beginAnew()
		line, err = s.createRecord(ctx)
	case s.ref.id != "" && s.renewed:
		line, err = s.renewRecord(ctx)
	case s.ref.id != "" && s.changed:
		line, err = s.updateRecord(ctx)
	case s.ref.id != "":
		s.touchRecord(ctx)
	case !s.contents.empty():
		line, err = s.createRecord(ctx)
	default:
		return s.lastCookie(), nil
	}
	switch {
	case err != nil:
	case s.provesUser():
		_ = s.endPresented(ctx, false)
		s.endSurplus(ctx)
	case s.renewed && s.reader != "" && s.contents.user == "": // SetUser(""): a logout
		_ = s.endPresented(ctx, false)
	}
	return line, err
}

// toRecord returns the Record of encoded contents whose time of last use is now. Expires
// is by the real clock, which Backends use, whatever Config.Now says.
func (s *Session) toRecord(data []byte, c *contents, version uint64) (Record, error) {
	if len(data) > maxData {
		return Record{}, fmt.Errorf("%w: %d bytes, the limit is %d", ErrTooLarge, len(data), maxData)
	}
	now := s.now()
	setSeen(data, now)
	idle, absolute, _ := s.spec.life(c)
	left := min(time.UnixMilli(c.created).Add(absolute).Sub(now), idle)
	return Record{Data: data, User: c.user, Expires: time.Now().Add(left), Version: version}, nil
}

// saveError returns the error of a save that the Backend refused. The Backend is down,
// unless it says that the record is too large.
func (s *Session) saveError(err error) error {
	if errors.Is(err, ErrTooLarge) {
		return s.cannot("save", err)
	}
	return s.down("save", err)
}

// idCookie returns the Set-Cookie line that holds the id of r.
func (s *Session) idCookie(r recordRef) (line string, err error) {
	payload := append(make([]byte, 0, payloadHead+secretSize), payloadVersion, kindID)
	return s.signedCookie(append(payload, r.secret...), s.now())
}

// createRecord saves a new session under an id that was never used.
func (s *Session) createRecord(ctx context.Context) (line string, err error) {
	made, err := s.insertRecord(ctx, &s.contents)
	if err != nil {
		return "", err
	}
	s.setRef(made)
	s.report(Event{Kind: EventCreated, ID: made.id})
	return s.idCookie(made)
}

// insertRecord creates a record of c under a new id. If the id exists already, which
// happens if the Backend's client has sent Create twice, another id is used. If the
// server of an id does not respond, another id may belong to a server that does.
func (s *Session) insertRecord(ctx context.Context, c *contents) (recordRef, error) {
	existing, unavailable := 3, 20
	for {
		r, err := s.toRecord(c.encode(nil), c, 0)
		if err != nil {
			return recordRef{}, s.saveError(err)
		}
		made := newRef()
		err = s.spec.Backend.Create(ctx, made.id, r)
		switch {
		case err == nil:
			return made, nil
		case errors.Is(err, ErrExists):
			existing--
		case errors.Is(err, ErrUnavailable) && ctx.Err() == nil:
			unavailable--
		default:
			return recordRef{}, s.saveError(err)
		}
		if existing == 0 || unavailable == 0 {
			return recordRef{}, s.saveError(err)
		}
	}
}

// setRef makes r the session's record.
func (s *Session) setRef(r recordRef) {
	s.store.mu.Lock()
	s.ref = r
	s.store.mu.Unlock()
}

// updateRecord saves the working copy over the version that was read. If another request
// has saved since, it applies the log to what that request saved, and tries again.
func (s *Session) updateRecord(ctx context.Context) (line string, err error) {
	c, text, version := &s.contents, s.text, s.ref.version
	retries := 0
	for ; ; retries++ {
		data := c.encode(nil)
		if string(data) == text && s.current() { // nothing to write
			if retries == 0 && s.renewalDue() {
				s.touchRecord(ctx)
			}
			break
		}
		r, err := s.toRecord(data, c, version)
		if err == nil {
			_, err = s.spec.Backend.Update(ctx, s.ref.id, r)
		}
		if err == nil {
			break
		}
		if errors.Is(err, ErrNotFound) {
			return s.saveAfterEnd(ctx, nil)
		}
		if !errors.Is(err, ErrConflict) {
			return "", s.saveError(err)
		}
		met, err := s.replay(ctx, retries)
		if err != nil {
			return "", err
		}
		if met.contents == nil {
			return s.saveAfterEnd(ctx, nil)
		}
		c, text, version = met.contents, met.text, met.version
	}
	s.reportRetries(retries)
	if s.oldKey && !s.store.bare {
		return s.idCookie(s.ref)
	}
	return "", nil
}

// current reports whether the Backend's Load always returns the latest version.
func (s *Session) current() bool {
	b, ok := s.spec.Backend.(CurrentBackend)
	return ok && b.LoadIsCurrent()
}

// A stored is what a save finds in the Backend after a conflict.
type stored struct {
	contents *contents // what is stored, with the log applied to it; nil if the session is gone
	text     string    // what is stored, encoded
	version  uint64
	owner    string    // the user of what is stored
	ended    tombstone // zero if the session is not gone, or if its record is missing
}

// replay waits a little, loads the record again and applies the log to it.
func (s *Session) replay(ctx context.Context, retries int) (stored, error) {
	if err := backOff(ctx, retries); err != nil {
		return stored{}, s.down("save", errors.Join(ErrConflict, err))
	}
	r, err := s.spec.Backend.Load(ctx, s.ref.id)
	switch {
	case errors.Is(err, ErrNotFound):
		return stored{}, nil
	case err != nil:
		return stored{}, s.down("save", err)
	}
	if ended, ok := r.tombstone(); ok {
		return stored{ended: ended}, nil
	}
	m := stored{contents: &contents{}, text: string(r.Data), version: r.Version, owner: r.User}
	if err := m.contents.parse(m.text); err != nil {
		return stored{}, s.cannot("save", err)
	}
	return m, s.applyLog(m.contents)
}

// applyLog applies the changes of this request to c.
func (s *Session) applyLog(c *contents) error {
	for _, op := range s.log {
		if err := op(c); err != nil {
			return s.cannot("save", err)
		}
	}
	return nil
}

// saveAfterEnd saves a session that another request has ended or renewed. It saves nothing
// unless this request has proved who the user is. Then it saves a new session that holds
// the changes of this request only, into made, the new record of a renewal, or into
// another new record if made is nil.
func (s *Session) saveAfterEnd(ctx context.Context, made *recordRef) (line string, err error) {
	s.markGone(s.ref.id)
	if !s.provesUser() {
		return "", nil
	}
	now := s.now().UnixMilli()
	own := contents{created: now, seen: now}
	if err := s.applyLog(&own); err != nil {
		return "", err
	}
	if made != nil {
		err = s.rewriteRecord(ctx, made, &own)
	} else {
		var fresh recordRef
		fresh, err = s.insertRecord(ctx, &own)
		made = &fresh
	}
	if err != nil {
		return "", err
	}
	s.store.mu.Lock()
	s.contents, s.ref, s.ended, s.status = own, *made, false, StatusNew
	s.store.mu.Unlock()
	s.report(Event{Kind: EventCreated, ID: made.id})
	return s.idCookie(*made)
}

// backOff waits before another try: a random part of a span that doubles with each try
// (full jitter), so that the same requests do not conflict again.
func backOff(ctx context.Context, retries int) error {
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

func (s *Session) reportRetries(retries int) {
	if retries > 0 {
		s.report(Event{Kind: EventRetried, ID: s.ref.id, Retries: retries})
	}
}

// touchRecord renews the idle time of a session that was only read. A failure loses
// nothing: a request that wrote meanwhile has renewed it too, or the next one tries again.
func (s *Session) touchRecord(ctx context.Context) {
	r, err := s.toRecord([]byte(s.text), &s.contents, s.ref.version)
	if err == nil {
		_, err = s.spec.Backend.Update(ctx, s.ref.id, r)
	}
	switch {
	case err == nil || errors.Is(err, ErrConflict):
	case errors.Is(err, ErrNotFound):
		s.markGone(s.ref.id)
	default:
		s.report(Event{Kind: EventDown, ID: s.ref.id, Err: err})
		s.spec.manager.log.Warn("sessions: the idle time of a session could not be renewed", slog.Any("error", err))
	}
}

const (
	// tombstoneTime is how long a tombstone is kept. It is longer than a request should
	// take that read the session before it was ended or renewed.
	tombstoneTime = time.Minute
	// responseTime is how long the response may take to reach the browser that brings it
	// the new cookie or deletes the old one.
	responseTime = 5 * time.Second
)

// A tombstone takes the place of a session that was ended or renewed, so that a request
// that began before cannot bring the session back.
type tombstone struct {
	successor  string // the id of the record that the session was renewed into; empty if it was ended
	handedOver bool   // the renewal was a login of another user: a logout of the user before does not end the successor
}

// The Data of a tombstone is its version byte, a letter, and the successor.
const (
	versionTombstone = 0
	tombEnded        = 'e'
	tombRenewed      = 'r'
	tombHandedOver   = 'h'
)

// toRecord returns the Record that replaces the given version with t.
func (t tombstone) toRecord(version uint64) Record {
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

// tombstone returns the tombstone that r holds; ok is false if r holds a session.
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

// renewRecord saves the session under a new id, and then replaces the old record with a
// tombstone, at the version that was read. If another request has saved since, the old
// record is loaded again, and its changes are put into the new record before the old one
// ends. So:
//
//   - A change that was acknowledged before the tombstone is in the new session. A request
//     that saves later finds the tombstone and has StatusGone.
//   - Of two renewals at once one writes the tombstone. The other finds it, deletes its own
//     new record and sends no cookie, unless it is a login: then its record holds the
//     changes of its own request, and nothing of the session that was renewed.
//   - A renewal that finds the tombstone of a Destroy does the same, so that the user stays
//     logged out. A Destroy that finds the tombstone of a renewal ends the new record.
//   - A tombstone that names the new record was written by this renewal, whose
//     acknowledgement was lost.
//   - No browser knows the new id before the tombstone is written. If the program dies in
//     between, the old session goes on, and the new record stays unused until it expires.
func (s *Session) renewRecord(ctx context.Context) (line string, err error) {
	now := stored{contents: &s.contents, version: s.ref.version, owner: s.reader}
	made, err := s.insertRecord(ctx, now.contents)
	if err != nil {
		return "", err
	}
	retries := 0
	for ; ; retries++ {
		_, err = s.spec.Backend.Update(ctx, s.ref.id, tombstone{made.id, now.owner != now.contents.user}.toRecord(now.version))
		if err == nil {
			break
		}
		switch {
		case errors.Is(err, ErrNotFound):
			now, err = stored{}, nil
		case errors.Is(err, ErrConflict):
			now, err = s.replay(ctx, retries)
		default: // the tombstone may have been written all the same
			failed := err
			now, err = s.loadEnding(ctx)
			if err != nil || now.ended.successor != made.id {
				s.deleteUnused(ctx, made)
				return "", s.saveError(failed)
			}
		}
		if err == nil && now.contents == nil {
			if now.ended.successor == made.id {
				break
			}
			return s.renewAfterEnd(ctx, made, now.ended)
		}
		if err == nil {
			err = s.rewriteRecord(ctx, &made, now.contents)
		}
		if err != nil {
			s.deleteUnused(ctx, made)
			return "", err
		}
	}
	s.reportRetries(retries)
	s.report(Event{Kind: EventRenewed, ID: made.id})
	s.setRef(made)
	return s.idCookie(made)
}

// markGone notes that another request has ended or renewed the session. The response sets
// no cookie, since it might overwrite the cookie of that request.
func (s *Session) markGone(id string) {
	s.store.mu.Lock()
	already := s.status == StatusGone
	s.ended, s.status = true, StatusGone
	s.store.mu.Unlock()
	if !already {
		s.report(Event{Kind: EventGone, ID: id})
	}
}

// loadEnding loads the tombstone of the session, if it has one.
func (s *Session) loadEnding(ctx context.Context) (stored, error) {
	r, err := s.spec.Backend.Load(ctx, s.ref.id)
	if err != nil {
		return stored{}, err
	}
	ended, _ := r.tombstone()
	return stored{ended: ended}, nil
}

// renewAfterEnd ends a renewal whose session another request has ended or renewed, or
// whose record is missing.
func (s *Session) renewAfterEnd(ctx context.Context, made recordRef, by tombstone) (line string, err error) {
	line, err = s.saveAfterEnd(ctx, &made)
	if err != nil || line == "" {
		s.deleteUnused(ctx, made)
	}
	if err != nil || line != "" || s.reader == "" || s.contents.user != "" {
		return line, err
	}
	// SetUser("") of a session that had a user is a logout.
	if ended, err := s.follow(ctx, by); err != nil {
		return "", err
	} else if ended != "" {
		s.report(Event{Kind: EventDestroyed, ID: ended})
	}
	return s.spec.deletion, nil
}

// rewriteRecord puts c into a new record, which no other request knows.
func (s *Session) rewriteRecord(ctx context.Context, made *recordRef, c *contents) error {
	if made.version == 0 { // Create does not return it
		r, err := s.spec.Backend.Load(ctx, made.id)
		if err != nil {
			return s.down("save", err)
		}
		made.version = r.Version
	}
	r, err := s.toRecord(c.encode(nil), c, made.version)
	if err == nil {
		made.version, err = s.spec.Backend.Update(ctx, made.id, r)
	}
	if err != nil {
		return s.saveError(err)
	}
	return nil
}

// deleteUnused deletes a new record whose id no browser knows. It takes a second at most,
// even if the time of the save is over.
func (s *Session) deleteUnused(ctx context.Context, made recordRef) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	if err := s.spec.Backend.Delete(ctx, made.id); err != nil {
		s.report(Event{Kind: EventDown, ID: made.id, Err: err})
	}
}

// endPresented ends the sessions that the browser has cookies of. A logout ends all of
// them, since the user means this browser and not one id. After a login, or a SetUser(""),
// it ends the other ones that may be alive; errors are then logged and not returned, since
// the login has succeeded.
func (s *Session) endPresented(ctx context.Context, logout bool) error {
	for _, p := range s.presented {
		if p.looked && !logout {
			continue
		}
		ended, what, err := endRecord(ctx, s.spec.Backend, p.recordRef, "", logout)
		switch {
		case err != nil:
		case what == endedNow || what == endedSuccessor:
			s.report(Event{Kind: EventDestroyed, ID: ended})
		case what == missing && p.own:
			s.report(Event{Kind: EventDestroyed, ID: p.id})
		case what == endedBefore && p.own:
			s.markGone(p.id)
		}
		s.ended = s.ended || what == endedSuccessor && p.own && err == nil
		if err == nil && what == endedNow && !p.own {
			// Its cookie may stay in the browser, if it was set for another path or domain.
			// No tombstone is left, since the next login would find it.
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

// surplusAtOnce is how many sessions one login ends at most, so that it stays cheap.
const surplusAtOnce = 10

// endSurplus ends the least recently used sessions of a user who has logged in and now has
// more than Spec.MaxPerUser, but not this one. Errors are logged, since the login has
// succeeded.
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
	others := slices.DeleteFunc(list, func(i SessionInfo) bool { return i.ID == s.ref.id })
	slices.SortFunc(others, func(a, b SessionInfo) int {
		return cmp.Or(a.Seen.Compare(b.Seen), a.Created.Compare(b.Created))
	})
	surplus := max(len(others)-(most-1), 0)
	for _, i := range others[:min(surplus, surplusAtOnce)] {
		err = errors.Join(err, b.Delete(ctx, i.ID)) // no tombstone: its browser may log in again at once
		s.report(Event{Kind: EventDestroyed, ID: i.ID})
	}
	if err != nil {
		s.report(Event{Kind: EventDown, Err: err})
		s.spec.manager.log.Warn("sessions: the oldest sessions of a user could not be ended", slog.Any("error", err))
	}
}

// An ending says what endRecord found.
type ending int

const (
	endedNow       ending = iota // it wrote a tombstone over the record
	endedSuccessor               // the session had been renewed for the same user, and it ended the new record
	endedBefore                  // another request had ended the session, or had logged in another user
	missing                      // there is no such record
)

// endRecord writes a tombstone over r, whatever has been saved there since r was read. If
// follow is set and the session was renewed for the same user, it ends the new record
// instead. It returns the id of the record that it ended. If user is not empty, a record
// of another user is missing.
func endRecord(ctx context.Context, b Backend, r recordRef, user string, follow bool) (id string, what ending, err error) {
	for retries := 0; ; retries++ {
		if retries > 0 {
			if err := backOff(ctx, retries); err != nil {
				return "", what, err
			}
		}
		if retries > 0 || r.version == 0 {
			found, err := b.Load(ctx, r.id)
			switch {
			case errors.Is(err, ErrNotFound):
				return "", ifMissing(what), nil
			case err != nil:
				return "", what, err
			}
			t, gone := found.tombstone()
			switch {
			case gone && (!follow || t.successor == "" || t.handedOver):
				return "", endedBefore, nil
			case gone:
				r, what = recordRef{id: t.successor}, endedSuccessor
				retries = -1 // another record, without a conflict so far
				continue
			case user != "" && found.User != user:
				return "", missing, nil
			}
			r.version = found.Version
		}
		switch _, err := b.Update(ctx, r.id, tombstone{}.toRecord(r.version)); {
		case err == nil:
			return r.id, what, nil
		case errors.Is(err, ErrNotFound):
			return "", ifMissing(what), nil
		case !errors.Is(err, ErrConflict):
			return "", what, err
		}
	}
}

// ifMissing returns the ending of a record that is not there: a successor has ended since.
func ifMissing(what ending) ending {
	if what == endedSuccessor {
		return endedBefore
	}
	return missing
}

// follow ends the record that the session was renewed into, if it is of the same user, and
// returns its id.
func (s *Session) follow(ctx context.Context, t tombstone) (ended string, err error) {
	if t.successor == "" || t.handedOver {
		return "", nil
	}
	if ended, _, err = endRecord(ctx, s.spec.Backend, recordRef{id: t.successor}, "", true); err != nil {
		return "", s.down("end", err)
	}
	return ended, nil
}
