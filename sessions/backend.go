package sessions

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"
)

// A Backend keeps the records of sessions, by id. Package sessions has [Memory]; the packages
// below it have memcache, datastore and others. What follows is for authors of a Backend.
//
// A Backend is safe for concurrent use, and passes the suite in package sessionstest.
//
// An id is always 43 characters of base64url. It is the hash of the id in the cookie, so
// that a copy of the store does not contain the cookies. Every method first calls [CheckID]
// and returns its error.
//
// A Backend never overwrites a record that the caller has not read: Create does not replace
// one, and Update replaces only the version that was read. Any error but those named below
// means that the Backend is down, or that it cannot keep the record; wrap the cause with
// %w. After such an error the change may have been made.
//
// A Backend may send a change again if the acknowledgement was lost. It must then tell its
// own change from another writer's: the writer chooses the version, with [NextVersion], and
// sends the same one again. If a repeated Update finds a version that is neither the old
// one nor its own, its first try may have come before another writer's. Return an error
// then that does not wrap ErrConflict, since the caller would make the change twice.
type Backend interface {
	// Load returns the record of id. It returns [ErrNotFound] if there is none, or if it
	// has expired.
	Load(ctx context.Context, id string) (Record, error)
	// Create keeps a new record and ignores its Version. It returns [ErrExists] and changes
	// nothing if id has a record that has not expired. It may return [ErrUnavailable].
	Create(ctx context.Context, id string, r Record) error
	// Update replaces the record of id if its version is still r.Version, and returns the
	// new version. It returns [ErrConflict] if the version is another one, and [ErrNotFound]
	// if there is no record or if it has expired.
	Update(ctx context.Context, id string, r Record) (version uint64, err error)
	// Delete removes the record of id, if there is one.
	Delete(ctx context.Context, id string) error
}

// A CurrentBackend is a Backend that can say that its Load is never stale. Then a session
// whose changes leave it as it was is not written. With any other Backend it is written,
// since what Load returned may be older than what is stored. A Backend that embeds a
// CurrentBackend and may be stale must return false.
type CurrentBackend interface {
	Backend
	// LoadIsCurrent reports whether Load always returns the change that was acknowledged
	// last.
	LoadIsCurrent() bool
}

// A UserBackend is a Backend that can also list and end the sessions of a user.
type UserBackend interface {
	Backend
	// Sessions lists the records of user that have not expired, newest first. If there
	// are none, the error is nil.
	Sessions(ctx context.Context, user string) ([]SessionInfo, error)
	// EndUser deletes the records of user whose ids are not in except.
	EndUser(ctx context.Context, user string, except ...string) error
}

// A Record is what a [Backend] keeps for one id: a session, or the tombstone that takes the
// place of a session for a minute after it was ended or renewed.
type Record struct {
	Data    []byte    // opaque to the Backend, which neither changes nor keeps the caller's slice
	User    string    // the id of the user, any bytes; if empty, the session has no user
	Expires time.Time // when the Backend may forget it; never zero
	Version uint64    // the version that Load read; a Backend never hands out 0
}

// IsTombstone reports whether r stands for a session that was ended or renewed. A tombstone
// has no user. Most Backends do not need it. One whose store may be full uses it to accept
// a tombstone all the same, which needs less room than the session that it replaces.
func (r Record) IsTombstone() bool {
	_, ok := r.tombstone()
	return ok
}

// NextVersion returns the version of a record that replaces one of version old, or of a new
// record if old is 0. It is greater than old, less than 1<<63 and never 0. It is for authors
// of a [Backend].
//
// It is random: the chance that two writers choose the same version is one in four billion. So a writer
// whose acknowledgement was lost finds out by the version whether its change was made, and a
// record that is deleted and created again does not get a version that it had before.
func NextVersion(old uint64) uint64 {
	if step := 1 + uint64(rand.Uint32()); old > 0 && old < 1<<63-step {
		return old + step
	}
	return 1 + rand.Uint64N(1<<62)
}

// A SessionInfo describes one session of a user, without its values.
type SessionInfo struct {
	ID      string    // as [Session.ID]: safe to show and to log
	Created time.Time // when the session began
	Seen    time.Time // when it was last used; up to a fifth of the idle timeout, or an hour, too early
	Expires time.Time // when it ends if it is not used again
	Login   Login     // zero after SetUser
}

var (
	// ErrNotFound is returned by Load and Update if there is no record of the id.
	ErrNotFound = errors.New("sessions: not found")
	// ErrExists is returned by Create if there is a record of the id.
	ErrExists = errors.New("sessions: exists already")
	// ErrConflict is returned by Update if the record has changed since it was read.
	ErrConflict = errors.New("sessions: changed since it was read")
	// ErrTooLarge is returned by Create and Update if the Backend cannot keep a record of
	// this size. Nothing is written: an older record stays.
	ErrTooLarge = errors.New("sessions: too large")
	// ErrUnavailable is returned by Create of a Backend of several servers if the server of
	// this id does not respond. A caller that is free to choose the id tries another one,
	// which may belong to a server that does. The record may have been created anyway.
	ErrUnavailable = errors.New("sessions: the server of this id is unavailable")
	// ErrBadID is returned by every method of a Backend if the id is not 43 characters of
	// base64url.
	ErrBadID = errors.New("sessions: bad id")
)

// idSize is the length of an id: a SHA-256 in base64url.
const idSize = 43

// CheckID returns an error that wraps [ErrBadID] if id is not 43 characters of base64url
// (RFC 4648 section 5, without padding). It is for authors of a [Backend].
func CheckID(id string) error {
	if len(id) != idSize {
		return fmt.Errorf("%w: %d characters, not %d", ErrBadID, len(id), idSize)
	}
	for i := range len(id) {
		c := id[i]
		if !('a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '-' || c == '_') {
			return fmt.Errorf("%w: character %d is not base64url", ErrBadID, i)
		}
	}
	return nil
}
