package valkey

import (
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

// LoseIndex deletes the set of the index that lists a user's sessions.
func LoseIndex(t *testing.T, b *Backend, user string) {
	t.Helper()
	if n, err := b.server.client.Del(t.Context(), b.indexKey(userHash(user))).Result(); n != 1 || err != nil {
		t.Fatalf("%d indexes are deleted: %v", n, err)
	}
}

// Entries returns how many entries of a user the index has.
func Entries(t *testing.T, b *Backend, user string) int {
	t.Helper()
	ids, _, err := b.entries(t.Context(), userHash(user))
	if err != nil {
		t.Fatal(err)
	}
	return len(ids)
}

// InSearch starts a search for the sessions of a user, and calls do when it has read all.
func InSearch(t *testing.T, b *Backend, user string, do func()) {
	t.Helper()
	owner := userHash(user)
	key := b.indexKey(owner)
	witness := b.testify(t.Context(), key)
	entries, err := b.scan(t.Context(), owner[:bucketSize])
	if err != nil {
		t.Fatal(err)
	}
	do()
	b.complete(t.Context(), key, witness, entries)
}

// LoseEntries deletes entries of a user's sessions from the index.
func LoseEntries(t *testing.T, b *Backend, user string, ids ...string) {
	t.Helper()
	before := Entries(t, b, user)
	for _, id := range ids {
		b.forget(t.Context(), userHash(user), id)
	}
	if after := Entries(t, b, user); after != before-len(ids) {
		t.Fatalf("%d entries of %d are left", after, before)
	}
}

// Enter makes the entry of a session that is not there yet.
func Enter(t *testing.T, b *Backend, user, id string) {
	t.Helper()
	owner := userHash(user)
	z := redis.Z{Score: float64(entryEnd(time.Now())), Member: entry(owner, id)}
	if err := b.server.client.ZAdd(t.Context(), b.indexKey(owner), z).Err(); err != nil {
		t.Fatal(err)
	}
}

// IndexSize returns how many entries all sets of the index have.
func IndexSize(t *testing.T, b *Backend) (n int64) {
	t.Helper()
	for _, key := range b.server.client.Keys(t.Context(), b.server.prefix+"user:*").Val() {
		n += b.server.client.ZCard(t.Context(), key).Val()
	}
	return n
}

// EntryEnd returns when the entry of a session ends.
func EntryEnd(t *testing.T, b *Backend, user, id string) time.Time {
	t.Helper()
	owner := userHash(user)
	score, err := b.server.client.ZScore(t.Context(), b.indexKey(owner), entry(owner, id)).Result()
	if err != nil {
		t.Fatal(err)
	}
	return time.UnixMicro(int64(score))
}
