package sqlstore

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"strings"
	"sync/atomic"
	"time"

	"github.com/webapp2go/webapp2go/sessions"
)

const (
	firstPause   = 5 * time.Millisecond // between two tries; it doubles
	longestPause = 100 * time.Millisecond
	// outage is how long a call tries a database that does not let it in. A restart of
	// PostgreSQL takes up to two seconds.
	outage = 1500 * time.Millisecond
)

// retry remembers whether the database was down when it was last asked. Then a call tries
// once: requests do not wait for a database that others have waited for in vain.
type retry struct{ down atomic.Bool }

// run calls do with the time of the Config, and again if the connection broke. Again is
// true if an earlier try may have been carried out. An error of package sessions is
// returned as it is.
func (b *Backend) run(ctx context.Context, doing string, do func(ctx context.Context, again bool) error) error {
	ctx, cancel := context.WithTimeout(ctx, b.timeout)
	defer cancel()
	began := time.Now()
	again := false
	for pause := firstPause; ; pause = min(2*pause, longestPause) {
		err := ctx.Err()
		if err == nil {
			err = do(ctx, again)
		}
		switch {
		case err == nil, errors.Is(err, sessions.ErrNotFound), errors.Is(err, sessions.ErrExists), errors.Is(err, sessions.ErrConflict):
			if b.retry.down.Load() {
				b.retry.down.Store(false)
			}
			return err
		case ctx.Err() != nil:
			return failure(doing, errors.Join(ctx.Err(), err))
		}
		switch class(err) {
		case refused:
			return failure(doing, err)
		case notSent:
			if b.retry.down.Load() || time.Since(began) > outage {
				b.retry.down.Store(true)
				return failure(doing, err)
			}
		case broken:
			if again && time.Since(began) > outage {
				return failure(doing, err)
			}
			again = true
		}
		select {
		case <-ctx.Done():
		case <-time.After(pause/2 + rand.N(pause)):
		}
	}
}

// What an error says about the statement that has failed.
type outcome int

const (
	refused outcome = iota // the database has answered: it was not carried out, and will not be
	notSent                // it was not carried out, but another try may be
	broken                 // it may have been carried out
)

// class reads the errors of drivers that this package does not import: pgx has a method
// SQLState, and SQLite a method Code.
func class(err error) outcome {
	var state interface{ SQLState() string }
	var code interface{ Code() int }
	var unsent interface{ SafeToRetry() bool }
	var network *net.OpError
	switch {
	case errors.Is(err, errUnknown):
		return refused
	case errors.As(err, &state):
		switch s := state.SQLState(); {
		case s == "57P03", s == "53300", s == "40001", s == "40P01", s == "55P03":
			return notSent // it starts or stops, has no connection left, or has rolled back
		case strings.HasPrefix(s, "57P"), strings.HasPrefix(s, "08"):
			return broken // it was shut down in mid-statement
		default:
			return refused
		}
	case errors.As(err, &code):
		switch code.Code() & 0xff {
		case 5, 6, 15: // SQLITE_BUSY, SQLITE_LOCKED, SQLITE_PROTOCOL
			return notSent
		case 9, 10: // SQLITE_INTERRUPT, SQLITE_IOERR
			return broken
		default:
			return refused
		}
	case errors.Is(err, driver.ErrBadConn), errors.As(err, &unsent) && unsent.SafeToRetry():
		return notSent
	case errors.As(err, &network) && network.Op == "dial":
		return notSent
	default:
		return broken
	}
}

// failure says what failed, and how to fix what poolers break.
func failure(doing string, err error) error {
	var state interface{ SQLState() string }
	if errors.As(err, &state) && (state.SQLState() == "42P05" || state.SQLState() == "26000") {
		return fmt.Errorf("sessions/sqlstore: %s: %w (behind a pooler such as pgbouncer add default_query_exec_mode=exec to the URL)", doing, err)
	}
	return fmt.Errorf("sessions/sqlstore: %s: %w", doing, err)
}
