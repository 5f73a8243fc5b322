// Package sqlstore keeps users in SQLite or PostgreSQL:
//
//	db, err := sqlite.Open("/var/lib/app/app.db", sqlite.Config{}) // or postgres.Open(url, ...)
//	if err != nil {
//		log.Fatal(err)
//	}
//	defer db.Close()
//	site.Users, err = sqlstore.New(ctx, db, sqlstore.Config{})
//
// It links no driver: the package that opens the database does, sqldb/sqlite or
// sqldb/postgres. Package sessions/sqlstore keeps sessions in the same database.
//
// A user is one row of the table webapp2go_users. Roles and auth ids are JSON, properties
// are one value of CBOR, and times are microseconds since 1970, UTC. Each of the user's keys
// ([auth.User.Keys]) is one row of webapp2go_users_keys, whose primary key makes it unique.
// The database compares keys byte by byte. What counts as the same name is decided by
// [auth.NameKey] alone, and does not depend on a locale of the database.
//
// Every text of a user must be valid UTF-8 without NUL, which PostgreSQL cannot keep.
// Create and Update refuse any other, and nothing is found under it.
//
// # Costs
//
// ByID, ByKey, ByLogin and List are one statement each. An Update that changes no key is a
// transaction of two statements between BEGIN and COMMIT; one that changes keys is five.
// Create is three, and Delete two.
//
// # Lost responses
//
// If the connection breaks during the commit of a transaction, the transaction may have
// been carried out. It is run again within the time of the call, and recognizes its own
// work by the version, which is random. An Update that then finds the version of another
// writer returns another error than [auth.ErrConflict], because its change may have been
// made before that of the other.
//
// The package example signs up a user and logs in.
package sqlstore

import (
	"context"
	crand "crypto/rand"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/webapp2go/webapp2go/auth"
	"github.com/webapp2go/webapp2go/internal/sqlretry"
	"github.com/webapp2go/webapp2go/sqldb"
)

// A Config says how users are kept. The zero value works.
type Config struct {
	// Table is the name of the table of users, of lower-case letters, digits and "_". If
	// empty, "webapp2go_users". The names of the other tables are this one with "_keys" and
	// "_numbers" after it.
	Table string
	// Timeout bounds every call. If zero, 3 seconds.
	Timeout time.Duration
	// If Numbers is true, Create gives the IDs 1, 2 and so on instead of random text, for
	// an application whose other data refers to users by numbers. No number is given
	// twice, even after its user has been deleted. A number may be left out.
	Numbers bool
}

// A Backend keeps users in a SQL database. It is safe for concurrent use, by any number of
// processes that share the database. Make one with [New].
type Backend struct {
	db      *sqldb.DB
	numbers bool
	call    sqlretry.Caller
	byID    *sql.Stmt // prepared for SQLite, since every request of a user needs it; PostgreSQL's driver prepares by itself

	selectUser, selectByKey, selectVersion, insertUser, updateUser, deleteUser string
	selectKeys, lockKeys, insertKeys, deleteKeys, deleteAllKeys                string
	listUsers, listKeys, nextNumber, raiseNumber                               string
}

var _ auth.Backend = (*Backend)(nil)

// New returns a Backend that keeps users in db, which the caller closes. It makes the
// tables if there are none, and changes those of an earlier version. Several instances
// may do that at once. It returns an error if the tables are of a later version.
func New(ctx context.Context, db *sqldb.DB, c Config) (*Backend, error) {
	b, err := newBackend(ctx, db, c)
	if err != nil {
		return nil, fmt.Errorf("auth/sqlstore: %w", err)
	}
	return b, nil
}

func newBackend(ctx context.Context, db *sqldb.DB, c Config) (*Backend, error) {
	if err := db.Check(); err != nil {
		return nil, err
	}
	var err error
	if c.Table, c.Timeout, err = sqlretry.Settle(c.Table, "webapp2go_users", c.Timeout); err != nil {
		return nil, err
	}
	if err := db.Migrate(ctx, c.Table, schema(c.Table)...); err != nil {
		return nil, err
	}
	b := &Backend{db: db, numbers: c.Numbers, call: sqlretry.Caller{
		Package: "auth/sqlstore",
		Timeout: c.Timeout,
		Answers: []error{auth.ErrNotFound, auth.ErrExists, auth.ErrConflict, errUnreadable},
	}}
	b.write(c.Table)
	if err := b.try(ctx); err != nil {
		return nil, err
	}
	if db.Dialect == sqldb.SQLite {
		b.byID, err = db.Reader().PrepareContext(ctx, b.selectUser)
	}
	return b, err
}

