// Package sqlstore keeps sessions in SQLite or PostgreSQL, where they survive restarts:
//
//	db, err := sqlite.Open("/var/lib/app/app.db", sqlite.Config{}) // or postgres.Open(url, ...)
//	if err != nil {
//		log.Fatal(err)
//	}
//	defer db.Close()
//	backend, err := sqlstore.New(ctx, db, sqlstore.Config{})
//	if err != nil {
//		log.Fatal(err)
//	}
//	manager, err := sessions.New(sessions.Config{
//		Keys:     keys,
//		Sessions: []sessions.Spec{{Backend: backend}},
//	})
//
// It links no driver: the package that opens the database does, sqldb/sqlite or
// sqldb/postgres.
//
// A session is one row of the table webapp2go_sessions:
//
//	id       the hash of the id in the cookie
//	version  random, new with each change
//	expires  when it ends, in microseconds since 1970, UTC
//	sweep    the same in hours, rounded up: the index for DeleteExpired
//	owner    the id of its user, as bytes; NULL if it has none
//	data     the session, or for a minute what is left of one that was ended or renewed
//
// No read returns an expired session, but its row stays: call [Backend.DeleteExpired]
// about once an hour.
//
// # Costs
//
// Load, Create, Update, Delete, Sessions and EndUser are one statement each. An Update
// that conflicts with another writer is two.
//
// # Lost responses
//
// If the connection breaks during a statement, the statement may have been carried out.
// It is sent again within the time of the call, and recognizes its own work by the
// version. An Update that then finds the version of another writer returns another error
// than [sessions.ErrConflict], because its change may have been made before that of the
// other.
//
// The package example is a site with such a Backend.
package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/webapp2go/webapp2go/internal/sqlretry"
	"github.com/webapp2go/webapp2go/sessions"
	"github.com/webapp2go/webapp2go/sqldb"
)

// A Config says how sessions are kept. The zero value works.
type Config struct {
	Table   string        // its name, of lower-case letters, digits and "_"; if empty, "webapp2go_sessions"
	Timeout time.Duration // bounds every call; if 0, it is 3 seconds
}

// A Backend keeps sessions in a SQL database. It is safe for concurrent use, by any number
// of processes that share the database. Make one with [New].
type Backend struct {
	db   *sqldb.DB
	call sqlretry.Caller

	load, create, update, again, exists, remove, list, end, sweep statement
}

var (
	_ sessions.UserBackend    = (*Backend)(nil)
	_ sessions.CurrentBackend = (*Backend)(nil)
)

// New returns a Backend that keeps sessions in db, which the caller closes. It makes the
// table if there is none, and changes that of an earlier version. Several instances may
// do that at once. It returns an error if the table is of a later version.
func New(ctx context.Context, db *sqldb.DB, c Config) (*Backend, error) {
	b, err := newBackend(ctx, db, c)
	if err != nil {
		return nil, fmt.Errorf("sessions/sqlstore: %w", err)
	}
	return b, nil
}

func newBackend(ctx context.Context, db *sqldb.DB, c Config) (*Backend, error) {
	if err := db.Check(); err != nil {
		return nil, err
	}
	var err error
	if c.Table, c.Timeout, err = sqlretry.Settle(c.Table, "webapp2go_sessions", c.Timeout); err != nil {
		return nil, err
	}
	if err := db.Migrate(ctx, c.Table, schema(c.Table)...); err != nil {
		return nil, err
	}
	b := &Backend{db: db, call: sqlretry.Caller{
		Package: "sessions/sqlstore",
		Timeout: c.Timeout,
		Answers: []error{sessions.ErrNotFound, sessions.ErrExists, sessions.ErrConflict},
	}}
	if err := b.prepare(ctx, c.Table); err != nil {
		return nil, err
	}
	return b, b.try(ctx)
}

