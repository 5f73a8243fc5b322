package valkey

import "testing"

// LoseIndex deletes the index of a user.
func LoseIndex(t *testing.T, b *Backend, user string) {
	t.Helper()
	if n, err := b.server.client.Del(t.Context(), b.indexKey(userHash(user))).Result(); n != 1 || err != nil {
		t.Fatalf("%d indexes are deleted: %v", n, err)
	}
}

// Entries returns how many entries the index of a user has.
func Entries(t *testing.T, b *Backend, user string) int {
	t.Helper()
	ids, err := b.entries(t.Context(), userHash(user))
	if err != nil {
		t.Fatal(err)
	}
	return len(ids)
}
