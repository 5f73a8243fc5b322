package valkey

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/webapp2go/webapp2go/sessions"
)

// A Backend keeps sessions in Valkey. Make one with [New]. It is safe for concurrent use,
// by any number of processes that share the server.
type Backend struct{ server *server }

var (
	_ sessions.UserBackend    = (*Backend)(nil)
	_ sessions.CurrentBackend = (*Backend)(nil)
)

// Probe asks every node for a response, as a health check does.
func (b *Backend) Probe(ctx context.Context) error {
	if err := b.server.probe(ctx); err != nil {
		return failure("probe", err)
	}
	return nil
}

// Close closes the connections. The Backend cannot be used after it.
func (b *Backend) Close() error { return b.server.client.Close() }

// LoadIsCurrent implements [sessions.CurrentBackend].
func (b *Backend) LoadIsCurrent() bool { return true }

// The value of a session is a header of fixed size, which the scripts read, and then the
// user and the data:
//
//	format   1 byte, "1"
//	version  16 hexadecimal digits
//	expires  16 decimal digits: microseconds since 1970, UTC
//	owner    22 characters: the hash of the user; dashes: of no user
//	length   8 hexadecimal digits: that of the user
const (
	format     = "1"
	ownerAt    = 1 + 16 + 16
	ownerSize  = 22
	headerSize = ownerAt + ownerSize + 8
	nobody     = "----------------------"
)

const (
	maxRecord  = 8 << 20               // bytes of user and data
	maxExpires = 9_999_999_999_999_999 // in the year 2286: later ones expire then
	// entryLife is how long an entry of the index outlives its session: the clocks of
	// instances differ.
	entryLife = 24 * time.Hour
	// bucketSize is how many characters of the hash of a user name the set of the index.
	bucketSize = 2
	// whole is the entry of a set that lists every session of its users.
	whole = "."
)

// ownerOf returns the owner in the header of r.
func ownerOf(r sessions.Record) string {
	if r.User == "" {
		return nobody
	}
	return userHash(r.User)
}

func userHash(user string) string {
	hash := sha256.Sum256([]byte(user))
	return base64.RawURLEncoding.EncodeToString(hash[:])[:ownerSize]
}

func (b *Backend) key(id string) string { return b.server.prefix + id }

func (b *Backend) indexKey(owner string) string {
	return b.server.prefix + "user:" + owner[:bucketSize]
}

// An entry of the index is the rest of the owner and the id. It has 63 bytes: Redis keeps
// small sets whose members have 64 bytes at most in little memory.
func entry(owner, id string) string { return owner[bucketSize:] + id }

// entryEnd returns the score of the entry of a session that ends at expires.
func entryEnd(expires time.Time) int64 { return microseconds(expires.Add(entryLife)) }

func encode(r sessions.Record, version uint64) []byte {
	value := make([]byte, 0, headerSize+len(r.User)+len(r.Data))
	value = fmt.Appendf(value, "%s%016x%016d%s%08x", format, version, microseconds(r.Expires), ownerOf(r), len(r.User))
	value = append(value, r.User...)
	return append(value, r.Data...)
}

func microseconds(t time.Time) int64 { return min(max(t.UnixMicro(), 0), maxExpires) }

// decode is the inverse of encode. If value does not have this format, ok is false.
func decode(value string) (r sessions.Record, ok bool) {
	if len(value) < headerSize || !strings.HasPrefix(value, format) {
		return r, false
	}
	version, err1 := strconv.ParseUint(value[1:17], 16, 64)
	expires, err2 := strconv.ParseInt(value[17:33], 10, 64)
	length, err3 := strconv.ParseUint(value[ownerAt+ownerSize:headerSize], 16, 31)
	rest := value[headerSize:]
	if err1 != nil || err2 != nil || err3 != nil || length > uint64(len(rest)) {
		return r, false
	}
	return sessions.Record{User: rest[:length], Data: []byte(rest[length:]), Expires: time.UnixMicro(expires), Version: version}, true
}

