package datastore

import (
	"context"
	"errors"
	"fmt"

	gcds "cloud.google.com/go/datastore"

	"github.com/webapp2go/webapp2go/internal/datastoretx"
	"github.com/webapp2go/webapp2go/sessions"
)

// change replaces the entity of id with what decide makes of the old one (nil:
// there is none), and returns an error of decide as it is. Decide runs once for
// each attempt, counted from 1, and must not change what they share.
//
// Of an attempt whose commit has failed, the next one learns by the mark whether it
// was applied all the same.
func (b *Backend) change(ctx context.Context, doing, id string, mark []byte, decide func(old *entity, attempt int) (*entity, error)) error {
	key := b.key(id)
	err := datastoretx.Run(ctx, b.client, "sessions/datastore: "+doing, func(tx *gcds.Transaction, attempt int) error {
		old := new(entity)
		switch err := tx.Get(key, old); {
		case errors.Is(err, gcds.ErrNoSuchEntity):
			old = nil
		case err != nil:
			return err
		case old.writes.has(mark):
			return datastoretx.ErrApplied
		}
		next, err := decide(old, attempt)
		if err != nil {
			return datastoretx.Refuse(err)
		}
		_, err = tx.Mutate(gcds.NewUpdate(key, next)) // which never creates, in any mode of concurrency
		return err
	})
	if errors.Is(err, gcds.ErrConcurrentTransaction) {
		return fmt.Errorf("%w: %w", sessions.ErrConflict, err)
	}
	return err
}