// try runs statements that find no row, so that a table of another shape, a right that is
// missing and a server that is read-only show at start.
func (b *Backend) try(ctx context.Context) error {
	args, err := row(&auth.User{})
	if err != nil {
		return err
	}
	return b.change(ctx, "try the tables", func(ctx context.Context, tx *sql.Tx, _ bool) error {
		if _, err := exec(ctx, tx, b.updateUser, append(args, 0)...); err != nil {
			return err
		}
		_, err := exec(ctx, tx, b.deleteAllKeys, "")
		return err
	})
}

// schema returns the steps that make the tables. To change them, add a step.
func schema(table string) [][]string {
	return [][]string{{
		`CREATE TABLE ` + table + ` (
			id         TEXT {pg:COLLATE "C" }PRIMARY KEY,
			version    BIGINT NOT NULL,
			name       TEXT NOT NULL,
			email      TEXT NOT NULL,
			verified   BOOLEAN NOT NULL,
			disabled   BOOLEAN NOT NULL,
			auth_ids   TEXT NOT NULL,
			roles      TEXT NOT NULL,
			password   TEXT NOT NULL,
			stamp      TEXT NOT NULL,
			properties {pg:BYTEA}{lite:BLOB} NOT NULL,
			links      BIGINT NOT NULL,
			created    BIGINT NOT NULL
		)`,
		`CREATE TABLE ` + table + `_keys (
			key     TEXT {pg:COLLATE "C" }PRIMARY KEY,
			user_id TEXT {pg:COLLATE "C" }NOT NULL
		)`,
		`CREATE INDEX ` + table + `_keys_user ON ` + table + `_keys (user_id)`,
		`CREATE TABLE ` + table + `_numbers (last BIGINT NOT NULL)`,
		`INSERT INTO ` + table + `_numbers (last) VALUES (0)`,
	}}
}

// write writes the statements. LIST stands for as many arguments as there are keys.
func (b *Backend) write(table string) {
	const columns = "users.id, version, name, email, verified, disabled, auth_ids, roles, password, stamp, properties, links, created"
	for statement, text := range map[*string]string{
		&b.selectUser:    `SELECT ` + columns + ` FROM TABLE AS users WHERE id = $1`,
		&b.selectByKey:   `SELECT ` + columns + `, key FROM TABLE_keys JOIN TABLE AS users ON users.id = user_id WHERE key IN (LIST)`,
		&b.selectVersion: `SELECT version FROM TABLE WHERE id = $1`,
		&b.insertUser: `INSERT INTO TABLE (id, version, name, email, verified, disabled, auth_ids, roles, password, stamp, properties, links, created)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13) ON CONFLICT (id) DO NOTHING`,
		&b.updateUser: `UPDATE TABLE SET version = $2, name = $3, email = $4, verified = $5, disabled = $6, auth_ids = $7, roles = $8,
			password = $9, stamp = $10, properties = $11, links = $12, created = $13 WHERE id = $1 AND version = $14`,
		&b.deleteUser: `DELETE FROM TABLE WHERE id = $1 AND version = $2`,

		&b.selectKeys: `SELECT key, user_id FROM TABLE_keys WHERE user_id = $1`,
		// In order, so that two changes that want the same keys do not wait for each other.
		&b.lockKeys:      `SELECT key, user_id FROM TABLE_keys WHERE key IN (LIST) ORDER BY key{pg: FOR UPDATE}`,
		&b.insertKeys:    `INSERT INTO TABLE_keys (key, user_id) VALUES LIST ON CONFLICT (key) DO NOTHING`,
		&b.deleteKeys:    `DELETE FROM TABLE_keys WHERE key IN (LIST)`,
		&b.deleteAllKeys: `DELETE FROM TABLE_keys WHERE user_id = $1`,

		&b.listUsers: `SELECT ` + columns + `, id FROM TABLE AS users WHERE id > $1 ORDER BY id LIMIT $2`,
		&b.listKeys: `SELECT ` + columns + `, key FROM TABLE_keys JOIN TABLE AS users ON users.id = user_id
			WHERE key >= $1 AND key < $2 AND key > $3 ORDER BY key LIMIT $4`,

		&b.nextNumber:  `UPDATE TABLE_numbers SET last = last + $1 RETURNING last`,
		&b.raiseNumber: `UPDATE TABLE_numbers SET last = $1 WHERE last < $1`,
	} {
		*statement = b.db.Dialect.SQL(strings.ReplaceAll(text, "TABLE", table))
	}
}