// try runs statements that find no row, so that a table of another shape, a right that is
// missing and a server that is read-only show at start.
func (b *Backend) try(ctx context.Context) error {
	return b.call.Run(ctx, "try the table", func(ctx context.Context, _ bool) error {
		_, err := b.update.exec(ctx, "", 0, 0, 0, nil, []byte{}, 0, 0)
		if err == nil {
			_, err = b.remove.exec(ctx, "")
		}
		return err
	})
}

// schema returns the steps that make the table. To change the table, add a step.
func schema(table string) [][]string {
	return [][]string{{
		`CREATE TABLE ` + table + ` (
			id      TEXT {pg:COLLATE "C" }PRIMARY KEY,
			version BIGINT NOT NULL,
			expires BIGINT NOT NULL,
			sweep   INTEGER NOT NULL,
			owner   {pg:BYTEA}{lite:BLOB},
			data    {pg:BYTEA}{lite:BLOB} NOT NULL
		){pg: WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.02)}`,
		// Not on expires, which every change moves: PostgreSQL would then have to write to
		// every index of the table at every change.
		`CREATE INDEX ` + table + `_sweep ON ` + table + ` (sweep)`,
		`CREATE INDEX ` + table + `_owner ON ` + table + ` (owner) WHERE owner IS NOT NULL`,
	}}
}

// prepare makes the statements. The times are always this program's: a database's clock
// may differ.
func (b *Backend) prepare(ctx context.Context, table string) error {
	const columns = "version = $2, expires = $3, sweep = $4, owner = $5, data = $6"
	for _, s := range []struct {
		statement *statement
		db        *sql.DB
		prepared  bool // the four that requests need
		text      string
	}{
		{&b.load, b.db.Reader(), true, `SELECT version, expires, owner, data FROM TABLE WHERE id = $1 AND expires > $2`},
		// It replaces what has expired, and what it has written itself in an earlier try.
		{&b.create, b.db.Write, true, `INSERT INTO TABLE (id, version, expires, sweep, owner, data) VALUES ($1, $2, $3, $4, $5, $6)
			ON CONFLICT (id) DO UPDATE SET version = excluded.version, expires = excluded.expires, sweep = excluded.sweep,
				owner = excluded.owner, data = excluded.data
			WHERE TABLE.expires <= $7 OR TABLE.version = excluded.version`},
		{&b.update, b.db.Write, true, `UPDATE TABLE SET ` + columns + ` WHERE id = $1 AND version = $7 AND expires > $8`},
		// Once more, after an update whose response was lost. It may have moved expires into
		// the past, so that is asked of the old version only.
		{&b.again, b.db.Write, false, `UPDATE TABLE SET ` + columns + ` WHERE id = $1 AND (version = $7 AND expires > $8 OR version = $2)`},
		{&b.exists, b.db.Reader(), false, `SELECT 1 FROM TABLE WHERE id = $1 AND expires > $2`},
		{&b.remove, b.db.Write, true, `DELETE FROM TABLE WHERE id = $1`},
		{&b.list, b.db.Reader(), false, `SELECT id, expires, data FROM TABLE WHERE owner = $1 AND expires > $2`},
		{&b.end, b.db.Write, false, `DELETE FROM TABLE WHERE owner = $1`},
		{&b.sweep, b.db.Write, false, `DELETE FROM TABLE WHERE {lite:id IN (}{pg:id = ANY (ARRAY(}SELECT id FROM TABLE
			WHERE sweep <= $1 AND expires <= $2 ORDER BY sweep LIMIT $3{pg: FOR UPDATE SKIP LOCKED)}) AND expires <= $2`},
	} {
		s.statement.db = s.db
		s.statement.text = b.db.Dialect.SQL(strings.ReplaceAll(s.text, "TABLE", table))
		// PostgreSQL's driver prepares by itself, unless a pooler forbids it.
		if b.db.Dialect == sqldb.SQLite && s.prepared {
			var err error
			if s.statement.prepared, err = s.db.PrepareContext(ctx, s.statement.text); err != nil {
				return err
			}
		}
	}
	return nil
}

