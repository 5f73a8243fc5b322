package sessions

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"
)

// A Backend keeps session records by id, on a server's side. It must be safe for
// concurrent use, and it obeys the suite in package sessionstest.
//
// An id is always 43 characters of base64url, the hash of the id in the cookie:
// the Manager hashes before a Backend sees it, so a dump of the store is no set of
// sessions. A Backend refuses anything else with what [CheckID] returns.
//
// There is no blind overwrite: Create never replaces and Update only replaces the
// version that was read. An error that is none of those named below means that the
// backend is down or that the record cannot be kept; wrap the cause with %w. After such
// an error of a change, the change may have been made.
//
// A Backend may send a change again if the answer to it was lost. It must then know its
// own change from another's: the writer chooses the version, with [NextVersion], and
// sends the same one again. If a repeated Update finds a version that is neither the old
// one nor its own, the first may have been made before another writer's. That is an error
// of its own and never ErrConflict, whose caller would make the same change twice.
type Backend interface {
	// Load returns the record of id, or [ErrNotFound] where there is none or it has expired.
	Load(ctx context.Context, id string) (Record, error)
	// Create keeps a new record; its Version is ignored. It returns [ErrExists], and
	// changes nothing, where id has a record that has not expired. It may return
	// [ErrUnavailable].
	Create(ctx context.Context, id string, r Record) error
	// Update replaces the record of id where its version is still r.Version, and
	// returns the new version. [ErrConflict]: somebody else wrote since.
	// [ErrNotFound]: there is none, or it has expired; Update never creates.
	Update(ctx context.Context, id string, r Record) (version uint64, err error)
	// Delete removes the record of id. That there is none is no error.
	Delete(ctx context.Context, id string) error
}

// A CurrentBackend is a Backend whose Load always returns what was last acknowledged. A
// Session believes it about changes that change nothing, and spares them an Update. Any
// other Backend may have a stale copy, in which such a change only looks needless. A
// Backend that embeds one of these and may be stale itself must say so again.
type CurrentBackend interface {
	Backend
	// LoadIsCurrent reports whether Load is never behind an acknowledged change.
	LoadIsCurrent() bool
}

// A UserBackend is a Backend that can also list and end the sessions of a user.
type UserBackend interface {
	Backend
	// Sessions lists the records of user that have not expired, newest first. An empty
	// list is no error.
	Sessions(ctx context.Context, user string) ([]Info, error)
	// EndUser deletes every record of user but those whose ids are named in except.
	EndUser(ctx context.Context, user string, except ...string) error
}

// A Record is what a Backend keeps for one id: a session, or for a minute the tombstone
// of one that was ended or renewed. A Backend treats both alike.
type Record struct {
	Data    []byte    // opaque to the Backend, which neither changes nor keeps the caller's slice
	User    string    // whose session it is, any bytes; empty: it has no user
	Expires time.Time // when the Backend may forget it; never zero
	Version uint64    // the version that Load read; a Backend never hands out 0
}

// IsTombstone reports whether r stands for a session that was ended or renewed. A
// tombstone has no user. Backends do not need it; it is for tests and tools.
func (r Record) IsTombstone() bool {
	_, ok := r.tombstone()
	return ok
}

// NextVersion returns a version for a record that replaces the one of version old, or for
// a new record if old is 0. It is greater than old, less than 1<<63 and never 0.
//
// It is random. Two writers choose the same version once in four billion times, so that a
// writer whose answer was lost finds out by the version whether its change was made; and a
// record that is deleted and made again does not get a version that it had before.
func NextVersion(old uint64) uint64 {
	if step := 1 + uint64(rand.Uint32()); old > 0 && old < 1<<63-step {
		return old + step
	}
	return 1 + rand.Uint64N(1<<62)
}

// Info describes one session of a user, without its data.
type Info struct {
	ID      string    // the hashed id, as Backends know it: safe to show and to log
	Created time.Time // when the session began
	Seen    time.Time // when it was last used, known to within a fifth of its idle timeout
	Expires time.Time // when it ends if it is not used again
	Login   Login     // of the user; zero if the session was given to its user by SetUser
}

var (
	// ErrNotFound is returned by Load and Update where id has no record.
	ErrNotFound = errors.New("sessions: not found")
	// ErrExists is returned by Create where id has a record already.
	ErrExists = errors.New("sessions: exists already")
	// ErrConflict is returned by Update where the record has changed since it was read.
	ErrConflict = errors.New("sessions: changed since it was read")
	// ErrTooLarge is returned by Create and Update, before anything is written, for a
	// record larger than the backend can keep; what was kept stays.
	ErrTooLarge = errors.New("sessions: too large")
	// ErrUnavailable is returned by Create if the server that would keep this id does not
	// answer, and another id may belong to one that does: whoever may choose the id makes
	// another. The record may be there all the same, under an id that nobody will use.
	// A Backend of one server does not return it.
	ErrUnavailable = errors.New("sessions: the server of this id is unavailable")
	// ErrBadID is returned by every method of a Backend for an id that is not 43
	// characters of base64url.
	ErrBadID = errors.New("sessions: bad id")
)

// idSize is the length of an id: a SHA-256 in base64url.
const idSize = 43

// CheckID returns an error that wraps [ErrBadID] unless id is 43 characters of
// base64url (RFC 4648 section 5, no padding). Every method of a Backend calls it first.
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