// withList returns a statement with its LIST of n arguments, and what to put before and
// after each.
func (b *Backend) withList(statement string, n int, before, after string) string {
	list := make([]string, n)
	for i := range list {
		list[i] = fmt.Sprintf("%s$%d%s", before, i+1, after)
	}
	return strings.Replace(statement, "LIST", b.db.Dialect.SQL(strings.Join(list, ", ")), 1)
}

// valid reports whether both databases can keep a text.
func valid(text string) bool { return utf8.ValidString(text) && !strings.Contains(text, "\x00") }

// maxKey is longer than every key of a user.
const maxKey = 1100 // bytes

func validKey(key auth.Key) bool { return key != "" && len(key) <= maxKey && valid(string(key)) }

func validID(id string) bool { return id != "" && len(id) <= auth.MaxID && valid(id) }

func notFound(id string) error { return fmt.Errorf("%w: ID %.80q", auth.ErrNotFound, id) }

// checkTexts returns an error if a text of the user cannot be kept.
func checkTexts(u *auth.User) error {
	texts := map[string][]string{
		"ID": {u.ID}, "Name": {u.Name}, "Email": {u.Email}, "Password": {u.Password}, "Stamp": {u.Stamp},
		"AuthIDs": u.AuthIDs, "Roles": u.Roles,
	}
	for field, values := range texts {
		if slices.ContainsFunc(values, func(text string) bool { return !valid(text) }) {
			return fmt.Errorf("auth/sqlstore: %s of a user contains NUL or is not UTF-8", field)
		}
	}
	return nil
}

// row returns the arguments $1 to $13 of the statements that write u.
func row(u *auth.User) ([]any, error) {
	if err := checkTexts(u); err != nil {
		return nil, err
	}
	properties, err := u.Properties.MarshalBinary()
	if err != nil {
		return nil, fmt.Errorf("auth/sqlstore: the properties of a user: %w", err)
	}
	if properties == nil {
		properties = []byte{} // nil is NULL to every driver
	}
	// A nil slice is encoded as null, and so remains nil.
	authIDs, err := json.Marshal(u.AuthIDs)
	if err != nil {
		return nil, err
	}
	roles, err := json.Marshal(u.Roles)
	if err != nil {
		return nil, err
	}
	return []any{u.ID, int64(u.Version), u.Name, u.Email, u.Verified, u.Disabled, string(authIDs), string(roles),
		u.Password, u.Stamp, properties, int64(u.Links), u.Created.UnixMicro()}, nil
}

var errUnreadable = errors.New("auth/sqlstore: a stored user cannot be read")

// scan reads a user, and what comes after it in the row.
func scan(scan func(...any) error, more ...any) (*auth.User, error) {
	u := new(auth.User)
	var version, links, created int64
	var authIDs, roles string
	var properties []byte
	columns := []any{&u.ID, &version, &u.Name, &u.Email, &u.Verified, &u.Disabled, &authIDs, &roles, &u.Password, &u.Stamp, &properties, &links, &created}
	if err := scan(append(columns, more...)...); err != nil {
		return nil, err
	}
	u.Version, u.Links, u.Created = uint64(version), uint64(links), time.UnixMicro(created).UTC()
	err := errors.Join(json.Unmarshal([]byte(authIDs), &u.AuthIDs), json.Unmarshal([]byte(roles), &u.Roles), u.Properties.UnmarshalBinary(properties))
	if err != nil {
		return nil, fmt.Errorf("%w: ID %.80q: %w", errUnreadable, u.ID, err)
	}
	return u, nil
}

