package valkey

import "testing"

// LoseIndex deletes the index of a user.
func LoseIndex(t *testing.T, b *Backend, user string) {
	t.Helper()
	if n, err := b.server.client.Del(t.Context(), b.indexKey(userHash(user))).Result(); n != 1 || err != nil {
		t.Fatalf("%d indexes are deleted: %v", n, err)
	}
}
