// Package sqldb has the type of a SQL database that the stores of this module use: SQLite
// in a file, or PostgreSQL.
//
// It links no driver. A program imports the package that opens its database, which links
// the driver:
//
//	db, err := sqlite.Open("/var/lib/app/app.db", sqlite.Config{}) // sqldb/sqlite
//	db, err := postgres.Open("postgres://...", postgres.Config{})  // sqldb/postgres
//
// A program that has a *sql.DB already, such as one of Google's Cloud SQL connector, puts
// it into a [DB] itself.
//
// The example of [DB.Migrate] makes and changes tables.
package sqldb

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"
)

// A Dialect is the kind of SQL that a database understands.
type Dialect int

const (
	// SQLite is SQLite 3.51.3 or later. Earlier ones can corrupt a database in WAL mode.
	SQLite Dialect = iota + 1
	// PostgreSQL is PostgreSQL 12 or later.
	PostgreSQL
)

// String returns the name of the database.
func (d Dialect) String() string {
	switch d {
	case SQLite:
		return "SQLite"
	case PostgreSQL:
		return "PostgreSQL"
	default:
		return fmt.Sprintf("Dialect(%d)", int(d))
	}
}

// SQL returns text in this dialect. The text is written for PostgreSQL, with $1 for the
// first argument. Text between {pg: and } is for PostgreSQL only, and text between {lite:
// and } is for SQLite only.
func (d Dialect) SQL(text string) string {
	mine, others := "{pg:", "{lite:"
	if d == SQLite {
		mine, others = others, mine
	}
	for {
		before, rest, found := strings.Cut(text, others)
		if !found {
			break
		}
		_, after, _ := strings.Cut(rest, "}")
		text = before + after
	}
	for {
		before, rest, found := strings.Cut(text, mine)
		if !found {
			break
		}
		inside, after, _ := strings.Cut(rest, "}")
		text = before + inside + after
	}
	if d == SQLite {
		// SQLite takes $1 for a name, and ?1 for the first argument.
		text = strings.ReplaceAll(text, "$", "?")
	}
	return text
}

// A DB is a database. The stores of one program share it. It is safe for concurrent use;
// do not change its fields after the first use.
type DB struct {
	Dialect Dialect
	// Write runs every statement that changes something. For SQLite it must be limited to
	// one connection, and begin its transactions with BEGIN IMMEDIATE.
	Write *sql.DB
	// Read runs the statements that change nothing. If nil, Write runs them.
	Read *sql.DB
}

// Reader returns the pool for statements that change nothing.
func (db *DB) Reader() *sql.DB {
	if db.Read != nil {
		return db.Read
	}
	return db.Write
}

// Check returns an error that says what is wrong with the fields of db.
func (db *DB) Check() error {
	switch {
	case db == nil || db.Write == nil:
		return errors.New("sqldb: there is no database: set DB.Write, or open one with sqldb/sqlite or sqldb/postgres")
	case db.Dialect != SQLite && db.Dialect != PostgreSQL:
		return fmt.Errorf("sqldb: unknown %v: set DB.Dialect to SQLite or PostgreSQL", db.Dialect)
	}
	return nil
}

// Probe asks the database for a response, as a health check does.
func (db *DB) Probe(ctx context.Context) error {
	var one int
	if err := db.Reader().QueryRowContext(ctx, "SELECT 1").Scan(&one); err != nil {
		return fmt.Errorf("sqldb: %w", err)
	}
	return nil
}

// Close closes both pools.
func (db *DB) Close() error {
	var errs []error
	if db.Read != nil {
		errs = append(errs, db.Read.Close())
	}
	return errors.Join(append(errs, db.Write.Close())...)
}

// migratePatience bounds a migration, which waits for those of other instances.
const migratePatience = time.Minute

// migrationLock is the advisory lock that migrations take in PostgreSQL. Its number is
// the first eight bytes of the SHA-256 of "webapp2go_schema".
const migrationLock = 0x7a529a1980eb35ec

// Migrate brings the tables of a part of the program, such as "sessions", up to date. Each
// step is a list of statements; step n makes version n out of version n-1. The steps that
// the database has not had are run in one transaction under a lock, so that any number of
// instances may start at once. If there are none, Migrate reads one row and needs no right
// to change tables.
//
// It returns an error that names both versions if the database is newer than the program.
func (db *DB) Migrate(ctx context.Context, part string, steps ...[]string) error {
	ctx, cancel := context.WithTimeout(ctx, migratePatience)
	defer cancel()
	if version, err := db.version(ctx, db.Reader(), part); err == nil && version > 0 {
		if done, err := upToDate(part, version, len(steps)); done {
			return err
		}
	} // an error means that the table of versions does not exist
	if err := db.migrate(ctx, part, steps); err != nil {
		return fmt.Errorf("sqldb: cannot make the tables of %q: %w", part, err)
	}
	return nil
}

func upToDate(part string, version, want int) (done bool, err error) {
	if version > want {
		return true, fmt.Errorf("the tables of %q have version %d, and this program knows versions up to %d: start a newer program", part, version, want)
	}
	return version == want, nil
}

func (db *DB) migrate(ctx context.Context, part string, steps [][]string) error {
	tx, err := db.Write.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	if db.Dialect == PostgreSQL {
		// CREATE TABLE IF NOT EXISTS alone fails if two run at once.
		if _, err := tx.ExecContext(ctx, fmt.Sprintf("SELECT pg_advisory_xact_lock(%d)", int64(migrationLock))); err != nil {
			return err
		}
	}
	if _, err := tx.ExecContext(ctx, "CREATE TABLE IF NOT EXISTS webapp2go_schema (part TEXT PRIMARY KEY, version INTEGER NOT NULL)"); err != nil {
		return err
	}
	version, err := db.version(ctx, tx, part)
	if err != nil {
		return err
	}
	if done, err := upToDate(part, version, len(steps)); done {
		return err
	}
	for _, step := range steps[version:] {
		for _, statement := range step {
			if _, err := tx.ExecContext(ctx, db.Dialect.SQL(statement)); err != nil {
				return fmt.Errorf("%w, in %q", err, strings.Join(strings.Fields(statement), " "))
			}
		}
	}
	_, err = tx.ExecContext(ctx, db.Dialect.SQL("INSERT INTO webapp2go_schema (part, version) VALUES ($1, $2) ON CONFLICT (part) DO UPDATE SET version = excluded.version"), part, len(steps))
	if err != nil {
		return err
	}
	return tx.Commit()
}

// version returns the version of the tables of a part, 0 if there are none.
func (db *DB) version(ctx context.Context, from interface {
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}, part string) (version int, err error) {
	err = from.QueryRowContext(ctx, db.Dialect.SQL("SELECT version FROM webapp2go_schema WHERE part = $1"), part).Scan(&version)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, nil
	}
	return version, err
}