// ByID implements [auth.Backend].
func (b *Backend) ByID(ctx context.Context, id string) (u *auth.User, err error) {
	if !validID(id) {
		return nil, notFound(id)
	}
	err = b.call.Run(ctx, "read a user", func(ctx context.Context, _ bool) (err error) {
		var found *sql.Row
		if b.byID != nil {
			found = b.byID.QueryRowContext(ctx, id)
		} else {
			found = b.db.Reader().QueryRowContext(ctx, b.selectUser, id)
		}
		u, err = scan(found.Scan)
		if errors.Is(err, sql.ErrNoRows) {
			return notFound(id)
		}
		return err
	})
	return u, err
}

// ByLogin implements [auth.Backend].
func (b *Backend) ByLogin(ctx context.Context, text string) (*auth.User, error) {
	return b.byKeys(ctx, auth.LoginKeys(text)...)
}

// ByKey implements [auth.Backend].
func (b *Backend) ByKey(ctx context.Context, key auth.Key) (*auth.User, error) {
	return b.byKeys(ctx, key)
}

// byKeys returns the user of the first key that belongs to one.
func (b *Backend) byKeys(ctx context.Context, keys ...auth.Key) (u *auth.User, err error) {
	keys = slices.DeleteFunc(slices.Clone(keys), func(key auth.Key) bool { return !validKey(key) })
	if len(keys) == 0 {
		return nil, auth.ErrNotFound
	}
	err = b.call.Run(ctx, "read a user by key", func(ctx context.Context, _ bool) error {
		found, err := b.read(ctx, b.withList(b.selectByKey, len(keys), "", ""), texts(keys)...)
		if err != nil {
			return err
		}
		for _, key := range keys {
			if i := slices.IndexFunc(found, func(f keyed) bool { return f.key == string(key) }); i >= 0 {
				u = found[i].user
				return nil
			}
		}
		return auth.ErrNotFound
	})
	return u, err
}

// keyed is a user and the key that it was found under.
type keyed struct {
	user *auth.User
	key  string
}

// read reads rows of users and keys.
func (b *Backend) read(ctx context.Context, statement string, args ...any) (found []keyed, err error) {
	rows, err := b.db.Reader().QueryContext(ctx, statement, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var f keyed
		if f.user, err = scan(rows.Scan, &f.key); err != nil {
			return nil, err
		}
		found = append(found, f)
	}
	return found, rows.Err()
}

func texts(keys []auth.Key) []any {
	args := make([]any, len(keys))
	for i, key := range keys {
		args[i] = string(key)
	}
	return args
}

// List implements [auth.Backend].
func (b *Backend) List(ctx context.Context, prefix auth.Key, after string, limit int) (users []*auth.User, next string, err error) {
	if limit <= 0 || limit > auth.MaxPage {
		limit = auth.MaxPage
	}
	if !valid(after) {
		after = "" // it is not from an earlier page
	}
	if prefix != "" && !validKey(prefix) {
		return nil, "", nil
	}
	var found []keyed
	err = b.call.Run(ctx, "list users", func(ctx context.Context, _ bool) (err error) {
		if prefix == "" {
			found, err = b.read(ctx, b.listUsers, after, limit+1)
		} else {
			found, err = b.read(ctx, b.listKeys, string(prefix), string(prefix)+lastRune, after, limit+1)
		}
		return err
	})
	if err != nil {
		return nil, "", err
	}
	if len(found) > limit {
		found = found[:limit]
		next = found[limit-1].key
	}
	for _, f := range found {
		users = append(users, f.user)
	}
	return users, next, nil
}

const lastRune = "\U0010ffff"

