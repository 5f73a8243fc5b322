package sessions

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"sync"
	"time"
)

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

// stamp sets the seen time of encoded contents.
func stamp(data []byte, seen time.Time) {
	binary.BigEndian.PutUint64(data[seenAt:], uint64(seen.UnixMilli()))
}

// buffers are those in which payloads and Set-Cookie lines are put together.
var buffers = sync.Pool{New: func() any { return new(make([]byte, 0, maxCookie)) }}

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

// idCookie is the Set-Cookie line that holds the id of r.
func (s *Session) idCookie(r record) (line string, err error) {
	payload := append(make([]byte, 0, payloadHead+secretSize), payloadVersion, kindID)
	return s.signed(append(payload, r.secret...), s.now())
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
