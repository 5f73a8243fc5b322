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
// of a backend's client has left behind.
func (s *Session) insert(ctx context.Context, c *contents) (record, error) {
	for tries := 3; ; tries-- {
		r, err := s.kept(c.encode(nil), c, 0)
		if err != nil {
			return record{}, s.unsaved(err)
		}
		made := newRecord()
		err = s.spec.Backend.Create(ctx, made.id, r)
		if err == nil {
			return made, nil
		}
		if !errors.Is(err, ErrExists) || tries == 1 {
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
		if string(data) == text { // what is kept is what is wanted
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
			s.meetGone(s.record.id)
			return "", nil
		}
		if !errors.Is(err, ErrConflict) {
			return "", s.unsaved(err)
		}
		if c, text, version, err = s.replay(ctx, retries); err != nil || c == nil {
			return "", err
		}
	}
	s.retried(retries)
	if s.oldKey {
		return s.idCookie(s.record)
	}
	return "", nil
}

// replay waits a little, reads the record again and applies the log to it. The
// contents are nil where the session is gone.
func (s *Session) replay(ctx context.Context, retries int) (c *contents, text string, version uint64, err error) {
	if err := wait(ctx, retries); err != nil {
		return nil, "", 0, s.down("save", errors.Join(ErrConflict, err))
	}
	r, err := s.spec.Backend.Load(ctx, s.record.id)
	switch {
	case errors.Is(err, ErrNotFound) || err == nil && len(r.Data) == 0:
		s.meetGone(s.record.id)
		return nil, "", 0, nil
	case err != nil:
		return nil, "", 0, s.down("save", err)
	}
	c, text = &contents{}, string(r.Data)
	if err := c.parse(text); err != nil {
		return nil, "", 0, s.cannot("save", err)
	}
	for _, op := range s.log {
		if err := op(c); err != nil {
			return nil, "", 0, s.cannot("save", err)
		}
	}
	return c, text, r.Version, nil
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
