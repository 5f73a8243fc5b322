package sessions

import (
	"context"
	"errors"
	"time"
)

// tombstoneTime is how long a tombstone stands: longer than any request that read the
// session before it was ended or renewed should take.
const tombstoneTime = time.Minute

func tombstone(successor string, version uint64) Record {
	return Record{User: successor, Expires: time.Now().Add(tombstoneTime), Version: version}
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

// endRecord ends r, or what it was renewed into: the one who logs out means the
// session, not its id. ended is false where another request had ended it already.
func (s *Session) endRecord(ctx context.Context, r record) (ended bool, err error) {
	id, err := bury(ctx, s.spec.Backend, r, "")
	switch {
	case errors.Is(err, ErrNotFound):
		return true, nil
	case err != nil:
		return false, s.down("end", err)
	}
	return id != "", nil
}

// bury puts a tombstone over r, whatever has been written to it since it was read, and
// returns its id: empty where there is a tombstone already. Where it was renewed, the
// new record is buried instead. ErrNotFound: there is none, or it is not of user, if
// one is named.
func bury(ctx context.Context, b Backend, r record, user string) (id string, err error) {
	for retries := 0; ; retries++ {
		if retries > 0 {
			if err := wait(ctx, retries); err != nil {
				return "", err
			}
		}
		if retries > 0 || r.version == 0 {
			found, err := b.Load(ctx, r.id)
			switch {
			case err != nil:
				return "", err
			case len(found.Data) == 0 && found.User == "":
				return "", nil
			case len(found.Data) == 0:
				r = record{id: found.User}
				continue
			case user != "" && found.User != user:
				return "", ErrNotFound
			}
			r.version = found.Version
		}
		if _, err := b.Update(ctx, r.id, tombstone("", r.version)); !errors.Is(err, ErrConflict) {
			return r.id, err
		}
	}
}
