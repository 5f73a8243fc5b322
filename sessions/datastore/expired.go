package datastore

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	gcds "cloud.google.com/go/datastore"
)

const (
	// expiredQuery is how many entities DeleteExpired asks for at once.
	expiredQuery = 500
	// expiredBatch is how many it handles in one transaction: as many as databases take
	// that limit the entity groups of one, such as Google's Datastore emulator.
	expiredBatch = 25
)

// DeleteExpired deletes sessions that have expired, at most limit of them, and returns
// how many it deleted, even if it also returns an error. It is for databases without a
// TTL policy: call it from a scheduled job until it returns less than limit. With
// Config.TTLPolicy it returns an error that wraps [errors.ErrUnsupported].
//
// It costs a query for each 500 sessions, and for each 25 a transaction that begins, reads
// and deletes; Datastore counts the reads and deletes by the session. Every query and
// every transaction has the Timeout of the Config.
func (b *Backend) DeleteExpired(ctx context.Context, limit int) (int, error) {
	if b.config.TTLPolicy {
		return 0, fmt.Errorf("sessions/datastore: delete expired: the TTL policy does that: %w", errors.ErrUnsupported)
	}
	deleted := 0
	for deleted < limit {
		keys, err := b.expiredKeys(ctx, min(limit-deleted, expiredQuery))
		before := deleted
		for batch := range slices.Chunk(keys, expiredBatch) {
			var n int
			if n, err = b.deleteExpired(ctx, batch); err != nil {
				break
			}
			deleted += n
		}
		if err != nil {
			return deleted, failure(ctx, "delete expired", err)
		}
		if deleted == before {
			break
		}
	}
	return deleted, nil
}

func (b *Backend) expiredKeys(ctx context.Context, limit int) ([]*gcds.Key, error) {
	ctx, cancel := context.WithTimeout(ctx, b.config.Timeout)
	defer cancel()
	query := gcds.NewQuery(b.config.Kind).Namespace(b.config.Namespace).
		FilterField("expires", "<", time.Now()).KeysOnly().Limit(limit)
	return b.client.GetAll(ctx, query, nil)
}

// deleteExpired deletes those of the keys that have expired. A session may have been renewed
// since the query, by an instance whose clock is behind ours: the transaction looks again.
func (b *Backend) deleteExpired(ctx context.Context, keys []*gcds.Key) (deleted int, err error) {
	ctx, cancel := context.WithTimeout(ctx, b.config.Timeout)
	defer cancel()
	_, err = b.client.RunInTransaction(ctx, func(tx *gcds.Transaction) error {
		entities := make([]*entity, len(keys))
		err := tx.GetMulti(keys, entities)
		missing, some := errors.AsType[gcds.MultiError](err)
		if err != nil && !some {
			return err
		}
		var expired []*gcds.Key
		for i, key := range keys {
			if (missing == nil || missing[i] == nil) && entities[i].expired() {
				expired = append(expired, key)
			}
		}
		deleted = len(expired)
		return tx.DeleteMulti(expired)
	}, gcds.MaxAttempts(10))
	return deleted, err
}