// Load implements [sessions.Backend].
func (b *Backend) Load(ctx context.Context, id string) (r sessions.Record, err error) {
	if err := sessions.CheckID(id); err != nil {
		return r, err
	}
	key := b.key(id)
	err = b.server.run(ctx, "load", key, func(ctx context.Context, _ bool) error {
		value, err := b.server.client.Get(ctx, key).Result()
		if errors.Is(err, redis.Nil) {
			return sessions.ErrNotFound
		}
		if err != nil {
			return err
		}
		var ok bool
		if r, ok = decode(value); !ok || !time.Now().Before(r.Expires) {
			return sessions.ErrNotFound
		}
		return nil
	})
	if err != nil {
		return sessions.Record{}, err
	}
	return r, nil
}

// The scripts take KEYS: the session, and the index of its owner if it is on the same node.
// ARGV: 1 the new version, 2 the new value, 3 its life in milliseconds, 4 now in
// microseconds, 5 the owner, 6 the entry of the index and 7 its score, 8 the version that
// Update is over.
//
// They compare numbers with tonumber, which is exact until the year 2255; the order of
// strings would depend on the server's locale. The first command that writes must be one
// that a full server refuses: after any other it would accept all the rest.
//
// A score never becomes smaller: in a cluster the entry is written even if its session then
// is not, and must not end before it.
const indexText = `
local function index(key, owned)
	local added = redis.call('ZADD', key, 'GT', ARGV[7], ARGV[6])
	if added == 1 and owned then -- there was an entry, and it is lost: others may be too
		redis.call('ZREM', key, '.')
	end
	redis.call('ZREMRANGEBYSCORE', key, '-inf', '(' .. ARGV[4])
	return added
end
`

// sweepText removes entries of sessions that the server has evicted, or that have ended:
// for each entry that is added it looks at three, so that most are of sessions that are
// there. It is not for clusters, where the sessions are on other nodes.
const sweepText = `
local function sweep(key)
	local prefix = KEYS[1]:sub(1, -44)
	for _, entry in ipairs(redis.call('ZRANDMEMBER', key, 3)) do
		if #entry == 63 and entry ~= ARGV[6] and redis.call('EXISTS', prefix .. entry:sub(21)) == 0 then
			redis.call('ZREM', key, entry)
		end
	end
end
`

var (
	createScript = newScript(indexText + sweepText + `
local old = redis.call('GETRANGE', KEYS[1], 0, 32)
if #old == 33 then
	if old:sub(2, 17) == ARGV[1] then return 'done' end
	if tonumber(old:sub(18, 33)) > tonumber(ARGV[4]) then return 'exists' end
end
if KEYS[2] and index(KEYS[2], false) == 1 then sweep(KEYS[2]) end
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
return 'done'
`)

	// updateScript returns "done" and the owner before.
	updateScript = newScript(indexText + sweepText + `
local old = redis.call('GETRANGE', KEYS[1], 0, 54)
if #old < 55 then return 'none' end
if old:sub(2, 17) == ARGV[1] then return 'done' .. ARGV[5] end
if tonumber(old:sub(18, 33)) <= tonumber(ARGV[4]) then return 'none' end
if old:sub(2, 17) ~= ARGV[8] then return 'conflict' end
local owner = old:sub(34, 55)
if KEYS[2] and index(KEYS[2], owner == ARGV[5]) == 1 then sweep(KEYS[2]) end
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
return 'done' .. owner
`)

	// buryScript is updateScript for a tombstone, which a full server must accept too: it
	// accepts DEL, and then the SET.
	buryScript = newScript(strings.Replace(updateScript.text, "redis.call('SET'", "redis.call('DEL', KEYS[1])\nredis.call('SET'", 1))

	// indexScript is for clusters: its one key is the index.
	indexScript = newScript(indexText + `return index(KEYS[1], false)`)

	// deleteScript returns the owner before.
	deleteScript = newScript(`
local owner = redis.call('GETRANGE', KEYS[1], 33, 54)
redis.call('DEL', KEYS[1])
return owner
`)
)

// A write is a change of one session, which may be tried several times.
type write struct {
	script       script
	id           string
	r            sessions.Record
	version, old uint64
	entered      bool // in a cluster: a try has made the entry of the index
}