// A statement is run by one of the pools.
type statement struct {
	db       *sql.DB
	text     string
	prepared *sql.Stmt // nil if it is not
}

// exec runs s and returns how many rows it has changed.
func (s *statement) exec(ctx context.Context, args ...any) (rows int64, err error) {
	var result sql.Result
	if s.prepared != nil {
		result, err = s.prepared.ExecContext(ctx, args...)
	} else {
		result, err = s.db.ExecContext(ctx, s.text, args...)
	}
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}

func (s *statement) queryRow(ctx context.Context, args ...any) *sql.Row {
	if s.prepared != nil {
		return s.prepared.QueryRowContext(ctx, args...)
	}
	return s.db.QueryRowContext(ctx, s.text, args...)
}

const (
	maxUser = 1500    // bytes; PostgreSQL's index takes some 2,700
	maxData = 8 << 20 // bytes
)

// row returns the arguments $1 to $6 of the statements that write r under version.
func row(id string, r sessions.Record, version uint64) ([]any, error) {
	if err := sessions.CheckID(id); err != nil {
		return nil, err
	}
	switch {
	case r.Expires.IsZero():
		return nil, errors.New("sessions/sqlstore: a record that never expires")
	case len(r.User) > maxUser:
		return nil, fmt.Errorf("%w: a user of %d bytes; sqlstore keeps %d", sessions.ErrTooLarge, len(r.User), maxUser)
	case len(r.Data) > maxData:
		return nil, fmt.Errorf("%w: %d bytes of data; sqlstore keeps %d", sessions.ErrTooLarge, len(r.Data), maxData)
	}
	// A nil slice is NULL to every driver.
	var owner []byte
	if r.User != "" {
		owner = []byte(r.User)
	}
	data := r.Data
	if data == nil {
		data = []byte{}
	}
	expires := r.Expires.UnixMicro()
	hour := (expires + microsecondsPerHour - 1) / microsecondsPerHour
	return []any{id, int64(version), expires, hour, owner, data}, nil
}

const microsecondsPerHour = int64(time.Hour / time.Microsecond)

func now() int64 { return time.Now().UnixMicro() }

// LoadIsCurrent implements [sessions.CurrentBackend].
func (b *Backend) LoadIsCurrent() bool { return true }

// Load implements [sessions.Backend].
func (b *Backend) Load(ctx context.Context, id string) (r sessions.Record, err error) {
	if err := sessions.CheckID(id); err != nil {
		return r, err
	}
	err = b.call.Run(ctx, "load", func(ctx context.Context, _ bool) error {
		var version, expires int64
		var owner, data []byte
		err := b.load.queryRow(ctx, id, now()).Scan(&version, &expires, &owner, &data)
		if errors.Is(err, sql.ErrNoRows) {
			return sessions.ErrNotFound
		}
		r = sessions.Record{Data: data, User: string(owner), Expires: time.UnixMicro(expires), Version: uint64(version)}
		return err
	})
	if err != nil {
		return sessions.Record{}, err
	}
	return r, nil
}

// Create implements [sessions.Backend].
func (b *Backend) Create(ctx context.Context, id string, r sessions.Record) error {
	args, err := row(id, r, sessions.NextVersion(0))
	if err != nil {
		return err
	}
	return b.call.Run(ctx, "create", func(ctx context.Context, _ bool) error {
		n, err := b.create.exec(ctx, append(args, now())...)
		if err == nil && n == 0 {
			return sessions.ErrExists
		}
		return err
	})
}

