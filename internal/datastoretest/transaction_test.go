package datastoretest_test

import (
	"sync"
	"testing"

	"cloud.google.com/go/datastore"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/webapp2go/webapp2go/internal/datastoretest"
)

// TestConflicts changes, between the lookup and the commit of a transaction, what
// the transaction has looked up.
func TestConflicts(t *testing.T) {
	client := datastoretest.Start(t).Client(t.Context())
	ctx := t.Context()
	key, other := datastore.NameKey("Note", "key", nil), datastore.NameKey("Note", "other", nil)
	put := func() {
		if _, err := client.Put(ctx, key, &note{Text: "theirs"}); err != nil {
			t.Error(err)
		}
	}
	remove := func() {
		if err := client.Delete(ctx, key); err != nil {
			t.Error(err)
		}
	}
	for _, tt := range []struct {
		name     string
		before   func()
		between  func()
		conflict bool
	}{
		{"nothing", put, func() {}, false},
		{"changed", put, put, true},
		{"deleted", put, remove, true},
		{"appeared", remove, put, true},
		{"appeared and gone again", remove, func() { put(); remove() }, true},
	} {
		for name, options := range map[string][]datastore.TransactionOption{"": nil, ", begun by the lookup": {datastore.BeginLater}} {
			t.Run(tt.name+name, func(t *testing.T) {
				tt.before()
				tx, err := client.NewTransaction(ctx, options...)
				if err != nil {
					t.Fatal(err)
				}
				var before, after note
				missing := tx.Get(key, &before)
				tt.between()
				if err := tx.Get(key, &after); err != missing || after.Text != before.Text {
					t.Errorf("the snapshot changed: %v, %v, then %v, %v", before, missing, after, err)
				}
				if _, err := tx.Put(other, &note{Text: "ours"}); err != nil {
					t.Fatal(err)
				}
				_, err = tx.Commit()
				if tt.conflict && err != datastore.ErrConcurrentTransaction || !tt.conflict && err != nil {
					t.Errorf("Commit: %v, want a conflict: %v", err, tt.conflict)
				}
				if err != nil {
					if err := tx.Rollback(); err != nil {
						t.Errorf("Rollback after a conflict: %v", err)
					}
				}
			})
		}
	}
}

func TestReadOnly(t *testing.T) {
	client := datastoretest.Start(t).Client(t.Context())
	tx, err := client.NewTransaction(t.Context(), datastore.ReadOnly)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Put(datastore.NameKey("Note", "n", nil), &note{}); err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Commit(); status.Code(err) != codes.InvalidArgument {
		t.Errorf("a write in a read-only transaction: %v", err)
	}
}

// TestIncrements is the client's own promise, which holds only if conflicts are
// found and answered in the way it expects.
func TestIncrements(t *testing.T) {
	client := datastoretest.Start(t).Client(t.Context())
	key := datastore.NameKey("Note", "counter", nil)
	const writers, rounds = 8, 10
	var wait sync.WaitGroup
	for range writers {
		wait.Go(func() {
			for range rounds {
				_, err := client.RunInTransaction(t.Context(), func(tx *datastore.Transaction) error {
					var n note
					if err := tx.Get(key, &n); err != nil && err != datastore.ErrNoSuchEntity {
						return err
					}
					n.Rank++
					_, err := tx.Put(key, &n)
					return err
				}, datastore.MaxAttempts(100))
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	wait.Wait()
	var n note
	if err := client.Get(t.Context(), key, &n); err != nil || n.Rank != writers*rounds {
		t.Errorf("the counter is %d, want %d (%v)", n.Rank, writers*rounds, err)
	}
}
