package datastore

import (
	"context"
	"errors"
	"fmt"

	gcds "cloud.google.com/go/datastore"

	"github.com/webapp2go/webapp2go/internal/datastoretx"
	"github.com/webapp2go/webapp2go/sessions"
)

// change replaces the entity of id with the result of decide, which gets the old entity,
// or nil if there is none. It returns an error of decide as it is. It calls decide once
// for each attempt, counted from 1; decide must not change values outside of the attempt.
//
// If the commit of an attempt fails, the next attempt finds out by the mark whether it
// was applied.
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
		_, err = tx.Mutate(gcds.NewUpdate(key, next)) // never creates an entity, in any mode of concurrency
		return err
	})
	if errors.Is(err, gcds.ErrConcurrentTransaction) {
		return fmt.Errorf("%w: %w", sessions.ErrConflict, err)
	}
	return err
}