// write makes the change, with the index of its owner.
func (b *Backend) write(ctx context.Context, w *write) (answer string, err error) {
	now := time.Now()
	owner := ownerOf(w.r)
	args := []any{
		fmt.Sprintf("%016x", w.version), encode(w.r, w.version), milliseconds(w.r.Expires.Sub(now)), now.UnixMicro(),
		owner, entry(owner, w.id), entryEnd(w.r.Expires), fmt.Sprintf("%016x", w.old),
	}
	keys := []string{b.key(w.id)}
	switch {
	case owner == nobody:
	case b.server.cluster == nil:
		keys = append(keys, b.indexKey(owner))
	default:
		// The entry first: one without a session does no harm, and a session without one
		// could not be ended.
		args := slices.Clone(args)
		args[1] = ""
		added, err := b.server.eval(ctx, indexScript, []string{b.indexKey(owner)}, args...)
		if err != nil {
			return "", err
		}
		w.entered = w.entered || added == int64(1)
	}
	got, err := b.server.eval(ctx, w.script, keys, args...)
	if err != nil {
		return "", err
	}
	answer, _ = got.(string)
	// In a cluster: see indexText. After a conflict too, as the next try finds the entry.
	if w.entered && (answer == "done"+owner || answer == "conflict") {
		err = b.server.client.ZRem(ctx, b.indexKey(owner), whole).Err()
	}
	return answer, err
}

// milliseconds rounds up, and never returns 0, which the server refuses.
func milliseconds(d time.Duration) int64 {
	n := int64(d / time.Millisecond)
	if d%time.Millisecond > 0 { // not by a sum, which a duration of 292 years has no room for
		n++
	}
	return max(1, n)
}

func check(id string, r sessions.Record) error {
	if err := sessions.CheckID(id); err != nil {
		return err
	}
	if r.Expires.IsZero() {
		return errors.New("sessions/valkey: a record that never expires")
	}
	if size := len(r.User) + len(r.Data); size > maxRecord {
		return fmt.Errorf("%w: %d bytes; package valkey keeps %d", sessions.ErrTooLarge, size, maxRecord)
	}
	return nil
}

// Create implements [sessions.Backend].
func (b *Backend) Create(ctx context.Context, id string, r sessions.Record) error {
	if err := check(id, r); err != nil {
		return err
	}
	w := &write{script: createScript, id: id, r: r, version: sessions.NextVersion(0)}
	return b.server.run(ctx, "create", b.key(id), func(ctx context.Context, _ bool) error {
		answer, err := b.write(ctx, w)
		if answer == "exists" {
			return sessions.ErrExists
		}
		return err
	})
}

// errUnknown is the error of an Update that was sent again and found the version of another
// writer.
var errUnknown = errors.New("the connection broke during an update, which may have been carried out")

// Update implements [sessions.Backend].
func (b *Backend) Update(ctx context.Context, id string, r sessions.Record) (version uint64, err error) {
	if err := check(id, r); err != nil {
		return 0, err
	}
	version = sessions.NextVersion(r.Version)
	w := &write{script: updateScript, id: id, r: r, version: version, old: r.Version}
	if r.IsTombstone() {
		w.script = buryScript
	}
	var before string
	err = b.server.run(ctx, "update", b.key(id), func(ctx context.Context, again bool) error {
		answer, err := b.write(ctx, w)
		switch {
		case err != nil:
			return err
		case answer == "none":
			return sessions.ErrNotFound
		case answer == "conflict" && again:
			return errUnknown
		case answer == "conflict":
			return sessions.ErrConflict
		}
		before = strings.TrimPrefix(answer, "done")
		return nil
	})
	if err != nil {
		return 0, err
	}
	if before != ownerOf(r) {
		b.forget(ctx, before, id)
	}
	return version, nil
}

// Delete implements [sessions.Backend].
func (b *Backend) Delete(ctx context.Context, id string) error {
	if err := sessions.CheckID(id); err != nil {
		return err
	}
	var before string
	err := b.server.run(ctx, "delete", b.key(id), func(ctx context.Context, _ bool) error {
		owner, err := b.server.eval(ctx, deleteScript, []string{b.key(id)})
		before, _ = owner.(string)
		return err
	})
	if err == nil {
		b.forget(ctx, before, id)
	}
	return err
}

// forget removes the entry of a session from the index of a user who has it no more. That
// it fails is no harm: entries are checked when they are used, and end by themselves.
func (b *Backend) forget(ctx context.Context, owner, id string) {
	if len(owner) == ownerSize && owner != nobody {
		ctx, cancel := context.WithTimeout(ctx, b.server.timeout)
		defer cancel()
		_ = b.server.client.ZRem(ctx, b.indexKey(owner), entry(owner, id)).Err()
	}
}
