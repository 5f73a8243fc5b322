// Package sqlretry calls a SQL database again after its connection has broken. The stores in
// sessions/sqlstore and auth/sqlstore share it.
package sqlretry

import (
	"cmp"
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"time"
)

const (
	firstPause   = 5 * time.Millisecond // between two tries; it doubles
	longestPause = 100 * time.Millisecond
	// outage is how long a call tries a database that accepts no connection. A restart of
	// PostgreSQL takes up to two seconds.
	outage = 1500 * time.Millisecond
)

// A Caller makes the calls of one store. It remembers whether the database was down at
// the last call; if it was, a call tries only once, so that not every request waits for
// it. It is safe for concurrent use. Set its fields before the first call.
type Caller struct {
	Package string        // the beginning of every error
	Timeout time.Duration // bounds every call
	Answers []error       // errors that Run returns as they are, because they are results and not failures

	down atomic.Bool
}

var tableName = regexp.MustCompile(`^[a-z_][a-z0-9_]{0,39}$`)

// Settle checks the two settings that the Config of every store has, and returns them: table,
// or usual if it is empty, and timeout, or 3 seconds if it is 0.
func Settle(table, usual string, timeout time.Duration) (string, time.Duration, error) {
	table, timeout = cmp.Or(table, usual), cmp.Or(timeout, 3*time.Second)
	switch {
	case !tableName.MatchString(table):
		return "", 0, fmt.Errorf("Config.Table is %q: write 40 lower-case letters, digits and underscores at most, and no digit first", table)
	case timeout < 0:
		return "", 0, fmt.Errorf("Config.Timeout is %v: give a positive one, or 0 for 3s", timeout)
	}
	return table, timeout, nil
}

// ErrUnknown is returned by a call that was repeated and found the version of another
// writer: its own change may have been carried out before that.
var ErrUnknown = errors.New("the connection broke during a change, which may have been carried out")

// ErrOvertaken is for a change that another one has prevented, and that was not carried out.
// It is tried again.
var ErrOvertaken = errors.New("another change came first")

// NotSent wraps the error of a change that was certainly not carried out, and that may
// succeed in another try. If the database itself has answered, or if err is nil, it returns
// err as it is.
func NotSent(err error) error {
	if err == nil || class(err) == refused || class(err) == overtaken {
		return err
	}
	return &notSentError{err}
}

type notSentError struct{ error }

func (e *notSentError) Unwrap() error { return e.error }

// Run calls do with the time of the Caller, and again if the connection broke. Again is
// true if an earlier try may have been carried out.
func (c *Caller) Run(ctx context.Context, doing string, do func(ctx context.Context, again bool) error) error {
	ctx, cancel := context.WithTimeout(ctx, c.Timeout)
	defer cancel()
	began := time.Now()
	again := false
	for pause := firstPause; ; pause = min(2*pause, longestPause) {
		err := ctx.Err()
		if err == nil {
			err = do(ctx, again)
		}
		switch {
		case err == nil, slices.ContainsFunc(c.Answers, func(answer error) bool { return errors.Is(err, answer) }):
			if c.down.Load() {
				c.down.Store(false)
			}
			return err
		case ctx.Err() != nil:
			return c.failure(doing, ended(ctx, err))
		}
		switch class(err) {
		case refused:
			return c.failure(doing, err)
		case overtaken: // while the time of the call lasts
		case notSent:
			if c.down.Load() || time.Since(began) > outage {
				c.down.Store(true)
				return c.failure(doing, err)
			}
		case broken:
			if again && time.Since(began) > outage {
				return c.failure(doing, err)
			}
			again = true
		}
		select {
		case <-ctx.Done():
		case <-time.After(pause/2 + rand.N(pause)):
		}
	}
}

// ended returns the error of a call whose context has ended.
func ended(ctx context.Context, err error) error {
	if errors.Is(err, ctx.Err()) {
		return err
	}
	return fmt.Errorf("%w: %w", ctx.Err(), err)
}

// What an error says about the statement that has failed.
type outcome int

const (
	refused   outcome = iota // the database has answered: it was not carried out, and will not be
	overtaken                // the database has answered: others were in the way, and another try may be carried out
	notSent                  // it was not carried out, but another try may be
	broken                   // it may have been carried out
)

// class classifies the errors of drivers that this package does not import: those of pgx
// have a method SQLState, those of SQLite a method Code.
func class(err error) outcome {
	var state interface{ SQLState() string }
	var code interface{ Code() int }
	var unsent interface{ SafeToRetry() bool }
	var network *net.OpError
	var sure *notSentError
	switch {
	case errors.Is(err, ErrUnknown):
		return refused
	case errors.Is(err, ErrOvertaken):
		return overtaken
	case errors.As(err, &sure):
		return notSent
	case errors.As(err, &state):
		switch s := state.SQLState(); {
		case s == "40001", s == "40P01", s == "55P03":
			return overtaken // serialization, a deadlock, a lock
		case s == "57P03", s == "53300", s == "25006":
			return notSent // it starts or stops, has no connection left, or is read-only, as after a failover
		case strings.HasPrefix(s, "57P"), strings.HasPrefix(s, "08"):
			return broken // it was shut down during the statement
		default:
			return refused
		}
	case errors.As(err, &code):
		switch code.Code() & 0xff {
		case 5, 6, 15: // SQLITE_BUSY, SQLITE_LOCKED, SQLITE_PROTOCOL
			return overtaken
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

// failure says what failed, and how to fix what operators meet.
func (c *Caller) failure(doing string, err error) error {
	err = fmt.Errorf("%s: %s: %w", c.Package, doing, err)
	var state interface{ SQLState() string }
	if !errors.As(err, &state) {
		return err
	}
	switch state.SQLState() {
	case "42P05", "26000":
		return fmt.Errorf("%w (behind a pooler such as pgbouncer add default_query_exec_mode=exec to the URL)", err)
	case "25006":
		return fmt.Errorf("%w (the server is a replica, or read-only: give the address of the primary, or of all servers with target_session_attrs=read-write)", err)
	case "53300":
		return fmt.Errorf("%w (lower MaxConns, or raise max_connections of the server)", err)
	case "42501":
		return fmt.Errorf("%w (GRANT SELECT, INSERT, UPDATE, DELETE on the table)", err)
	}
	return err
}
