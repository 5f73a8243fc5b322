package datastore

import (
	"context"
	"errors"
	"fmt"
	"time"

	gcds "cloud.google.com/go/datastore"
)

// expiredBatch is how many entities DeleteExpired handles in one transaction. Some
// databases limit the entity groups of a transaction to this number, such as Google's
// Datastore emulator.
const expiredBatch = 25

// DeleteExpired deletes sessions that have expired, at most limit of them, and returns
// how many it deleted, even if it also returns an error. It is for databases without a
// TTL policy: call it from a scheduled job until it returns less than limit. With
// Config.TTLPolicy it returns an error that wraps [errors.ErrUnsupported].
//
// It costs four calls for each 25 sessions: a query, and a transaction of begin, lookup
// and commit. Datastore charges one read and one delete for each session. Each batch has
// the Timeout of the Config.
func (b *Backend) DeleteExpired(ctx context.Context, limit int) (int, error) {
	if b.config.TTLPolicy {
		return 0, fmt.Errorf("sessions/datastore: delete expired: the TTL policy does that: %w", errors.ErrUnsupported)
	}
	deleted := 0
	for deleted < limit {
		n, err := b.deleteExpired(ctx, min(limit-deleted, expiredBatch))
		deleted += n
		if err != nil {
			return deleted, failure(ctx, "delete expired", err)
		}
		if n == 0 {
			break
		}
	}
	return deleted, nil
}

func (b *Backend) deleteExpired(ctx context.Context, limit int) (deleted int, err error) {
	ctx, cancel := context.WithTimeout(ctx, b.config.Timeout)
	defer cancel()
	query := gcds.NewQuery(b.config.Kind).Namespace(b.config.Namespace).
		FilterField("expires", "<", time.Now()).KeysOnly().Limit(limit)
	keys, err := b.client.GetAll(ctx, query, nil)
	if err != nil || len(keys) == 0 {
		return 0, err
	}
	// A session may have been renewed since the query by an instance whose clock is
	// behind, so the transaction checks again.
	_, err = b.client.RunInTransaction(ctx, func(tx *gcds.Transaction) error {
		deleted = 0
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
	if err != nil {
		deleted = 0
	}
	return deleted, err
}
