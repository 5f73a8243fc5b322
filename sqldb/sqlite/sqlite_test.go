package sqlite_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/webapp2go/webapp2go/sqldb"
	"github.com/webapp2go/webapp2go/sqldb/sqlite"
)

func ExampleOpen() {
	dir, err := os.MkdirTemp("", "example")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	db, err := sqlite.Open(filepath.Join(dir, "app.db"), sqlite.Config{})
	if err != nil {
		log.Fatal(err)
	}
	defer db.Close()
	fmt.Println(db.Dialect, db.Probe(context.Background()))
	// Output: SQLite <nil>
}

func open(t *testing.T, path string, c sqlite.Config) *sqldb.DB {
	t.Helper()
	db, err := sqlite.Open(path, c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

// SQLite before 3.51.3 can corrupt a database in WAL mode.
func TestVersion(t *testing.T) {
	db := open(t, filepath.Join(t.TempDir(), "test.db"), sqlite.Config{})
	var major, minor, patch int
	var text string
	if err := db.Write.QueryRow("SELECT sqlite_version()").Scan(&text); err != nil {
		t.Fatal(err)
	}
	if _, err := fmt.Sscanf(text, "%d.%d.%d", &major, &minor, &patch); err != nil {
		t.Fatal(err)
	}
	if slices.Compare([]int{major, minor, patch}, []int{3, 51, 3}) < 0 {
		t.Errorf("SQLite %s is linked, and 3.51.3 is the first that is safe in WAL mode", text)
	}
}

// TestSettings: all connections of both pools have them.
func TestSettings(t *testing.T) {
	for _, relaxed := range []bool{false, true} {
		db := open(t, filepath.Join(t.TempDir(), "test.db"), sqlite.Config{Relaxed: relaxed})
		synchronous := "2"
		if relaxed {
			synchronous = "1"
		}
		for range 4 { // all that it has, since none is given back
			conn, err := db.Read.Conn(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			var query, busy string
			conn.QueryRowContext(t.Context(), "PRAGMA query_only").Scan(&query)
			conn.QueryRowContext(t.Context(), "PRAGMA busy_timeout").Scan(&busy)
			if query != "1" || busy != "5000" {
				t.Errorf("a reader has query_only %s, busy_timeout %s", query, busy)
			}
		}
		for pragma, want := range map[string]string{"journal_mode": "wal", "synchronous": synchronous, "busy_timeout": "5000", "query_only": "0"} {
			var got string
			if err := db.Write.QueryRow("PRAGMA " + pragma).Scan(&got); err != nil || got != want {
				t.Errorf("%s is %s, %v, want %s", pragma, got, err, want)
			}
		}
		if n := db.Write.Stats().MaxOpenConnections; n != 1 {
			t.Errorf("%d connections write", n)
		}
	}
}

// TestModes: nobody else may read the file and its companions.
func TestModes(t *testing.T) {
	path := filepath.Join(t.TempDir(), "test.db")
	db := open(t, path, sqlite.Config{})
	if _, err := db.Write.Exec("CREATE TABLE a (x)"); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{path, path + "-wal", path + "-shm"} {
		info, err := os.Stat(name)
		if err != nil {
			t.Fatal(err)
		}
		if mode := info.Mode().Perm(); mode != 0o600 {
			t.Errorf("%s has mode %o", name, mode)
		}
	}
}

// TestNames: characters that mean something in a URL are part of the name.
func TestNames(t *testing.T) {
	for _, name := range []string{"a?mode=memory", "b#c", "d%20e", "f g", "h&_pragma=query_only(1)", "zoë.db"} {
		path := filepath.Join(t.TempDir(), name)
		db := open(t, path, sqlite.Config{})
		if _, err := db.Write.Exec("CREATE TABLE a (x)"); err != nil {
			t.Errorf("%q: %v", name, err)
		}
		db.Close()
		entries, err := os.ReadDir(filepath.Dir(path))
		if err != nil || len(entries) != 1 || entries[0].Name() != name {
			t.Errorf("%q: the folder holds %v, %v", name, entries, err)
		}
	}
}

func TestMistakes(t *testing.T) {
	dir := t.TempDir()
	file := func(name, content string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	foreign := filepath.Join(dir, "foreign.db")
	db := open(t, foreign, sqlite.Config{})
	if _, err := db.Write.Exec("PRAGMA application_id = 77"); err != nil {
		t.Fatal(err)
	}
	db.Close()
	for name, c := range map[string]struct {
		path   string
		config sqlite.Config
		want   string
	}{
		"no path":             {"", sqlite.Config{}, "name one"},
		"memory":              {":memory:", sqlite.Config{}, "stores in memory"},
		"a missing folder":    {filepath.Join(dir, "missing", "test.db"), sqlite.Config{}, "mkdir -p"},
		"a folder that is no": {filepath.Join(file("file", ""), "test.db"), sqlite.Config{}, "is not a folder"},
		"a folder":            {dir, sqlite.Config{}, "name a file"},
		"no database":         {file("text.db", strings.Repeat("this is no database\n", 100)), sqlite.Config{}, "is not a SQLite database"},
		"another program's":   {foreign, sqlite.Config{}, "another program"},
		"readers":             {filepath.Join(dir, "a.db"), sqlite.Config{Readers: -1}, "Config.Readers"},
		"a size":              {filepath.Join(dir, "a.db"), sqlite.Config{MaxBytes: 1}, "Config.MaxBytes"},
	} {
		t.Run(name, func(t *testing.T) {
			db, err := sqlite.Open(c.path, c.config)
			if err == nil {
				db.Close()
			}
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want one that says %q", err, c.want)
			}
		})
	}
}

// TestReadOnlyFolder needs a file system that even root cannot write to.
func TestReadOnlyFolder(t *testing.T) {
	for _, folder := range []string{"/proc", "/sys"} {
		if _, err := os.Stat(folder); err != nil {
			continue
		}
		if _, err := sqlite.Open(filepath.Join(folder, "test.db"), sqlite.Config{}); err == nil || !strings.Contains(err.Error(), "mount a volume") {
			t.Errorf("%s: error %v, want one that says how to fix it", folder, err)
		}
	}
}

// TestDeadline: a call that waits for the lock of another process, or for the one
// connection that writes, ends with its context, and the connection works after it.
func TestDeadline(t *testing.T) {
	path := filepath.Join(t.TempDir(), "test.db")
	mine, other := open(t, path, sqlite.Config{}), open(t, path, sqlite.Config{})
	if _, err := mine.Write.Exec("CREATE TABLE a (x)"); err != nil {
		t.Fatal(err)
	}
	for name, holder := range map[string]*sqldb.DB{"another process": other, "the connection": mine} {
		tx, err := holder.Write.Begin()
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
		began := time.Now()
		_, err = mine.Write.ExecContext(ctx, "INSERT INTO a VALUES (1)")
		cancel()
		if !errors.Is(err, context.DeadlineExceeded) || time.Since(began) > 4*time.Second {
			t.Errorf("%s: error %v after %v", name, err, time.Since(began))
		}
		if err := tx.Rollback(); err != nil {
			t.Fatal(err)
		}
		if _, err := mine.Write.Exec("INSERT INTO a VALUES (2)"); err != nil {
			t.Errorf("%s: after it: %v", name, err)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	var n int
	err := mine.Read.QueryRowContext(ctx, "WITH RECURSIVE r(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM r) SELECT count(*) FROM r").Scan(&n)
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("an endless query: %v", err)
	}
	if err := mine.Probe(t.Context()); err != nil {
		t.Errorf("after it: %v", err)
	}
}