// Create implements [auth.Backend].
func (b *Backend) Create(ctx context.Context, u *auth.User) error {
	keys, err := u.Keys()
	if err != nil {
		return err
	}
	made := u.Clone()
	if made.Created.IsZero() {
		made.Created = time.Now().UTC()
	}
	made.Created = made.Created.Truncate(time.Microsecond)
	made.Version = newVersion()
	if made.ID == "" && !b.numbers {
		made.ID = crand.Text()
	}
	if _, err := row(made); err != nil {
		return err
	}
	for step := int64(1); ; step *= 2 {
		if u.ID == "" && b.numbers {
			if made.ID, err = b.newNumber(ctx, step); err != nil {
				return err
			}
		}
		err = b.create(ctx, made, keys, u.ID != "")
		if taken, ok := errors.AsType[*auth.ExistsError](err); !ok || taken.Key != "" || u.ID != "" || step > maxNumber/2 {
			break
		} // A user of an older system has the number already, and many of the next ones may be taken too.
	}
	if err == nil {
		u.ID, u.Created, u.Version = made.ID, made.Created, made.Version
	}
	return err
}

// create creates a user with an ID. One that is imported had the ID in an older system.
func (b *Backend) create(ctx context.Context, u *auth.User, keys []auth.Key, imported bool) error {
	args, err := row(u)
	if err != nil {
		return err
	}
	return b.change(ctx, "create a user", func(ctx context.Context, tx *sql.Tx, again bool) error {
		n, err := exec(ctx, tx, b.insertUser, args...)
		if err != nil {
			return err
		}
		if n == 0 {
			return b.unchanged(ctx, tx, u, again, &auth.ExistsError{ID: u.ID})
		}
		if number, err := strconv.ParseInt(u.ID, 10, 64); err == nil && number > 0 && number < maxNumber && imported {
			if _, err := exec(ctx, tx, b.raiseNumber, number); err != nil {
				return err
			}
		}
		return b.setKeys(ctx, tx, u.ID, nil, keys)
	})
}

// unchanged returns why a statement that writes u changed no row: errDone if an earlier
// try has written u, ErrUnknown if it may have, and other at the first try.
func (b *Backend) unchanged(ctx context.Context, tx *sql.Tx, u *auth.User, again bool, other error) error {
	version, err := b.version(ctx, tx, u.ID)
	switch {
	case err != nil:
		return err
	case version == u.Version:
		return errDone
	case again:
		return sqlretry.ErrUnknown
	}
	return other
}

// maxNumber leaves room for numbers above that of any user who has come over.
const maxNumber = 1 << 62

// newNumber returns a number that was not given before, as an ID: the last one and step.
func (b *Backend) newNumber(ctx context.Context, step int64) (string, error) {
	var number int64
	err := b.call.Run(ctx, "give a user a number", func(ctx context.Context, _ bool) error {
		return b.db.Write.QueryRowContext(ctx, b.nextNumber, step).Scan(&number)
	})
	return strconv.FormatInt(number, 10), err
}

// Update implements [auth.Backend].
func (b *Backend) Update(ctx context.Context, u *auth.User) error {
	keys, err := u.Keys()
	if err != nil {
		return err
	}
	if !validID(u.ID) {
		return notFound(u.ID)
	}
	next := u.Clone()
	next.Version = newVersion()
	args, err := row(next)
	if err != nil {
		return err
	}
	err = b.change(ctx, "update a user", func(ctx context.Context, tx *sql.Tx, again bool) error {
		n, err := exec(ctx, tx, b.updateUser, append(args, int64(u.Version))...)
		if err != nil {
			return err
		}
		if n == 0 {
			return b.unchanged(ctx, tx, next, again, fmt.Errorf("%w: ID %.80q", auth.ErrConflict, u.ID))
		}
		before, err := ownedKeys(ctx, tx, b.selectKeys, u.ID)
		if err != nil {
			return err
		}
		return b.setKeys(ctx, tx, u.ID, before, keys)
	})
	if err == nil {
		u.Version = next.Version
	}
	return err
}

