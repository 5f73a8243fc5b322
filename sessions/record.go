package sessions

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"time"
)

// tombstoneTime is how long a tombstone stands: longer than any request that read the
// session before it was ended or renewed should take.
const tombstoneTime = time.Minute

func tombstone(successor string, version uint64) Record {
	return Record{User: successor, Expires: time.Now().Add(tombstoneTime), Version: version}
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
// of a backend's client has left behind.
func (s *Session) insert(ctx context.Context, c *contents) (record, error) {
	for tries := 3; ; tries-- {
		r, err := s.kept(c.encode(), c, 0)
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
		data := c.encode()
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

// renewRecord saves the session under a new id and then puts a tombstone over the old
// one, at the version that was read: whoever wrote since is read again, and what they
// wrote is in the new record before the old one ends. So:
//
//   - A write acknowledged before the tombstone is in the new session. One that comes
//     after it meets the tombstone, and its request is told StatusGone.
//   - Of two renewals in parallel one puts the tombstone. The other meets it, deletes
//     its own record and sends no cookie.
//   - A renewal that meets Destroy's tombstone does the same: the logout stays one. A
//     Destroy that meets a renewal's tombstone follows it to the new record.
//   - Between Create and tombstone the new id is known to nobody. A program that dies
//     there leaves a record that nobody can reach until it expires, and the old session.
func (s *Session) renewRecord(ctx context.Context) (line string, err error) {
	c, version := &s.contents, s.record.version
	made, err := s.insert(ctx, c)
	if err != nil {
		return "", err
	}
	retries := 0
	for ; ; retries++ {
		_, err = s.spec.Backend.Update(ctx, s.record.id, tombstone(made.id, version))
		if err == nil {
			break
		}
		switch {
		case errors.Is(err, ErrNotFound):
			s.meetGone(s.record.id)
			c, err = nil, nil
		case errors.Is(err, ErrConflict):
			c, _, version, err = s.replay(ctx, retries)
		default:
			err = s.unsaved(err)
		}
		if err == nil && c != nil {
			err = s.rewrite(ctx, &made, c)
		}
		if err != nil || c == nil {
			s.abandon(ctx, made)
			return "", err
		}
	}
	s.retried(retries)
	s.event(Event{Kind: EventRenewed, ID: made.id})
	s.settle(made)
	return s.idCookie(made)
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
	r, err := s.kept(c.encode(), c, made.version)
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

// endRecord puts a tombstone over r, whatever has been written to it since it was
// read. Where it was renewed meanwhile, it ends the new record instead: the one who
// logs out means the session, not its id. ended is false where another request had
// ended it already.
func (s *Session) endRecord(ctx context.Context, r record) (ended bool, err error) {
	for retries := 0; ; retries++ {
		if retries > 0 {
			if err := wait(ctx, retries); err != nil {
				return false, s.down("end", err)
			}
		}
		if retries > 0 || r.version == 0 {
			found, err := s.spec.Backend.Load(ctx, r.id)
			switch {
			case errors.Is(err, ErrNotFound):
				return true, nil
			case err != nil:
				return false, s.down("end", err)
			case len(found.Data) == 0 && found.User == "":
				return false, nil
			case len(found.Data) == 0:
				r = record{id: found.User}
				continue
			}
			r.version = found.Version
		}
		_, err := s.spec.Backend.Update(ctx, r.id, tombstone("", r.version))
		switch {
		case err == nil || errors.Is(err, ErrNotFound):
			return true, nil
		case !errors.Is(err, ErrConflict):
			return false, s.down("end", err)
		}
	}
}