// Update implements [sessions.Backend].
func (b *Backend) Update(ctx context.Context, id string, r sessions.Record) (version uint64, err error) {
	version = sessions.NextVersion(r.Version)
	args, err := row(id, r, version)
	if err != nil {
		return 0, err
	}
	err = b.call.Run(ctx, "update", func(ctx context.Context, again bool) error {
		update := &b.update
		if again {
			update = &b.again
		}
		n, err := update.exec(ctx, append(args, int64(r.Version), now())...)
		if err != nil || n == 1 {
			return err
		}
		var one int
		err = b.exists.queryRow(ctx, id, now()).Scan(&one)
		switch {
		case errors.Is(err, sql.ErrNoRows):
			return sessions.ErrNotFound
		case err != nil:
			return sqlretry.NotSent(err) // the database has answered that it has changed nothing
		case again:
			return sqlretry.ErrUnknown
		default:
			return sessions.ErrConflict
		}
	})
	if err != nil {
		return 0, err
	}
	return version, nil
}

// Delete implements [sessions.Backend].
func (b *Backend) Delete(ctx context.Context, id string) error {
	if err := sessions.CheckID(id); err != nil {
		return err
	}
	return b.call.Run(ctx, "delete", func(ctx context.Context, _ bool) error {
		_, err := b.remove.exec(ctx, id)
		return err
	})
}

// Sessions implements [sessions.UserBackend].
func (b *Backend) Sessions(ctx context.Context, user string) (infos []sessions.SessionInfo, err error) {
	if user == "" || len(user) > maxUser {
		return nil, nil
	}
	err = b.call.Run(ctx, "list sessions", func(ctx context.Context, _ bool) error {
		infos = nil
		rows, err := b.list.db.QueryContext(ctx, b.list.text, []byte(user), now())
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var id string
			var expires int64
			var data []byte
			if err := rows.Scan(&id, &expires, &data); err != nil {
				return err
			}
			infos = append(infos, sessions.Record{Data: data, User: user, Expires: time.UnixMicro(expires)}.Info(id))
		}
		return rows.Err()
	})
	if err != nil {
		return nil, err
	}
	slices.SortFunc(infos, func(a, b sessions.SessionInfo) int {
		if c := b.Created.Compare(a.Created); c != 0 {
			return c
		}
		return strings.Compare(a.ID, b.ID)
	})
	return infos, nil
}

// EndUser implements [sessions.UserBackend]. A session that is given to the user while
// EndUser runs may stay.
func (b *Backend) EndUser(ctx context.Context, user string, except ...string) error {
	if user == "" || len(user) > maxUser {
		return nil
	}
	args := []any{[]byte(user)}
	var marks []string
	for _, id := range except {
		if sessions.CheckID(id) == nil {
			args = append(args, id)
			marks = append(marks, fmt.Sprintf("$%d", len(args)))
		}
	}
	end := b.end
	if len(marks) > 0 {
		end.text += b.db.Dialect.SQL(" AND id NOT IN (" + strings.Join(marks, ", ") + ")")
	}
	return b.call.Run(ctx, "end sessions", func(ctx context.Context, _ bool) error {
		_, err := end.exec(ctx, args...)
		return err
	})
}

const (
	sweepBatch = 500 // rows in one statement, which locks SQLite for some 20 ms
	// sweepGrace is how long an expired session stays at least: the clocks of other
	// instances may be behind.
	sweepGrace = time.Minute
)

// DeleteExpired deletes sessions that have expired, at most limit of them, and returns
// how many it deleted, even if it also returns an error. The row of a session stays for
// up to an hour after the session has expired. Call it from a scheduled job until it
// returns less than limit; several instances may call it at once. Each statement deletes
// up to 500 rows and has the Timeout of the Config.
func (b *Backend) DeleteExpired(ctx context.Context, limit int) (deleted int, err error) {
	for deleted < limit {
		batch := min(limit-deleted, sweepBatch)
		before := time.Now().Add(-sweepGrace).UnixMicro()
		var n int64
		err := b.call.Run(ctx, "delete expired", func(ctx context.Context, _ bool) (err error) {
			n, err = b.sweep.exec(ctx, before/microsecondsPerHour, before, batch)
			return err
		})
		deleted += int(n)
		if err != nil || int(n) < batch {
			return deleted, err
		}
	}
	return deleted, nil
}
