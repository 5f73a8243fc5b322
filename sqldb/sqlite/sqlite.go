// Package sqlite opens a database of SQLite in a file, for one machine:
//
//	db, err := sqlite.Open("/var/lib/app/app.db", sqlite.Config{})
//	if err != nil {
//		log.Fatal(err)
//	}
//	defer db.Close()
//
// It links the driver modernc.org/sqlite, which is SQLite's C code translated to Go: no C
// compiler is needed. Several processes of one machine may open the file at once. It must
// not be on a network file system, since SQLite's WAL mode needs shared memory.
//
// While the database is open, and after a crash, it has two more files, whose names end
// in -wal and -shm. To copy a database in use, run VACUUM INTO 'copy.db'; a copy of the
// file alone lacks the changes in -wal.
package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"modernc.org/sqlite"

	"github.com/webapp2go/webapp2go/sqldb"
)

// A Config says how the database is written. The zero value works.
type Config struct {
	// Relaxed leaves it to the operating system when a change reaches the disk. A crash
	// of the program loses nothing. A power cut can lose the changes since the last
	// checkpoint, which are some hundred sessions, and so undo a logout. If false, every
	// change is on the disk before it is acknowledged, and takes three to four times as
	// long.
	Relaxed bool
	// Readers is how many connections read at once. If zero, 4.
	Readers int
	// MaxBytes is how large the file may become. If zero, only the disk limits it.
	MaxBytes int64
}

const (
	// busyTimeout is how long a connection waits for that of another process.
	busyTimeout = 5 * time.Second
	// applicationID is in the header of a file that Open has made: "w2go".
	applicationID = 0x7732676f
	pageSize      = 4096
	openPatience  = 10 * time.Second
)

// Open opens the database in a file. If there is no such file, it makes one that only its
// owner can read (mode 0600). The folder must exist.
//
// It returns an error that says how to fix it if the file cannot be used: its folder is
// missing or read-only, it is not a database, or it is the database of another program.
func Open(path string, c Config) (*sqldb.DB, error) {
	db, err := open(path, c)
	if err != nil {
		return nil, fmt.Errorf("sqldb/sqlite: %w", err)
	}
	return db, nil
}

func open(path string, c Config) (*sqldb.DB, error) {
	switch {
	case path == "":
		return nil, errors.New("the path of the file is empty: name one")
	case strings.Contains(path, ":memory:"):
		return nil, fmt.Errorf("%q is not a file: each connection would have a database of its own. Use the stores in memory instead", path)
	case c.Readers < 0:
		return nil, fmt.Errorf("Config.Readers is %d: give a positive number, or 0 for 4", c.Readers)
	case c.MaxBytes != 0 && c.MaxBytes < 64*pageSize:
		return nil, fmt.Errorf("Config.MaxBytes is %d: give %d at least, or 0 for no limit", c.MaxBytes, 64*pageSize)
	}
	if c.Readers == 0 {
		c.Readers = 4
	}
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	if err := makeFile(path); err != nil {
		return nil, err
	}
	synchronous := "FULL"
	if c.Relaxed {
		synchronous = "NORMAL"
	}
	settings := fmt.Sprintf("_pragma=busy_timeout(%d)&_pragma=synchronous(%s)&_pragma=journal_mode(WAL)&_txlock=immediate", busyTimeout.Milliseconds(), synchronous)
	if c.MaxBytes > 0 {
		settings += fmt.Sprintf("&_pragma=max_page_count(%d)", c.MaxBytes/pageSize)
	}
	write, err := pool(path, settings, 1)
	if err != nil {
		return nil, err
	}
	read, err := pool(path, fmt.Sprintf("_pragma=busy_timeout(%d)&_pragma=query_only(1)", busyTimeout.Milliseconds()), c.Readers)
	if err != nil {
		return nil, err
	}
	db := &sqldb.DB{Dialect: sqldb.SQLite, Write: write, Read: read}
	ctx, cancel := context.WithTimeout(context.Background(), openPatience)
	defer cancel()
	if err := claim(ctx, write, path); err != nil {
		db.Close()
		return nil, err
	}
	return db, nil
}

// makeFile makes an empty file that only its owner can read: SQLite itself would let
// everybody read it.
func makeFile(path string) error {
	folder := filepath.Dir(path)
	switch info, err := os.Stat(folder); {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("the folder %s does not exist: make it with mkdir -p, or name another", folder)
	case err != nil:
		return err
	case !info.IsDir():
		return fmt.Errorf("%s is not a folder: name another", folder)
	}
	file, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err == nil {
		return file.Close()
	}
	info, statErr := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrExist) && statErr == nil && info.IsDir():
		return fmt.Errorf("%s is a folder: name a file", path)
	case errors.Is(err, fs.ErrExist):
		return nil
	default:
		return fmt.Errorf("%s cannot be made: %w. Give this user the right to write in %s, mount a volume there, or name another file", path, err, folder)
	}
}

// pool opens path with connections that all have these settings.
func pool(path, settings string, connections int) (*sql.DB, error) {
	escaped := strings.NewReplacer("%", "%25", "?", "%3f", "#", "%23").Replace(filepath.ToSlash(path))
	db, err := sql.Open("sqlite", "file:"+escaped+"?"+settings)
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(connections)
	db.SetMaxIdleConns(connections)
	return db, nil
}

// claim checks that the file is a database of ours, and marks an empty one.
func claim(ctx context.Context, write *sql.DB, path string) error {
	for {
		err := claimOnce(ctx, write, path)
		// The change to WAL mode does not wait for another process that makes it too.
		if code(err) != sqliteBusy || ctx.Err() != nil {
			return explain(path, err)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

func claimOnce(ctx context.Context, write *sql.DB, path string) error {
	tx, err := write.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback()
	var id, tables int
	if err := tx.QueryRowContext(ctx, "PRAGMA application_id").Scan(&id); err != nil {
		return err
	}
	if err := tx.QueryRowContext(ctx, "SELECT count(*) FROM sqlite_master").Scan(&tables); err != nil {
		return err
	}
	switch {
	case id != 0 && id != applicationID:
		return fmt.Errorf("%s is the database of another program (application_id %#x): name another file", path, id)
	case id == 0 && tables == 0:
		if _, err := tx.ExecContext(ctx, fmt.Sprintf("PRAGMA application_id = %d", applicationID)); err != nil {
			return err
		}
	}
	return tx.Commit()
}

// The result codes of SQLite that have a sentence here.
const (
	sqliteBusy     = 5
	sqliteReadOnly = 8
	sqliteFull     = 13
	sqliteCantOpen = 14
	sqliteNotADB   = 26
)

// code returns the primary result code of an error of SQLite, 0 for any other error.
func code(err error) int {
	if e, ok := errors.AsType[*sqlite.Error](err); ok {
		return e.Code() & 0xff
	}
	return 0
}

func explain(path string, err error) error {
	switch code(err) {
	case sqliteReadOnly, sqliteCantOpen:
		return fmt.Errorf("%s cannot be opened for writing: %w. Give this user the right to write to it and to its folder %s, mount a volume there, or name another file", path, err, filepath.Dir(path))
	case sqliteFull:
		return fmt.Errorf("no room for %s: %w. Make room on the disk, or name another file", path, err)
	case sqliteNotADB:
		return fmt.Errorf("%s is not a SQLite database: %w. Name another file", path, err)
	}
	return err
}