// Delete implements [auth.Backend].
func (b *Backend) Delete(ctx context.Context, u *auth.User) error {
	if !validID(u.ID) {
		return notFound(u.ID)
	}
	return b.change(ctx, "delete a user", func(ctx context.Context, tx *sql.Tx, again bool) error {
		n, err := exec(ctx, tx, b.deleteUser, u.ID, int64(u.Version))
		if err != nil {
			return err
		}
		if n == 0 {
			_, err := b.version(ctx, tx, u.ID)
			switch {
			case errors.Is(err, auth.ErrNotFound) && again:
				return errDone
			case err != nil:
				return err
			case again:
				return sqlretry.ErrUnknown
			}
			return fmt.Errorf("%w: ID %.80q", auth.ErrConflict, u.ID)
		}
		_, err = exec(ctx, tx, b.deleteAllKeys, u.ID)
		return err
	})
}

// newVersion returns a version that no other writer chooses.
func newVersion() uint64 { return 1 + rand.Uint64N(1<<62) }

// errDone ends a transaction that finds its work done by an earlier try.
var errDone = errors.New("done before")

// change runs f in a transaction, and once more if it is not known whether the
// transaction was committed. The argument again is true then.
func (b *Backend) change(ctx context.Context, doing string, f func(ctx context.Context, tx *sql.Tx, again bool) error) error {
	return b.call.Run(ctx, doing, func(ctx context.Context, again bool) error {
		tx, err := b.db.Write.BeginTx(ctx, nil)
		if err != nil {
			return sqlretry.NotSent(err)
		}
		defer tx.Rollback()
		switch err := f(ctx, tx, again); {
		case errors.Is(err, errDone):
			return nil
		case errors.Is(err, auth.ErrNotFound), errors.Is(err, auth.ErrExists), errors.Is(err, auth.ErrConflict):
			return err
		case err != nil:
			return sqlretry.NotSent(err)
		}
		return tx.Commit()
	})
}

// version returns that of the stored user, or [auth.ErrNotFound].
func (b *Backend) version(ctx context.Context, tx *sql.Tx, id string) (uint64, error) {
	var version int64
	err := tx.QueryRowContext(ctx, b.selectVersion, id).Scan(&version)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, notFound(id)
	}
	return uint64(version), err
}

// setKeys replaces the keys of a user that the transaction has locked.
func (b *Backend) setKeys(ctx context.Context, tx *sql.Tx, id string, before map[string]string, keys []auth.Key) error {
	var gone, added []auth.Key
	for key := range before {
		if !slices.Contains(keys, auth.Key(key)) {
			gone = append(gone, auth.Key(key))
		}
	}
	for _, key := range keys { // which are sorted
		if _, has := before[string(key)]; !has {
			added = append(added, key)
		}
	}
	changed := slices.Concat(gone, added)
	if len(changed) == 0 {
		return nil
	}
	owners, err := ownedKeys(ctx, tx, b.withList(b.lockKeys, len(changed), "", ""), texts(changed)...)
	if err != nil {
		return err
	}
	for _, key := range added {
		if owner, taken := owners[string(key)]; taken && owner != id {
			return &auth.ExistsError{Key: key}
		}
	}
	if len(gone) > 0 {
		if _, err := exec(ctx, tx, b.withList(b.deleteKeys, len(gone), "", ""), texts(gone)...); err != nil {
			return err
		}
	}
	if len(added) == 0 {
		return nil
	}
	args := append(texts(added), id)
	n, err := exec(ctx, tx, b.withList(b.insertKeys, len(added), "(", fmt.Sprintf(b.db.Dialect.SQL(", $%d)"), len(args))), args...)
	if err == nil && n < int64(len(added)) {
		return sqlretry.ErrOvertaken // the next try finds out by whom
	}
	return err
}

// ownedKeys returns the IDs of users by their keys.
func ownedKeys(ctx context.Context, tx *sql.Tx, statement string, args ...any) (map[string]string, error) {
	rows, err := tx.QueryContext(ctx, statement, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	owners := map[string]string{}
	for rows.Next() {
		var key, owner string
		if err := rows.Scan(&key, &owner); err != nil {
			return nil, err
		}
		owners[key] = owner
	}
	return owners, rows.Err()
}

// exec runs a statement and returns how many rows it has changed.
func exec(ctx context.Context, tx *sql.Tx, statement string, args ...any) (rows int64, err error) {
	result, err := tx.ExecContext(ctx, statement, args...)
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}
