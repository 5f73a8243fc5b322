package sessions

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"time"
)

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
	timer := time.NewTimer(rand.N(span))
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
